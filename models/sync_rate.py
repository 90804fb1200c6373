# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models

from .loose_link import LooseMany2one


class SyncRate(models.Model):
    """When a system may be sent to next, for the workers of all nodes together.

    One row for each system with a limit, or that has once asked for patience. Its time
    is that of the database: the clocks of several nodes differ. ``engine/store.py``
    writes it.
    """

    _name = "sync.rate"
    _description = "Next Turn to Send"
    _log_access = False
    _rec_name = "backend_id"

    backend_id = LooseMany2one(
        "sync.backend",
        required=True,
        readonly=True,
        help="The system whose limit this is about.",
    )
    rate = fields.Float(
        readonly=True, help="Requests per second that the turns were reserved at."
    )
    next_turn = fields.Float(
        readonly=True, help="Seconds since 1970 of the first turn that is free."
    )

    quiet_until = fields.Datetime(
        readonly=True, help="Nothing is sent to it before: it has asked for patience."
    )

    _backend_uniq = models.UniqueIndex("(backend_id)")
