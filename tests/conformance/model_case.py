# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api

from .kit_case import TIMEOUT, KitCase
from .model_capture import ModelCapture
from .model_jobs import ModelJobs
from .model_paths import ModelPaths
from .model_payload import ModelPayload
from .model_rights import ModelRights
from .rest_destination import RestDestination


class ModelCase(
    ModelCapture, ModelJobs, ModelPaths, ModelPayload, ModelRights, KitCase
):
    """Everything that is promised of a synchronized model, with real jobs.

    A subclass sets ``model_name``, ``mapping`` (pairs of a path in Odoo and a
    name there) and ``edited`` (values that change what is sent), and defines
    :meth:`values`. ``editor_groups`` are the groups of a user who may create,
    edit and delete such records, and has no right on jobs. ``unnoticed`` says, by path
    in Odoo, why it does not matter that an edit at its far end sends nothing.
    """

    destination_class = RestDestination
    model_name = None
    edited = None
    unnoticed: dict[str, str] = {}
    needed = ("model_name", "mapping", "edited")

    def values(self, env, number):
        """Return the values of a new record; another number is another content.

        :param env: of the transaction that creates it
        :param int number: from 0 on
        """
        raise NotImplementedError

    def backend_values(self):
        return {
            "name": "Kit",
            "connect_timeout": TIMEOUT,
            "read_timeout": TIMEOUT,
            "concurrency": 1,  # what is answered first is asked first
            **self.destination.backend_values(),
        }

    def stream_values(self, backend):
        return {
            **super().stream_values(backend),
            **self.destination.stream_values(),
            **self.stream_options,
        }

    @contextmanager
    def scratch(self):
        """Yield an environment whose changes are rolled back on leaving."""
        with self.registry.cursor() as cr:
            try:
                yield api.Environment(cr, SUPERUSER_ID, {})
            finally:
                cr.rollback()
                self.registry.reset_changes()
                self.registry.clear_all_caches()

    def new(self, count=1, uid=SUPERUSER_ID):
        """Commit new records in one transaction, and return their ids."""
        with self.transaction(uid) as env:
            values = [self.values(env, number) for number in range(count)]
            records = env[self.model_name].create(values)
            self.partner_ids += records.ids
        return records.ids

    def payloads(self, record_ids):
        """Return the content that is to be sent of records, as they are now."""
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            records = stream._for_sending(env[self.model_name].browse(record_ids))
            return [record._sync_payload(stream) for record in records]

    def assertThere(self, record_ids):
        """Assert that the destination holds these records as they are now."""
        expected = json.loads(json.dumps(self.payloads(record_ids)))
        self.assertCountEqual(self.destination.records(), expected)
