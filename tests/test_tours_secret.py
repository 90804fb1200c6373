# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import tagged

from ..transports.http.certificates import client_problem
from ..transports.signing import secret_problem
from .certificates import Authority
from .secret_case import set_variable
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

    def test_headers_and_certificates(self):
        set_variable(self, "CRM_HEADER", "kept-beside-the-database")
        certificate = "".join(Authority().issue("odoo.example.com"))
        self.start_tour(
            "/odoo",
            "queue_job_sync_headers",
            login="sync_tour_system",
            cookies={"queue_job_sync_certificate": certificate.replace("\n", "\\n")},
        )
        with self.transaction() as env:
            config = env["sync.backend"].browse(self.backend_id)._rest_config()
        found = {each.name: (each.value, each.secret) for each in config.headers}
        self.assertEqual(
            found,
            {
                "X-Tenant": ("acme", False),
                "X-Api-Token": ("kept-beside-the-database", True),
            },
        )
        self.assertIsNone(client_problem(config.client_certificate))
