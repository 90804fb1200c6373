# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import base64
import json
import logging
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..engine import jobs
from .common import DeliveryCase
from .failure_mail_case import FailureMailCase
from .postgresql_case import PASSWORD, PostgresqlCase

SECRET = "s3cr3t-T0ken"
USERNAME = "odoo"
BASIC = base64.b64encode(f"{USERNAME}:{SECRET}".encode()).decode()
# How a secret is sent: settings of the system, header and what it holds.
SCHEMES = {
    "bearer": ({"auth": "bearer"}, "Authorization", f"Bearer {SECRET}"),
    "basic": (
        {"auth": "basic", "auth_username": USERNAME},
        "Authorization",
        f"Basic {BASIC}",
    ),
    "header": ({"auth": "header", "auth_header": "X-Key"}, "X-Key", SECRET),
}
# all that may have something to say about a delivery, at its most talkative
LOGGERS = ("odoo.addons.queue_job", "odoo.addons.queue_job_sync", "urllib3", "requests")


class _Memory(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record):
        self.lines.append(self.format(record))


@contextmanager
def all_logs():
    """Yield a list that fills with all that is logged, down to DEBUG.

    Everything below the loggers' parents comes along, since they propagate, also where
    two threads of another test have both kept one quiet, and it has stayed so.
    """
    memory = _Memory()
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    root = logging.getLogger()
    for name, logger in root.manager.loggerDict.items():
        if name.startswith(LOGGERS) and isinstance(logger, logging.Logger):
            logger.handlers, logger.propagate = [], True
    others = root.handlers[:]
    root.handlers[:] = [memory]
    try:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield memory.lines
    finally:
        root.handlers[:] = others
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class SecretsCase(DeliveryCase):
    """Look for secrets in all that is stored or logged."""

    quiet_loggers = ()
    context = {}  # what is tracked is stored too
    tables = (
        "queue_job",
        "sync_backend",
        "sync_stream",
        "sync_outbox",
        "sync_binding",
        "sync_delivery",
        "mail_message",
        "mail_mail",
        "mail_tracking_value",
        "ir_logging",
    )

    def stored(self, *secrets):
        """Return the tables whose rows contain a secret anywhere."""
        found = []
        with self.transaction() as env:
            for table in self.tables:
                for secret in secrets:
                    query = SQL(
                        "SELECT count(*) FROM %s AS t"
                        " WHERE strpos(to_jsonb(t)::text, %s) > 0",
                        SQL.identifier(table),
                        secret,
                    )
                    if env.execute_query(query)[0][0]:
                        found.append(table)
        return found

    def assertNowhere(self, logs, *secrets):
        self.assertTrue(logs, "nothing was logged at all")
        for line in logs:
            for secret in secrets:
                self.assertNotIn(secret, line)
        self.assertEqual(self.stored(*secrets), [])


