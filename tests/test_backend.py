# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an external system accepts, and what it says when it does not."""

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import database_values, stream_values, write_backend
from .test_stream import ConfigurationCase


@tagged("post_install", "-at_install")
class TestBackend(ConfigurationCase):
    def test_address_is_checked(self):
        for url in (False, "crm", "ftp://crm.example.com", "https://"):
            with self.subTest(url):
                self.assertRefused(
                    "The address of CRM cannot be used", self.backend, url=url
                )

    def test_address_holds_no_password(self):
        self.assertRefused(
            "The address of CRM cannot be used",
            self.backend,
            url="https://user:s3cret@crm.example.com",
        )

    def test_basic_needs_a_username(self):
        self.assertRefused("CRM needs a username", self.backend, auth="basic")

    def test_header_needs_its_name(self):
        self.assertRefused(
            "needs the name of the header",
            self.backend,
            auth="header",
            auth_header=False,
        )

    def test_header_has_no_other_meaning(self):
        for header in (
            "Host",
            "content-length",
            " Transfer-Encoding ",
            "Content-Type",
            "Idempotency-Key",
            "User-Agent",
            "Webhook-Signature",
        ):
            with self.subTest(header):
                self.assertRefused(
                    "CRM cannot carry its key there",
                    self.backend,
                    auth="header",
                    auth_header=header,
                )
        self.assertRefused(
            "is not valid", self.backend, auth="header", auth_header="X Key"
        )
        for header in ("X-API-Key", "Authorization", "Cookie"):
            self.backend.write({"auth": "header", "auth_header": header})
        # one that is not used may be anything
        self.backend.write({"auth": "none", "auth_header": "Host"})

    def test_postgresql_needs_host_database_and_login(self):
        warehouse = self.env["sync.backend"].create(database_values(name="Warehouse"))
        for field in ("db_host", "db_name", "db_user"):
            with self.subTest(field):
                self.assertRefused(
                    "Warehouse needs a host, a database and a login",
                    warehouse,
                    **{field: False},
                )

    def test_port_is_a_port(self):
        warehouse = self.env["sync.backend"].create(database_values(name="Warehouse"))
        for port in (0, -1, 65536):
            with self.subTest(port):
                self.assertRefused("is not a port", warehouse, db_port=port)

    def test_timeouts_are_positive(self):
        for field in ("connect_timeout", "read_timeout"):
            with self.subTest(field):
                self.assertViolates(
                    "sync_backend_positive_timeouts", self.backend, **{field: 0}
                )

    def test_transport_cannot_change_under_its_streams(self):
        with self.assertRaisesRegex(ValidationError, "Contacts to CRM needs a table"):
            self.backend.write(database_values())

    def test_with_streams_cannot_be_deleted(self):
        with self.assertRaisesRegex(UserError, "still has synchronizations"):
            self.backend.unlink()

    def test_counts_its_streams(self):
        self.env["sync.stream"].create(stream_values(self.backend, name="Other"))
        self.assertEqual(self.backend.stream_count, 2)
        action = self.backend.action_open_streams()
        self.assertEqual(
            self.env["sync.stream"].search_count(action["domain"]),
            self.backend.stream_count,
        )

    def test_copy_has_no_secret(self):
        write_backend(self.backend, {"auth": "bearer", "auth_secret": "s3cret"})
        twin = self.backend.copy()
        self.assertEqual(twin.name, "CRM (copy)")
        self.assertFalse(twin.auth_secret_origin)
        self.assertEqual(twin._secret("auth_secret"), "")
        self.assertFalse(twin.stream_ids)
