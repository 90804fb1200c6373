# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who has saved a contact sees in the browser what becomes of it, as it happens."""

import json
import time

import pytest
import requests

from support import configure, processes, scratch_odoo
from support.browser import Browser
from support.environment import browser, paths

BUTTON = "button[name='action_sync_status']"
PHONE = ".o_field_widget[name='phone'] input"
SAVE = ".o_form_status_indicator_buttons:not(.invisible) .o_form_button_save"
SAVED = ".o_form_status_indicator_buttons.invisible"
LATE = 6  # seconds that the CRM takes for an answer
FOLLOWS = 2  # seconds after the answer
SETTLE = 30  # seconds until a job has been given out, with a server that is busy
TYPE = """(() => {{
    const input = document.querySelector({selector});
    input.value = {text};
    input.dispatchEvent(new InputEvent("input", {{ bubbles: true }}));
    input.dispatchEvent(new Event("change", {{ bubbles: true }}));
}})()"""
TEXT = "document.querySelector({selector})?.innerText || ''"
# Notes when each text of an element was first shown: the browser may be busy when it is
# asked.
WATCH = """(() => {{
    const seen = [];
    window.seen = () => JSON.stringify(seen);
    setInterval(() => {{
        const text = {text};
        if (text !== seen.at(-1)?.[1]) {{
            seen.push([Date.now() / 1000, text]);
        }}
    }}, 20);
}})()"""


class Page(Browser):
    """A page on which somebody works."""

    def open(self, address, visible):
        self.show(address)
        self.wait_for(visible)

    def save(self, text):
        """Change the telephone number of the contact, and save it."""
        values = {"selector": json.dumps(PHONE), "text": json.dumps(text)}
        self.evaluate(TYPE.format(**values))
        self.click(SAVE)
        self.wait_for(SAVED)

    def click(self, selector):
        self.wait_for(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def text(self, selector):
        return self.evaluate(TEXT.format(selector=json.dumps(selector)))

    def watch(self, selector):
        """Look at an element from now on, and at nothing else."""
        text = TEXT.format(selector=json.dumps(selector))
        self.evaluate(WATCH.format(text=text))
        self._last = 0.0

    def wait(self, text, seconds=SETTLE):
        """Wait until what is watched has shown a text, after what was waited for.

        :return: when it first did
        """
        deadline = time.time() + seconds
        while True:
            seen = json.loads(self.evaluate("seen()"))
            found = [at for at, shown in seen if at > self._last and text in shown]
            if found:
                self._last = found[0]
                return found[0]
            assert time.time() < deadline, f"{text}, after {self._last}: {seen}"
            time.sleep(0.1)


@pytest.fixture
def page(crm):
    """The form of a contact that the CRM has, in a browser; nothing is preloaded."""
    # one process: what the browser and the server say to each other needs no proxy
    options = {"keep_log": False, "workers": 0}
    log = paths.LOGS / "test-follow.log"
    with (
        scratch_odoo.database("follow", addon=True) as name,
        scratch_odoo.serving(name, log, **options) as server,
    ):
        admin = configure.log_in(server)
        configure.make_crm_stream(admin, crm)
        contact = admin.create("res.partner", {"name": "Ada Lovelace"})
        processes.wait_until(lambda: crm.contacts(), SETTLE, "the contact in the CRM")
        with Page(browser.find(), server.url, _session(server)) as opened:
            opened.open(f"/odoo/contacts/{contact}", BUTTON)
            opened.watch(BUTTON)
            opened.wait("Synced")
            yield opened


def _session(server):
    login, password = configure.ADMIN
    credentials = {"db": server.database, "login": login, "password": password}
    answer = requests.post(
        f"{server.url}/web/session/authenticate",
        json={"params": credentials},
        timeout=60,
    )
    return answer.cookies["session_id"]


def test_button_and_dialog_follow_the_delivery(page, crm):
    # so that what waits is seen, and the dialog is open before it is over
    crm.misbehave("late", 600, seconds=LATE)
    for number, with_dialog in enumerate((False, False, True)):
        sent = len(crm.journal())
        page.watch(BUTTON)
        page.save(f"0123 {number}")
        page.wait("Waiting")
        if with_dialog:
            page.click(BUTTON)
            page.watch(".modal .o_sync_system .badge")
            page.wait("Waiting")
        shown = page.wait("Synced")
        request = crm.journal()[sent]
        assert request["body"]["phone"] == f"0123 {number}"
        assert 0 < shown - request["time"] - LATE < FOLLOWS
        if with_dialog:
            page.watch(BUTTON)
            page.wait("Synced")


def test_editor_is_told_why_his_change_has_failed(page, crm):
    crm.misbehave("status", 600, status=422)
    page.watch(BUTTON)
    page.save("0123")
    page.wait("Failed")
    page.watch(".o_notification")
    page.wait("Ada Lovelace has not reached CRM")
    told = page.text(".o_notification")
    assert "CRM answered: " in told
    assert "http" not in told
