# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Credentials that are kept beside the database: what they are, and who sees what."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import get_public_method
from odoo.tests import new_test_user, tagged

from ..engine import secrets
from ..engine.secrets import SecretMissing
from .common import database_values, write_backend
from .secret_case import set_config_file, set_variable
from .test_access import ROLES
from .test_stream import ConfigurationCase

SECRET = "s3cr3t-%(T0ken)s"
SIGNING = "whsec_" + "s3cret//" * 5
# Each credential, and the field that says where it is kept.
ORIGINS = {
    "auth_secret": "auth_secret_origin",
    "db_password": "db_password_origin",
    "signing_secret": "signing_secret_origin",
    "signing_secret_previous": "signing_secret_previous_origin",
}


@tagged("post_install", "-at_install")
class TestSecretReference(ConfigurationCase):
    def value(self, text):
        return secrets.resolved(self.env, text)

    def assertMissing(self, text, words):
        """The error says this, names the reference and no value."""
        with self.assertRaises(SecretMissing) as caught:
            self.value(text)
        self.assertIn(words, caught.exception.message)
        self.assertNotIn(SECRET, caught.exception.message)
        return caught.exception

    def test_literal_is_itself(self):
        for text in ("s3cret", "ENV:X", "env", "environment:X", " s3cret ", "a:b"):
            self.assertEqual(self.value(text), text)
        for nothing in (False, "", None):
            self.assertEqual(self.value(nothing), "")

    def test_variable(self):
        set_variable(self, "CRM_TOKEN", SECRET)
        for text in ("env:CRM_TOKEN", " env:CRM_TOKEN\n", "env: CRM_TOKEN"):
            self.assertEqual(self.value(text), SECRET)

    def test_variable_that_is_not_there(self):
        for value in (None, "", "  "):
            set_variable(self, "CRM_TOKEN", value)
            self.assertMissing("env:CRM_TOKEN", "CRM_TOKEN (env:CRM_TOKEN) is not set")

    def test_key(self):
        set_config_file(
            self, f"[options]\nworkers = 2\n[queue_job_sync]\nCRM.Token = {SECRET}\n"
        )
        for text in ("config:crm.token", "config:CRM.Token"):
            self.assertEqual(self.value(text), SECRET)

    def test_key_is_read_at_each_use(self):
        path = set_config_file(self, "[queue_job_sync]\ncrm = first\n")
        self.assertEqual(self.value("config:crm"), "first")
        path.write_text("[queue_job_sync]\ncrm = second\n", encoding="utf-8")
        self.assertEqual(self.value("config:crm"), "second")

    def test_key_that_is_not_there(self):
        for text in (
            "",
            "[options]\ncrm = s3cret\n",
            f"[queue_job_sync]\nother = {SECRET}\n",
            "[queue_job_sync]\ncrm =\n",
        ):
            set_config_file(self, text)
            self.assertMissing("config:crm", "no key crm (config:crm)")

    def test_other_sections_are_not_read(self):
        set_config_file(self, f"[options]\nadmin_passwd = {SECRET}\n")
        self.assertMissing("config:admin_passwd", "no key admin_passwd")

    def test_file_that_is_not_there(self):
        set_config_file(self, "").unlink()
        self.assertMissing("config:crm", "no key crm")
        set_variable(self, "CRM_TOKEN", SECRET)
        self.assertEqual(self.value("env:CRM_TOKEN"), SECRET)

    def test_file_that_cannot_be_read(self):
        for text in (f"{SECRET}\n", f"[queue_job_sync]\n{SECRET}\n"):
            set_config_file(self, text)
            error = self.assertMissing("config:crm", "cannot be read")
            # a traceback would print what it was made from
            self.assertTrue(error.__suppress_context__)
        path = set_config_file(self, "")
        path.write_bytes(b"[queue_job_sync]\ncrm = \xff\n")
        self.assertMissing("config:crm", "cannot be read")

    def test_what_leads_to_the_own_database_is_not_offered(self):
        set_variable(self, "PGPASSWORD", SECRET)
        self.assertMissing("env:PGPASSWORD", "not among those that the server offers")

    def test_operator_says_which_variables(self):
        set_variable(self, "CRM_TOKEN", SECRET)
        set_variable(self, "OTHER", SECRET)
        set_config_file(self, "[queue_job_sync]\nenvironment = SHOP_*, CRM_*\n")
        self.assertEqual(self.value("env:CRM_TOKEN"), SECRET)
        self.assertMissing("env:OTHER", "env:OTHER cannot be used")

    def test_operator_says_which_databases(self):
        """A copy of the database beside the original has no use for references."""
        set_variable(self, "CRM_TOKEN", SECRET)
        name = self.env.cr.dbname
        for databases, allowed in ((f"x, {name}", True), (f"{name}_live", False)):
            set_config_file(
                self, f"[queue_job_sync]\ndatabases = {databases}\ncrm = {SECRET}\n"
            )
            for text in ("env:CRM_TOKEN", "config:crm"):
                if allowed:
                    self.assertEqual(self.value(text), SECRET)
                else:
                    self.assertMissing(text, f"{text} cannot be used")

    def test_how_it_is_written_is_checked(self):
        for name in ORIGINS:
            for text in ("env:", "env:a b", "env:1X", "env:s3cret!", "config:a b"):
                with (
                    self.subTest(name=name, text=text),
                    self.assertRaisesRegex(
                        ValidationError, "What follows (env|config):"
                    ),
                ):
                    self.backend.set_secret(name, text)
        for text in ("config:databases", "config:Environment"):
            with self.assertRaisesRegex(ValidationError, "What follows config:"):
                self.backend.set_secret("auth_secret", text)

    def test_refusal_does_not_repeat_it(self):
        with self.assertRaises(ValidationError) as caught:
            self.backend.set_secret("auth_secret", "env:s3cret!")
        self.assertNotIn("s3cret", str(caught.exception))
        with self.assertRaises(SecretMissing) as caught:
            self.value("env:s3cret!")
        self.assertNotIn("s3cret", caught.exception.message)
        self.assertNotIn("s3cret", secrets.origin_text(self.env, "env:s3cret!"))

    def test_signing_secret_is_checked_when_it_is_used(self):
        set_variable(self, "SIGNING", None)
        self.backend.set_secret("signing_secret", "env:SIGNING")
        set_variable(self, "SIGNING", SIGNING)
        self.assertEqual(self.backend._signing_secrets(), (SIGNING,))

    def test_secret_that_is_not_used_may_be_missing(self):
        set_variable(self, "CRM_TOKEN", None)
        write_backend(self.backend, {"auth": "none", "auth_secret": "env:CRM_TOKEN"})
        self.assertEqual(self.backend._rest_config().secret, "")

    def test_connection_test_names_it(self):
        set_variable(self, "CRM_TOKEN", None)
        warehouse = self.env["sync.backend"].create(database_values(name="Warehouse"))
        for backend, values in (
            (self.backend, {"auth": "bearer", "auth_secret": "env:CRM_TOKEN"}),
            (self.backend, {"auth": "none", "signing_secret": "env:CRM_TOKEN"}),
            (warehouse, {"db_password": "env:CRM_TOKEN"}),
        ):
            write_backend(backend, values)
            with (
                self.subTest(**values),
                self.assertRaisesRegex(UserError, r"CRM_TOKEN \(env:CRM_TOKEN\)"),
            ):
                backend.action_test_connection()


