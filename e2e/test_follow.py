# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who has saved a contact sees in the browser what becomes of it, as it happens."""

import json
import time

import pytest
import requests

from support.browser import SCREEN, Browser
from support import configure, processes, scratch_odoo
from support.environment import browser, paths

BUTTON = "button[name='action_sync_status']"
PHONE = ".o_field_widget[name='phone'] input"
FOLLOWS = 2  # seconds after the answer
SETTLE = 30  # seconds until a job has been given out, with a server that is busy
TYPE = """(() => {{
    const input = document.querySelector({selector});
    input.value = {text};
    input.dispatchEvent(new InputEvent("input", {{ bubbles: true }}));
    input.dispatchEvent(new Event("change", {{ bubbles: true }}));
}})()"""
TEXT = "document.querySelector({selector})?.innerText || ''"


class Page(Browser):
    """A page on which somebody works."""

    def open(self, address, visible):
        self._call("Page.navigate", url=self._url + address)
        self._show_at(*SCREEN)
        self._wait_for(visible, address)

    def type(self, selector, text):
        values = {"selector": json.dumps(selector), "text": json.dumps(text)}
        self._evaluate(TYPE.format(**values))

    def click(self, selector):
        self._wait_for(selector, "the page")
        self._evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def text(self, selector):
        return self._evaluate(TEXT.format(selector=json.dumps(selector)))

    def wait(self, selector, text, seconds=SETTLE):
        """Wait until a text is shown, and return when it was."""
        what = f"{text} in {selector}, which shows: "
        deadline = time.time() + seconds
        while text not in (shown := self.text(selector)):
            assert time.time() < deadline, what + shown
            time.sleep(0.02)
        return time.time()


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
            opened.wait(BUTTON, "Synced")
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
    crm.misbehave("late", 60, seconds=4)
    for number, with_dialog in enumerate((False, True, False)):
        sent = len(crm.journal())
        page.type(PHONE, f"0123 {number}")
        page.click(".o_form_button_save")
        page.wait(BUTTON, "Waiting")
        where = BUTTON
        if with_dialog:
            page.click(BUTTON)
            where = ".modal .o_sync_system .badge"
            page.wait(where, "Waiting")
        page.wait(where, "Synced")
        shown = time.time()
        request = crm.journal()[sent]
        assert request["body"]["phone"] == f"0123 {number}"
        assert 0 < shown - request["time"] - 4 < FOLLOWS
        if with_dialog:
            page.wait(BUTTON, "Synced", FOLLOWS)
            page.click(".modal .btn-close")


def test_editor_is_told_why_his_change_has_failed(page, crm):
    crm.misbehave("status", 60, status=422)
    page.type(PHONE, "0123")
    page.click(".o_form_button_save")
    page.wait(BUTTON, "Failed")
    page.wait(".o_notification", "Ada Lovelace has not reached CRM")
    assert "CRM answered: " in page.text(".o_notification")
    assert "http" not in page.text(".o_notification")
