# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Certificates of a system's own: whom it trusts, and who we are."""

import os
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from ..exceptions import Unreachable
from ..transports.base import UNKNOWN, UNSENT
from ..transports.http import certificates, connection
from ..transports.http.certificates import (
    authorities_problem,
    client_problem,
    context_of,
    end_of,
)
from .certificates import Authority, server_context
from .servers import HttpDestination
from .transport_case import RestCase, message


class CertificateCase(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.certificate, cls.key = cls.authority.issue("odoo.example.com")
        cls.client = cls.certificate + cls.key

    def folder(self):
        return Path(self.enterContext(TemporaryDirectory()))


@tagged("-at_install", "post_install")
class TestCertificateTexts(CertificateCase):
    def test_good_ones(self):
        chain = self.certificate + self.authority.certificate
        for pem in (self.client, self.key + self.certificate, chain + self.key):
            self.assertIsNone(client_problem(pem))
        self.assertIsNone(authorities_problem(self.authority.certificate))
        self.assertIsNone(
            authorities_problem(self.authority.certificate + Authority().certificate)
        )

    def test_however_lines_got_lost(self):
        for change in (
            lambda pem: pem.replace("\n", "\\n"),
            lambda pem: pem.replace("\n", " "),
            lambda pem: pem.replace("\n", ""),
            lambda pem: pem.replace("\n", "\r\n"),
            lambda pem: f"Bag Attributes\n  friendlyName: x\n{pem}\n\n",
        ):
            self.assertIsNone(client_problem(change(self.client)))
            self.assertIsNone(authorities_problem(change(self.authority.certificate)))
            context = context_of(
                change(self.client), change(self.authority.certificate)
            )
            self.assertEqual(len(context.get_ca_certs()), 1)

    def test_what_is_wrong_is_said(self):
        other, other_key = self.authority.issue("other.example.com")
        past = "".join(self.authority.issue(days=-1))
        future = "".join(self.authority.issue(days=9, begins=5))
        locked = "".join(self.authority.issue(passphrase="open sesame"))
        legacy = self.certificate + (
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
            "DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n"
        )
        broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        bad_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        for pem, words in (
            ("", "no certificate"),
            ("hunter2", "no certificate"),
            ("/etc/ssl/private/client.pem", "no certificate"),
            (self.key, "no certificate"),
            (self.certificate, "no private key"),
            (broken + self.key, "cannot be read"),
            (self.certificate + bad_key, "key cannot be read"),
            (self.certificate + other_key, "another certificate"),
            (other + self.certificate + self.key, "first"),
            (locked, "passphrase"),
            (legacy, "passphrase"),
            (past, "ended on"),
            (future, "valid from"),
        ):
            with self.subTest(words):
                self.assertIn(words, client_problem(pem))
        for pem, words in (
            ("", "no certificate"),
            ("/etc/ssl/certs/ca.pem", "no certificate"),
            (broken, "cannot be read"),
            (self.client, "private key"),
            (Authority(days=-1).certificate, "ended on"),
        ):
            with self.subTest(words):
                self.assertIn(words, authorities_problem(pem))
        # an old one beside that which follows it is no harm
        both = Authority(days=-1).certificate + self.authority.certificate
        self.assertIsNone(authorities_problem(both))

    def test_whom_it_is_for_and_when_it_ends(self):
        whom, end = end_of(self.client)
        self.assertEqual(whom, "odoo.example.com")
        self.assertIsNone(end.tzinfo)
        both = Authority("Old", days=3).certificate + self.authority.certificate
        self.assertEqual(end_of(both)[0], "Test Authority")

    def test_no_file_is_left(self):
        seen = []
        load = ssl.SSLContext.load_cert_chain

        def look(context, path, *args, **kwargs):
            seen.append((path, oct(os.stat(path).st_mode & 0o777)))
            return load(context, path, *args, **kwargs)

        for has_memory in (True, False):
            with patch.object(ssl.SSLContext, "load_cert_chain", look):
                if not has_memory:
                    self.enterContext(patch.object(certificates, "os", object()))
                context_of(self.client, "")
        (in_memory, _mode), (on_disk, mode) = seen
        self.assertTrue(in_memory.startswith("/proc/self/fd/"))
        self.assertEqual(mode, "0o600")
        self.assertFalse(os.path.exists(on_disk))
        # nor is the descriptor, which another file may have now
        number = in_memory.rpartition("/")[2]
        try:
            self.assertNotIn("memfd:pem", os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            self.assertTrue(in_memory)


class _AsksLater(HttpDestination):
    """Does what it is asked for, and wants to know by whom behind the second request
    (RFC 8446 section 4.6.2)."""

    def reply(self, request):
        answer = super().reply(request)
        if len(self.requests) == 2:
            [sock] = self._sockets
            sock.verify_client_post_handshake()
            sock.recv(1)  # tells the client that there is no certificate
        return answer


@tagged("-at_install", "post_install")
class TestCertificates(CertificateCase, RestCase):
    def serve(self, clients="", version=None):
        context = server_context(
            self.folder(), *self.authority.issue(), clients=clients
        )
        if version:
            context.maximum_version = version
        self.server = self.enterContext(HttpDestination(tls=context))

    def test_authority_that_nobody_knows(self):
        self.serve()
        self.assertFails(self.send(), Unreachable, "localhost is not trusted")
        receipt = self.send(ca_certificate=self.authority.certificate)
        self.assertTrue(receipt.ok, receipt.error)

    def test_no_other_authority_is_trusted_then(self):
        self.serve()
        bundle = self.folder() / "ca.pem"
        bundle.write_text(self.authority.certificate, encoding="ascii")
        with patch.dict(os.environ, REQUESTS_CA_BUNDLE=str(bundle)):
            self.assertTrue(self.send().ok)
            # a client certificate changes nothing about that
            receipt = self.send(client_certificate=self.client)
            self.assertTrue(receipt.ok, receipt.error)
            receipt = self.send(ca_certificate=Authority("Other").certificate)
            self.assertFails(receipt, Unreachable, "localhost is not trusted")

    def test_others_besides(self):
        self.serve()
        bundle = self.folder() / "ca.pem"
        bundle.write_text(self.authority.certificate, encoding="ascii")
        other = Authority("Other").certificate
        with patch.dict(os.environ, REQUESTS_CA_BUNDLE=str(bundle)):
            receipt = self.send(ca_certificate=other, trusts_public=True)
            self.assertTrue(receipt.ok, receipt.error)
            # of what is set for nobody else
            receipt = self.send(ca_certificate=other)
            self.assertFails(receipt, Unreachable, "localhost is not trusted")
        receipt = self.send(ca_certificate=other, trusts_public=True)
        self.assertFails(receipt, Unreachable, "localhost is not trusted")
        mine = self.authority.certificate
        self.assertTrue(self.send(ca_certificate=mine, trusts_public=True).ok)

    def test_host_is_looked_at_all_the_same(self):
        self.serve()
        place = f"https://127.0.0.1:{self.server.port}"
        receipt = self.send(url=place, ca_certificate=self.authority.certificate)
        self.assertFails(receipt, Unreachable, "127.0.0.1 is not trusted", "mismatch")
        self.assertEqual(self.server.requests, [])

    def test_server_that_lets_nobody_else_in(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                self.serve(clients=self.authority.certificate, version=version)
                options = {"ca_certificate": self.authority.certificate}
                receipt = self.send(client_certificate=self.client, **options)
                self.assertTrue(receipt.ok, receipt.error)
                known = message(external_id="1")
                receipt = self.send(known, client_certificate=self.client, **options)
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(self.server.connections, 1)

    def test_nobody_without_a_certificate(self):
        self.serve(clients=self.authority.certificate)
        receipt = self.send(ca_certificate=self.authority.certificate)
        self.assertFails(receipt, Unreachable, "without a client certificate")
        self.assertEqual(self.server.requests, [])

    def test_what_is_refused_there_was_not_carried_out(self):
        """In TLS 1.3 the request is on its way before it is known who sends it."""
        self.serve(clients=self.authority.certificate)
        options = {"ca_certificate": self.authority.certificate}
        stranger = "".join(Authority("Stranger").issue())
        receipt = self.send(client_certificate=stranger, **options)
        self.assertFails(receipt, Unreachable, "does not accept the client certificate")
        self.assertEqual(receipt.fate, UNSENT)
        receipt = self.send(**options)
        self.assertEqual(receipt.fate, UNSENT)
        # so much that the connection is closed before all of it has left
        large = message(payload={"name": "x" * 2_000_000})
        receipt = self.send(large, client_certificate=stranger, **options)
        self.assertFails(receipt, Unreachable, "does not accept the client certificate")
        self.assertEqual(receipt.fate, UNSENT)
        self.assertEqual(self.server.requests, [])

    def test_what_is_refused_on_a_kept_connection_may_have_been_carried_out(self):
        context = server_context(
            self.folder(), *self.authority.issue(), clients=self.authority.certificate
        )
        context.post_handshake_auth = True
        self.server = self.enterContext(_AsksLater(tls=context))
        options = {"ca_certificate": self.authority.certificate}
        self.assertTrue(self.send(**options).ok)
        second = message(key=8, idempotency_key="key-2")
        receipt = self.send(second, **options)
        self.assertFails(receipt, Unreachable, "client certificate")
        self.assertEqual(self.server.connections, 1)
        self.assertEqual(len(self.server.records), 2)
        self.assertEqual(receipt.fate, UNKNOWN)

    def test_requests_that_has_a_context_of_its_own(self):
        """As 2.32.0 to 2.32.2 have, whatever the adapter has"""
        name = "build_connection_pool_key_attributes"
        build = getattr(connection.Session, name)

        def build_anew(session, *args, **kwargs):
            host, pool = build(session, *args, **kwargs)
            return host, {**pool, "ssl_context": ssl.create_default_context()}

        self.serve()
        bundle = self.folder() / "ca.pem"
        bundle.write_text(self.authority.certificate, encoding="ascii")
        self.enterContext(patch.dict(os.environ, REQUESTS_CA_BUNDLE=str(bundle)))
        self.enterContext(patch.object(connection.Session, name, build_anew))
        for options in (
            {"client_certificate": self.client},
            {"ca_certificate": self.authority.certificate},
        ):
            receipt = self.send(**options)
            self.assertFails(receipt, Unreachable, "package requests", "2.32.3")
            self.assertEqual(receipt.fate, UNSENT)
        self.assertEqual(self.server.requests, [])
        # nobody else has certificates to lose
        self.assertTrue(self.send().ok)

    def test_what_cannot_be_used_is_said(self):
        self.serve()
        past = "".join(self.authority.issue(days=-1))
        for options, words in (
            ({"client_certificate": past}, "ended on"),
            ({"client_certificate": "/etc/passwd"}, "no certificate"),
            ({"ca_certificate": "/etc/passwd"}, "no certificate"),
        ):
            receipt = self.send(**options)
            self.assertFails(receipt, Unreachable, "cannot be used", words)
            self.assertEqual(receipt.fate, UNSENT)
            self.assertNotIn("passwd", receipt.error.message)
        self.assertEqual(self.server.requests, [])

    def test_nothing_shows_the_key(self):
        self.serve(clients=self.authority.certificate)
        with self.transport(
            client_certificate=self.client, ca_certificate=self.authority.certificate
        ) as transport:
            shown = repr(transport._client.config)
            with self.assertNoLogs("urllib3", "INFO"):
                transport.check()
        for line in self.key.splitlines()[1:-1]:
            self.assertNotIn(line, shown)