@tagged("post_install", "-at_install")
class TestSecretReferenceAccess(ConfigurationCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(cls.env, f"sync_secret_{role}", groups=groups)
            for role, groups in ROLES.items()
        }
        write_backend(
            cls.backend,
            {
                "auth": "bearer",
                "auth_secret": "env:CRM_TOKEN",
                "db_password": "config:warehouse",
                "signing_secret": SIGNING,
            },
        )

    def test_where_it_is_kept_is_told(self):
        set_variable(self, "CRM_TOKEN", SECRET)
        expected = {
            "auth_secret_origin": "From the environment variable CRM_TOKEN",
            "db_password_origin": "From the key warehouse of the configuration file",
            "signing_secret_origin": self.backend.signing_secret_origin,
            "signing_secret_previous_origin": False,
        }
        self.assertRegex(
            expected["signing_secret_origin"], r"^Stored in the database since \d.*M$"
        )
        for role in ("manager", "system"):
            with self.subTest(role):
                backend = self.backend.with_user(self.users[role])
                (values,) = backend.read(list(expected))
                self.assertEqual({name: values[name] for name in expected}, expected)

    def test_others_are_told_nothing(self):
        for role in ("public", "portal", "user", "creator"):
            for name in ORIGINS.values():
                with (
                    self.subTest(role=role, name=name),
                    self.assertRaises(AccessError),
                ):
                    self.backend.with_user(self.users[role]).read([name])

    def test_manager_reads_and_exports_no_secret(self):
        self.users["manager"].group_ids |= self.env.ref("base.group_allow_export")
        backend = self.backend.with_user(self.users["manager"])
        rows = backend.export_data(["name", *ORIGINS.values()])["datas"]
        self.assertIn("From the environment variable CRM_TOKEN", rows[0])
        self.assertNotIn(SIGNING, repr(rows))

    def test_export_has_the_reference_and_no_value(self):
        set_variable(self, "CRM_TOKEN", SECRET)
        set_config_file(self, f"[queue_job_sync]\nwarehouse = {SECRET}\n")
        backend = self.backend.with_user(self.users["system"])
        rows = backend.export_data([*ORIGINS.values()])["datas"]
        self.assertNotIn(SECRET, repr(rows))
        self.assertNotIn(SECRET, repr(backend.read()))

    def test_copy_has_none(self):
        twin = self.backend.copy()
        for name, origin in ORIGINS.items():
            self.assertEqual(twin._secret(name), "")
            self.assertFalse(twin[origin])

    def test_value_cannot_be_asked_for_from_outside(self):
        """The methods that resolve are private to the server."""
        for model, method in (
            ("sync.backend", "_secret"),
            ("res.config.settings", "_metrics_token"),
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                get_public_method(self.env[model], method)
