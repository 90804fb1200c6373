# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from urllib3 import Timeout

from .destination import FAULTS, OPTIONAL
from .kit_case import TIMEOUT, KitCase
from .transport_jobs import TransportJobs
from .transport_messages import TransportMessages
from .transport_proof import TransportProof
from .transport_secrets import TransportSecrets
from .transport_settings import TransportSettings


class _Seconds(tuple):
    """Timeouts of a request that Odoo's tests take for long ones."""

    def __lt__(self, other):
        return False


class TransportCase(
    TransportJobs,
    TransportMessages,
    TransportProof,
    TransportSecrets,
    TransportSettings,
    KitCase,
):
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

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        """Let what is built on ``requests`` keep its timeouts.

        Odoo's tests would make ten seconds of shorter ones, and take no pair of them.
        """
        timeout = kwargs.get("timeout")
        if isinstance(timeout, int | float):
            kwargs["timeout"] = _Seconds([timeout, timeout])
        elif isinstance(timeout, Timeout):
            pair = timeout.connect_timeout, timeout.read_timeout
            kwargs["timeout"] = _Seconds(pair)
        elif timeout is not None:
            kwargs["timeout"] = _Seconds(timeout)
        return super()._request_handler(session, request, **kwargs)

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
