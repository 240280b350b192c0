"""Headless chromium, driven through the DevTools protocol over two pipes: no library and no network."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

# A snap cannot read pages and profile in the temporary folders of the tests.
_FOUND = (shutil.which(name) for name in ("chromium", "google-chrome"))
CHROMIUM = next((path for path in _FOUND if path and not path.startswith("/snap/")), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
PHONE, DESKTOP, PAPER = 360, 1280, 718  # widths in CSS pixels; PAPER is A4 less margins of 1 cm
PATIENCE_SECONDS = 60

# Runs in the page: everything that the checks of a page ask for.
FACTS = """(async () => {
  const images = [...document.images];
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  return {
    title: document.title,
    width: document.documentElement.scrollWidth,
    images: images.length,
    missing: images.filter(image => !image.naturalWidth).map(image => image.getAttribute('src').slice(0, 80)),
    links: [...document.querySelectorAll('a')].map(link => link.href),
    ids: [...document.querySelectorAll('[id]')].map(element => element.id),
  };
})()"""


class Page(NamedTuple):
    """What the browser found in a page.

    Attributes:
        width: which the content takes, in CSS pixels.
        missing: addresses of pictures that did not load.
        requests: addresses that the page asked for.
        errors: what the console says.
    """

    title: str
    width: int
    images: int
    missing: list[str]
    links: list[str]
    ids: list[str]
    requests: list[str]
    errors: list[str]


class Chromium:
    """A running browser with one tab."""

    def __init__(self, to_browser: int, from_browser: int):
        self._to, self._from, self._rest, self._last, self._session = to_browser, from_browser, b"", 0, None
        self._events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Network", "Runtime"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come before it are kept."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._last:
            self._events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, path: Path, width: int, media: str = "screen") -> Page:
        """Load a file in a window of some width, or as on paper (`media="print"`)."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", media=media)
        self._events.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())
        done = self.send("Runtime.evaluate", expression=FACTS, awaitPromise=True, returnByValue=True)
        sent = [event for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return Page(
            **done["result"]["value"],
            requests=[event["params"]["request"]["url"][:80] for event in sent],
            errors=[text for event in self._events if (text := _error(event))],
        )

    def screenshot(self, path: Path) -> None:
        """Save the whole page, as PNG."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """Print the page on A4."""
        printed = self.send("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(printed["data"]))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self._from], [], [], PATIENCE_SECONDS)[0]:
                raise TimeoutError(f"chromium said nothing for {PATIENCE_SECONDS} s")
            chunk = os.read(self._from, 1 << 16)
            if not chunk:
                raise RuntimeError("chromium ended")
            self._rest += chunk
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)


def _error(event: dict[str, Any]) -> str:
    """Return what an event says that belongs to the console and is an error or a warning, else nothing."""
    method, params = event["method"], event["params"]
    if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
        return f"{params['entry']['text']} {params['entry'].get('url', '')[:80]}"
    if method == "Runtime.exceptionThrown":
        return params["exceptionDetails"]["text"]
    if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
        return " ".join(str(argument.get("value")) for argument in params["args"])
    return ""


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """Start a browser whose profile is the empty folder `profile`, and end it."""
    commands, to_browser = os.pipe()
    from_browser, answers = os.pipe()

    def use_descriptors_3_and_4() -> None:  # where the protocol expects its pipes
        spare = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (commands, answers)]
        for pipe, descriptor in zip(spare, (3, 4), strict=True):
            os.dup2(pipe, descriptor)

    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        preexec_fn=use_descriptors_3_and_4,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(profile)},
    )
    os.close(commands)
    os.close(answers)
    try:
        yield Chromium(to_browser, from_browser)
    finally:
        os.close(to_browser)  # the browser ends when nobody can command it any more
        os.close(from_browser)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
