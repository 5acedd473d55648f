"""Plain, accessible HTML: every value is escaped here, nothing comes from another host, nothing needs JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from mapper.diagnostics import printable
from mapper.errors import Language

STYLE_PATH = "/app/style.css"
STYLE = """\
:root { color-scheme: light dark; --line: #8a8f98; --good: #1a7f37; --bad: #b42318; --accent: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff8a80; --accent: #8ab4f8; } }
* { box-sizing: border-box; }
body { font: 1.05rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 44rem; padding: 1.5rem 1rem 4rem; }
header { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); }
header form { margin: .9rem 0; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.15rem; }
label, legend { font-weight: 600; }
fieldset { border: 1px solid var(--line); border-radius: .4rem; margin: 1rem 0; }
fieldset label, .check label { font-weight: 400; }
input[type=text], input[type=email], input[type=password], input[type=date], select {
  display: block; width: 100%; font: inherit; padding: .5rem; margin: .2rem 0 1rem; border: 1px solid var(--line);
  border-radius: .3rem; background: Canvas; color: CanvasText; }
td select { margin: 0; } table { width: 100%; border-collapse: collapse; }
td, th { text-align: left; padding: .25rem .4rem; }
button, .button { font: inherit; font-weight: 600; padding: .55rem 1.2rem; border: 1px solid var(--accent);
  border-radius: .3rem; background: var(--accent); color: Canvas; cursor: pointer; text-decoration: none; }
button.plain { background: transparent; color: var(--accent); font-weight: 400; padding: .2rem .6rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { border-left: .3rem solid var(--bad); padding: .2rem 1rem; margin: 1rem 0; }
.dot { font-weight: 700; } .dot.good { color: var(--good); } .dot.bad { color: var(--bad); }
output { display: block; font: 1.2rem ui-monospace, monospace; padding: .4rem 0; user-select: all; }
"""


def safe(value: object, limit: int = 400) -> str:
    """Return a value from anywhere as text for a page: escaped, without controls, not endless."""
    return escape(printable(str(value), limit))


def page(title: str, language: Language, body: Iterable[str], *, header: str = "") -> str:
    """Return a whole page."""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{safe(title)}</title>\n<link rel="stylesheet" href="{STYLE_PATH}">\n</head>\n<body>\n'
        f"<header>{header}</header>\n<main>\n{chr(10).join(body)}\n</main>\n</body>\n</html>\n"
    )


def form(action: str, csrf: str, inside: Iterable[str], button: str) -> str:
    """Return a form that posts to a path of ours."""
    return (
        f'<form method="post" action="{safe(action)}">\n{hidden("csrf", csrf)}\n{chr(10).join(inside)}\n'
        f"<p><button>{safe(button)}</button></p>\n</form>"
    )


def hidden(name: str, value: str) -> str:
    """Return a value that the browser sends along."""
    return f'<input type="hidden" name="{safe(name)}" value="{safe(value)}">'


def entry(name: str, label: str, value: str = "", *, kind: str = "text", hint: str = "") -> str:
    """Return a labelled field; what is typed as a password is never filled in again."""
    described = f' aria-describedby="{safe(name)}-hint"' if hint else ""
    completes = ' autocomplete="off"' if kind == "password" else ""
    told = f'<p id="{safe(name)}-hint">{safe(hint)}</p>' if hint else ""
    return (
        f'<label for="{safe(name)}">{safe(label)}</label>{told}<input type="{kind}" id="{safe(name)}"'
        f' name="{safe(name)}" value="{safe(value)}"{described}{completes}>'
    )


def choice(
    name: str, label: str, options: Sequence[tuple[str, str]], chosen: str, *, shown: bool = True
) -> str:
    """Return a drop-down; its label is read aloud only when it is not `shown`."""
    labelled = f'<label for="{safe(name)}">{safe(label)}</label>' if shown else ""
    aria = "" if shown else f' aria-label="{safe(label)}"'
    inside = "".join(
        f'<option value="{safe(value)}"{" selected" if value == chosen else ""}>{safe(told)}</option>'
        for value, told in options
    )
    return f'{labelled}<select id="{safe(name)}" name="{safe(name)}"{aria}>{inside}</select>'


def radios(name: str, legend: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    """Return a group of radio buttons."""
    inside = "".join(_radio(name, *one, chosen) for one in options)
    return f"<fieldset><legend>{safe(legend)}</legend>{inside}</fieldset>"


def check(name: str, label: str, value: str = "yes", *, checked: bool = False) -> str:
    """Return a box to tick."""
    mark, id = " checked" if checked else "", safe(f"{name}-{value}")
    return (
        f'<p class="check"><input type="checkbox" id="{id}" name="{safe(name)}" value="{safe(value)}"{mark}>'
        f' <label for="{id}">{safe(label)}</label></p>'
    )


def problem(heading: str, message: str, remedy: str, code: str) -> str:
    """Return an error as people read it; a screen reader speaks it at once."""
    return (
        f'<div class="problem" role="alert"><h2>{safe(heading)}</h2><p>{safe(message, 800)}</p>'
        f"<p>{safe(remedy, 800)} <small>({safe(code)})</small></p></div>"
    )


def dot(name: str, said: str, *, good: bool) -> str:
    """Return a connection's dot with its word: never colour alone."""
    kind, sign = ("good", "●") if good else ("bad", "✗")
    mark = f'<span class="dot {kind}" aria-hidden="true">{sign}</span>'
    return f'<p class="connection">{mark} {safe(name)}: {safe(said)}</p>'


def _radio(name: str, value: str, told: str, chosen: str) -> str:
    mark, id = " checked" if value == chosen else "", safe(f"{name}-{value}")
    return (
        f'<p class="check"><input type="radio" id="{id}" name="{safe(name)}" value="{safe(value)}"{mark}>'
        f' <label for="{id}">{safe(told)}</label></p>'
    )
