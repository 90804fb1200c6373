# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from urllib.parse import urlsplit

from lxml import html

from odoo.tests import tagged

from .failure_mail_case import FailureMailCase
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursMail(TourCase, FailureMailCase):
    """From the mail about a failed job to the job."""

    def test_the_button_of_the_mail_opens_the_job(self):
        uuid = self.failed_sync_job(name="Ada Lovelace")
        self.notify()
        (mail,) = self.assertMails(uuid, 1)
        self.assertIn("email is taken", mail["text"])
        # one thing to press, and little to read
        (button,) = html.fromstring(mail["html"]).iter("a")
        self.assertLess(len(mail["text"].split()), 100)
        address = urlsplit(button.get("href"))
        self.start_tour(
            address.path, "queue_job_sync_from_mail", login="sync_tour_manager"
        )
        self.assertEqual(self.job(uuid, "state")["state"], "pending")
