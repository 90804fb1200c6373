# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The address of a record's page at the destination."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tests.common import BaseCase

from ..transports.urls import record_url, record_url_problem
from .common import SyncCase

ACCEPTED = (
    "https://crm.example.com/contacts/{external_id}",
    "http://crm:8080/#/contact?id={id}&there={external_id}",
)
REFUSED = {
    "javascript:alert({id})": "begin with https",
    "ftp://crm.example.com/{id}": "begin with https",
    "//crm.example.com/{id}": "begin with https",
    "https:///contacts/{id}": "name a host",
    "https://{external_id}.example.com/": "host",
    "https://crm.example.com:{id}/": "valid",
    "https://user:secret@crm.example.com/{id}": "user name or password",
    "https://crm.example.com/contacts": "needs",
    "https://crm.example.com/{name}/{id}": "only placeholders",
    "https://crm.example.com/{id": "only placeholders",
    "https://crm.example.com/{id}/{}": "only placeholders",
    "https://crm.example.com/{{id}}": "only placeholders",
    "https://crm.example.com/a b?{id} c": "spaces",
    "https://crm.example.com/?q=\n{id}": "spaces",
}


class TestRecordUrl(BaseCase):
    def test_accepted(self):
        for pattern in ACCEPTED:
            with self.subTest(pattern):
                self.assertIsNone(record_url_problem(pattern))

    def test_refused(self):
        for pattern, reason in REFUSED.items():
            with self.subTest(pattern):
                self.assertIn(reason, record_url_problem(pattern) or "")

    def test_ids_are_quoted(self):
        self.assertEqual(
            record_url("https://crm/c/{external_id}?odoo={id}", 7, "a/b ?#&{id}é"),
            "https://crm/c/a%2Fb%20%3F%23%26%7Bid%7D%C3%A9?odoo=7",
        )

    def test_no_page_without_the_id_or_with_one_that_leads_elsewhere(self):
        for unusable in (None, "", "..", "."):
            self.assertIsNone(record_url("https://crm/c/{external_id}", 7, unusable))
        self.assertEqual(record_url("https://crm/c/{id}", 7, None), "https://crm/c/7")


@tagged("post_install", "-at_install")
class TestRecordUrlOfStream(SyncCase):
    def test_refused_when_saved(self):
        self.stream.record_url = ACCEPTED[0]
        with self.assertRaisesRegex(ValidationError, "begin with https"):
            self.stream.record_url = "javascript:alert({id})"
