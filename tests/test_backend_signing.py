# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The signing secrets of a system, and jobs that sign with them."""

from unittest.mock import patch

from standardwebhooks.webhooks import Webhook

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from ..transports import signing
from .common import DeliveryCase, create_backend, database_values
from .secret_case import set_variable
from .test_stream import ConfigurationCase

SECRET = "whsec_" + "current/" * 4
PREVIOUS = "whsec_" + "previous" * 4


@tagged("post_install", "-at_install")
class TestBackendSigning(ConfigurationCase):
    def test_secret_is_checked(self):
        for name in ("signing_secret", "signing_secret_previous"):
            for secret in ("s3cr3t", "whsec_s3cr3t", "whsec_"):
                with self.subTest(name=name, secret=secret):
                    with self.assertRaisesRegex(
                        ValidationError, "The signing secret of CRM cannot be used: "
                    ) as caught:
                        self.backend.set_secret(name, secret)
                    self.assertNotIn("s3cr3t", str(caught.exception))

    def test_new_secret(self):
        self.backend.rotate_signing_secret(PREVIOUS)
        self.assertEqual(self.backend._signing_secrets(), (PREVIOUS,))
        self.backend.rotate_signing_secret(SECRET)
        self.assertEqual(self.backend._signing_secrets(), (SECRET, PREVIOUS))
        self.backend.rotate_signing_secret("whsec_" + "newest//" * 4)
        self.assertEqual(
            self.backend._signing_secrets(), ("whsec_" + "newest//" * 4, SECRET)
        )

    def test_new_secret_keeps_the_only_one(self):
        self.backend.set_secret("signing_secret_previous", PREVIOUS)
        self.backend.rotate_signing_secret(SECRET)
        self.assertEqual(self.backend._signing_secrets(), (SECRET, PREVIOUS))

    def test_secrets_beside_the_database_take_turns_too(self):
        set_variable(self, "OLD", PREVIOUS)
        set_variable(self, "NEW", SECRET)
        self.backend.set_secret("signing_secret", "env:OLD")
        self.backend.rotate_signing_secret("env:NEW")
        self.assertEqual(self.backend._signing_secrets(), (SECRET, PREVIOUS))

    def test_refused_secret_changes_nothing(self):
        self.backend.set_secret("signing_secret", SECRET)
        with self.assertRaises(ValidationError):
            self.backend.rotate_signing_secret("whsec_s3cr3t")
        self.assertEqual(self.backend._signing_secrets(), (SECRET,))

    def test_new_secret_is_shown_to_nobody(self):
        self.backend.set_secret("signing_secret", SECRET)
        self.before_commit()
        before = self.backend.message_ids
        origin = self.backend.rotate_signing_secret(PREVIOUS)
        self.assertIn("Stored in the database", origin)
        self.assertEqual(self.backend.signing_secret_origin, origin)
        self.before_commit()
        self.assertEqual(self.backend.message_ids, before)

    def test_right_to_write_is_not_enough(self):
        """Another addon may let somebody else configure; not read secrets."""
        group = self.env.ref("queue_job.group_queue_job_manager")
        self.env["ir.model.access"].create(
            {
                "name": "Managers configure",
                "model_id": self.env["ir.model"]._get("sync.backend").id,
                "group_id": group.id,
                "perm_write": True,
            }
        )
        manager = new_test_user(
            self.env,
            "sync_signing_manager",
            groups="base.group_user,queue_job.group_queue_job_manager",
        )
        backend = self.backend.with_user(manager)
        backend.name = "Mine"
        with self.assertRaises(AccessError):
            backend.rotate_signing_secret(SECRET)
        with self.assertRaises(AccessError):
            backend.set_secret("signing_secret", SECRET)
        self.assertEqual(self.backend._signing_secrets(), ())

    def test_copy_has_no_secret(self):
        self.backend.set_secret("signing_secret", SECRET)
        self.backend.set_secret("signing_secret_previous", PREVIOUS)
        self.assertEqual(self.backend.copy()._signing_secrets(), ())

    def test_database_has_no_use_for_it(self):
        warehouse = create_backend(
            self.env, database_values(name="Warehouse", signing_secret=SECRET)
        )
        self.assertNotIn("current/", repr(vars(warehouse._open_transport())))


@tagged("post_install", "-at_install")
class TestDeliverySigning(DeliveryCase):
    """A system that is changing from one secret to the other."""

    def setUp(self):
        super().setUp()
        self.change_backend(signing_secret=SECRET, signing_secret_previous=PREVIOUS)

    def test_retry_has_the_same_id_and_another_time(self):
        self.destination.answer(500)
        self.new_partner()
        moment = signing.time() - 60
        with patch.object(signing, "time", return_value=moment):
            self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(self.run_pending(), ["done"])
        first, second = self.destination.requests
        self.assertEqual(first.headers["webhook-id"], second.headers["webhook-id"])
        self.assertEqual(first.headers["webhook-timestamp"], str(int(moment)))
        self.assertGreater(
            int(second.headers["webhook-timestamp"]),
            int(first.headers["webhook-timestamp"]),
        )
        for request in (first, second):
            for secret in (SECRET, PREVIOUS):
                webhook = Webhook(secret)
                self.assertEqual(
                    webhook.verify(request.body, dict(request.headers)), request.json
                )

    def test_another_content_has_another_id(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.run_pending()
        first, second = self.destination.requests
        self.assertNotEqual(first.headers["webhook-id"], second.headers["webhook-id"])

    def test_no_secret_no_signature(self):
        self.change_backend(signing_secret=False, signing_secret_previous=False)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        (request,) = self.destination.requests
        self.assertNotIn("webhook-signature", request.headers)
