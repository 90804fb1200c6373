# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Further headers, proxy and certificates as settings of a system."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..engine import secrets
from ..models.sync_backend import CERTIFICATES
from .certificates import Authority, server_context
from .common import SyncCase
from .proxy_server import HttpProxy
from .secret_case import set_config_file, set_variable, tables_with
from .servers import HttpDestination
from .test_access import ROLES
from .test_preview import PreviewCase
from .test_secret_fields import TestSecretFieldsByRpc, everything_logged
from .test_secrets import SecretsCase, all_logs
from .test_stream_requests import commands
from .test_transport_http_headers import NEVER, NO_NAMES, NO_VALUES

# Letters and digits only: they are the same however a text is written.
SECRET = "s3nt1nelHeaderValue"
PASSWORD = "s3nt1nelProxyPassword"


class HeaderCase(SyncCase):
    def header(self, name="X-Tenant", value="acme", **values):
        return self.env["sync.header"].create(
            {"backend_id": self.backend.id, "name": name, "value": value, **values}
        )

    def secret_header(self, value=SECRET, name="X-Api-Token"):
        header = self.header(name, False, secret=True)
        header.set_secret("value", value)
        return header

    def sent(self):
        """Return what the transport of the system would send, by name."""
        headers = self.backend._rest_config().headers
        return {each.name: (each.value, each.secret) for each in headers}


