"""A headless Chromium, driven over the DevTools protocol through its own pipe: no driver, no port.

It says what a person would see and what a page did: the addresses it asked for, and whether a script of its
own opened a dialog.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60.0
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip


@dataclass
class Browser:
    """One window of a running Chromium."""

    to_browser: int
    from_browser: int
    session: str = ""
    requested: list[str] = field(default_factory=list)
    """Every address that was asked for since the last page was opened."""
    dialogs: list[str] = field(default_factory=list)
    """What scripts of pages said in dialogs."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _rest: bytes = b""

    def open(self, url: str, *, width: int = 1280) -> None:
        """Shows a page in a window of that width, and waits until it has loaded."""
        height = 844 if width < 600 else 900
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.requested.clear()
        self.call("Page.navigate", url=url)
        self._until(lambda message: message.get("method") == "Page.loadEventFired")

    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.evaluate("document.body.innerText"))

    def overflow(self) -> list[str]:
        """The elements that make the page wider than its window; those that scroll by themselves do not."""
        return list(
            self.evaluate(
                "document.documentElement.scrollWidth <= window.innerWidth ? [] : "
                "[...document.querySelectorAll('body *')]"
                ".filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)"
                ".map(e => e.tagName + '.' + e.className)"
            )
        )

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, file: Path) -> None:
        """Saves a picture of the whole page."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(picture["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol; its answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda one: one.get("id") == number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def _until(self, wanted: Any) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while True:
            for message in self._messages(deadline):
                self._note(message)
                if wanted(message):
                    return message

    def _messages(self, deadline: float) -> Iterator[dict[str, Any]]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.from_browser], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"the browser said nothing for {SECONDS:.0f} s"
            received = os.read(self.from_browser, 1 << 16)
            assert received, "the browser has ended"
            self._rest += received
        first, _, self._rest = self._rest.partition(b"\0")
        yield json.loads(first)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        elif message.get("method") == "Page.javascriptDialogOpening":
            self.dialogs.append(message["params"]["message"])
            self._dismiss()

    def _dismiss(self) -> None:
        """Closes a dialog without waiting for the answer: the page stands still until it is closed."""
        message = {
            "id": next(self._numbers),
            "method": "Page.handleJavaScriptDialog",
            "params": {"accept": False},
            "sessionId": self.session,
        }
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")


@contextlib.contextmanager
def running(profile: Path) -> Iterator[Browser]:
    """Starts Chromium with an empty profile, and ends it."""
    its_input, to_browser = os.pipe()
    from_browser, its_output = os.pipe()
    # The protocol's pipe is file descriptors 3 and 4, whatever the numbers here are.
    script = f'exec chromium "$@" 3<&{its_input} 4>&{its_output}'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(its_input, its_output),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_input)
    os.close(its_output)
    browser = Browser(to_browser, from_browser)
    try:
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            browser.call(f"{domain}.enable")
        yield browser
    finally:
        os.close(to_browser)
        os.close(from_browser)
        process.terminate()
        process.wait(30)
