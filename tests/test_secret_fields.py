# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""No field of any model has a secret, for nobody; and how one is set, by RPC."""

import json
import logging
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from xmlrpc.client import Fault

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tests.common import TransactionCase
from odoo.tools import SQL, mute_logger
from odoo.tools.convert import convert_xml_import

from ..engine import secrets
from .common import database_values, set_secrets
from .secret_case import tables_with
from .test_access import ROLES, AccessCase

# Letters and digits only: they are the same however a text is written.
AUTH, PASSWORD, METRICS = "s3nt1nelAuth", "s3nt1nelPassword", "s3nt1nelMetricsToken"
SIGNING, PREVIOUS = "whsec_" + "s3nt1nelCur0" * 4, "whsec_" + "s3nt1nelPre0" * 4
MARK = "s3nt1nel"
SECRETS = {
    "auth_secret": AUTH,
    "db_password": PASSWORD,
    "proxy_password": PASSWORD,
    "signing_secret": SIGNING,
    "signing_secret_previous": PREVIOUS,
    "oauth_client_secret": "s3nt1nelClient",
    "oauth_refresh_token": "s3nt1nelRefresh",
}
PATHS = {
    "sync.stream": "backend_id",
    "sync.mapping": "stream_id.backend_id",
    "sync.outbox": "backend_id",
    "sync.binding": "stream_id.backend_id",
    "sync.delivery": "stream_id.backend_id",
    "sync.setup": "backend_id",
    "queue.job": "sync_backend_id",
}
MODELS = (*PATHS, "sync.backend", "res.config.settings", "ir.config_parameter")