@tagged("post_install", "-at_install")
class TestHeader(HeaderCase):
    def test_what_is_sent(self):
        self.header(" X-Tenant ")
        self.secret_header()
        self.assertEqual(
            self.sent(), {"X-Tenant": ("acme", False), "X-Api-Token": (SECRET, True)}
        )

    def test_secret_is_in_no_field(self):
        header = self.secret_header()
        self.assertIn("Stored in the database", header.value_origin)
        self.before_commit()
        self.assertEqual(tables_with(self.env.cr, SECRET), {secrets.TABLE: "value"})
        for record in (header, self.backend):
            self.assertNotIn(SECRET, repr(record.read()))
            self.assertNotIn(SECRET, repr(record.export_data(list(record._fields))))
            self.assertNotIn(SECRET, repr(record.copy_data()))

    def test_secret_of_the_system(self):
        """A header with the same one follows, however that is kept."""
        self.backend.set_secret("auth_secret", SECRET)
        self.secret_header()
        self.secret_header("another", "X-Other")
        set_variable(self, "SYNC_TENANT", "from-there")
        for value, sent in (("n3xt", "n3xt"), ("env:SYNC_TENANT", "from-there")):
            self.backend.set_secret("auth_secret", value)
            self.assertEqual(
                self.sent(), {"X-Api-Token": (sent, True), "X-Other": ("another", True)}
            )
        # one that has leaked is sent no more
        self.backend.set_secret("auth_secret", False)
        self.assertEqual(
            self.sent(), {"X-Api-Token": ("", True), "X-Other": ("another", True)}
        )
        # from now on nothing tells that they belong together
        self.backend.set_secret("auth_secret", "l4st")
        self.assertEqual(self.sent()["X-Api-Token"], ("", True))

    def test_version_of_a_live_synchronization(self):
        """No header of the system takes its place."""
        self.stream.write(
            {
                "request_ids": commands(("read", "GET contacts/{id}", "")),
                "version_where": "headers.ETag",
                "version_header": "If-Match",
            }
        )
        self.before_commit()
        refused = self.assertRaisesRegex(
            ValidationError, f"{self.stream.name}: If-Match is no header"
        )
        with refused, self.env.cr.savepoint():
            self.header("if-match", "*")
        header = self.header()
        with refused, self.env.cr.savepoint():
            header.name = "If-Match"
        self.backend.write({"auth_header": "If-Match"})
        for values in ({"key_header": "If-Match"}, {"auth": "header"}):
            with refused, self.env.cr.savepoint():
                self.backend.write(values)
        # it is asked again before it goes live
        self.stream.state = "draft"
        self.backend.key_header = "If-Match"
        with self.assertRaises(ValidationError):
            self.stream.state = "live"

    def test_what_is_typed_for_a_secret_one_is_not_kept(self):
        header = self.header(value=SECRET, secret=True)
        self.assertFalse(header.value)
        header.value = SECRET
        self.assertFalse(header.value)
        plain = self.header("X-Other", SECRET)
        plain.secret = True
        self.before_commit()
        self.assertEqual(tables_with(self.env.cr, SECRET), {})

    def test_secret_that_is_not_set(self):
        self.header(value=False, secret=True)
        self.assertEqual(self.sent(), {"X-Tenant": ("", True)})
        with self.assertRaisesRegex(UserError, "X-Tenant is missing"):
            self.backend.action_test_connection()

    def test_references(self):
        header = self.secret_header("env:SYNC_TENANT")
        self.assertEqual(
            header.value_origin, "From the environment variable SYNC_TENANT"
        )
        set_variable(self, "SYNC_TENANT", None)
        with self.assertRaisesRegex(UserError, "SYNC_TENANT"):
            self.backend.action_test_connection()
        set_variable(self, "SYNC_TENANT", SECRET)
        self.assertEqual(self.sent(), {"X-Api-Token": (SECRET, True)})
        header.set_secret("value", "config:tenant")
        set_config_file(self, "[queue_job_sync]\ntenant = from-the-file\n")
        self.assertEqual(self.sent(), {"X-Api-Token": ("from-the-file", True)})
        # one that leads to what cannot be sent is told when it is used
        set_variable(self, "SYNC_TENANT", "two\nlines")
        header.set_secret("value", "env:SYNC_TENANT")
        with self.assertRaisesRegex(UserError, "X-Api-Token") as caught:
            self.backend.action_test_connection()
        self.assertNotIn("two", str(caught.exception))
        with self.assertRaisesRegex(ValidationError, "tick Secret"):
            self.header(value="env:SYNC_TENANT")
        with self.assertRaises(ValidationError):
            header.set_secret("value", "env:no name")

    def test_names_that_are_refused(self):
        for name in (*NO_NAMES, *NEVER):
            with self.subTest(name), self.assertRaises(ValidationError):
                self.header(name.replace("\0", "\1"))
        self.assertEqual(self.sent(), {})

    def test_values_that_are_refused(self):
        secret = self.secret_header()
        for value in NO_VALUES:
            with self.subTest(value), self.env.cr.savepoint():
                with self.assertRaises(ValidationError):
                    self.header(value=value.replace("\0", "\1"))
                if value.strip():
                    with self.assertRaises(UserError) as caught:
                        secret.set_secret("value", value)
                    self.assertNotIn(value, str(caught.exception))
        self.assertEqual(self.sent(), {"X-Api-Token": (SECRET, True)})

    def test_what_only_bodies_have_may_be_replaced(self):
        self.header("Accept", "application/vnd.api+json")
        self.header("content-type", "application/vnd.api+json")
        self.assertEqual(len(self.sent()), 2)

    def test_twice(self):
        self.header()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            with self.env.cr.savepoint():
                self.header("x-tenant", "other")
        self.backend.write({"auth": "header", "auth_header": "X-Key"})
        self.backend.key_header = "X-Request-Id"
        for name in ("x-key", "X-REQUEST-ID"):
            with self.assertRaisesRegex(ValidationError, "twice"):
                self.header(name)
        for values in ({"auth_header": "X-Tenant"}, {"key_header": "X-Tenant"}):
            with self.assertRaisesRegex(ValidationError, "twice"):
                self.backend.write(values)

    def test_only_a_secret_one_has_a_secret(self):
        header = self.header()
        for name, record in (("value", header), ("other", self.secret_header())):
            with self.assertRaises(UserError) as caught:
                record.set_secret(name, PASSWORD)
            self.assertNotIn(PASSWORD, str(caught.exception))

    def test_secret_goes_with_its_header(self):
        self.secret_header().unlink()
        header = self.secret_header(name="X-Other")
        header.write({"value": "plain", "secret": False})
        self.assertEqual(secrets.kept(self.env, self.backend.id), {})
        header.secret = True
        self.assertFalse(header.value_origin)
        # nor does it come along to another system
        header.set_secret("value", SECRET)
        other = self.backend.copy({"header_ids": []})
        header.backend_id = other
        for backend in (self.backend, other):
            self.assertEqual(secrets.kept(self.env, backend.id), {})

    def test_word_before_the_key_is_hidden_while_standard(self):
        with Form(self.backend) as form:
            form.auth, form.auth_header = "header", "X-API-Key"
            for more in (False, True, False):
                form.shows_more = more
                is_hidden = form._get_modifier("auth_scheme", "invisible")
                self.assertEqual(is_hidden, not more)
        self.backend.auth_scheme = "ApiKey"
        with Form(self.backend) as form:
            self.assertFalse(form._get_modifier("auth_scheme", "invisible"))

    def test_copy_has_no_secrets(self):
        self.header()
        self.secret_header()
        self.backend.set_secret("proxy_password", PASSWORD)
        self.backend.write({"proxy_url": "http://proxy:3128", "key_header": "X-Id"})
        copied = self.backend.copy()
        self.assertEqual(
            {(each.name, each.value, each.secret) for each in copied.header_ids},
            {("X-Tenant", "acme", False), ("X-Api-Token", False, True)},
        )
        self.assertFalse(any(copied.header_ids.mapped("value_origin")))
        self.assertEqual(secrets.kept(self.env, copied.id), {})
        self.assertEqual(
            (copied.proxy_url, copied.key_header), ("http://proxy:3128", "X-Id")
        )
        # those of the first are still there
        self.assertEqual(len(secrets.kept(self.env, self.backend.id)), 2)

    def test_copy_of_the_database(self):
        self.header()
        self.secret_header()
        self.secret_header("env:S3NT1NEL", "X-Other")
        self.backend.write({"proxy_url": "http://proxy.example.com:3128"})
        self.backend.set_secret("proxy_password", PASSWORD)
        certificate, key = Authority().issue()
        self.backend.set_secret("client_certificate", certificate + key)
        self.before_commit()
        (query,) = get_neutralization_queries(["queue_job_sync"])
        self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.backend.proxy_url)
        self.assertEqual(secrets.kept(self.env, self.backend.id), {})
        for text in (SECRET, PASSWORD, "S3NT1NEL"):
            self.assertEqual(tables_with(self.env.cr, text), {}, text)

    def test_systems_that_need_none_of_it(self):
        self.assertFalse(self.backend.shows_more)
        self.assertEqual(self.backend.key_header, "Idempotency-Key")
        for values in (
            {"proxy_url": "http://proxy:3128"},
            {"key_header": "X-Request-Id"},
            {"header_ids": [fields.Command.create({"name": "X", "value": "y"})]},
        ):
            copied = self.backend.copy(values)
            self.assertTrue(copied.shows_more, values)
        self.backend.key_header = False
        self.assertFalse(self.backend.shows_more)
        self.assertEqual(self.backend._rest_config().key_header, "Idempotency-Key")
        self.backend.set_secret("ca_certificate", Authority().certificate)
        self.env.invalidate_all()
        self.assertTrue(self.backend.shows_more)

    def test_proxy_that_cannot_be(self):
        for proxy in (
            "https://proxy:3128",
            "proxy:3128",
            "http://joe:hunter2@proxy:3128",
            "file:///etc/passwd",
            "http://proxy/path",
        ):
            with self.assertRaisesRegex(ValidationError, "proxy of CRM") as caught:
                self.backend.proxy_url = proxy
            self.assertNotIn("hunter2", str(caught.exception))
        with self.assertRaisesRegex(ValidationError, "colon"):
            self.backend.write({"proxy_url": "http://p:1", "proxy_username": "a:b"})

    def test_settings_of_a_system_that_is_held(self):
        """Whatever is set anew is tried at once."""
        tried = []
        model = type(self.backend)
        self.patch(model, "_settings_changed", lambda self: tried.append(self.ids))
        header = self.header()
        header.value = "other"
        header.secret = True
        header.set_secret("value", SECRET)
        header.unlink()
        self.backend.proxy_url = "http://proxy:3128"
        self.assertEqual(tried, [self.backend.ids] * len(tried))
        self.assertGreaterEqual(len(tried), 6)


