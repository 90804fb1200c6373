# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .destination import FAULTS, OPTIONAL
from .kit_case import TIMEOUT, KitCase
from .transport_jobs import TransportJobs
from .transport_messages import TransportMessages
from .transport_secrets import TransportSecrets


class TransportCase(TransportJobs, TransportMessages, TransportSecrets, KitCase):
    """Everything that is promised of a transport, with contacts and real jobs.

    A subclass sets ``destination_class``, a
    :class:`~.destination.Destination`.
    """

    destination_class = None
    needed = ("destination_class",)
    mapping = (("name", "name"), ("email", "email"), ("city", "city"))

    def backend_values(self):
        return {
            "name": "Kit",
            "connect_timeout": TIMEOUT,
            "read_timeout": TIMEOUT,
            **self.destination.backend_values(),
        }

    def stream_values(self, backend):
        return {
            **super().stream_values(backend),
            **self.destination.stream_values(),
        }

    def have(self, fault):
        """Let the destination have a fault, or report that it never has."""
        if reason := self.destination.cannot.get(fault):
            self.skipTest(f"declared: no way to {fault}. {reason}")
        self.destination.fault(fault)

    def assertThere(self, *expected):
        """Assert what the destination holds, in any order.

        :param expected: the values of each record, of ``name`` at least
        """
        found = sorted(self.destination.records(), key=lambda each: each["name"] or "")
        expected = sorted(expected, key=lambda each: each["name"] or "")
        shown = [
            {name: each.get(name) for name in values}
            for each, values in zip(found, expected, strict=False)
        ]
        self.assertEqual(len(found), len(expected), found)
        self.assertEqual(shown, expected)

    def test_what_it_cannot_do_is_declared_with_a_reason(self):
        for fault, reason in self.destination.cannot.items():
            self.assertIn(fault, OPTIONAL)
            self.assertTrue(reason.strip())
        self.assertTrue(self.destination.secrets or "locked" in self.destination.cannot)
        self.assertTrue(OPTIONAL < FAULTS)
