# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo.tests import tagged

from ..exceptions import Unreachable
from ..transports.base import UNKNOWN
from ..transports.http import HttpConfig, connection
from .servers import HttpDestination
from .transport_case import TOKEN, RestCase, message


@tagged("-at_install", "post_install")
class TestRestConnections(RestCase):
    def test_connections_are_kept_between_transports(self):
        for key in range(5):
            with self.transport() as transport:
                sent = message(key=key, idempotency_key=f"key-{key}")
                self.assertTrue(transport.send([sent])[0].ok)
        for operation in ("mark", "delete"):  # the latter is answered without a body
            self.assertTrue(self.send(message(operation, external_id="1")).ok)
        self.server.answer(500, times=2)
        self.send()
        self.send()
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.server.answer(raw=head + b"2\r\n{}\r\n0\r\n\r\n")
        self.send()
        self.send()
        self.assertEqual(len(self.server.requests), 11)
        self.assertEqual(self.server.connections, 1)

    def test_another_configuration_has_its_own_connections(self):
        self.send(auth="bearer", secret="one")
        self.send(auth="bearer", secret="two")
        self.assertEqual(self.server.connections, 2)

    def test_stale_connection_is_no_failure(self):
        """A server may close a kept connection just as a request is under way."""
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True)
        sent = message(idempotency_key="key-2")
        self.assertTrue(self.send(sent, repeats_are_safe=True).ok)
        keys = [request.headers["Idempotency-Key"] for request in self.server.requests]
        self.assertEqual(keys, ["key-1", "key-2", "key-2"])
        self.assertEqual(self.server.connections, 2)

    def test_only_what_is_safe_to_repeat_is_repeated(self):
        self.server.records["/contacts/1"] = {}
        known = {"external_id": "1"}
        for sent, times in (
            (message(**known), 2),
            (message(id_policy="odoo", key=1), 2),
            (message("delete", **known), 2),
            # neither of these is the same when it comes twice, RFC 9110 section 9.2.2
            (message(), 1),
            (message(update_method="patch", **known), 1),
            (message("mark", **known), 1),
        ):
            with self.subTest(sent.operation):
                self.send()  # on a connection that is then kept
                self.server.requests.clear()
                self.server.answer(drop=True)
                receipt = self.send(sent)
                self.assertEqual(len(self.server.requests), times)
                if times == 1:
                    self.assertFails(receipt, Unreachable, "closed the connection")
                    self.assertEqual(receipt.fate, UNKNOWN)

    def test_what_must_not_be_repeated_goes_over_no_old_connection(self):
        self.send()
        with patch.object(connection, "MAX_IDLE_ONCE", 0.05):
            self.assertTrue(self.send().ok)
            self.assertEqual(self.server.connections, 1, "a moment ago")
            time.sleep(0.1)
            # it would be lost on a connection that the server is about to close
            self.assertTrue(self.send().ok)
            self.assertEqual(self.server.connections, 2)
            time.sleep(0.1)
            self.send(message(id_policy="odoo"))
            self.assertTrue(self.send(message("delete", external_id="1")).ok)
            self.assertEqual(self.server.connections, 2, "these may go twice")
        self.assertTrue(self.send(repeats_are_safe=True).ok)
        with patch.object(connection, "MAX_IDLE_ONCE", 0):
            self.assertTrue(self.send(repeats_are_safe=True).ok)
        self.assertEqual(self.server.connections, 3, "one for another configuration")

    def test_stale_connection_is_forgiven_once(self):
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True, times=5)
        receipt = self.send(repeats_are_safe=True)
        self.assertFails(receipt, Unreachable, "closed the connection")
        self.assertEqual(len(self.server.requests), 3)

    def test_connection_that_the_server_closed(self):
        self.send()
        self.server.disconnect()
        self.assertTrue(self.send().ok)

    def test_idle_connections_are_not_trusted(self):
        self.send()
        with patch.object(connection, "MAX_IDLE", 0):
            self.assertTrue(self.send().ok)
        self.assertEqual(self.server.connections, 2)

    def test_cache_is_bounded(self):
        sessions = connection.SessionCache()

        def get(name):
            return sessions.get(HttpConfig(f"http://{name}"))

        first = get("first")
        for number in range(connection.MAX_SESSIONS):
            self.assertIs(get("first"), first, "used, so it stays")
            kept = get(number)
        self.assertIs(get(number), kept)
        self.assertEqual(len(sessions._entries), connection.MAX_SESSIONS)
        for number in range(connection.MAX_SESSIONS):
            get(f"other {number}")
        self.assertIsNot(get("first"), first)

    def test_threads_share_a_session(self):
        def work(number):
            sent = [message(key=f"{number}-{i}", id_policy="odoo") for i in range(5)]
            return self.transport(concurrency=1).send(sent)

        self.server.upsert = True
        with ThreadPoolExecutor(4) as pool:
            receipts = [
                receipt for found in pool.map(work, range(4)) for receipt in found
            ]
        self.assertTrue(all(receipt.ok for receipt in receipts), receipts)
        self.assertEqual(len(self.server.records), 20)
        self.assertLessEqual(self.server.connections, 4)

    def test_all_kept_connections_are_stale(self):
        """A server that starts anew closes every one of them, just as it is used."""
        with ThreadPoolExecutor(3) as pool:
            self.server.answer(200, times=3, delay=0.2)
            safe = {"repeats_are_safe": True}
            list(pool.map(lambda _number: self.transport(**safe).check(), range(3)))
        self.assertEqual(self.server.connections, 3)
        self.server.answer(drop=True, times=3, delay=0.5)
        # long enough that none is free again before all have asked again
        self.server.answer(201, {"id": "1"}, times=3, delay=0.5)
        sent = [message(key=key, idempotency_key=f"key-{key}") for key in range(3)]
        receipts = self.transport(**safe).send(sent)
        self.assertTrue(all(receipt.ok for receipt in receipts), receipts)
        self.assertEqual(len(self.server.requests), 9)
        self.assertEqual(self.server.connections, 6)

    def test_forked_process_leaves_the_connections_alone(self):
        self.send()
        pid = os.fork()
        if not pid:
            # The child must end here whatever happens, and run nothing of Odoo's.
            status = 1
            try:
                status = 0 if self.send().ok else 2
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertEqual(self.server.connections, 2)
        self.assertTrue(self.send().ok)
        self.assertEqual(self.server.connections, 2, "the parent's still works")