@tagged("post_install", "-at_install")
class TestCertificateSettings(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(days=20)

    def client(self, **options):
        return "".join(self.authority.issue("odoo.example.com", **options))

    def test_wrong_ones_are_refused_when_they_are_set(self):
        other = self.authority.issue()[1]
        for name, pem, words in (
            ("client_certificate", self.client(days=-1), "ended on"),
            ("client_certificate", "not a certificate", "no certificate"),
            ("client_certificate", "/etc/ssl/client.pem", "no certificate"),
            ("client_certificate", self.authority.issue()[0], "no private key"),
            ("client_certificate", self.authority.issue()[0] + other, "another"),
            ("client_certificate", self.client(passphrase="sesame"), "passphrase"),
            ("ca_certificate", Authority(days=-1).certificate, "ended on"),
            ("ca_certificate", self.client(), "private key"),
            ("ca_certificate", "x", "no certificate"),
        ):
            with (
                self.subTest(words),
                self.assertRaisesRegex(ValidationError, words) as c,
            ):
                self.backend.set_secret(name, pem)
            for line in pem.splitlines():
                if "----" not in line and len(line) > 1:
                    self.assertNotIn(line, str(c.exception))
        self.assertEqual(secrets.kept(self.env, self.backend.id), {})

    def test_form_tells_when_it_ends(self):
        self.backend.set_secret("client_certificate", self.client(days=40))
        self.backend.set_secret("ca_certificate", self.authority.certificate)
        end = fields.Date.today() + timedelta(days=40)
        text = self.backend.client_certificate_text
        self.assertIn("odoo.example.com, until", text)
        self.assertIn(f"{end.year % 100:02}", text)
        self.assertIn("Test Authority, until", self.backend.ca_certificate_text)
        # in less than 30 days
        warning = self.backend.certificate_warning
        self.assertIn("Certificate Authority: It ends at", warning)
        self.assertNotIn("Client Certificate", warning)
        self.backend.set_secret("ca_certificate", Authority(days=90).certificate)
        self.env.invalidate_all()
        self.assertFalse(self.backend.certificate_warning)

    def test_one_that_has_ended_since(self):
        past = self.client(days=-1)
        secrets.keep(self.env, "client_certificate", past, self.backend.id)
        self.assertIn("ended on", self.backend.client_certificate_text)
        self.assertIn(
            "Client Certificate: The certificate ended",
            self.backend.certificate_warning,
        )
        with self.assertRaisesRegex(UserError, "cannot be used: The certificate ended"):
            self.backend.action_test_connection()

    def test_token_address_on_another_host(self):
        """It may be of a public authority, and is not told who we are."""
        self.backend.write(
            {
                "url": "https://crm.intern.example/api",
                "auth": "oauth_client",
                "oauth_client_id": "odoo",
                "oauth_token_url": "https://login.example.com/token",
                "proxy_url": "http://proxy:3128",
            }
        )
        client, authority = self.client(days=40), self.authority.certificate
        self.backend.set_secret("client_certificate", client)
        self.backend.set_secret("ca_certificate", authority)
        for url, names, trusts_public in (
            ("https://login.example.com/token", {"ca_certificate": authority}, True),
            (
                "https://CRM.intern.example:8443/token",
                {"ca_certificate": authority, "client_certificate": client},
                False,
            ),
        ):
            self.backend.oauth_token_url = url
            kept = secrets.kept(self.env, self.backend.id)
            network = self.backend._token_client(kept).network
            found = {name: network[name] for name in CERTIFICATES if name in network}
            self.assertEqual(found, names)
            self.assertEqual(network["trusts_public"], trusts_public)
            self.assertEqual(network["proxy"], "http://proxy:3128")
        config = self.backend._rest_config()
        self.assertEqual(config.client_certificate, client)
        self.assertFalse(config.trusts_public)

    def test_kept_beside_the_database(self):
        pem = self.client(days=90)
        set_variable(self, "SYNC_CLIENT", pem.replace("\n", "\\n"))
        self.backend.set_secret("client_certificate", "env:SYNC_CLIENT")
        self.assertIn("odoo.example.com", self.backend.client_certificate_text)
        set_variable(self, "SYNC_CLIENT", None)
        self.env.invalidate_all()
        self.assertIn("SYNC_CLIENT", self.backend.certificate_warning)
        lines = "".join(f"  {line}\n" for line in pem.splitlines())
        set_config_file(self, f"[queue_job_sync]\nclient =\n{lines}")
        self.backend.set_secret("client_certificate", "config:client")
        self.env.invalidate_all()
        self.assertIn("odoo.example.com", self.backend.client_certificate_text)

    def test_each_of_them_is_a_secret(self):
        self.assertLessEqual(CERTIFICATES.keys(), self.backend._secret_names())

    def test_test_connection_with_them(self):
        folder = Path(self.enterContext(TemporaryDirectory()))
        context = server_context(
            folder, *self.authority.issue(), clients=self.authority.certificate
        )
        server = self.enterContext(HttpDestination(tls=context))
        self.backend.url = server.url
        with self.assertRaisesRegex(UserError, "is not trusted"):
            self.backend.action_test_connection()
        self.backend.set_secret("ca_certificate", self.authority.certificate)
        with self.assertRaisesRegex(UserError, "without a client certificate"):
            self.backend.action_test_connection()
        self.backend.set_secret("client_certificate", self.client())
        self.assertIn("answered 404", str(self.backend._test(self.stream.browse())[0]))


@tagged("post_install", "-at_install")
class TestHeaderDelivery(SecretsCase, PreviewCase):
    """What is stored and logged of a delivery."""

    tables = (*SecretsCase.tables, "sync_header")

    def setUp(self):
        super().setUp()
        self.proxy = self.enterContext(HttpProxy(login=f"odoo:{PASSWORD}"))
        # what is for loopback goes through it too
        self.change_backend(
            proxy_url=self.proxy.url,
            proxy_username="odoo",
            proxy_password=PASSWORD,
            key_header="X-Request-Id",
            header_ids=[
                fields.Command.create({"name": "X-Tenant", "value": "acme"}),
                fields.Command.create({"name": "X-Api-Token", "secret": True}),
            ],
        )
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            header = backend.header_ids.filtered("secret")
            header.set_secret("value", SECRET)

    def test_delivered_and_nowhere_to_be_read(self):
        self.destination.answer(201, {"id": "7", "said": SECRET})
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["done"])
        (request,) = self.destination.requests
        self.assertEqual(request.headers["X-Tenant"], "acme")
        self.assertEqual(request.headers["X-Api-Token"], SECRET)
        self.assertTrue(request.headers["X-Request-Id"])
        self.assertNotIn("Idempotency-Key", request.headers)
        self.assertEqual(self.proxy.asked[0][2], f"odoo:{PASSWORD}")
        self.assertNowhere(logs, SECRET, PASSWORD)
        (delivery,) = self.read(
            "sync.delivery", [("stream_id", "=", self.stream_id)], ["response"]
        )
        self.assertIn("***", delivery["response"])

    def test_refused_and_nowhere_to_be_read(self):
        self.destination.answer(
            422, {"message": f"what is {SECRET}?"}, headers={"X-Echo": SECRET}
        )
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["failed"])
        self.assertNowhere(logs, SECRET, PASSWORD)
        (uuid,) = self.job_uuids()
        reason = self.job(uuid, "failure_reason")["failure_reason"]
        self.assertIn("what is ***?", reason)

    def test_preview(self):
        found = self.preview(self.new_partner())["request"]
        self.assertIn("X-Tenant: acme", found)
        self.assertIn("X-Api-Token: ***", found)
        self.assertIn("X-Request-Id: (a random one)", found)
        self.assertNotIn("Proxy-Authorization", found)

    def test_test_connection(self):
        self.destination.answer(401, {"message": f"what is {SECRET}?"}, times=3)
        with self.transaction() as env, self.assertRaises(UserError) as caught:
            backend = env["sync.backend"].browse(self.backend_id)
            backend.stream_ids.active = False
            backend.action_test_connection()
        self.assertIn("what is ***", str(caught.exception))


