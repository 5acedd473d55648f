"""The two pages around the app: the login, and the one that holds the terminal. Nothing comes from another host."""

from __future__ import annotations

from mapper.appstore import html
from mapper.errors import Language, MapperError
from tui.words import spoken

TITLE = "CCV Shop → WeFact"
STYLE_PATH, TERMINAL_STYLE_PATH = html.STYLE_PATH, "/terminal.css"
SCRIPT_PATH = "/terminal.js"
LOGIN, LOGOUT, SOCKET, FAILED, STATIC = "/login", "/logout", "/ws", "/failed", "/static"

# The terminal makes style elements of its own; scripts come from files alone.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' {socket}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

TERMINAL_STYLE = f"""\
@font-face {{ font-family: "Roboto Mono"; src: url("{STATIC}/fonts/RobotoMono-VariableFont_wght.ttf");
  font-weight: 100 700; }}
@font-face {{ font-family: "Roboto Mono"; src: url("{STATIC}/fonts/RobotoMono-Italic-VariableFont_wght.ttf");
  font-style: italic; font-weight: 100 700; }}
:root {{ color-scheme: dark; }}
html, body {{ height: 100%; margin: 0; background: #14181d; color: #e6e9ee; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ overflow: hidden; }}
#terminal {{ position: absolute; inset: 0; }}
.xterm .xterm-viewport {{ scrollbar-width: none; }}
.over {{ position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 1rem; background: #14181d; z-index: 10; }}
body.-first-byte .opening, .ended {{ display: none; }}
body.-closed .opening {{ display: none; }}
body.-closed .ended {{ display: flex; }}
a, button {{ font: inherit; color: #8ab4f8; background: none; border: 1px solid #8ab4f8; border-radius: .3rem;
  padding: .5rem 1.2rem; cursor: pointer; text-decoration: none; }}
a:focus-visible, button:focus-visible {{ outline: 3px solid #8ab4f8; outline-offset: 2px; }}
"""
# Keys reach the app without a click on it first. An app that failed is told of by a page of its own.
SCRIPT = f"""\
addEventListener("load", () => document.querySelector(".xterm-helper-textarea").focus());
new MutationObserver(async (_, closing) => {{
  if (!document.body.classList.contains("-closed")) return;
  closing.disconnect();
  const told = await fetch("{FAILED}").catch(() => null);
  if (told?.ok) location.replace("{FAILED}");
}}).observe(document.body, {{attributeFilter: ["class"]}});
"""


def login(language: Language, csrf: str, *, name: str = "", error: MapperError | None = None) -> str:
    """Return the page that asks for licence key and password."""
    told = [problem(error, language)] if error is not None else []
    fields = [
        html.entry("name", spoken("Licence key", language), name),
        html.entry("password", spoken("Password", language), kind="password"),
    ]
    heading = spoken("Log in", language)
    body = [f"<h1>{html.safe(heading)}</h1>", *told, html.form(LOGIN, csrf, fields, heading)]
    return html.page(heading, language, body, header=f"<p>{html.safe(TITLE)}</p>")


def failed(language: Language, error: MapperError) -> str:
    """Return a page with an error and the way back."""
    heading = spoken("This did not work", language)
    back = f'<p><a class="button" href="/">{html.safe(spoken("Open again", language))}</a></p>'
    return html.page(heading, language, [problem(error, language), back], header=f"<p>{html.safe(TITLE)}</p>")


def problem(error: MapperError, language: Language) -> str:
    """Return an error as people read it."""
    heading = spoken("This did not work", language)
    return html.problem(heading, error.message(language), error.remedy(language), error.code)


def terminal(language: Language, csrf: str, socket: str) -> str:
    """Return the page that holds the terminal; `socket` is the address of its websocket."""

    def say(text: str) -> str:
        return html.safe(spoken(text, language))

    log_out = html.form(LOGOUT, csrf, [], spoken("Log out", language))
    return f"""\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{html.safe(TITLE)}</title>
<link rel="stylesheet" href="{STATIC}/css/xterm.css">
<link rel="stylesheet" href="{TERMINAL_STYLE_PATH}">
<script src="{STATIC}/js/textual.js"></script>
<script src="{SCRIPT_PATH}" defer></script>
</head>
<body>
<div class="over opening" role="status"><p>{say("Opening the dashboard…")}</p></div>
<div class="over ended" role="status"><p>{say("The dashboard is closed.")}</p>
<p><a href="/">{say("Open again")}</a></p>{log_out}</div>
<noscript><p class="over">{say("The dashboard needs JavaScript.")}</p></noscript>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{html.safe(socket)}" data-font-size="16"></div>
</body>
</html>
"""