def _certificate(folder, days):
    """Make a self-signed certificate for localhost.

    :param days: until it expires
    :return: paths of the certificate and of its key
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    end = datetime.now(ZoneInfo("UTC")) + timedelta(days=days)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(end - timedelta(days=10))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Path(folder, f"{days}.crt"), Path(folder, f"{days}.key")
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


class TlsCase(RestCase):
    """A destination with certificates."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = cls.enterClassContext(TemporaryDirectory())
        cls.good = _certificate(cls.folder, days=5)
        cls.expired = _certificate(cls.folder, days=-1)

    def serve(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server = self.enterContext(HttpDestination(tls=context))

    def trust(self, path):
        self.enterContext(patch.dict(os.environ, REQUESTS_CA_BUNDLE=str(path)))


@tagged("-at_install", "post_install")
class TestRestTls(TlsCase):
    def test_unknown_certificate_gets_nothing(self):
        self.serve(self.good)
        receipt = self.send(auth="bearer", secret=TOKEN)
        self.assertFails(
            receipt,
            Unreachable,
            "The TLS certificate of localhost is not trusted",
            "self-signed",
        )
        self.assertEqual(self.server.requests, [])

    def test_expired_certificate(self):
        self.serve(self.expired)
        self.trust(self.expired[0])
        self.assertFails(self.send(), Unreachable, "not trusted", "expired")
        self.assertEqual(self.server.requests, [])

    def test_certificate_of_another_host(self):
        self.serve(self.good)
        self.trust(self.good[0])
        receipt = self.send(url=f"https://127.0.0.1:{self.server.port}")
        self.assertFails(receipt, Unreachable, "127.0.0.1 is not trusted", "mismatch")
        self.assertEqual(self.server.requests, [])

    def test_authority_of_the_system(self):
        self.serve(self.good)
        self.trust(self.good[0])
        safe = {"repeats_are_safe": True}
        self.assertTrue(self.send(**safe).ok)
        self.assertTrue(self.send(**safe).ok)
        self.assertEqual(self.server.connections, 1)
        self.server.answer(drop=True)
        self.assertTrue(self.send(**safe).ok, "a stale connection, as without TLS")
        self.server.answer(201, "x" * 500, drip=0.002)
        receipt = self.send(read_timeout=0.3)
        self.assertFails(receipt, Unreachable, "No complete answer", "0.3 s")

    def test_authorities_that_do_not_exist(self):
        self.serve(self.good)
        self.trust(Path(self.folder, "none"))
        self.assertFails(self.send(), Unreachable, "REQUESTS_CA_BUNDLE")

    def test_plain_http_where_https_is_expected(self):
        url = self.server.url.replace("http:", "https:")
        self.assertFails(
            self.send(url=url), Unreachable, "No secure connection", "https"
        )
        self.assertEqual(self.server.requests, [])

    def test_handshake_that_never_ends(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            url = f"https://127.0.0.1:{mute.getsockname()[1]}"
            started = time.monotonic()
            receipt = self.send(url=url, connect_timeout=0.3, read_timeout=5)
        self.assertFails(receipt, Unreachable, "No connection to 127.0.0.1", "0.3 s")
        self.assertLess(time.monotonic() - started, 1)

    def test_handshake_that_drips(self):
        """A byte now and then does not keep the connection waiting for ever."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_drip_handshake, args=(listener,))
            thread.start()
            started = time.monotonic()
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            receipt = self.send(url=url, connect_timeout=0.3, read_timeout=5)
            elapsed = time.monotonic() - started
            thread.join()
        self.assertFails(receipt, Unreachable, "No connection to 127.0.0.1", "0.3 s")
        self.assertLess(elapsed, 1)


def _drip_handshake(listener):
    """Begin a TLS record of 4096 bytes, one byte at a time."""
    client, _address = listener.accept()
    with client:
        for byte in b"\x16\x03\x03\x10\x00\x02" + bytes(100):
            try:
                client.send(bytes([byte]))
            except OSError:
                return
            time.sleep(0.02)
