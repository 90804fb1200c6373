# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from .common import (
    SyncCase,
    backend_values,
    create_backend,
    database_values,
    write_backend,
)


@tagged("post_install", "-at_install")
class TestNeutralize(SyncCase):
    """A copy of the database writes to no real system and holds no secret."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_backend(
            cls.backend,
            {
                "url": "https://crm.example.com/api",
                "auth": "bearer",
                "auth_secret": "s3cret",
                "signing_secret": "whsec_" + "s3cret//" * 5,
                "signing_secret_previous": "whsec_" + "s3cret++" * 5,
            },
        )
        cls.warehouse = create_backend(
            cls.env, database_values(name="Warehouse", db_password="s3cret")
        )
        # what it refers to may be there on the server that the copy is for
        cls.referring = create_backend(
            cls.env,
            backend_values(
                name="Shop",
                auth="bearer",
                auth_secret="env:s3cret",
                signing_secret="env:s3cret",
                signing_secret_previous="config:s3cret",
                db_password="config:s3cret",
            ),
        )
        cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        (query,) = get_neutralization_queries(["queue_job_sync"])
        cls.env.cr.execute(query)
        cls.env.invalidate_all()
        cls.env.registry.clear_cache()

    def test_systems_are_archived(self):
        self.assertFalse(self.env["sync.backend"].search([]))
        self.assertFalse(self.backend.active)
        self.assertFalse(self.warehouse.active)
        self.assertFalse(self.referring.active)

    def test_no_secret_is_left(self):
        self.env.cr.execute("SELECT to_jsonb(b)::text FROM sync_backend b")
        for (row,) in self.env.cr.fetchall():
            self.assertNotIn("s3cret", row)
        self.env.cr.execute("SELECT count(*) FROM sync_secret_value")
        self.assertEqual(self.env.cr.fetchone(), (0,))
        self.assertFalse(self.backend.auth_secret_origin)

    def test_no_address_is_left(self):
        for name in ("url", "db_host"):
            for backend in self.backend | self.warehouse | self.referring:
                self.assertNotIn("example.com", backend[name] or "")

    def test_edits_are_no_longer_recorded(self):
        with self.committed() as jobs:
            self.env["res.partner"].create({"name": "Grace"})
        self.assertEqual(jobs, [])

    def test_unarchived_system_can_be_configured_again(self):
        self.backend.write({"active": True, "url": "http://127.0.0.1:9/test"})
        with self.committed() as jobs:
            self.env["res.partner"].create({"name": "Grace"})
        self.assertEqual(len(jobs), 1)


@tagged("post_install", "-at_install")
class TestNeutralizeBeforeUpgrade(SyncCase):
    """A copy of what 19.0.6.0.0 has made, which the code of now neutralizes."""

    def test_what_is_not_there_yet(self):
        self.backend.set_secret("auth_secret", "s3cret")
        self.before_commit()
        self.env.cr.execute(
            """
            DROP TABLE sync_token, sync_consent;
            ALTER TABLE sync_backend DROP COLUMN proxy_url,
                                     DROP COLUMN oauth_token_url,
                                     DROP COLUMN oauth_authorize_url
            """
        )
        (query,) = get_neutralization_queries(["queue_job_sync"])
        self.env.cr.execute(query)
        self.env.cr.execute("SELECT count(*) FROM sync_secret_value")
        self.assertEqual(self.env.cr.fetchone(), (0,))
        self.env.cr.execute("SELECT DISTINCT active, url, db_host FROM sync_backend")
        neutral = (False, "https://neutralized.invalid", "neutralized.invalid")
        self.assertEqual(self.env.cr.fetchall(), [neutral])
