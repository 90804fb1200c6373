# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A headless Chromium, driven by its DevTools protocol."""

import base64
import json
import subprocess
import tempfile
import time
from pathlib import Path

import requests
import websocket

from support import processes

SCREEN = (1400, 900)  # pixels
PHONE = (390, 844)
PATIENCE = 60  # seconds; the first page has all of the web client's code made
TIMEOUT = 600  # seconds that a call of the protocol may take
OPTIONS = (
    "--headless",
    "--no-sandbox",  # it shows only our own pages, and root cannot have one
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "about:blank",
)
# Nothing is being loaded, and what is wanted is there.
READY = """(() => {{
    const wanted = document.querySelector({selector});
    const busy = document.querySelector(".o_loading_indicator, .o_blockUI");
    const images = [...document.images].every((image) => image.complete);
    return Boolean(wanted && !busy && images && document.fonts.status === "loaded");
}})()"""


# Notes when there is enough of something, frame by frame.
SHOWN = """(() => {{
    const look = () => {{
        if (document.querySelectorAll({selector}).length >= {count}) {{
            window.shownAfter = performance.now();
        }} else {{
            requestAnimationFrame(look);
        }}
    }};
    requestAnimationFrame(look);
}})()"""


class PageError(Exception):
    """A page does not show what it should, or what runs in it has failed."""


class Browser:
    """A browser with one page, logged in to Odoo.

    :param command: the browser's program
    :param url: address of Odoo
    :param session: id of the Odoo session
    """

    def __init__(self, command, url, session):
        self._command = command
        self._url = url
        self._session = session
        self._number = 0
        self._events = []

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = processes.start(
            [self._command, f"--user-data-dir={self._folder.name}", *OPTIONS],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._open_page()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        processes.stop(self._process)
        self._folder.cleanup()

    def show(self, address, size=SCREEN):
        """Go to a page.

        :param address: of the page, from the root of the server, or of a file
        :param size: width and height in pixels; as narrow as a phone makes it one
        """
        self.call("Page.navigate", url="about:blank")
        self._resize(size)
        is_file = address.startswith("file:")
        self.call("Page.navigate", url=address if is_file else self._url + address)

    def wait_for(self, selector):
        """Wait until the page has loaded all it needs, and shows something.

        :param selector: CSS selector of it
        :raises PageError: when it does not show up
        """
        ready = READY.format(selector=json.dumps(selector))
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(ready):
            if time.monotonic() > deadline:
                where = self.evaluate("location.pathname")
                raise PageError(f"{where} does not show {selector}")
            time.sleep(0.1)

    def evaluate(self, expression, wait=False):
        """Return what a JavaScript expression of the page comes to.

        :param wait: it is a promise: wait for it
        :raises PageError: it fails
        """
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=wait,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            told = answer["result"].get("description")
            raise PageError(f"{expression[:200]}: {told}")
        return answer["result"].get("value")

    def still(self):
        """Take pictures until nothing moves any more, and return the last as PNG."""
        last, deadline = None, time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            data = self.call("Page.captureScreenshot", format="png")["data"]
            if data == last:
                return base64.b64decode(data)
            last = data
            time.sleep(0.7)
        raise PageError("the page never comes to rest")

    def listen(self, *domains):
        """Hear of what happens in the page from now on.

        :param domains: of the protocol, such as ``Runtime``
        """
        for domain in domains:
            self.call(f"{domain}.enable")

    def events(self):
        """Return what was heard since this was last asked: dicts of the protocol."""
        self.evaluate("0")  # what has come is read before the answer
        found, self._events = self._events, []
        return found

    def call(self, method, **parameters):
        """Call a method of the protocol, and return its result.

        :raises PageError: it is refused
        """
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                break
            self._events.append(answer)
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def milliseconds_until(self, address, selector, count, size=SCREEN):
        """Open a page, and return how long it takes until enough of it is there.

        :param address: of the page, from the root of the server
        :param selector: CSS selector of what has to be there
        :param count: how often
        :return: milliseconds from the navigation
        :raises PageError: when it does not show up
        """
        self._resize(size)
        self.listen("Page")
        look = SHOWN.format(selector=json.dumps(selector), count=count)
        self.call("Page.addScriptToEvaluateOnNewDocument", source=look)
        self.call("Page.navigate", url=self._url + address)
        deadline = time.monotonic() + PATIENCE
        while True:
            after = self.evaluate("window.shownAfter")
            if after:
                return after
            if time.monotonic() > deadline:
                raise PageError(f"{address} does not show {count} {selector}")
            time.sleep(0.1)

    def _resize(self, size):
        width, height = size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=size == PHONE,
        )

    def _open_page(self):
        port_file = Path(self._folder.name) / "DevToolsActivePort"
        processes.wait_until(
            lambda: port_file.exists() and port_file.read_text().count("\n"),
            PATIENCE,
            "the browser's start",
        )
        port = port_file.read_text().splitlines()[0]
        targets = requests.get(f"http://{processes.LOOPBACK}:{port}/json", timeout=5)
        page = next(each for each in targets.json() if each["type"] == "page")
        self._socket = websocket.create_connection(
            page["webSocketDebuggerUrl"], timeout=TIMEOUT
        )
        self.call("Emulation.setTimezoneOverride", timezoneId="UTC")
        self.call(
            "Network.setCookie", name="session_id", value=self._session, url=self._url
        )
