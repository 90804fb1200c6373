# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.tests import tagged

from .oauth_case import OAuthCase
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursConnect(OAuthCase, TourCase):
    """A user goes to a system, consents there, and comes back."""

    def setUp(self):
        super().setUp()
        # the browser of the tests gets to no other host
        consent = f"http://127.0.0.1:{self.token_server.port}/consent"
        self.change_backend(oauth_refresh_token=False, oauth_authorize_url=consent)
        # where the browser is, whatever the database says
        url = self.base_url()
        systems = self.registry["sync.backend"]
        self.enterContext(patch.object(systems, "get_base_url", lambda system: url))

    def test_consent(self):
        self.start_tour("/odoo", "queue_job_sync_connect", login="sync_tour_system")
        self.assertEqual(len(self.token_server.given), 1)
        self.assertEqual((self.held().access, self.refresh()), ("", ""))

    def test_denied(self):
        self.token_server.consents = False
        self.start_tour(
            "/odoo", "queue_job_sync_connect_denied", login="sync_tour_system"
        )
        self.assertEqual(self.token_server.asked, [])
