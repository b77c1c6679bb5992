"""Headless Chromium, controlled through pipes (DevTools Protocol, --remote-debugging-pipe)."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import psutil

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""The programs of Debian, Ubuntu and Google."""

Scheme = Literal["light", "dark"]


class Browser:
    """A browser with one page. Each method blocks until the browser has answered."""

    def __init__(self, process: "subprocess.Popen[bytes]", sent: int, heard: int) -> None:
        self._process = process
        self._sent = os.fdopen(sent, "wb", buffering=0)
        self._heard = os.fdopen(heard, "rb")
        self._number = 0
        self._events: list[str] = []
        self.requests: list[str] = []
        """Addresses that the page has requested."""
        self._session = ""

    def attach(self) -> None:
        """Open an empty page, and attach to it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol. Returns its result."""
        self._number += 1
        wanted = {"id": self._number, "method": method, "params": parameters}
        wanted |= {"sessionId": self._session} if self._session else {}
        self._sent.write(json.dumps(wanted).encode() + b"\0")
        while (said := self._next()).get("id") != self._number:
            pass
        assert "error" not in said, said
        return said["result"]

    def _next(self) -> Any:
        data = bytearray()
        while (byte := self._heard.read(1)) != b"\0":
            assert byte, "the browser has ended"
            data += byte
        said = json.loads(data)
        if method := said.get("method"):
            self._events.append(method)
            if method == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
        return said

    def open(self, address: str, width: int = 1440, height: int = 900, scheme: Scheme = "light") -> None:
        """Open an address, and wait until the page is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self._events.clear()
        self.requests.clear()
        self.call("Page.navigate", url=address)
        while "Page.loadEventFired" not in self._events:
            self._next()

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the page, and await it. Returns its value."""
        said = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def scroll_to(self, share: float) -> None:
        """Scroll to a fraction of the page's height, and wait until that part is drawn."""
        self.value(
            f"new Promise(done => {{scrollTo(0, document.documentElement.scrollHeight * {share});"
            "requestAnimationFrame(() => requestAnimationFrame(done))})"
        )

    def picture(self) -> bytes:
        """The visible part of the page as PNG, after its pictures are decoded."""
        self.value(
            "Promise.all([...document.images].filter(one => {const at = one.getBoundingClientRect();"
            "return at.height && at.top < innerHeight && at.bottom > 0})"
            ".map(one => one.decode().catch(() => 0)))"
            # What is decoded is drawn by the next frame.
            ".then(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))"
        )
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def printed(self, *, letter: bool = False) -> bytes:
        """The page as PDF, on A4 or Letter."""
        width, height = (8.5, 11) if letter else (8.27, 11.69)
        said = self.call("Page.printToPDF", paperWidth=width, paperHeight=height, preferCSSPageSize=False)
        return base64.b64decode(said["data"])

    def memory(self) -> int:
        """Bytes of memory of the processes that render pages; shared memory is divided among its users (PSS)."""
        found = 0
        for one in psutil.Process(self._process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found += one.memory_full_info().pss if "--type=renderer" in one.cmdline() else 0
        return found

    def close(self) -> None:
        """Close the pipes, which ends the browser."""
        self._sent.close()
        self._heard.close()


def program() -> str:
    """The path of Chromium. Raises AssertionError where it is not installed."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, "Chromium is needed: apt-get install chromium"
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a new profile; it ends with the block."""
    here, there = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        arguments = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run"]
        arguments += [f"--user-data-dir={profile}", "--hide-scrollbars"]
        # One is kept ready for the next page otherwise, and counted.
        arguments += ["--disable-features=SpareRendererForSitePerProcess"]
        # Its sandbox refuses root.
        arguments += ["--no-sandbox"] if os.getuid() == 0 else []
        # It reads from descriptor 3 and writes to 4. dash, often /bin/sh, takes numbers of one digit only.
        given = f'exec "$0" "$@" 3<&{here[0]} 4>&{there[1]}'
        process = subprocess.Popen(
            ["/bin/bash", "-c", given, program(), *arguments],
            pass_fds=(here[0], there[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(here[0])
        os.close(there[1])
        try:
            made = Browser(process, here[1], there[0])
            try:
                made.attach()
                yield made
            finally:
                made.close()
        finally:
            process.terminate()
            process.wait(60)
