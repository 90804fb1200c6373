# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests that go through a proxy, and what it gets to see."""

import logging
import os
import socket
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import Temporary, Unreachable
from ..transports.base import UNSENT
from ..transports.http import connection
from .certificates import Authority, server_context
from .proxy_server import HttpProxy
from .servers import HttpDestination
from .test_secrets import all_logs
from .transport_case import PAYLOAD, TOKEN, RestCase, message

PASSWORD = "pr0xy/p4ssword+ö"
LOGIN = f"odoo:{PASSWORD}"
OPTIONS = {"proxy_username": "odoo", "proxy_password": PASSWORD}


class ProxyCase(RestCase):
    def proxy(self, **options):
        return self.enterContext(HttpProxy(**options))


@tagged("-at_install", "post_install")
class TestProxyOfHttp(ProxyCase):
    """Without TLS it is asked for whole addresses (RFC 9112 section 3.2.2)."""

    def test_it_is_asked_instead_of_the_destination(self):
        proxy = self.proxy()
        receipt = self.send(proxy=proxy.url, auth="bearer", secret=TOKEN)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(proxy.asked, [("POST", f"{self.server.url}/contacts", None)])
        (request,) = self.server.requests
        self.assertEqual((request.path, request.json), ("/contacts", PAYLOAD))
        self.assertEqual(receipt.request, f"POST {self.server.url}/contacts")

    def test_it_is_told_who_asks_and_nobody_else_is(self):
        proxy = self.proxy(login=LOGIN)
        receipt = self.send(proxy=proxy.url, **OPTIONS)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(proxy.asked[0][2], LOGIN)
        self.assertNotIn("Proxy-Authorization", self.server.requests[0].headers)
        # nor is it shown
        with self.transport(proxy=proxy.url, **OPTIONS) as transport:
            self.assertNotIn("Proxy-Authorization", transport.preview(message()))

    def test_it_refuses_us(self):
        proxy = self.proxy(login=LOGIN)
        for options in ({}, {**OPTIONS, "proxy_password": "wr0ng-password"}):
            receipt = self.send(proxy=proxy.url, **options)
            self.assertFails(receipt, Unreachable, "407")
            self.assertNotIn("wr0ng", receipt.error.message)
        self.assertEqual(self.server.requests, [])

    def test_what_it_echoes_of_the_password(self):
        proxy = self.proxy(
            raw=b"HTTP/1.1 502 No\r\nContent-Length: 30\r\n\r\n"
            + f"who is {LOGIN}?".encode()
        )
        receipt = self.send(proxy=proxy.url, **OPTIONS)
        self.assertFails(receipt, Unreachable, "502")
        shown = f"{receipt!r} {receipt.error} {receipt.response}"
        self.assertNotIn(PASSWORD, shown)

    def test_the_one_of_the_surroundings_is_not_used(self):
        proxy, other = self.proxy(), self.proxy()
        environment = dict.fromkeys(("HTTP_PROXY", "http_proxy"), other.url)
        with patch.dict(os.environ, {**environment, "no_proxy": "localhost"}):
            self.assertTrue(self.send(proxy=proxy.url).ok)
        self.assertEqual((len(proxy.asked), other.asked), (1, []))

    def test_it_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        receipt = self.send(proxy=f"http://127.0.0.1:{port}")
        self.assertFails(receipt, Unreachable, "proxy", "refused", f"127.0.0.1:{port}")
        self.assertEqual(receipt.fate, UNSENT)
        receipt = self.send(proxy="http://proxy.invalid:3128")
        self.assertFails(receipt, Unreachable, "proxy.invalid was not found")

    def test_connections_are_kept(self):
        proxy = self.proxy()
        for key in ("key-1", "key-2"):
            self.assertTrue(self.send(message(idempotency_key=key), proxy=proxy.url).ok)
        (session,) = (each for each, _used in connection.sessions._entries.values())
        self.assertEqual(list(session.proxy_manager), [proxy.url])

    def test_no_log_has_the_password(self):
        proxy = self.proxy(login=LOGIN)
        with all_logs() as logs:
            self.assertTrue(self.send(proxy=proxy.url, **OPTIONS).ok)
            logging.getLogger("urllib3").debug("or nothing is logged")
        self.assertTrue(logs)
        for line in logs:
            self.assertNotIn(PASSWORD, line)
            self.assertNotIn("Proxy-Authorization", line)


