# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tests import BaseCase

from ..transports import RestConfig
from ..transports.base import Message, Route
from ..transports.http import connection
from ..transports.rest import RestTransport
from .servers import HttpDestination

SECRET = "s3cr3t/töken+value"
TOKEN = "t0k3n/abc+def=="
PAYLOAD = {"name": "Zoë", "address": {"city": "Łódź"}}


def message(operation="upsert", **options):
    """A message about record 7; the options also set fields of its route."""
    route = {
        name: options.pop(name)
        for name in list(options)
        if name in Route.__dataclass_fields__
    }
    route["proven"] = frozenset(route.get("proven", ()))
    route = Route(**{"target": "contacts", **route})
    values = {"key": 7, "payload": PAYLOAD, "idempotency_key": "key-1", **options}
    return Message(operation, route=route, **values)


class TransportCase(BaseCase):
    """What the tests of all transports share."""

    def assertFails(self, receipt, error_class, *words):
        self.assertIs(type(receipt.error), error_class, receipt)
        self.assertFalse(receipt.ok)
        for word in words:
            self.assertIn(word, receipt.error.message)


class RestCase(TransportCase):
    """One real HTTP destination, and the transport to it."""

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(HttpDestination())
        self.addCleanup(connection.sessions.forget)

    def transport(self, **options):
        values = {"connect_timeout": 2, "read_timeout": 2, "url": self.server.url}
        return RestTransport(RestConfig(**{**values, **options}))

    def send(self, sent=None, **options):
        sent = sent or message()
        [receipt] = self.transport(**options).send([sent])
        self.assertIs(receipt.message, sent)
        return receipt

    def lines(self):
        """What arrived."""
        return [f"{request.method} {request.path}" for request in self.server.requests]
