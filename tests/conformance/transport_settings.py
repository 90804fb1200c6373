# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is missing is told to whoever sets it up, and not found out by sending."""

import dataclasses
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.exceptions import ValidationError

from ...exceptions import Rejected, SyncError

# Kinds of field whose values are typed: a box is never empty.
TYPED = ("char", "integer", "many2one", "selection", "text")


class TransportSettings:
    """Mixed into :class:`.TransportCase`."""

    def test_settings_that_are_missing_are_told(self):
        places = (
            ("sync.backend", self.backend_id, self.destination.backend_values()),
            ("sync.stream", self.stream_id, self.destination.stream_values()),
        )
        for model, record_id, values in places:
            for name in values:
                with self.undone() as env:
                    field = env[model]._fields.get(name)
                    # secrets are no fields
                    if field is None or field.required or field.type not in TYPED:
                        continue
                    with self.subTest(f"{model}: {name}"):
                        self.assertMissed(env[model].browse(record_id), name)

    def test_secret_that_is_missing_is_no_fault_of_a_record(self):
        for name in self.destination.backend_values():
            with self.undone() as env:
                backend = env["sync.backend"].browse(self.backend_id)
                if name not in backend._secret_names():
                    continue
                backend.set_secret(name, False)
                with self.subTest(name):
                    try:
                        # it may be let in all the same
                        with backend._open_transport() as transport:
                            self.assertTrue(transport.check().strip())
                    except SyncError as error:
                        self.assertNotIsInstance(error, Rejected)
                        self.assertTrue(error.message)

    @contextmanager
    def undone(self):
        """Yield an environment whose changes are rolled back on leaving."""
        with self.registry.cursor() as cr:
            try:
                yield api.Environment(cr, SUPERUSER_ID, self.context)
            finally:
                cr.rollback()
                # what was read meanwhile is not so
                self.registry.clear_cache()

    def assertMissed(self, record, name):
        """Assert that a setting is asked for, or that all works without it."""
        said = self.refusal(record, name)
        if said is None:
            # asked for where it is used, and not where it is saved
            self.assertFalse(self.problems(record))
            self.assertArrives(record.env)
            return
        self.assertTrue(said.strip())
        # the guided set-up makes both before it is known
        record.write(
            {"state": "draft"} if record._name == "sync.stream" else {"active": False}
        )
        record[name] = False
        self.assertTrue(self.problems(record))

    def refusal(self, record, name):
        """Return what is said when a setting is emptied, ``None`` if it may be."""
        try:
            with record.env.cr.savepoint():
                record[name] = False
        except ValidationError as error:
            return str(error)
        return None

    def problems(self, record):
        if record._name == "sync.stream":
            return [*record._route_problems()]
        return record._connection_problem()

    def assertArrives(self, env):
        """Assert that a record arrives with settings that are not committed."""
        route = env["sync.stream"].browse(self.stream_id)._route()
        sent = dataclasses.replace(self.message(7), route=route)
        backend = env["sync.backend"].browse(self.backend_id)
        with backend._open_transport() as transport:
            (receipt,) = self.send_by(transport, [sent])
        self.assertTrue(receipt.ok, receipt.error)