@tagged("-at_install", "post_install")
class TestProxyOfHttps(ProxyCase):
    """With TLS it leads to the destination, and reads nothing (RFC 9110 9.3.6)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(cls.enterClassContext(TemporaryDirectory()))
        cls.authority = Authority()
        cls.context = server_context(cls.folder, *cls.authority.issue())

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(HttpDestination(tls=self.context))
        self.options = {"ca_certificate": self.authority.certificate}

    def place(self):
        return f"localhost:{self.server.port}"

    def test_it_sees_where_and_nothing_else(self):
        proxy = self.proxy(login=LOGIN)
        options = {**self.options, **OPTIONS, "auth": "bearer", "secret": TOKEN}
        receipt = self.send(proxy=proxy.url, **options)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(proxy.asked, [("CONNECT", self.place(), LOGIN)])
        self.assertNotIn("Authorization", proxy.headers[0])
        for secret in (TOKEN, "contacts", PASSWORD):
            self.assertNotIn(secret.encode(), proxy.tunnelled)
        (request,) = self.server.requests
        self.assertEqual(request.headers["Authorization"], f"Bearer {TOKEN}")
        self.assertNotIn("Proxy-Authorization", request.headers)

    def test_a_connection_that_broke_leads_through_it_again(self):
        """Not to the proxy itself, with all that was for the destination."""
        proxy, safe = self.proxy(), {"repeats_are_safe": True}
        self.assertTrue(self.send(proxy=proxy.url, **self.options, **safe).ok)
        self.server.answer(drop=True)
        sent = message(idempotency_key="key-2")
        receipt = self.send(sent, proxy=proxy.url, **self.options, **safe)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(proxy.asked, [("CONNECT", self.place(), None)] * 2)

    def test_an_old_connection_leads_through_it_again(self):
        proxy = self.proxy()
        self.assertTrue(self.send(proxy=proxy.url, **self.options).ok)
        # what must not go twice goes over a new one
        with patch.object(connection, "MAX_IDLE_ONCE", -1):
            sent = message(idempotency_key="key-2")
            receipt = self.send(sent, proxy=proxy.url, **self.options)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(proxy.asked, [("CONNECT", self.place(), None)] * 2)

    def test_connections_are_kept(self):
        proxy = self.proxy()
        for key in ("key-1", "key-2"):
            sent = message(idempotency_key=key)
            self.assertTrue(self.send(sent, proxy=proxy.url, **self.options).ok)
        self.assertEqual(len(proxy.asked), 1)

    def test_it_refuses_us(self):
        proxy = self.proxy(login=LOGIN)
        receipt = self.send(proxy=proxy.url, **self.options)
        self.assertFails(receipt, Unreachable, "proxy", "user or password")
        self.assertEqual(receipt.fate, UNSENT)

    def test_it_does_not_lead_there(self):
        for status, words in ((403, "403 Forbidden"), (502, "502 Bad Gateway")):
            proxy = self.proxy(answers=status)
            receipt = self.send(proxy=proxy.url, **self.options)
            self.assertFails(receipt, Unreachable, words, self.place(), "proxy")
            self.assertEqual(receipt.fate, UNSENT)
        self.assertEqual(self.server.requests, [])

    def test_it_talks_nonsense(self):
        for raw, kind in (
            (b"what?\r\n\r\n", Temporary),
            (b"", Unreachable),
            (b"HTTP/1.1 200 OK\r\n\r\n<p>welcome</p>", Unreachable),
        ):
            with self.subTest(raw):
                proxy = self.proxy(raw=raw or None, answers=None if raw else 200)
                receipt = self.send(proxy=proxy.url, **self.options)
                self.assertIn(type(receipt.error), (Temporary, Unreachable), kind)
                self.assertEqual(receipt.fate, UNSENT)
        self.assertEqual(self.server.requests, [])

    def test_it_never_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            started = time.monotonic()
            receipt = self.send(
                proxy=f"http://127.0.0.1:{mute.getsockname()[1]}",
                connect_timeout=0.3,
                read_timeout=0.4,
                **self.options,
            )
        self.assertFails(receipt, Unreachable, "proxy", "No complete answer")
        self.assertEqual(receipt.fate, UNSENT)
        self.assertLess(time.monotonic() - started, 1.5)

    def test_its_answer_has_no_end(self):
        """A line now and then does not keep a worker waiting for ever."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_drip, args=(listener,))
            thread.start()
            started = time.monotonic()
            receipt = self.send(
                proxy=f"http://127.0.0.1:{listener.getsockname()[1]}",
                connect_timeout=0.3,
                read_timeout=0.4,
                **self.options,
            )
            elapsed = time.monotonic() - started
            thread.join()
        self.assertFails(receipt, Unreachable, "proxy", "No complete answer")
        self.assertEqual(receipt.fate, UNSENT)
        self.assertLess(elapsed, 1.5)

    def test_it_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        receipt = self.send(proxy=f"http://127.0.0.1:{port}", **self.options)
        self.assertFails(receipt, Unreachable, "proxy", "refused", f"127.0.0.1:{port}")

    def test_the_destination_is_verified_behind_it(self):
        proxy = self.proxy()
        receipt = self.send(proxy=proxy.url)
        self.assertFails(receipt, Unreachable, "localhost is not trusted")
        self.assertEqual(self.server.requests, [])


def _drip(listener):
    """Lead somewhere, and never end to say so."""
    client, _address = listener.accept()
    with client:
        client.recv(4096)
        line = b"HTTP/1.1 200 OK\r\n"
        for _number in range(500):
            try:
                client.sendall(line)
            except OSError:
                return
            line = b"X: y\r\n"
            time.sleep(0.02)