@contextmanager
def everything_logged():
    """Yield a list that fills with all that Odoo logs, SQL too."""
    lines = []

    class Memory(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    memory = Memory(logging.DEBUG)
    loggers = [
        logging.getLogger(name)
        for name in ("", "odoo", "odoo.sql_db", "odoo.http", "werkzeug")
    ]
    levels = [logger.level for logger in loggers]
    root, handlers = loggers[0], loggers[0].handlers[:]
    root.handlers[:] = [memory]
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        yield lines
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class SecretFieldsCase(AccessCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        set_secrets(cls.backend, SECRETS)
        cls.env["res.config.settings"].set_secret("metrics_token", METRICS)
        cls.users["manager"].group_ids += cls.env.ref("base.group_allow_export")
        cls.env.flush_all()

    def assertUntold(self, text):
        self.assertNotIn(MARK, text)


@tagged("post_install", "-at_install")
class TestSecretFields(SecretFieldsCase):
    """What holds for the superuser, and so for everybody."""

    def test_it_is_there_and_nowhere_else(self):
        kept = secrets.get(self.env.cr, self.backend.id)
        texts = {name: text for (_id, name), (text, _since) in kept.items()}
        self.assertEqual(texts, SECRETS)
        self.assertEqual(self.env["res.config.settings"]._metrics_token(), METRICS)
        self.before_commit()
        self.assertEqual(tables_with(self.env.cr, MARK), {secrets.TABLE: "value"})

    def test_no_model_knows_the_table(self):
        tables = {model._table for model in self.env.values()}
        self.assertNotIn(secrets.TABLE, tables)
        names = {*SECRETS, "sync_metrics_token", "metrics_token", "value"}
        for model in ("sync.backend", "sync.setup", "res.config.settings"):
            self.assertFalse(names & self.env[model]._fields.keys(), model)

    def test_no_field_of_any_record_has_it(self):
        for name, model in self.env.items():
            if name.startswith("sync.") and not model._abstract:
                self.assertUntold(repr(model.search([]).read()))
        setup = self.env["sync.setup"].create({"name": "Shop"})
        setup.action_choose(False)
        setup.action_next()
        setup.set_secret("auth_secret", AUTH)
        settings = self.env["res.config.settings"].create({})
        for record in (setup, settings, self.backend, *self.jobs()):
            self.assertUntold(repr(record.read()))
            self.assertUntold(repr(record.export_data(list(record._fields))))
        self.assertUntold(repr(self.backend.copy_data()))
        self.assertUntold(repr(self.env["ir.config_parameter"].search([]).read()))

    def test_what_is_read_when_a_transport_is_opened(self):
        config = self.backend._rest_config()
        self.assertEqual(config.secret, AUTH)
        self.assertEqual(config.signing_secrets, (SIGNING, PREVIOUS))
        # nor does it show what it has
        self.assertUntold(repr(config))
        with self.backend._open_transport() as transport:
            self.assertUntold(repr(transport))

    def test_not_mapped_into_a_payload(self):
        """Only models with the mixin are sent, and secrets are none of theirs."""
        for model in self.env["sync.stream"]._syncable_models():
            self.assertFalse(SECRETS.keys() & self.env[model]._fields.keys())

    def test_it_goes_with_its_system(self):
        twin = self.backend.copy()
        set_secrets(twin, SECRETS)
        self.assertTrue(secrets.get(self.env.cr, twin.id))
        twin.unlink()
        self.assertEqual(secrets.get(self.env.cr, twin.id), {})

    def test_one_is_forgotten(self):
        for nothing in (False, None, "", "  "):
            self.backend.set_secret("auth_secret", AUTH)
            self.assertTrue(self.backend.auth_secret_origin)
            self.assertFalse(self.backend.set_secret("auth_secret", nothing))
            self.assertFalse(self.backend.auth_secret_origin)
            self.assertEqual(self.backend._secret("auth_secret"), "")
        self.assertEqual(self.backend._secret("db_password"), PASSWORD)

    def test_short_ones_are_not_masked_and_it_is_said(self):
        origin = self.backend.set_secret("auth_secret", "x" * 7)
        self.assertIn("too short to be masked", origin)
        self.assertEqual(self.backend.auth_secret_origin, origin)
        origin = self.backend.set_secret("auth_secret", "x" * 8)
        self.assertNotIn("too short", origin)

    def test_what_cannot_be_kept_is_refused_without_a_word_of_it(self):
        for name, value in (
            (AUTH, "auth_secret"),  # they have changed places
            ("name", AUTH),
            ("auth_secret", [AUTH]),
            ("auth_secret", {"value": AUTH}),
            ("auth_secret", 5),
            ("auth_secret", f"{AUTH}\0"),
            ("auth_secret", f"{AUTH}\ud800"),
            ("auth_secret", f"env:{MARK}!"),
            ("signing_secret", f"whsec_{MARK}"),
            (["auth_secret"], AUTH),
        ):
            with self.subTest(name=name, value=value):
                with self.assertRaises(UserError) as caught:
                    self.backend.set_secret(name, value)
                self.assertUntold(repr(caught.exception))
        self.assertEqual(self.backend._secret("auth_secret"), AUTH)

    def test_among_the_values_of_a_new_system_it_is_refused(self):
        """Or it would be lost, and an addon that logs calls would have it."""
        with self.assertRaisesRegex(UserError, "set_secret") as caught:
            self.env["sync.backend"].create(database_values(db_password=PASSWORD))
        self.assertUntold(repr(caught.exception))
        with self.assertRaises(ValueError) as caught:
            self.backend.write({"auth_secret": AUTH})
        self.assertUntold(repr(caught.exception))

    def test_only_system_administrators_set_it(self):
        for role in set(ROLES) - {"system"}:
            backend = self.backend.with_user(self.users[role])
            with self.subTest(role), self.assertRaises(AccessError):
                backend.set_secret("auth_secret", "another-secret")
            with self.subTest(role), self.assertRaises(AccessError):
                backend.rotate_signing_secret(PREVIOUS)
        backend = self.backend.with_user(self.users["system"])
        backend.set_secret("auth_secret", "another-secret")
        self.assertEqual(backend._secret("auth_secret"), "another-secret")

    def test_of_systems_of_other_companies_too(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = company
        with self.assertRaises(AccessError):
            self.backend.with_user(self.users["system"]).set_secret("db_password", "x")

    def test_set_by_a_data_file(self):
        """As ``docs/operations.md`` shows it."""
        self.env["ir.model.data"].create(
            {
                "module": "queue_job_sync",
                "name": "test_system",
                "model": "sync.backend",
                "res_id": self.backend.id,
            }
        )
        text = b"""<odoo><function model="sync.backend" name="set_secret">
            <value eval="[ref('queue_job_sync.test_system')]" />
            <value>auth_secret</value>
            <value>env:CRM_TOKEN</value>
        </function></odoo>"""
        with NamedTemporaryFile(suffix=".xml") as file:
            file.write(text)
            file.seek(0)
            convert_xml_import(self.env, "queue_job_sync", file, {}, mode="init")
        self.assertEqual(
            self.backend.auth_secret_origin, "From the environment variable CRM_TOKEN"
        )


@tagged("post_install", "-at_install")
class TestSecretFieldsByRpc(SecretFieldsCase, HttpCase):
    """The same from outside, as each who may log in."""

    def call(self, model, method, *args, **kwargs):
        """Call a method as the web client does; return all that comes back."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        response = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            data=json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}),
            headers={"Content-Type": "application/json"},
        )
        self.assertUntold(response.text)
        return json.loads(response.text)

    def log_in(self, role):
        user = self.users[role]
        password = f"{role}-{role}-{role}"
        user.sudo().password = password
        self.env.flush_all()
        self.authenticate(user.login, password)

    def assertRefused(self, answer):
        self.assertIn("error", answer)

    def ask_for_everything(self, model):
        """Ask for all there is of a model, in each way there is."""
        fields = self.call(model, "fields_get").get("result", {})
        self.assertFalse({*SECRETS, "sync_metrics_token"} & fields.keys())
        plain = {name: {} for name in fields}
        self.call(model, "get_views", [[False, "form"]])
        self.call(model, "default_get", list(fields))
        self.call(model, "name_search", AUTH)
        self.call(model, "web_search_read", [], plain)
        ids = self.call(model, "search", [], limit=3).get("result") or []
        self.call(model, "read", ids)
        self.call(model, "export_data", ids, list(fields))
        self.call(model, "onchange", ids[:1], {}, [], plain)

    def ask_for_secrets(self, model, path):
        """Ask for a secret by its name: there is nothing of that name."""
        for method, args in (
            ("search", ([(path, "!=", False)],)),
            ("search_count", ([(path, "=like", "s%")],)),
            ("search", ([], 0, 1, path)),
            ("formatted_read_group", ([], [path], ["__count"])),
            ("formatted_read_group", ([], [], [f"{path}:max"])),
        ):
            with self.subTest(model=model, method=method, args=args):
                self.assertRefused(self.call(model, method, *args))

    # Odoo tries what writes again, where it had taken it for a question
    @mute_logger("odoo.http", "odoo.models", "odoo.sql_db")
    def test_as_each_role(self):
        for role in ("system", "manager", "creator", "user", "portal"):
            self.log_in(role)
            for model in MODELS:
                with self.subTest(role=role, model=model):
                    self.ask_for_everything(model)
            for model, path in PATHS.items():
                self.ask_for_secrets(model, f"{path}.auth_secret")
            ids = self.backend.ids
            for name in SECRETS:
                self.ask_for_secrets("sync.backend", name)
                with self.subTest(role=role, name=name):
                    for method, args in (
                        ("read", (ids, [name])),
                        ("search_read", ([], [name])),
                        ("export_data", (ids, [name])),
                        ("web_read", (ids, {name: {}})),
                    ):
                        answer = self.call("sync.backend", method, *args)
                        self.assertNotIn(f'"{name}": "', json.dumps(answer))
            for name, field in self.env["sync.backend"]._fields.items():
                if field.store:
                    args = ([], [name], ["__count"])
                    self.call("sync.backend", "formatted_read_group", *args)
            self.call("sync.backend", "copy", ids)
            self.call("sync.backend", "copy_data", ids)
            for model, method in (
                ("sync.backend", "_secret"),
                ("res.config.settings", "_metrics_token"),
            ):
                self.assertRefused(self.call(model, method, ids, AUTH))

    @mute_logger("odoo.http")
    def test_only_administrators_set_it(self):
        for role in ("manager", "creator", "user", "portal"):
            self.log_in(role)
            with self.subTest(role):
                ids = self.backend.ids
                for model, args in (
                    ("sync.backend", (ids, "auth_secret", "another")),
                    ("res.config.settings", ("metrics_token", "another-token-of-role")),
                ):
                    self.assertRefused(self.call(model, "set_secret", *args))
        self.assertEqual(self.backend._secret("auth_secret"), AUTH)
        self.assertEqual(self.env["res.config.settings"]._metrics_token(), METRICS)

    def test_neither_logged_nor_repeated(self):
        """However it is called, and whatever is wrong with the call."""
        self.log_in("system")
        ids = self.backend.ids
        new = f"{MARK}Another"
        signing = "whsec_" + "s3nt1nelNew0" * 4
        with everything_logged() as lines:
            answer = self.call("sync.backend", "set_secret", ids, "auth_secret", new)
            self.assertIn("Stored in the database", answer["result"])
            self.call("sync.backend", "set_secret", ids, name="db_password", value=new)
            self.call("sync.backend", "rotate_signing_secret", ids, signing)
            self.call(
                "res.config.settings", "set_secret", "metrics_token", f"{new}{new}"
            )
            for args in (
                (ids, new, "auth_secret"),
                (ids, "auth_secret", [new]),
                (ids, "auth_secret", f"{new}\0"),
                (ids, "signing_secret", new),
                (ids, "auth_secret", f"env:{new}!"),
                (ids, "auth_secret", new, new),
                ([10**8], "auth_secret", new),
            ):
                with self.subTest(args=args):
                    self.assertRefused(self.call("sync.backend", "set_secret", *args))
            self.assertRefused(
                self.call("sync.backend", "set_secret", ids, "auth_secret", val=new)
            )
            # nothing of the kind is a field
            self.call("sync.backend", "search_read", [], ["auth_secret_origin"])
        self.assertTrue(any("call sync.backend" in line for line in lines))
        self.assertTrue(any("sync_secret_value" in line for line in lines))
        for line in lines:
            self.assertUntold(line)
        self.assertEqual(self.backend._secret("auth_secret"), new)
        self.assertEqual(self.backend._secret("db_password"), new)
        self.assertEqual(self.backend._signing_secrets(), (signing, SIGNING))
        self.assertEqual(tables_with(self.env.cr, MARK), {secrets.TABLE: "value"})

    def test_by_the_external_interfaces(self):
        self.log_in("system")
        user = self.users["system"]
        key = (
            self.env["res.users.apikeys"]
            .with_user(user)
            ._generate("rpc", "test", False)
        )
        self.env.flush_all()
        new = f"{MARK}External"
        with everything_logged() as lines:
            for body, status in (
                ({"name": "auth_secret", "value": new}, 200),
                ({"name": "auth_secret", "val": new}, 422),
                ({"name": new, "value": "auth_secret"}, 422),
            ):
                response = self.url_open(
                    "/json/2/sync.backend/set_secret",
                    data=json.dumps({"ids": self.backend.ids, **body}),
                    headers={
                        "Content-Type": "application/json",
                        "Authorization": f"Bearer {key}",
                    },
                )
                self.assertEqual(response.status_code, status, response.text)
                self.assertUntold(response.text)
            rpc = self.xmlrpc_object
            login = (self.env.cr.dbname, user.id, key, "sync.backend", "set_secret")
            rpc.execute_kw(*login, [self.backend.ids, "db_password", new])
            with self.assertRaises(Fault) as caught:
                rpc.execute_kw(*login, [self.backend.ids, new, "db_password"])
            self.assertUntold(repr(caught.exception))
        for line in lines:
            self.assertUntold(line)
        self.assertEqual(self.backend._secret("auth_secret"), new)
        self.assertEqual(self.backend._secret("db_password"), new)


@tagged("post_install", "-at_install")
class TestSecretTable(TransactionCase):
    def test_two_who_set_one_at_once(self):
        """Whoever loses has no secret in the statement that fails."""
        backend = self.env["sync.backend"].create(database_values(name="Warehouse"))
        with everything_logged() as lines:
            for value in ("first-secret", "second-secret"):
                secrets.keep(self.env, "db_password", value, backend.id)
        statements = [line for line in lines if "INSERT INTO sync_secret" in line]
        self.assertEqual(len(statements), 2)
        self.assertNotIn("-secret", "".join(lines))
        rows = self.env.execute_query(
            SQL("SELECT value FROM sync_secret_value WHERE backend_id = %s", backend.id)
        )
        self.assertEqual(rows, [("second-secret",)])
