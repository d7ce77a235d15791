"""A real browser, for what no other client does: scripts, security keys, what people see. Needs Chromium on the path.

It is driven over the pipe that it has for its own developer tools, so no package has to be installed for it.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
LONGEST_WAIT_SECONDS = 30
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1200,900"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",  # it asks nobody but us
    "--remote-debugging-pipe",
)
PIPES_AS_THREE_AND_FOUR = (
    "import fcntl, os, sys\n"
    "asked, told = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])\n"
    "os.dup2(asked, 3), os.dup2(told, 4)\n"
    "os.execv(sys.argv[3], sys.argv[3:])"
)


class BrowserFault(Exception):
    """The browser refused a command, or the page's script failed."""


class Chromium:
    """One page of a running browser."""

    def __init__(self, asked: IO[bytes], told: IO[bytes]) -> None:
        self._asked, self._told = asked, told
        self._number = 0
        self._session: dict[str, str] = {}
        self.faults: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the developer tools, and wait for what it answers."""
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._asked.write(json.dumps(said).encode() + b"\0")
        while True:
            heard = self._heard()
            if heard.get("id") == self._number:
                if "error" in heard:
                    raise BrowserFault(heard["error"]["message"])
                answered: dict[str, Any] = heard["result"]
                return answered
            self._note(heard)

    def go(self, url: str) -> None:
        """Open an address."""
        self.ask("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """What a script in the page comes to, as if a person had set it off."""
        answered = self.ask("Runtime.evaluate", expression=script, userGesture=True, returnByValue=True)
        if "exceptionDetails" in answered:
            raise BrowserFault(str(answered["exceptionDetails"]))
        return answered["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a script comes to something true, in this page or the one that follows it."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            with contextlib.suppress(BrowserFault):  # between two pages there is none to ask
                if self.run(condition):
                    return
            assert time.monotonic() < deadline, (condition, self.text(), self.faults)
            time.sleep(0.05)

    def wait_until_it_says(self, words: str) -> None:
        """Wait until these words stand in a page that has loaded."""
        self.wait_for(f"document.readyState === 'complete' && document.body.innerText.includes({json.dumps(words)})")

    def text(self) -> str:
        """What the page says."""
        return str(self.run("document.body.innerText"))

    def fill(self, **fields: str) -> None:
        """Type into fields of the page, by their names."""
        for name, typed in fields.items():
            field = f"document.querySelector('input[name={name}]:not([type=hidden])')"
            self.run(f"{field}.value = {json.dumps(typed)}")

    def press(self, words: str) -> None:
        """Press the button, or follow the link, that says this."""
        says_it = f"(each) => each.textContent.trim() === {json.dumps(words)}"
        self.run(f"[...document.querySelectorAll('button, a')].find({says_it}).click()")

    def type_enter(self) -> None:
        """Press the key, in the field that has the focus."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **key)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **key)

    def plug_in_a_security_key(self) -> None:
        """From now on this browser has a security key, and somebody who touches it."""
        self.ask("WebAuthn.enable")
        key = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
        self.ask("WebAuthn.addVirtualAuthenticator", options=key)

    def forget_cookies(self) -> None:
        """Be a browser that was never here; its security key stays plugged in."""
        self.ask("Network.clearBrowserCookies")

    def photograph(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        picture = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(picture))

    def _heard(self) -> dict[str, Any]:
        heard = bytearray()
        while (byte := self._told.read(1)) != b"\0":
            assert byte, "The browser has ended."
            heard += byte
        answered: dict[str, Any] = json.loads(heard)
        return answered

    def _note(self, heard: dict[str, Any]) -> None:
        if heard.get("method") == "Log.entryAdded" and heard["params"]["entry"]["level"] == "error":
            entry = heard["params"]["entry"]
            self.faults.append(f"{entry['text']} {entry.get('url', '')}".strip())
        elif heard.get("method") == "Runtime.exceptionThrown":
            self.faults.append(str(heard["params"]["exceptionDetails"]))


@contextlib.contextmanager
def a_browser() -> Iterator[Chromium]:
    """A browser with a profile of its own; at the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="assay-test-browser-", ignore_cleanup_errors=True) as profile:
        (its_ears, asked), (told, its_mouth) = os.pipe(), os.pipe()
        command = [CHROMIUM, *SWITCHES, f"--user-data-dir={profile}"]
        launched = [sys.executable, "-c", PIPES_AS_THREE_AND_FOUR, str(its_ears), str(its_mouth), *command]
        process = subprocess.Popen(launched, pass_fds=(its_ears, its_mouth), stderr=subprocess.DEVNULL)
        os.close(its_ears)
        os.close(its_mouth)
        with os.fdopen(asked, "wb", buffering=0) as ask, os.fdopen(told, "rb") as tell:
            browser = Chromium(ask, tell)
            try:
                yield browser
            finally:
                browser._session = {}
                with contextlib.suppress(OSError):
                    browser.ask("Browser.close")
                process.wait(30)
