# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signatures, verified as a destination does it: with the library of the scheme."""

import base64
import time
from unittest.mock import patch

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from odoo.tests import tagged

from ..exceptions import Unreachable
from ..transports import RestConfig, signing
from .transport_case import TOKEN, RestCase, message

SECRET = "whsec_" + base64.b64encode(b"\xfb\xff spelled with + / and =").decode()
PREVIOUS = "whsec_" + base64.b64encode(bytes(range(24))).decode()
STRANGER = "whsec_" + base64.b64encode(bytes(64)).decode()
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def verify(request, secret, body=None):
    """Raise unless a request that arrived is signed with the secret."""
    body = request.body if body is None else body
    Webhook(secret).verify(body, dict(request.headers), json_parse=False)


@tagged("-at_install", "post_install")
class TestRestSigning(RestCase):
    def send_signed(self, sent=None, secrets=(SECRET,), **options):
        receipt = self.send(sent, signing_secrets=secrets, **options)
        return receipt, self.server.requests[-1]

    def assertSignedWith(self, request, *secrets):
        for secret in secrets:
            verify(request, secret)
        for secret in {SECRET, PREVIOUS, STRANGER} - set(secrets):
            with self.assertRaises(WebhookVerificationError):
                verify(request, secret)
        signatures = request.headers["webhook-signature"].split(" ")
        self.assertEqual(len(signatures), len(secrets))

    def test_every_operation(self):
        self.server.records["/contacts/5"] = {}
        for sent, line in (
            (message(), "POST /contacts"),
            (message(external_id="5"), "PUT /contacts/5"),
            (message(external_id="5", update_method="patch"), "PATCH /contacts/5"),
            (message("mark", payload={"gone": True}, external_id="5"), None),
            (message("delete", payload={}, external_id="5"), "DELETE /contacts/5"),
        ):
            with self.subTest(sent):
                receipt, request = self.send_signed(sent)
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(self.lines()[-1], line or "PATCH /contacts/5")
                self.assertEqual(request.headers["webhook-id"], "key-1")
                self.assertSignedWith(request, SECRET)
        self.assertEqual(request.body, b"", "a deletion is signed without a body")

    def test_both_secrets_sign(self):
        _receipt, request = self.send_signed(secrets=(SECRET, PREVIOUS))
        self.assertSignedWith(request, SECRET, PREVIOUS)

    def test_one_secret_twice_signs_once(self):
        _receipt, request = self.send_signed(secrets=(SECRET, f"{SECRET}\n"))
        self.assertSignedWith(request, SECRET)

    def test_known_signature(self):
        """Computed with OpenSSL, so that no library vouches for itself."""
        with patch.object(signing, "time", return_value=1674087231.9):
            headers = signing.signature_headers([PREVIOUS], "msg_1", b'{"a":1}')
        self.assertEqual(
            headers,
            {
                "webhook-id": "msg_1",
                "webhook-timestamp": "1674087231",
                "webhook-signature": "v1,37Ju4gWdHmMAd7aREn3FsxDufvnnrcp8sRkn3TQERiI=",
            },
        )

    def test_what_was_changed_on_the_way_fails(self):
        _receipt, request = self.send_signed()
        verify(request, SECRET)
        with self.assertRaises(WebhookVerificationError):
            verify(request, SECRET, request.body.replace(b"Zo", b"Jo"))
        for name, value in (
            ("webhook-id", "key-2"),
            ("webhook-timestamp", str(int(time.time()) + 1)),
            ("webhook-signature", "v1," + base64.b64encode(bytes(32)).decode()),
        ):
            with self.subTest(name), self.assertRaises(WebhookVerificationError):
                headers = {**dict(request.headers), name: value}
                self.assertIn(name, request.headers)
                Webhook(SECRET).verify(request.body, headers)

    def test_attempts_share_the_id_and_not_the_time(self):
        sent = message(external_id="1")
        self.server.answer(500)
        self.server.answer(200)
        now = time.time()
        for moment in (now - 90, now):
            with patch.object(signing, "time", return_value=moment):
                self.send_signed(sent)
        first, second = self.server.requests
        self.assertEqual(first.headers["webhook-id"], second.headers["webhook-id"])
        self.assertEqual(
            [request.headers["webhook-timestamp"] for request in (first, second)],
            [str(int(now - 90)), str(int(now))],
        )
        self.assertEqual(first.body, second.body)
        for request in (first, second):
            self.assertSignedWith(request, SECRET)

    def test_attempt_after_a_stale_connection_is_signed_again(self):
        self.send_signed(repeats_are_safe=True)
        self.server.answer(drop=True)
        now = time.time()
        with patch.object(signing, "time", side_effect=[now - 30, now]):
            receipt, request = self.send_signed(repeats_are_safe=True)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(request.headers["webhook-timestamp"], str(int(now)))
        self.assertEqual(len(self.server.requests), 3)
        for request in self.server.requests:
            self.assertSignedWith(request, SECRET)

    def test_creation_of_a_lost_record_is_another_message(self):
        self.send_signed(message(external_id="99", proven={"update"}))
        ids = [request.headers["webhook-id"] for request in self.server.requests]
        self.assertEqual(ids, ["key-1", "key-1-recreate"])
        for request in self.server.requests:
            self.assertSignedWith(request, SECRET)

    def test_redirect_is_signed(self):
        self.server.answer(307, headers={"Location": "/v2/contacts"})
        _receipt, request = self.send_signed()
        self.assertEqual(request.path, "/v2/contacts")
        self.assertSignedWith(request, SECRET)

    def test_question_for_a_sign_of_life_is_signed(self):
        """A destination that checks every request would refuse it otherwise."""
        self.transport(signing_secrets=(SECRET,)).check()
        self.transport(signing_secrets=(SECRET,)).check()
        first, second = self.server.requests
        self.assertSignedWith(first, SECRET)
        self.assertNotEqual(first.headers["webhook-id"], second.headers["webhook-id"])

    def test_not_signed_without_a_secret(self):
        self.send()
        self.transport().check()
        for request in self.server.requests:
            for name in HEADERS:
                self.assertNotIn(name, request.headers)
        self.assertEqual(len(self.server.requests), 2)

    def test_goes_with_any_authentication(self):
        _receipt, request = self.send_signed(auth="bearer", secret=TOKEN)
        self.assertEqual(request.headers["Authorization"], f"Bearer {TOKEN}")
        self.assertSignedWith(request, SECRET)

    def test_another_secret_has_its_own_connections(self):
        for secrets in ((), (SECRET,), (SECRET, PREVIOUS), (SECRET, PREVIOUS)):
            self.send_signed(secrets=secrets)
        self.assertEqual(self.server.connections, 3)