@tagged("post_install", "-at_install")
class TestSecrets(SecretsCase, FailureMailCase):
    """A destination that tells everybody what it was told."""

    def fail_with_echo(self, scheme, status):
        """Let a job fail on an answer that repeats the credentials."""
        options, header, value = SCHEMES[scheme]
        self.change_backend(auth_secret=SECRET, **options)
        self.destination.answer(
            status,
            {"message": f"what is {value}?", "headers": {header: value}},
            headers={"X-Echo": value},
            times=3,
        )
        self.new_partner()
        uuid = self.job_uuids()[-1]
        self.uuids.append(uuid)
        while self.run_job(uuid) == "pending":
            continue
        # or this would prove nothing
        self.assertEqual(self.destination.requests[-1].headers[header], value)
        self.notify()
        self.assertMails(uuid, 1)
        return uuid

    def assertKept(self, scheme, status):
        with all_logs() as logs:
            uuid = self.fail_with_echo(scheme, status)
        self.assertNowhere(logs, SECRET, BASIC)
        reason = self.job(uuid, "failure_reason")["failure_reason"]
        self.assertIn("what is", reason)
        self.assertIn("***", reason)
        self.assertTrue(any("what is" in line for line in logs))

    def test_token(self):
        self.assertKept("bearer", 422)

    def test_password(self):
        self.assertKept("basic", 422)

    def test_key_in_a_header(self):
        self.assertKept("header", 422)

    def test_token_that_is_refused(self):
        self.assertKept("bearer", 401)

    def test_however_it_is_spelled(self):
        """What a destination makes of what it was sent is in every text of ours."""
        self.change_backend(auth_secret=SECRET, **SCHEMES["bearer"][0])
        raw = SECRET.encode()
        spelled = [
            raw.hex(),
            raw.hex().upper(),
            "".join(f"%{byte:02x}" for byte in raw),
            "".join(f"&#{byte};" for byte in raw),
            "".join(f"&#x{byte:x};" for byte in raw),
        ]
        longer = [
            encode(bytes(before) + raw + b"!").decode()
            for encode in (base64.b64encode, base64.urlsafe_b64encode)
            for before in range(3)
        ]
        escaped = "".join(f"\\u{byte:04x}" for byte in raw)
        with all_logs() as logs:
            for each in [*spelled, *longer, escaped, json.dumps(json.dumps(SECRET))]:
                body = {"message": f"what is {each}?", each: each, "id": each}
                self.destination.answer(422, body, headers={"X-Echo": each})
                self.new_partner()
            self.assertEqual(set(self.run_pending()), {"failed"})
            # as the id of the record
            for each in (SECRET, *spelled, *longer):
                self.destination.answer(201, {"id": each})
                self.new_partner()
            with patch.object(jobs, "WITHOUT_ID", 1000):
                self.assertEqual(set(self.run_pending()), {"done"})
        # a table would hold a backslash as two
        parts = [text[4:-8] for text in longer]
        self.assertNowhere(logs, SECRET, *spelled, *parts, "u0033", r"\u0073")

    def test_password_after_all_tries(self):
        self.assertKept("basic", 500)

    def test_signing_secrets(self):
        keys = ("s3cr3t+key/" + "A" * 21, "0lds3cr3t/k+y" + "B" * 19)
        current, previous = (f"whsec_{key}" for key in keys)
        self.change_backend(signing_secret=current, signing_secret_previous=previous)
        self.destination.answer(
            422, {"message": f"what is {keys[0]}?"}, headers={"X-Echo": previous}
        )
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["failed"])
        self.assertNowhere(logs, *keys)
        (uuid,) = self.job_uuids()
        reason = self.job(uuid, "failure_reason")["failure_reason"]
        self.assertIn("what is ***?", reason)

    def test_new_signing_secret_is_not_tracked(self):
        secrets = ["whsec_" + word * 4 for word in ("current/", "previous")]
        for secret in secrets:
            with self.transaction() as env, all_logs() as logs:
                backend = env["sync.backend"].browse(self.backend_id)
                backend.rotate_signing_secret(secret)
                logs.append("nothing else may be logged")
        self.assertNowhere(logs, *secrets)

    def test_delivery_that_succeeds(self):
        self.change_backend(auth="bearer", auth_secret=SECRET)
        self.destination.answer(201, {"id": "7", "token": SECRET})
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), ["done"])
        self.assertNowhere(logs, SECRET)
        (delivery,) = self.read(
            "sync.delivery", [("stream_id", "=", self.stream_id)], ["response"]
        )
        self.assertIn("***", delivery["response"])

    def test_change_of_a_secret_is_not_tracked(self):
        self.change_backend(auth="bearer", auth_secret="first-" + SECRET)
        self.change_backend(auth_secret=SECRET, db_password=SECRET, name="Renamed")
        self.assertEqual(self.stored(SECRET), [])
        # where tracking itself works
        self.assertIn("mail_tracking_value", self.stored("Renamed"))


@tagged("post_install", "-at_install")
class TestDatabaseSecrets(SecretsCase, PostgresqlCase):
    """The password of a database."""

    def setUp(self):
        super().setUp()
        self.change_stream(table="contacts")
        self.change_backend(**self.system_values())

    def assertKept(self, password, words, state="failed"):
        self.change_stream(max_retries=1)
        with all_logs() as logs:
            self.new_partner()
            self.assertEqual(self.run_pending(), [state])
        (uuid,) = self.job_uuids()
        job = self.job(uuid, "failure_reason", "state_reason")
        self.assertIn(words, job["failure_reason"] or job["state_reason"])
        self.assertNowhere(logs, password)

    def test_password_of_a_login_that_is_refused(self):
        self.change_backend(db_user="nobody_here", db_password=SECRET)
        self.assertKept(SECRET, "No connection")

    def test_password_of_a_statement_that_is_refused(self):
        # there is no column for the country
        self.assertKept(PASSWORD.rstrip("\\"), "country", "pending")
