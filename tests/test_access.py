# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may do what."""

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import (
    SyncCase,
    backend_values,
    create_backend,
    stream_values,
    write_backend,
)

CONFIGURATION = ("sync.backend", "sync.stream", "sync.mapping")
RECORDS = ("sync.outbox", "sync.binding", "sync.delivery")
OPERATIONS = ("read", "write", "create", "unlink")
SIGNING_SECRET = "whsec_" + "s3cret//" * 5

ROLES = {
    "public": "base.group_public",
    "portal": "base.group_portal",
    "user": "base.group_user",
    "creator": "base.group_user,base.group_partner_manager",
    "manager": "base.group_user,queue_job.group_queue_job_manager",
    "system": "base.group_system",
}

# what each role may do: with the configuration, and with what the jobs write
ALLOWED = {
    "public": ((), ()),
    "portal": ((), ()),
    "user": ((), ()),
    "creator": ((), ()),
    "manager": (("read",), ("read",)),
    "system": (OPERATIONS, ("read",)),
}


class AccessCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_backend(
            cls.backend,
            {
                "auth": "bearer",
                "auth_secret": "s3cret",
                "signing_secret": SIGNING_SECRET,
                "signing_secret_previous": SIGNING_SECRET,
            },
        )
        cls.users = {
            role: new_test_user(cls.env, f"sync_{role}", groups=groups)
            for role, groups in ROLES.items()
        }
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        cls.binding = cls.env["sync.binding"].create(
            {"stream_id": cls.stream.id, "res_id": cls.partner.id, "external_id": "7"}
        )
        cls.delivery = cls.env["sync.delivery"].create(
            {
                "stream_id": cls.stream.id,
                "res_id": cls.partner.id,
                "operation": "upsert",
                "state": "success",
                "date": fields.Datetime.now(),
            }
        )

    def one_of_each(self):
        """Return a record of every model of the addon."""
        return {
            "sync.backend": self.backend,
            "sync.stream": self.stream,
            "sync.mapping": self.stream.mapping_ids[0],
            "sync.outbox": self.outbox(self.partner),
            "sync.binding": self.binding,
            "sync.delivery": self.delivery,
        }


@tagged("post_install", "-at_install")
class TestAccess(AccessCase):
    def test_every_role_on_every_model(self):
        for role, (configuration, records) in ALLOWED.items():
            for models, allowed in (
                (CONFIGURATION, configuration),
                (RECORDS, records),
            ):
                for model in models:
                    record = self.one_of_each()[model].with_user(self.users[role])
                    self.assertEqual(len(record), 1)
                    for operation in OPERATIONS:
                        with self.subTest(role=role, model=model, operation=operation):
                            self.assertEqual(
                                record.has_access(operation), operation in allowed
                            )

    def test_reading_without_right_is_refused(self):
        for role in ("public", "portal", "user", "creator"):
            for model, record in self.one_of_each().items():
                with self.subTest(role=role, model=model):
                    with self.assertRaises(AccessError):
                        record.with_user(self.users[role]).read(["id"])
                    with self.assertRaises(AccessError):
                        self.env[model].with_user(self.users[role]).search([])

    def test_no_one_edits_what_the_jobs_write(self):
        for role in ("manager", "system"):
            user = self.users[role]
            with self.assertRaises(AccessError):
                self.binding.with_user(user).write({"external_id": "8"})
            with self.assertRaises(AccessError):
                self.delivery.with_user(user).unlink()
            with self.assertRaises(AccessError):
                self.outbox(self.partner).with_user(user).unlink()

    def test_manager_reads_everything_but_configures_nothing(self):
        manager = self.users["manager"]
        for model, record in self.one_of_each().items():
            with self.subTest(model):
                self.assertTrue(record.with_user(manager).read())
        with self.assertRaises(AccessError):
            self.backend.with_user(manager).name = "Mine"
        with self.assertRaises(AccessError):
            self.backend.with_user(manager).action_test_connection()
        with self.assertRaises(AccessError):
            self.stream.with_user(manager).active = False

    def test_manager_is_told_that_a_record_is_gone(self):
        binding = self.binding.with_user(self.users["manager"])
        self.partner.unlink()
        with self.assertRaisesRegex(UserError, "no longer exists"):
            binding.action_open_record()
        # as an uninstall leaves it
        self.env.cr.execute(
            "UPDATE sync_stream SET model_id = NULL, model_name = 'sale.gone'"
            " WHERE id = %s",
            (self.stream.id,),
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "sale.gone .* no longer exists"):
            binding.action_open_record()

    def test_administrator_without_job_rights_configures(self):
        system = self.users["system"]
        self.assertFalse(system.has_group("queue_job.group_queue_job_manager"))
        env = self.env(user=system, su=False)
        backend = create_backend(
            env, backend_values(name="Shop", auth="bearer", auth_secret="t0ken")
        )
        self.assertEqual(backend._secret("auth_secret"), "t0ken")
        stream = env["sync.stream"].create(stream_values(backend))
        stream.mapping_ids[0].target = "label"
        stream.write({"priority": 3, "active": False})
        stream.copy()
        stream.mapping_ids.unlink()
        backend.with_context(active_test=False).stream_ids.unlink()
        self.assertFalse(stream.exists())
        backend.unlink()

    def test_administrator_opens_the_forms(self):
        env = self.env(user=self.users["system"], su=False)
        for model in (*CONFIGURATION[:2], *RECORDS):
            with self.subTest(model):
                env[model].get_views([(False, "list")])
                record = self.one_of_each()[model].with_env(env)
                record.web_read({"display_name": {}})
        env["sync.stream"].default_get(["channel_id", "model_id"])

    def test_jobs_of_a_stream_are_for_job_managers(self):
        self.assertTrue(self.jobs().with_user(self.users["manager"]).read(["name"]))
        for role in ("public", "portal", "user", "creator", "system"):
            with self.subTest(role), self.assertRaises(AccessError):
                self.jobs().with_user(self.users[role]).read(["name"])
