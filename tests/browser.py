"""A real Chromium, driven over the WebDriver protocol: one session for a block. Debian: chromium, chromium-driver.

Where they are not installed the tests are skipped, but never with CI=true.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """What a person does: open an address, fill in, press, read."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._client = httpx.Client(trust_env=False, timeout=60)

    def open(self, url: str) -> None:
        self._send("POST", "/url", {"url": url})

    @property
    def url(self) -> str:
        return str(self._send("GET", "/url"))

    def text(self, css: str = "body") -> str:
        return str(self._send("GET", f"/element/{self._find(css)}/text"))

    def fill(self, css: str, value: str) -> None:
        element = self._find(css)
        self._send("POST", f"/element/{element}/clear", {})
        self._send("POST", f"/element/{element}/value", {"text": value})

    def press(self, css: str) -> None:
        self._send("POST", f"/element/{self._find(css)}/click", {})

    def wait_for(self, words: str, *, seconds: float = 30) -> str:
        """Return the page's text once it has these words."""
        until = time.monotonic() + seconds
        while words not in (seen := self._text_so_far()):
            if time.monotonic() > until:
                raise AssertionError(f"{words!r} did not appear at {self.url}:\n{seen}")
            time.sleep(0.05)
        return seen

    def _text_so_far(self) -> str:
        """A page that is just being left has no body, or one that is stale."""
        try:
            return self.text()
        except AssertionError as error:
            if "no such element" in str(error) or "stale element" in str(error):
                return ""
            raise

    def log(self) -> list[str]:
        """Return what the browser itself complained of: blocked styles, failed requests."""
        return [str(entry["message"]) for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self._send("POST", f"/element/{self._send('GET', '/element/active')[_ELEMENT]}/value", {"text": text})

    def run(self, script: str) -> Any:
        """Run a script in the page and return what it returns."""
        return self._send("POST", "/execute/sync", {"script": script, "args": []})

    def before_each_page(self, script: str) -> None:
        """Run a script in every page from now on, before the page's own."""
        wanted = {"cmd": "Page.addScriptToEvaluateOnNewDocument", "params": {"source": script}}
        self._send("POST", "/goog/cdp/execute", wanted)

    def picture(self) -> bytes:
        """Return what the window shows, as PNG."""
        return base64.b64decode(self._send("GET", "/screenshot"))

    def close(self) -> None:
        self._client.delete(self._session)
        self._client.close()

    def _find(self, css: str) -> str:
        found = self._send("POST", "/element", {"using": "css selector", "value": css})
        return str(found[_ELEMENT])

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, self._session + path, json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{path} {body}: {answer['error']}: {answer['message'][:300]}")
        return answer


@contextlib.contextmanager
def chromium(*, javascript: bool = True, downloads: Path | None = None) -> Iterator[Browser]:
    """Start Chromium without a window; both processes end with the block. What it downloads goes to `downloads`."""
    driver, program = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium and chromedriver are not installed: .ci/run installs them")
        pytest.skip("chromium and chromedriver are not installed")
    # In a process group of its own, so that no browser outlives the test, whatever became of the driver.
    with subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        try:
            assert running.stdout is not None
            line = next(line for line in running.stdout if "started successfully on port" in line)
            server = f"http://127.0.0.1:{int(line.rstrip().rstrip('.').rpartition(' ')[2])}"
            options = {
                "binary": program,
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
                "prefs": {} if javascript else {"profile.managed_default_content_settings.javascript": 2},
            }
            if downloads is not None:
                options["prefs"] |= {"download.default_directory": str(downloads)}
            wanted = {
                "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}
            }  # fmt: skip
            asked = httpx.post(
                f"{server}/session",
                json={"capabilities": {"alwaysMatch": wanted}},
                timeout=60,
                trust_env=False,
            )
            browser = Browser(f"{server}/session/{asked.json()['value']['sessionId']}")
            try:
                yield browser
            finally:
                browser.close()
        finally:
            os.killpg(running.pid, signal.SIGKILL)
