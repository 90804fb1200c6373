# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from ..transports.signing import secret_problem
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestToursSecret(TourCase):
    def test_secrets_are_set_by_a_dialog(self):
        self.change_backend(auth="bearer")
        self.start_tour("/odoo", "queue_job_sync_secrets", login="sync_tour_system")
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            self.assertEqual(backend._secret("auth_secret"), "")
            made = backend._signing_secrets()
        self.assertEqual(len(set(made)), 2)
        for secret in made:
            self.assertIsNone(secret_problem(secret))
            # 32 bytes
            self.assertEqual(len(secret), len("whsec_") + 44)