@tagged("-at_install", "post_install")
class TestSigningSecrets(RestCase):
    def test_which_are_accepted(self):
        for secret in (SECRET, PREVIOUS, STRANGER, f" {SECRET}\n", SECRET.rstrip("=")):
            self.assertIsNone(signing.secret_problem(secret))

    def test_which_are_not(self):
        for secret, words in (
            ("s3cr3t", "begins with whsec_"),
            (SECRET.removeprefix("whsec_"), "begins with whsec_"),
            ("whsec_s3cr3t-%%", "base64"),
            ("whsec_s3cr3té" + "A" * 40, "base64"),
            ("whsec_" + "s3cr" * 10 + "A", "base64"),
            ("whsec_", "24 to 64 bytes, and this one 0"),
            ("whsec_" + base64.b64encode(b"s" * 23).decode(), "this one 23"),
            ("whsec_" + base64.b64encode(b"s" * 65).decode(), "this one 65"),
        ):
            with self.subTest(secret):
                problem = signing.secret_problem(secret)
                self.assertIn(words, problem)
                if secret != "whsec_":
                    self.assertNotIn(secret.removeprefix("whsec_"), problem)
                receipt = self.send(signing_secrets=(SECRET, secret))
                self.assertFails(receipt, Unreachable, words)
        self.assertEqual((self.lines(), receipt.request), ([], ""))

    def test_secret_that_the_destination_echoes(self):
        for sign in "+/=":
            self.assertIn(sign, SECRET, "or some spellings are the same")
        for secret in (SECRET, PREVIOUS):
            bare = secret.removeprefix("whsec_")
            for echo in (
                secret,
                bare,
                bare.rstrip("="),
                bare.replace("+", "-").replace("/", "_"),
                base64.b64decode(bare).hex(),
            ):
                with self.subTest(echo):
                    self.server.answer(422, {"message": f"what is {echo}?"})
                    receipt = self.send(signing_secrets=(SECRET, PREVIOUS))
                    shown = f"{receipt!r} {receipt.error} {receipt.response}"
                    self.assertIn("what is", receipt.error.message)
                    self.assertNotIn(echo.removeprefix("whsec_").rstrip("="), shown)

    def test_config_does_not_show_them(self):
        config = RestConfig("http://x", signing_secrets=(SECRET,))
        self.assertNotIn(SECRET.removeprefix("whsec_")[:8], repr(config))
