# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A headless Chromium, driven by its DevTools protocol."""

import base64
import io
import json
import subprocess
import tempfile
import time
from pathlib import Path

import requests
import websocket
from PIL import Image

from support import processes

SCREEN = (1400, 900)  # pixels
PHONE = (390, 844)
PATIENCE = 60  # seconds; the first page has all of the web client's code made
COLORS = 256
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
# As the button does that opens it, but with a record that is there already.
DIALOG = """odoo.__WOWL_DEBUG__.root.env.services.action.doAction({{
    type: "ir.actions.act_window",
    res_model: {model},
    res_id: {id},
    views: [[false, "form"]],
    target: "new",
    name: "Preview",
}})"""


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
    """A page does not show what a picture is to be taken of."""


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

    def picture(self, address, clicks, visible, size=SCREEN, dialog=""):
        """Take a picture of a page.

        :param address: of the page, from the root of the server, or of a file
        :param clicks: CSS selectors of what to click there, one after the other
        :param size: width and height in pixels; as narrow as a phone makes it one
        :param visible: CSS selector of what must be visible
        :param dialog: model and id, with a slash between, of what to open as a dialog
        :return: PNG data
        :raises PageError: when it does not show up
        """
        self._call("Page.navigate", url="about:blank")
        self._show_at(*size)
        is_file = address.startswith("file:")
        self._call("Page.navigate", url=address if is_file else self._url + address)
        for click in clicks:
            self._wait_for(click, address)
            self._evaluate(f"document.querySelector({json.dumps(click)}).click()")
        if dialog:
            self._wait_for(".o_form_view", address)
            model, _slash, record_id = dialog.partition("/")
            self._evaluate(DIALOG.format(model=json.dumps(model), id=int(record_id)))
        self._wait_for(visible, address)
        return self._still()

    def milliseconds_until(self, address, selector, count, size=SCREEN):
        """Open a page, and return how long it takes until enough of it is there.

        :param address: of the page, from the root of the server
        :param selector: CSS selector of what has to be there
        :param count: how often
        :return: milliseconds from the navigation
        :raises PageError: when it does not show up
        """
        self._show_at(*size)
        self._call("Page.enable")
        look = SHOWN.format(selector=json.dumps(selector), count=count)
        self._call("Page.addScriptToEvaluateOnNewDocument", source=look)
        self._call("Page.navigate", url=self._url + address)
        deadline = time.monotonic() + PATIENCE
        while True:
            after = self._evaluate("window.shownAfter")
            if after:
                return after
            if time.monotonic() > deadline:
                raise PageError(f"{address} does not show {count} {selector}")
            time.sleep(0.1)

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
            page["webSocketDebuggerUrl"], timeout=PATIENCE
        )
        self._call("Emulation.setTimezoneOverride", timezoneId="UTC")
        self._call(
            "Network.setCookie", name="session_id", value=self._session, url=self._url
        )

    def _show_at(self, width, height):
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=(width, height) == PHONE,
        )

    def _call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:  # the browser also tells about events
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._number:
                break
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _evaluate(self, expression):
        answer = self._call("Runtime.evaluate", expression=expression)
        if "exceptionDetails" in answer:
            raise PageError(f"{expression}: {answer['result'].get('description')}")
        return answer["result"].get("value")

    def _wait_for(self, selector, address):
        ready = READY.format(selector=json.dumps(selector))
        deadline = time.monotonic() + PATIENCE
        while not self._evaluate(ready):
            if time.monotonic() > deadline:
                raise PageError(f"{address} does not show {selector}")
            time.sleep(0.1)

    def _still(self):
        """Take pictures until nothing moves any more, and return the last."""
        last, deadline = None, time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            data = self._call("Page.captureScreenshot", format="png")["data"]
            if data == last:
                return base64.b64decode(data)
            last = data
            time.sleep(0.7)
        raise PageError("the page never comes to rest")


def save_small(picture, path):
    """Save a picture with few colours: a third of the size, and nobody sees it.

    :param picture: PNG data
    :param path: of the file
    """
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
