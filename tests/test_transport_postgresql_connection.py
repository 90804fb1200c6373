# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os
import socket
import tempfile
import time
from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import Rejected, Unreachable
from ..transports.postgresql import PostgresqlTransport
from .postgresql_case import PASSWORD, PostgresqlCase
from .servers import PasswordThief
from .transport_case import message


@tagged("-at_install", "post_install")
class TestPostgresqlConnection(PostgresqlCase):
    def test_check(self):
        with PostgresqlTransport(self.config()) as transport:
            text = transport.check()
        version = self.query("SHOW server_version")[0][0].split()[0]
        self.assertEqual(
            text, f"PostgreSQL {version}, database {self.dbname}, as user {self.user}"
        )

    def assertUnreachable(self, *words, **options):
        """Both ways to use the transport say so."""
        sent = [message(payload={"name": "x"})] * 2
        receipts = self.send(*sent, **options)
        self.assertFails(receipts[0], Unreachable, *words)
        self.assertEqual((receipts[0].request, receipts[0].status), ("", None))
        self.assertFails(receipts[1], Unreachable, "Not sent")
        with self.assertRaises(Unreachable) as caught:
            PostgresqlTransport(self.config(**options)).check()
        self.assertTrue(caught.exception.__suppress_context__)
        for text in (caught.exception.message, repr(receipts)):
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn("p4ss", text)
        for word in words:
            self.assertIn(word, caught.exception.message)

    def test_login_refused(self):
        self.query(f"ALTER ROLE {self.user} NOLOGIN")
        self.addCleanup(self.query, f"ALTER ROLE {self.user} LOGIN")
        self.assertUnreachable("not permitted to log in", str(self.port))

    def test_no_such_database(self):
        self.assertUnreachable("does not exist", dbname="queue_job_sync_nope")

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.assertUnreachable("refused", str(port), host="127.0.0.1", port=port)

    def test_host_not_found(self):
        self.assertUnreachable("nowhere.invalid", host="nowhere.invalid")

    def test_server_that_stays_silent(self):
        with PasswordThief(hang=True) as thief:
            started = time.monotonic()
            self.assertUnreachable(
                f"No connection to 127.0.0.1:{thief.port} within 0.3 s",
                host="127.0.0.1",
                port=thief.port,
                connect_timeout=0.3,
            )
        self.assertLess(time.monotonic() - started, 2)

    def test_tls_that_the_server_does_not_offer(self):
        if self.query("SHOW ssl") == [("off",)]:
            self.assertUnreachable("SSL", sslmode="require")
        else:
            with PostgresqlTransport(self.config(sslmode="require")) as transport:
                self.assertIn(self.dbname, transport.check())

    def test_settings_that_are_not_complete(self):
        for name in ("host", "dbname", "user"):
            self.assertUnreachable("must be set", **{name: ""})
        self.assertUnreachable("sslmode", sslmode="p4")
        self.assertUnreachable("not valid", password=PASSWORD + "\0")
        with self.assertRaises(ValueError):
            self.config(connect_timeout=0)

    def test_refused_password_is_not_shown(self):
        with PasswordThief() as thief:
            self.assertUnreachable(
                "password authentication failed",
                host="127.0.0.1",
                port=thief.port,
                sslmode="disable",
            )
        self.assertEqual(thief.passwords, [PASSWORD] * 2)
        self.assertNotIn(PASSWORD, repr(self.config()))

    def test_passwords_meant_for_other_servers_stay_here(self):
        file = self.enterContext(tempfile.NamedTemporaryFile("w"))
        file.write("*:*:*:*:hunter2\n")
        file.flush()
        environment = {"PGPASSWORD": "hunter2", "PGPASSFILE": file.name}
        with patch.dict(os.environ, environment), PasswordThief() as thief:
            options = {"port": thief.port, "sslmode": "disable", "password": ""}
            self.assertUnreachable("password", host="127.0.0.1", **options)
        self.assertEqual(thief.passwords, [])

    def test_address_meant_for_odoo_is_not_used(self):
        environment = {"PGHOSTADDR": "192.0.2.1", "PGOPTIONS": "-c search_path=crm"}
        with patch.dict(os.environ, environment):
            self.assertTrue(self.send(message(payload={"name": "x"})).ok)
        self.assertEqual(len(self.query("TABLE contacts")), 1)

    def test_secret_echoed_by_the_server(self):
        payload = {"name": "x", "age": f"{PASSWORD}"}
        receipt = self.send(message(payload=payload))
        self.assertFails(receipt, Rejected, "***")
        self.assertNotIn("p4ss", repr(receipt.error) + receipt.response)
