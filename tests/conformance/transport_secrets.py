# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who learns the credentials (nobody), and who may do what."""

from contextlib import suppress

from ...exceptions import SyncError
from ...transports.base import Redactor
from .destination import DOWN, ECHO, LOCKED, REFUSE, REFUSED

# Where something of a delivery is kept.
KEPT = ("sync.delivery", "sync.binding", "sync.incident", "sync.attempt", "queue.job")


class TransportSecrets:
    """Mixed into :class:`.TransportCase`."""

    def assertUntold(self, text):
        """Assert that no spelling of a credential is in a text."""
        redacted = Redactor(self.destination.secrets)(text)
        self.assertEqual(redacted, text)

    def kept(self):
        """Return all that is stored of deliveries, as text."""
        with self.transaction() as env:
            return repr([env[model].search([]).read() for model in KEPT])

    def test_credentials_are_in_no_log_and_no_record(self):
        for fault in (None, DOWN, REFUSE, ECHO, LOCKED):
            if fault in self.destination.cannot:
                continue  # reported by the tests for it
            with self.subTest(fault), self.assertLogs(None, "DEBUG") as logs:
                self.destination.mend()
                if fault:
                    self.destination.fault(fault)
                self.run_job(self.new_job(name=REFUSED))
                with self.transport() as transport, suppress(SyncError):
                    self.assertUntold(transport.check())
                self.assertUntold(repr(self.send(self.message(7))))
                self.assertUntold(self.reason())
                self.assertUntold(self.examine().sentence)
            self.assertUntold("\n".join(logs.output))
            self.assertUntold(self.kept())

    def reason(self):
        """Return what the person is told who tests the connection."""
        with self.transport() as transport:
            try:
                return transport.check()
            except SyncError as error:
                return f"{error} {error.message} {error!r} {error.__cause__!r}"

    def test_refusal_that_repeats_the_credentials_is_cleaned(self):
        self.have(ECHO)
        (receipt,) = self.send(self.message(7))
        self.assertFalse(receipt.ok)
        self.assertUntold(repr(receipt) + str(receipt.error) + receipt.error.message)

    def test_credentials_are_in_no_field(self):
        """Not for the superuser either: what no field holds, nobody can ask for."""
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            kept = [backend._secret(name) for name in backend._secret_names()]
            self.assertLessEqual(set(self.destination.secrets), set(kept))
            self.assertUntold(repr((backend.read(), backend.copy_data())))
            env.cr.execute(
                "SELECT to_jsonb(b)::text FROM sync_backend b WHERE id = %s",
                [self.backend_id],
            )
            self.assertUntold(repr(env.cr.fetchall()))

    def test_editor_needs_no_right_on_jobs(self):
        uid = self.new_user("editor", self.editor_groups)
        record_id = self.new_record({"name": "Ada"}, uid)
        self.assertEqual(self.run_pending(), ["done"])
        self.edit(record_id, uid=uid, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere({"name": "Grace"})
