# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import capture, store, waiting, words
from ..engine.standing import SYNC_STATES, open_changes
from ..engine.words import SentenceText
from ..transports.urls import usable_id
from .loose_link import domain_of_named, record_link, records_of, stream_link
from .sync_delivery import GC_BATCH, kept_since


class SyncBinding(models.Model):
    """What one destination is known to hold of one record.

    Only workers write bindings, and the row is their lock: two jobs never send the
    same record of the same stream at once, see ``engine/delivery.py``. People decide
    about jobs, and say what nobody else can know; they take the same lock.
    """

    _name = "sync.binding"
    _description = "Synchronized Record"
    _order = "id desc"
    _log_access = False
    _rec_name = "external_id"

    stream_id = stream_link(help="What sends the record.")
    backend_id = fields.Many2one(
        related="stream_id.backend_id",
        string="System",
        help="The system that holds the record.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = record_link(help="The record in Odoo.")
    record_name = fields.Char(
        "Name",
        compute="_compute_record_name",
        search="_search_record_name",
        help="What people call the record.",
    )
    state = fields.Selection(
        SYNC_STATES,
        compute="_compute_state",
        help="Not Sent Yet: the system has never confirmed it. Synced: the system "
        "holds it as it is here. Deleted There: the system has confirmed that it is "
        "gone. Waiting: a change is on its way. To Be Clarified: somebody has to look "
        "in the system. Accepted, Not Confirmed: the system has not said that it is "
        "carried out. Failed: somebody has to decide.",
    )
    external_id = fields.Char(
        "ID in the System",
        readonly=True,
        index="btree_not_null",
        help="What the system calls the record.",
    )
    content_hash = fields.Char(
        readonly=True, help="Fingerprint of the content that the system confirmed."
    )
    version = fields.Integer(
        "Deliveries",
        readonly=True,
        default=0,
        help="How many times the system confirmed a delivery.",
    )
    last_success = fields.Datetime(
        readonly=True, help="When the system last confirmed the record."
    )
    last_error = SentenceText(
        readonly=True, help="Why the last try failed; empty once one succeeds."
    )
    last_error_date = fields.Datetime(
        "Failed On", readonly=True, help="When the last try failed."
    )
    note = SentenceText(readonly=True, help="What a person decided about its jobs.")
    note_date = fields.Datetime(
        "Decided On", readonly=True, help="When it was decided."
    )
    skipped = fields.Boolean(
        readonly=True,
        help="A person closed a job that had not delivered: what is there may be older "
        "than what is here.",
    )
    doubt = fields.Selection(
        selection=[
            ("maybe", "May be there already"),
            ("found", "Found, and perhaps not the same"),
            ("unknown_id", "There, under an unknown ID"),
        ],
        string="In Doubt",
        readonly=True,
        help="What is not known of the record in the system. Nothing more is sent of "
        "it until somebody has looked there.",
    )
    doubt_reason = SentenceText(
        "Reason for Doubt", readonly=True, help="Why it is not known."
    )
    found_ids = fields.Char(
        "IDs Found",
        readonly=True,
        help="What the system calls the records that were found, one of which it may "
        "be.",
    )
    content = fields.Text(
        readonly=True,
        prefetch=False,
        groups=fields.NO_ACCESS,
        help="What it was created with, while its ID is not known: what is found "
        "later may be this one.",
    )
    looked = fields.Boolean(
        readonly=True,
        help="A person has looked for it in the system, and has not found it: it is "
        "created without looking.",
    )
    adopted = fields.Datetime(
        "Adopted: It Was There Before",
        readonly=True,
        help="When the system was found to have the record already, under an ID that "
        "was not known here.",
    )
    version_token = fields.Char(
        readonly=True,
        help="The version of the record that the system told last, which the next "
        "change sends back.",
    )
    accepted = fields.Boolean(
        "Accepted, Not Confirmed",
        readonly=True,
        help="Accepted by the system, which has not said that it is carried out.",
    )
    absent = fields.Selection(
        selection=[("never", "Not Sent Yet"), ("gone", "Deleted There")],
        string="Not There",
        readonly=True,
        help="The system has not confirmed the record yet, or has confirmed that it is "
        "gone. Empty where it holds the record.",
    )
    delivery_ids = fields.One2many(
        "sync.delivery",
        compute="_compute_delivery_ids",
        string="Deliveries Log",
        help="The last attempts at this record.",
    )

    # Used by whoever searches or groups all records by their state: it tells all of it.
    # What changes with each delivery is not in it, see init().
    _record_uniq = models.UniqueIndex(
        "(stream_id, res_id) INCLUDE (skipped, accepted, absent)"
    )
    # Used by the list of records whose last try failed
    _error_index = models.Index("(id) WHERE last_error IS NOT NULL")
    # Used by the list of records that were there before
    _adopted_index = models.Index("(id) WHERE adopted IS NOT NULL")
    # Used by the search for records by their state
    _skipped_index = models.Index("(stream_id, res_id) WHERE skipped")
    _accepted_index = models.Index("(stream_id, res_id) WHERE accepted")
    _absent_index = models.Index("(stream_id, res_id, absent) WHERE absent IS NOT NULL")
    # Used by whoever counts or searches what has to be clarified
    _doubt_index = models.Index(
        "(stream_id, res_id) WHERE doubt IS NOT NULL AND accepted IS NOT TRUE"
    )

    def init(self):
        # Room on its page for the next state of a row: no index has to be written when
        # a delivery is confirmed ("heap-only tuples" in PostgreSQL's manual).
        self.env.cr.execute("ALTER TABLE sync_binding SET (fillfactor = 70)")
        # Where a column is empty in all rows, PostgreSQL takes it for one with many
        # values: it sorts all records by their state, in one process, instead of
        # counting them in several. See sync.delivery about "n_distinct".
        self.env.cr.execute(
            "ALTER TABLE sync_binding"
            " ALTER COLUMN skipped SET (n_distinct = 2),"
            " ALTER COLUMN accepted SET (n_distinct = 2),"
            " ALTER COLUMN absent SET (n_distinct = 2)"
        )

    def _compute_record_name(self):
        _there, names = records_of(self)
        for binding in self:
            name = names[binding.model_name].get(binding.res_id)
            binding.record_name = name or str(binding.res_id)

    def _search_record_name(self, operator, value):
        return domain_of_named(self.env, operator, value)

    def _compute_display_name(self):
        for binding in self:
            binding.display_name = f"{binding.backend_id.name}: {binding.record_name}"

    def _pair(self):
        """Return the ids of the stream and of the record."""
        return self.stream_id.id, self.res_id

    def _compute_state(self):
        pairs = [binding._pair() for binding in self]
        found = {
            (stream_id, res_id): state
            for stream_id, res_id, state, _since in open_changes(self.env, pairs)
        }
        for binding in self:
            settled = {"never": "unsent", "gone": "deleted"}.get(binding.absent)
            settled = "accepted" if binding.accepted else settled or "synced"
            settled = "skipped" if binding.skipped else settled
            state = found.get(binding._pair(), settled)
            unclear = binding.doubt and not binding.accepted
            binding.state = "doubt" if unclear else state

    def _compute_delivery_ids(self):
        found = store.last_about(self.env, [binding._pair() for binding in self], 20)
        # those that the user may read, the last one first
        deliveries = self.env["sync.delivery"].search([("id", "in", found)])
        by_pair = deliveries.grouped(lambda each: (each.stream_id.id, each.res_id))
        for binding in self:
            binding.delivery_ids = by_pair.get(binding._pair())

    def action_open_record(self):
        """Open the record in Odoo."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)

    def action_clarify(self):
        """Ask what these records are in their systems, of those that are in doubt."""
        return self.env["sync.clarify"]._open(self)

    # -- what people say of records that may be there -------------------------

    @api.model
    def _is_there(self, external_ids):
        """Keep what records are called in their systems, and send what has waited.

        :param dict external_ids: the ID that a person has found, by ``sync.binding``
        :raises UserError: there is no doubt, an ID cannot be one, or another job is
            sending one of the records
        """
        given = {binding: id_.strip() for binding, id_ in external_ids.items()}
        for binding, external_id in given.items():
            binding._check_given(external_id)
        bindings = self.union(*given)
        # in one order, as each holds what others may wait for
        by_stream = bindings.grouped("stream_id")
        for stream in bindings.stream_id.sorted("id"):
            ids = {binding: given[binding] for binding in by_stream[stream]}
            taken = self._using(stream, ids)
            if taken:
                raise UserError(
                    self.env._(
                        "In %(system)s, %(id)s is the ID of %(other)s.",
                        system=stream.backend_id.name,
                        other=taken[0],
                        id=taken[1],
                    )
                )
        bindings._decide(words._lt("ID given by %(user)s"))
        for binding, external_id in given.items():
            # what it holds is not known, unless it has confirmed that
            unknown = {"content_hash": False, "accepted": False}
            values = {} if binding.doubt == "unknown_id" else unknown
            # nor of which version that is
            values = {**values, "version_token": False, "looked": False}
            binding.write({**values, "external_id": external_id})
        bindings._end_doubt()

    def _is_not_there(self):
        """Have records created in their systems, since a person has not found them.

        :raises UserError: there is no doubt, another job is sending one of the records,
            or a request that creates one may still arrive
        """
        late = self._decide(words._lt("To be created anew: %(user)s"))
        if late:
            raise UserError(
                self.env._(
                    "A request that creates %s may still arrive. Try again in some "
                    "minutes, and look once more before.",
                    ", ".join(late.mapped("record_name")),
                )
            )
        names = ("external_id", "content_hash", "accepted", "adopted", "version_token")
        self.write({**dict.fromkeys(names, False), "absent": "never", "looked": True})
        self._end_doubt()
        for stream, mine in self.grouped("stream_id").items():
            waiting_ids, _trial = store.who_owes(stream, mine.mapped("res_id"), "")
            left = mine.filtered(lambda each, ids=waiting_ids: each.res_id not in ids)
            records = (
                self.env[stream.model_name].sudo(False).browse(left.mapped("res_id"))
            )
            records = records.browse(stream._matching(records.exists())._ids)
            capture.enqueue(stream, records, force=True)

    def _check_given(self, external_id):
        """Raise unless an ID can be that of one of these records."""
        problem = None
        if not external_id:
            problem = self.env._("Give the ID of %s in the system.", self.record_name)
        elif not (usable_id(external_id) and external_id.isprintable()):
            problem = self.env._(
                "%s can have no such ID: it has up to 255 characters, all of which can "
                "be seen.",
                self.record_name,
            )
        if problem:
            raise UserError(problem)

    @api.model
    def _using(self, stream, external_ids):
        """Return who has one of the IDs already: a name and the ID, ``None`` if nobody.

        :param dict external_ids: IDs of one stream, by ``sync.binding``
        """
        seen = {}
        for binding, external_id in external_ids.items():
            if external_id in seen:
                return seen[external_id].record_name, external_id
            seen[external_id] = binding
        # until the ID is kept, no job gives it to another record
        self.env.flush_all()
        store.hold_claims(self.env.cr, stream.id)
        freed = store.free_ids(self.env.cr, self.env.registry, stream.id, seen)
        self.invalidate_model(flush=False)
        besides = freed | {binding.res_id for binding in external_ids}
        for res_id, external_id in store.ids_in_use(
            self.env.registry, stream.id, seen, besides
        ):
            record = self.env[stream.model_name].browse(res_id).exists()
            return record.display_name or str(res_id), external_id
        others = self.search(
            [
                ("stream_id", "=", stream.id),
                ("external_id", "in", list(seen)),
                ("id", "not in", [binding.id for binding in external_ids]),
            ],
            limit=1,
        )
        return (others.record_name, others.external_id) if others else None

    def _decide(self, note):
        """Lock bindings that are in doubt, note who decides, and drop what was noted.

        :param note: a sentence that names the ``user``
        :return: those of which a creation may still arrive
        :raises UserError: one of them is not in doubt, or is being sent
        """
        clear = self.filtered(lambda binding: not binding.doubt)
        if clear:
            raise UserError(
                self.env._(
                    "There is no doubt about %s any more.",
                    ", ".join(clear.mapped("record_name")),
                )
            )
        late = self.browse()
        for stream, mine in self.grouped("stream_id").items():
            ids = mine.mapped("res_id")
            held = {each.id for each in store.lock_bindings(stream, ids)}
            busy = mine.filtered(lambda binding, held=held: binding.id not in held)
            if busy:
                raise UserError(
                    self.env._(
                        "Another job is sending %s. Try again in a moment.",
                        ", ".join(busy.mapped("record_name")),
                    )
                )
            # a job that has met the lock waits for its end
            waiting.let_go_later(self.env, stream.id, ids)
            arriving = store.drop_creations(self.env.cr, stream.id, ids)
            late |= mine.filtered(lambda binding, ids=arriving: binding.res_id in ids)
        note = words.Sentence(note, user=self.env.user.name)
        self.write({"note": note, "note_date": fields.Datetime.now()})
        return late

    def _end_doubt(self):
        names = ("doubt", "doubt_reason", "found_ids", "content")
        self.write(dict.fromkeys(names, False))
        keys = [waiting.for_doubt(*binding._pair()) for binding in self]
        waiting.go_on_later(self.env, keys)

    @api.autovacuum
    def _gc_gone_on_both_sides(self):
        """Drop bindings of records that were deleted here and there.

        Not those of archived records: when they come back, their deliveries must not
        begin to count anew, since notes of requests tell by it what came before.
        """
        dropped = 0
        domain = [("model_name", "in", list(self.env.registry))]
        streams = self.env["sync.stream"].with_context(active_test=False)
        for stream in streams.search(domain):
            ids = store.ask_column(
                self.env.cr,
                """
                DELETE FROM sync_binding WHERE id IN (
                    SELECT b.id FROM sync_binding b
                     WHERE b.stream_id = %(stream)s AND b.last_success < %(since)s
                       AND NOT %(held)s AND b.doubt IS NULL
                       AND NOT EXISTS (
                           SELECT 1 FROM %(table)s r WHERE r.id = b.res_id)
                       AND NOT EXISTS (
                           SELECT 1 FROM sync_outbox o
                            WHERE o.stream_id = b.stream_id AND o.res_id = b.res_id)
                     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
                RETURNING id
                """,
                stream=stream.id,
                since=kept_since(self.env),
                held=store.HELD,
                table=SQL.identifier(self.env[stream.model_name]._table),
                limit=GC_BATCH,
            )
            self.browse(ids).invalidate_recordset(flush=False)
            dropped += len(ids)
        return dropped, dropped >= GC_BATCH