@tagged("post_install", "-at_install")
class TestHeaderByRpc(HeaderCase, HttpCase):
    """From outside, as each who may log in."""

    call = TestSecretFieldsByRpc.call
    assertRefused = TestSecretFieldsByRpc.assertRefused

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(
                cls.env,
                f"sync_header_{role}",
                groups=ROLES[role],
                password=f"{role}-{role}-{role}",
            )
            for role in ("portal", "user", "manager", "system")
        }

    def setUp(self):
        super().setUp()
        self.plain = self.header()
        self.token = self.secret_header()
        self.backend.proxy_url = "http://proxy:3128"
        self.backend.set_secret("proxy_password", PASSWORD)
        self.env.flush_all()

    def assertUntold(self, text):
        self.assertNotIn("s3nt1nel", text)

    def log_in(self, role):
        self.authenticate(f"sync_header_{role}", f"{role}-{role}-{role}")

    @mute_logger("odoo.http", "odoo.models", "odoo.sql_db")
    def test_nobody_reads_a_secret_back(self):
        ids = self.token.ids
        for role in self.users:
            self.log_in(role)
            with self.subTest(role):
                names = self.call("sync.header", "fields_get").get("result", {})
                for args in (
                    ("read", ids),
                    ("read", ids, ["value", "value_origin"]),
                    ("web_read", ids, {name: {} for name in names}),
                    ("search_read", [], ["value"]),
                    ("export_data", ids, [*names, ".id"]),
                    ("copy_data", ids),
                    ("search", [("value_origin", "like", "s3nt")]),
                    ("formatted_read_group", [], ["value"], ["__count"]),
                ):
                    self.call("sync.header", *args)
                nested = {"header_ids": {"fields": {name: {} for name in names}}}
                self.call("sync.backend", "web_read", self.backend.ids, nested)
                for method in ("_sent", "_kept", "_kept_as"):
                    self.assertRefused(self.call("sync.header", method, ids))

    @mute_logger("odoo.http")
    def test_only_administrators_change_one(self):
        ids = self.token.ids
        for role in ("portal", "user", "manager"):
            self.log_in(role)
            with self.subTest(role):
                for args in (
                    ("set_secret", ids, "value", "another"),
                    ("write", ids, {"value": "x", "secret": False}),
                    ("create", [{"backend_id": self.backend.id, "name": "X"}]),
                    ("unlink", ids),
                ):
                    self.assertRefused(self.call("sync.header", *args))
        self.assertEqual(self.sent()["X-Api-Token"], (SECRET, True))
        self.log_in("system")
        with everything_logged() as lines:
            answer = self.call("sync.header", "set_secret", ids, "value", f"{SECRET}2")
            self.assertRefused(
                self.call("sync.header", "set_secret", ids, "value", f"{SECRET}\n3")
            )
        self.assertIn("Stored in the database", answer["result"])
        self.env.invalidate_all()
        self.assertEqual(self.sent()["X-Api-Token"], (f"{SECRET}2", True))
        self.assertTrue(any("call sync.header" in line for line in lines))
        for line in lines:
            self.assertUntold(line)

    def test_those_of_another_company(self):
        company = self.env["res.company"].create({"name": "Sync Elsewhere"})
        self.backend.company_id = company
        headers = self.plain.with_user(self.users["system"])
        with self.assertRaises(AccessError):
            headers.read(["value"])
