# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models


class SyncNode(models.Model):
    """What a server that works on the database says of itself.

    Each writes its own row, see ``engine/health.py``. One that has not done so for a
    while no longer counts: it may be gone.
    """

    _name = "sync.node"
    _description = "Server"
    _log_access = False

    name = fields.Char(
        required=True, readonly=True, help="Its host name, and the port that it serves."
    )
    workers = fields.Integer(
        readonly=True,
        help="Processes that serve people and run jobs; 0 for threads, which have no "
        "such limit.",
    )
    loaded = fields.Boolean(
        "With queue_job",
        readonly=True,
        help="queue_job is loaded with the server, so that its runner is started.",
    )
    capacity = fields.Integer(
        readonly=True, help="Jobs that its channels let run at a time."
    )
    spread = fields.Boolean(
        "Asks All Servers",
        readonly=True,
        help="Its runner asks another address to run jobs than its own, such as that "
        "of a load balancer.",
    )
    noted = fields.Datetime(
        required=True, readonly=True, help="When it has said so, by the database."
    )
    since = fields.Datetime(
        required=True,
        readonly=True,
        help="Since then there has been a server of the database all the time.",
    )
    asked = fields.Datetime(
        readonly=True, help="When it was asked to run a job, as far as it has said so."
    )

    _name_uniq = models.UniqueIndex("(name)")
