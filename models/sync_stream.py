# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast
import logging
import operator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from hashlib import sha256

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_datetime, formatLang

from odoo.addons.base.models.res_partner import _tz_get

from ..actions import window
from ..engine import gate, standing, store, waiting, words
from ..engine.capture import RETRIED, noted, reason_of, undone
from ..engine.retry_pattern import LONGEST_WAIT, parse_retry_pattern
from ..engine.store import ask_column
from ..exceptions import Misconfigured, SyncError
from ..mapping import content
from ..mapping.columns import column_problems, fillers_of, special_columns
from ..transports.base import Route, Use
from ..transports.http import further_problem, header_problem
from ..transports.rest.lines import MAX_MANY
from ..transports.rest.readings import reading_problem
from ..transports.rest.requests import one_value_problem
from ..transports.rest.versions import version_problem
from ..transports.urls import endpoint_problem, record_url, record_url_problem
from . import sync_recipe_copy  # noqa: F401  # it is inherited
from .sync_backend import is_told_of
from .sync_deletion import BATCH, Owned

_logger = logging.getLogger(__name__)

# Records that a transport may ask for, to find out whether an address works.
KNOWN_IDS = 3
# Seconds after which columns are read anew before a stream goes live.
COLUMNS_STAY = 300
NO_COLUMNS = {"columns": False, "columns_table": False, "columns_date": False}
# Those that edits are recorded for. Said in full: an editor's context may turn
# active_test off.
IN_USE = [
    ("active", "=", True),
    ("state", "=", "live"),
    ("backend_id.active", "=", True),
]
# What is hidden until somebody asks for it.
OWN_REQUESTS = (
    "request_ids",
    "refused_when",
    "gone_when",
    "already_there",
    "version_where",
    "many_size",
)
# Where something is in an answer: see transports/rest/readings.py.
READINGS = (
    "external_id_key",
    "refused_when",
    "gone_when",
    "found_where",
    "refusal_when",
    "refusal_where",
    "version_where",
    "many_items",
    "many_key",
    "many_status",
    "many_id",
    "many_refused",
)
# Kinds of requests that have a list of records.
MANY = {"many_create", "many_update"}
# Kinds of requests without which new and changed records cannot be sent.
NEEDED = {
    "destination": ("create", "update"),
    "odoo": ("update",),
    "none": ("create",),
}
# What may be wrong with one that is held: it is tried again when one of them is saved.
SETTINGS = {
    *OWN_REQUESTS,
    *READINGS,
    "many_matches",
    "refusal_before",
    "version_header",
    "state",
    "lang",
    "mapping_ids",
    "leave_out_empty",
    "endpoint",
    "batch_endpoint",
    "id_policy",
    "update_method",
    "table",
    "key_column",
    "delete_policy",
    "mark_key",
}


@dataclass(frozen=True)
class Facts:
    """What an edit has to know of a stream: kept in memory, so that it reads none."""

    backend_id: int
    backend_name: str
    company_id: int | None
    lang: str | None
    domain: str
    priority: int
    max_retries: int
    channel: str
    batch_size: int
    at_once: bool  # neither delay nor off-peak hours


class SyncStream(models.Model):
    """One model sent to one external system: which records, what of them, and when."""

    _name = "sync.stream"
    _description = "Synchronization"
    _inherit = ["mail.thread", "sync.deletion", "sync.recipe.copy"]
    _order = "sequence, id"

    # -- fields: what it is ---------------------------------------------------

    name = fields.Char(
        required=True,
        tracking=True,
        help="What people here call it, such as Contacts to the CRM.",
    )
    active = fields.Boolean(
        default=True,
        tracking=True,
        help="Archived: edits are no longer recorded, and changes that are waiting"
        " stay where they are until it is unarchived.",
    )
    sequence = fields.Integer(
        default=10,
        help="Where it stands in lists; it makes no difference to what is sent.",
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "System",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
        help="Where the records go.",
    )
    transport = fields.Selection(related="backend_id.transport")
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    state = fields.Selection(
        [("draft", "Draft"), ("live", "Live")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
        help="Draft: edits are not recorded and nothing is sent; a preview works. "
        "Live: what is edited from then on is sent.",
    )
    problem = fields.Char(
        compute="_compute_problem",
        compute_sudo=True,
        help="Why edits cannot be recorded or sent as they should. They are kept.",
    )
    incident_id = fields.Many2one(
        "sync.incident",
        "Held By",
        compute="_compute_incident_id",
        compute_sudo=True,
        help="Nothing of it is sent until its settings are mended.",
    )
    held_text = fields.Char(
        compute="_compute_incident_id",
        compute_sudo=True,
        help="Why nothing of it is sent.",
    )

    # -- fields: which records, and what of them ------------------------------

    model_id = fields.Many2one(
        "ir.model",
        # An uninstall must not take undelivered changes along: it leaves the model's
        # name, by which a later installation is found again.
        ondelete="set null",
        domain=lambda self: [("model", "in", self._syncable_models())],
        default=lambda self: self.env["ir.model"]._get("res.partner"),
        help="What is sent: contacts, or any other model prepared for it.",
    )
    model_name = fields.Char(
        compute="_compute_model_name",
        store=True,
        index=True,
        help="Technical name of the model.",
    )
    domain = fields.Char(
        "Records",
        default="[]",
        tracking=True,
        help="Which records are sent. Archived records are left out, unless the "
        "filter itself speaks of Active.",
    )
    lang = fields.Selection(
        lambda self: self.env["res.lang"].get_installed(),
        "Language",
        help="Language of translated values. Empty: English, as stored.",
    )
    mapping_ids = fields.One2many(
        "sync.mapping",
        "stream_id",
        "Fields",
        copy=True,
        help="Which values are sent, and under which names.",
    )
    leave_out_empty = fields.Boolean(
        "Leave Out Empty Values",
        tracking=True,
        help="Nothing is sent of a field that is empty, and the system keeps what it "
        "has: a value that is emptied here stays there. Otherwise empty fields are "
        "sent as null. One that has a default is sent in any case.",
    )
    send_first = fields.Char(
        "Send these links first",
        help="Links to records that the system has to hold before it gets this one, "
        "such as partner_id. Commas separate several. A job waits for the jobs that "
        "deliver those records, if another synchronization of the system sends them.",
    )

    # -- fields: where they go ------------------------------------------------

    endpoint = fields.Char(
        help="Path below the address of the system, such as api/contacts."
    )
    batch_endpoint = fields.Char(
        help="Path that takes many records in one request and answers with a status "
        "for each, as the documentation describes it. Empty: one request each."
    )
    id_policy = fields.Selection(
        [
            ("destination", "The system gives its own ID"),
            ("odoo", "The system uses Odoo's ID"),
            ("none", "There is no ID: it is told of each change"),
        ],
        "Identification",
        required=True,
        default="destination",
        help="Who gives a record its ID: the system, in its answer to the first POST, "
        "or Odoo, whose ID is then part of the address. Or nobody: a webhook, or a "
        "list of events, gets each change by a POST.",
    )
    external_id_key = fields.Char(
        "ID in the Answer",
        default="id",
        help="Where the answer to a new record holds the ID: id, or data.id where it "
        "nests. Also JMESPath, such as data[0].details.id, @ for an answer that is "
        "nothing but the ID, or headers.Location for a header.",
    )
    update_method = fields.Selection(
        [("put", "PUT"), ("patch", "PATCH")],
        "Update with",
        required=True,
        default="put",
        help="PUT sends the whole record, PATCH may leave out what the system "
        "holds besides. Ask the documentation of the system.",
    )
    own_requests = fields.Boolean(
        "Requests of Its Own",
        compute="_compute_own_requests",
        readonly=False,
        help="The system wants other methods, addresses or bodies than usual, or "
        "answers otherwise. They are typed on the tab Requests.",
    )
    request_ids = fields.One2many(
        "sync.request",
        "stream_id",
        "Requests",
        copy=True,
        help="Requests in place of those that go to the endpoint.",
    )
    refused_when = fields.Char(
        help="What in an answer says no, and why, whatever its status: JMESPath, such "
        "as data[?status == 'error'].message. The usual ways to say no are known.",
    )
    gone_when = fields.Char(
        help="What in the answer to a change says that the system no longer has the "
        "record, where it does not answer 404: JMESPath, such as length(@) == `0`.",
    )
    already_there = fields.Selection(
        [
            ("find", "Look for it before it is created"),
            ("refusal", "Take its ID from the refusal"),
        ],
        help="What to do where the system may have a new record already, under an ID "
        "that is not known here. Empty: it fails, and a person decides.",
    )
    found_where = fields.Char(
        "IDs Found",
        help="Where the answer to Find has the IDs, such as results[*].id.",
    )
    refusal_when = fields.Char(
        "There When",
        help="What in a refusal says that the system has the record already. Empty: "
        "usual words, such as “already exists”, beside an ID in the place below.",
    )
    refusal_where = fields.Char(
        "ID in the Refusal",
        help="Where a refusal has the ID of the record that is there, or the text that "
        "has it. Empty: all that it says.",
    )
    refusal_before = fields.Char(
        "Text Before the ID",
        help="What stands before the ID in the text of a refusal, such as Existing ID:",
    )
    version_where = fields.Char(
        "Version Token",
        help="Where an answer has the version of the record, which the next change "
        "sends back: headers.ETag, or such as SyncToken.",
    )
    version_header = fields.Char(
        "Header of the Version",
        help="The header that sends the version back, such as If-Match. Empty: a "
        "request names it as {version}.",
    )
    sends_many = fields.Boolean(
        compute="_compute_sends_many",
        help="There are requests that have a list of records.",
    )
    many_size = fields.Integer(
        "Records per Request",
        help="How many records Create Many and Update Many have at most. 0: as many "
        "as there are, up to 1,000.",
    )
    many_items = fields.Char(
        "List of Answers",
        help="Where the answer to many records has those to each, such as results; @ "
        "if it is nothing but that list. JMESPath may put several lists together: "
        "[results, errors][].",
    )
    many_key = fields.Char(
        "Key of an Answer",
        help="What in an answer to one of many records tells which one it is. Empty: "
        "they are in the order of the request, and as many.",
    )
    many_matches = fields.Char(
        "Compared With",
        help="What of the record that key is, such as {key} or {email}.",
    )
    many_status = fields.Char(
        "Status of an Answer",
        help="Where an answer to one of many records has its status, a number as in "
        "HTTP. Empty, or not there: that of the whole answer.",
    )
    many_id = fields.Char(
        "ID of an Answer",
        help="Where an answer to one of many records has the ID. Empty: id.",
    )
    many_refused = fields.Char(
        "Refusal of One",
        help="What in an answer to one of many records says no, and why. The usual "
        "ways to say no are known.",
    )
    proven = fields.Char(
        readonly=True,
        copy=False,
        help="Which kinds of requests the system has carried out, and with which "
        "settings: where one has worked, “not found” is about a record.",
    )
    table = fields.Char(help="Table of the database, as table or schema.table.")
    key_column = fields.Char(
        default="odoo_id",
        help="Column that holds Odoo's id. It needs a primary key or a unique "
        "constraint of its own.",
    )
    delete_policy = fields.Selection(
        [
            ("delete", "Delete it"),
            ("mark", "Mark it as deleted"),
            ("ignore", "Keep it"),
        ],
        "When Deleted or Archived",
        required=True,
        default="delete",
        help="What happens in the system when a record is deleted or archived, "
        "or no longer among the records to send.",
    )
    mark_key = fields.Char(
        "Mark",
        default="deleted",
        help="Key or column that becomes true when the record is gone, "
        "and false when it is back.",
    )
    record_url = fields.Char(
        "Page of a Record",
        tracking=True,
        help="Address at which people see one record in the system, such as "
        "https://crm.example.com/contacts/{external_id}. {external_id} stands for the "
        "ID in the system, {id} for Odoo's.",
    )
    # what the table looks like, as it was when somebody asked
    columns = fields.Json(
        readonly=True,
        copy=False,
        help="The columns of the table as they were last read.",
    )
    columns_table = fields.Char(
        "Columns Of",
        readonly=True,
        copy=False,
        help="The table whose columns these are.",
    )
    columns_date = fields.Datetime(
        "Columns Read On", readonly=True, copy=False, help="When the columns were read."
    )
    columns_status = fields.Html(
        "Columns of the Table",
        compute="_compute_columns_status",
        help="Each column of the table, and what fills it.",
    )
    lacking = fields.Html(
        "What Is Missing",
        compute="_compute_lacking",
        compute_sudo=True,
        help="What has to be mended before it can go live, or stay live when it is "
        "changed.",
    )

    # -- fields: when they are sent, and again --------------------------------

    priority = fields.Integer(
        default=5, required=True, help="1 goes first, 10 goes last."
    )
    delay_policy = fields.Selection(
        [
            ("none", "As soon as possible"),
            ("delay", "After a delay"),
            ("window", "Off-peak only"),
        ],
        "Execute",
        required=True,
        default="none",
        help="When a change is sent: at once, some minutes later so that further "
        "edits go along, or only between certain hours.",
    )
    delay_minutes = fields.Integer(
        "Delay (minutes)", help="Minutes after the edit before it is sent."
    )
    window_start = fields.Float(
        "From", default=22.0, help="Hour at which sending may begin."
    )
    window_end = fields.Float("Until", default=6.0, help="Hour at which it ends.")
    window_tz = fields.Selection(
        _tz_get,
        "Timezone",
        default=lambda self: self.env.user.tz or "UTC",
        help="Timezone of the hours.",
    )
    max_retries = fields.Integer(
        default=3,
        required=True,
        help="Tries before the job is failed and the administrators are told. "
        "0 tries for ever.",
    )
    retry_delay = fields.Integer(
        "Retry Every (minutes)",
        default=10,
        required=True,
        help="Minutes between two tries, unless a pattern is given.",
    )
    retry_pattern = fields.Char(
        help="Seconds to wait, from a number of tries on: {1: 10, 5: 60} waits 10 "
        "seconds after the first tries, and 60 from the fifth on. "
        "A pair, as in {1: (10, 20)}, waits a random time between the two. From one "
        "second to a year.",
    )
    channel_id = fields.Many2one(
        "queue.job.channel",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.ref("queue_job_sync.channel_sync"),
        help="The channel limits how many jobs run at once.",
    )
    batch_size = fields.Integer(
        default=100,
        required=True,
        help="When one operation changes more records than this, they are sent in "
        "bulk: by jobs of this many each, which single edits overtake.",
    )
    _priority_range = models.Constraint(
        "CHECK (priority BETWEEN 1 AND 10)",
        "The priority goes from 1 (first) to 10 (last).",
    )
    _positive_numbers = models.Constraint(
        "CHECK (max_retries >= 0 AND retry_delay > 0 AND batch_size > 0)",
        "Max retries cannot be negative; retry delay and batch size start at 1.",
    )

    # -- fields: backfills ----------------------------------------------------

    backfill_ids = fields.One2many(
        "sync.backfill",
        "stream_id",
        "Backfills",
        help="The times at which all or many records were sent on request.",
    )
    backfill_count = fields.Integer(
        compute="_compute_backfill_count",
        help="How often all or many records were sent on request.",
    )
    backfill_failures = fields.Char(
        compute="_compute_backfill_count",
        help="What came of the last backfill, if some of its records failed.",
    )

    doubt_count = fields.Integer(
        "To Be Clarified",
        compute="_compute_doubt_count",
        help="Records of which somebody has to say whether the system has them "
        "already, or under which ID.",
    )

    # -- what forms show ------------------------------------------------------

    @api.depends("name", "company_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_display_name(self):
        hidden = self.env._("Synchronization of another company")
        for stream in self:
            stream.display_name = stream.name if is_told_of(stream) else hidden

    @api.depends("model_id.model")
    def _compute_model_name(self):
        for stream in self:
            stream.model_name = stream.model_id.model or stream.model_name

    @api.depends_context("lang", "tz")
    def _compute_incident_id(self):
        by_stream = self._origin._open_incident().grouped("stream_id")
        for stream in self:
            incident = by_stream.get(stream._origin)
            stream.incident_id = incident
            text = incident and incident._waiting_text()
            stream.held_text = text and words.said(self.env, text)

    def _compute_backfill_count(self):
        for stream in self:
            stream.backfill_count = len(stream.backfill_ids)
            last = stream.backfill_ids[:1]
            stream.backfill_failures = last.outcome if last.failed else False

    def _compute_doubt_count(self):
        found = standing.in_doubt(self.env)
        for stream in self:
            stream.doubt_count = len(found.get(stream._origin.id, ()))

    @api.depends("request_ids.kind")
    def _compute_sends_many(self):
        for stream in self:
            kinds = stream.request_ids.mapped("kind")
            stream.sends_many = not MANY.isdisjoint(kinds)

    @api.depends(*OWN_REQUESTS)
    def _compute_own_requests(self):
        for stream in self:
            stream.own_requests = any(stream[name] for name in OWN_REQUESTS)

    @api.onchange("own_requests")
    def _onchange_own_requests(self):
        if not self.own_requests:
            self.update(dict.fromkeys(OWN_REQUESTS, False))

    # Neither of the two names what it depends on: the form would ask the server after
    # each change of a line. They are told anew whenever it is saved.

    def _compute_columns_status(self):
        for stream in self:
            known = stream._known_columns()
            stream.columns_status = bool(known) and self.env["ir.qweb"]._render(
                "queue_job_sync.table_columns",
                {"columns": known.values(), "fillers": fillers_of(stream)},
            )

    def _compute_lacking(self):
        for stream in self:
            # what its model lacks is told by ``problem``
            lacking = stream._lacking() if stream.model_name in self.env else []
            stream.lacking = bool(lacking) and self.env["ir.qweb"]._render(
                "queue_job_sync.what_is_missing", {"sentences": lacking}
            )

    def _known_columns(self):
        """Return what is known of the table's columns, by name; nothing of another."""
        if self.transport != "postgresql" or self.columns_table != self.table:
            return {}
        return {column["name"]: column for column in self.columns or []}

    # -- checks ---------------------------------------------------------------

    @api.constrains("model_id")
    def _check_model(self):
        syncable = self._syncable_models()
        for stream in self:
            name, problem = stream.model_name, None
            if not stream.model_id and name in {False, *self.env}:
                problem = self.env._("Choose the model that is sent.")
            elif name not in self.env:
                problem = self.env._(
                    "The model %s is gone. Install again what brings it, or archive "
                    "the synchronization.",
                    name,
                )
            elif name not in syncable:
                problem = self.env._(
                    "%s cannot be synchronized: its model does not inherit sync.mixin.",
                    stream.model_id.name,
                )
            if problem:
                raise ValidationError(problem)

    @api.model
    def _syncable_models(self):
        """Return the names of the models that inherit ``sync.mixin``."""
        names = self.env.registry.descendants(["sync.mixin"], "_inherit")
        return [name for name in names if not self.env[name]._abstract]

    @api.constrains("domain", "model_id")
    def _check_domain(self):
        for stream in self:
            try:
                domain = Domain(ast.literal_eval(stream.domain or "[]"))
                domain.validate(stream.env[stream.model_name])
            except Exception as err:
                raise ValidationError(
                    stream.env._(
                        "The filter of %(stream)s cannot be used: %(reason)s",
                        stream=stream.name,
                        reason=err,
                    )
                ) from None

    @api.constrains("model_id", "backend_id", "key_column", "delete_policy", "mark_key")
    def _check_mapping(self):
        for stream in self.filtered("mark_key"):
            if not content.is_name_of_mark(stream):
                raise ValidationError(self.env._("%r is not a name.", stream.mark_key))
        self.mapping_ids._check_lines()

    @api.constrains(
        "state",
        "backend_id",
        "model_id",
        "mapping_ids",
        "endpoint",
        "batch_endpoint",
        "id_policy",
        "request_ids",
        "many_items",
        "many_key",
        "many_matches",
        "already_there",
        "found_where",
        "refusal_where",
        "refusal_before",
        "version_where",
        "version_header",
        "table",
        "key_column",
        "delete_policy",
        "mark_key",
    )
    def _check_live(self):
        """Raise unless those of these streams that are live have all that they need.

        For other addons too, whose settings are needed, see :meth:`_route_problems`.
        """
        # a draft may lack what is not known yet
        self.filtered(lambda each: each.state == "live")._require_ready()

    def _check_live_later(self):
        """Check these streams, if they are live, once all their lines are changed.

        Lines are changed one by one: what they make together counts. So do the lists
        of a draft.
        """
        hooks = self.env.cr.precommit
        waiting = hooks.data.setdefault("queue_job_sync.check_live", set())
        if self and not waiting:
            env = self.env

            def check():
                ids = hooks.data.pop("queue_job_sync.check_live", set())
                streams = env["sync.stream"].sudo().browse(ids).exists()
                for stream in streams:
                    stream.mapping_ids._check_gaps()
                streams._check_live()

            hooks.add(check)
        waiting.update(self.ids)

    @api.onchange("id_policy")
    def _onchange_id_policy(self):
        if not self._can_tell_deletion():
            self.delete_policy = "ignore"

    @api.constrains("id_policy", "delete_policy", "backend_id", "request_ids")
    def _check_deletion(self):
        for stream in self:
            problem = stream._deletion_problem()
            if problem:
                raise ValidationError(problem)

    def _deletion_problem(self):
        if self.delete_policy == "ignore" or self._can_tell_deletion():
            return None
        return self.env._(
            "%s: without an ID, the system cannot be told which record to "
            "delete. Choose to keep deleted records there, or add a request of the "
            "kind Remove that names {key}.",
            self.name,
        )

    def _can_tell_deletion(self):
        """Return whether the system can be told which record is gone."""
        if self.transport != "rest" or self.id_policy != "none":
            return True
        return "remove" in self.request_ids.mapped("kind")

    @api.constrains("many_size", "many_matches")
    def _check_many(self):
        for stream in self:
            if not 0 <= stream.many_size <= MAX_MANY:
                raise ValidationError(
                    stream.env._(
                        "A request for many records has %(most)s of them at most.",
                        most=MAX_MANY,
                    )
                )
            problem = stream.many_matches and one_value_problem(stream.many_matches)
            if problem:
                raise ValidationError(stream._of_field("many_matches", problem))

    def _of_field(self, name, problem):
        """Return what is wrong with a field, as a sentence that names it."""
        return self.env._(
            "%(field)s: %(problem)s",
            field=self.fields_get([name], ["string"])[name]["string"],
            problem=words.said(self.env, problem),
        )

    @api.constrains(*READINGS)
    def _check_readings(self):
        for stream in self:
            for name in READINGS:
                problem = stream[name] and reading_problem(stream[name])
                if problem:
                    raise ValidationError(stream._of_field(name, problem))

    # What a draft may lack: it is shown there, and keeps it from going live. A stream
    # that is live is not changed into one that lacks it.

    def _lacking(self):
        """Return what this stream lacks before it can go live, as sentences.

        Nothing is asked for: columns are as they were last read.
        """
        self.ensure_one()
        found = [*self._route_problems(), *self.mapping_ids._lacks()]
        known = self._known_columns()
        if known:
            found += column_problems(self, known)
        return found

    def _require_ready(self):
        """Raise ``ValidationError`` with all that one of these streams lacks."""
        for stream in self:
            lacking = stream._lacking()
            if not lacking:
                continue
            text = stream.env._(
                "%(stream)s cannot be live like this.", stream=stream.name
            )
            lines = [text, "", *(f"• {each}" for each in lacking)]
            known = stream._known_columns()
            if known and any(column_problems(stream, known)):
                read = format_datetime(stream.env, stream.columns_date)
                lines += [
                    "",
                    stream.env._(
                        "The columns are as they were on %(date)s. If the table has "
                        "changed since, press Read Columns first.",
                        date=read,
                    ),
                ]
            raise ValidationError("\n".join(lines))

    def _require_route(self):
        """Raise ``ValidationError`` unless these streams say where records go."""
        for stream in self:
            for problem in stream._route_problems():
                raise ValidationError(problem)

    def _route_problems(self):
        """Yield what this stream lacks to say where its records go. To be extended.

        An addon that adds a transport yields what its own settings lack, then what this
        does; and has a constraint on those settings that calls :meth:`_check_live`.
        """
        self.ensure_one()
        missing = False
        if self.transport == "rest" and not (self.endpoint or self.request_ids):
            missing = self.env._("an endpoint")
        elif self.transport == "postgresql" and not self.table:
            missing = self.env._("a table")
        elif self.transport == "postgresql" and not self.key_column:
            missing = self.env._("a key column")
        elif self.delete_policy == "mark" and not self.mark_key:
            missing = self.env._("the name of the mark")
        elif self.transport == "rest":
            for endpoint in (self.endpoint or "", self.batch_endpoint or ""):
                problem = endpoint_problem(endpoint)
                if problem:
                    yield words.said(self.env, problem)
            yield from self._request_problems()
        elif self.transport != "postgresql" and not self._has_target():
            missing = self.env._("a place within the system where its records go")
        if missing:
            yield self.env._(
                "%(stream)s needs %(missing)s.", stream=self.name, missing=missing
            )

    def _request_problems(self):
        """Yield which requests are missing, and why some cannot be sent."""
        kinds = [*NEEDED[self.id_policy]]
        if self.delete_policy != "ignore":
            kinds.append("remove")
        typed = self.request_ids.mapped("kind")
        for kind in kinds:
            if not self.endpoint and kind not in typed:
                yield self.env._(
                    "%(stream)s needs a request of the kind %(kind)s, or an endpoint.",
                    stream=self.name,
                    kind=self.request_ids._kind_label(kind),
                )
        yield from self.request_ids._lacks()
        yield from self._many_problems(typed)
        yield from self._there_problems()
        yield from self._version_problems()
        problem = self._deletion_problem()
        if problem:
            yield problem

    def _many_problems(self, kinds):
        """Yield why the answers to many records cannot be told from each other.

        :param kinds: those of the requests
        """
        if MANY.isdisjoint(kinds):
            return
        if not self.many_items:
            yield self.env._(
                "Say where the answer to many records has those to each, in “List of "
                "Answers”: such as results, or @ if it is nothing but that list."
            )
        if not self.many_key:
            return
        if not self.many_matches:
            yield self.env._(
                "Say what “Key of an Answer” is compared with, such as {key} or "
                "{email}, or leave both empty if the answers are in the order of the "
                "request."
            )
            return
        if self._matches_new_id(kinds):
            yield self.env._(
                "Compared With: {id} is not known of a new record. Use {key} or a "
                "field, such as {email}."
            )
        known = None
        if self._sends_mapping_alone():
            known = {*self.mapping_ids.mapped("target"), *self._own_names()}
        problem = one_value_problem(self.many_matches, known)
        if problem:
            yield self._of_field("many_matches", problem)

    def _matches_new_id(self, kinds):
        matches = self.many_matches.strip()
        return (
            "many_create" in kinds
            and matches == "{id}"
            and self.id_policy == "destination"
        )

    def _there_problems(self):
        """Yield what is missing to find what is there already."""
        if not self.already_there or self.id_policy != "destination":
            return
        finds = "find" in self.request_ids.mapped("kind")
        if self.already_there == "find" and not finds:
            yield self.env._(
                "%s looks for records before it creates them: it needs a request of "
                "the kind Find.",
                self.name,
            )
        if finds and not self.found_where:
            yield self.env._(
                "%s looks for records: say where the answer has the IDs found.",
                self.name,
            )
        if self.already_there == "refusal" and not (
            self.refusal_where or (self.refusal_before or "").strip()
        ):
            yield self.env._(
                "%s takes IDs from refusals: say where a refusal has the ID, or what "
                "stands before it.",
                self.name,
            )

    def _version_problems(self):
        """Yield what is missing to send the version of a record back."""
        if not self.version_where:
            return
        name = self.version_header
        if name and (
            header_problem(name)
            # the system chooses its value
            or further_problem(name)
            or name.lower() in self.backend_id._header_names()
        ):
            yield self.env._(
                "%s is no header that can send a version back.", self.version_header
            )
        problem = version_problem(self._route())
        if problem:
            yield words.said(self.env, problem)

    def _has_target(self):
        """Return whether a route of another addon leads somewhere."""
        try:
            return bool(self._route().target)
        except RETRIED:
            raise
        except Exception:
            # made of what is not filled in yet
            return False

    def _sends_mapping_alone(self):
        """Return whether the content of records is what the mapping says, and no more.

        Unless their model makes it itself.
        """
        model = self.env.registry.get(self.model_name)
        mixin = self.env.registry["sync.mixin"]
        return model is not None and all(
            getattr(model, name) is getattr(mixin, name)
            for name in ("_sync_payload", "_sync_payloads")
        )

    @api.constrains("backend_id")
    def _check_backend_stays(self):
        self.backend_id._require_staying()

    @api.constrains("send_first", "model_id")
    def _check_send_first(self):
        for stream in self:
            for path in stream._typed_links():
                if not stream._linked_model(path):
                    raise ValidationError(
                        stream.env._(
                            "%(path)s does not lead from %(model)s to other records.",
                            path=path,
                            model=stream.model_id.name,
                        )
                    )

    @api.constrains("record_url")
    def _check_record_url(self):
        for stream in self.filtered("record_url"):
            problem = record_url_problem(stream.record_url)
            if problem:
                raise ValidationError(words.said(stream.env, problem))

    @api.constrains("retry_pattern")
    def _check_retry_pattern(self):
        for stream in self:
            stream._parsed_retry_pattern()

    @api.constrains("delay_policy", "delay_minutes", "window_start", "window_end")
    def _check_delay(self):
        for stream in self:
            start, end, problem = stream.window_start, stream.window_end, None
            fits = 0 <= start <= 24 and 0 <= end <= 24 and start % 24 != end % 24
            if stream.delay_policy == "delay" and stream.delay_minutes < 1:
                problem = self.env._("The delay must be at least one minute.")
            elif stream.delay_policy == "window" and not fits:
                problem = self.env._(
                    "The off-peak hours must be two different hours of a day."
                )
            if problem:
                raise ValidationError(problem)

    # -- writing --------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        streams = super().create(vals_list)
        streams._ensure_job_functions()
        self.env.registry.clear_cache()
        return streams

    def write(self, vals):
        if "backend_id" in vals:
            # those of the other system's table
            vals = {**NO_COLUMNS, **vals}
        res = super().write(vals)
        if "model_id" in vals:
            self._ensure_job_functions()
        self.env.registry.clear_cache()
        if vals.get("state") == "draft" or vals.get("active") is False:
            self.sudo()._open_backfills()._stop_resting()
        if vals.keys() & {"state", "active"}:
            self._wake()
        if "backend_id" in vals:
            # what held it was about the other system
            self.sudo()._open_incident()._close()
        elif vals.keys() & SETTINGS:
            self.env["sync.incident"]._settings_changed(self)
        if vals.keys() & {"id_policy", "already_there"}:
            waiting.ask_again_later(self.env, self.ids)
        return res

    def _values_of_recipe(self, recipes, recipe):
        name = self.recipe_values.get("name")
        for part in self._filled_recipe(recipe, self.backend_id)["synchronizations"]:
            if part["name"] == name:
                return recipes._stream_values(part)[0]
        return None

    def _wake(self):
        """Wake the jobs that wait until these are live, once this is committed."""
        waiting.look_later(self.env, *map(waiting.for_stream, self.ids))

    def unlink(self):
        res = super().unlink()
        self.env.registry.clear_cache()
        return res

    def _ensure_job_functions(self):
        """Give each model the job function that names its channel.

        ``queue.job.function`` needs a concrete model, so the mixin cannot bring one.
        """
        functions = self.env["queue.job.function"].sudo()
        for model in self.model_id:
            name = functions.job_function_name(model.model, "_sync_deliver")
            if not functions.search_count([("name", "=", name)], limit=1):
                channel = self.env.ref("queue_job_sync.channel_sync")
                values = {"method": "_sync_deliver", "channel_id": channel.id}
                functions.create({**values, "model_id": model.id})

    def _register_hook(self):
        """Let streams whose model was gone have the one that is installed again."""
        super()._register_hook()
        ids = ask_column(
            self.env.cr,
            "UPDATE sync_stream SET model_id = ir_model.id FROM ir_model"
            " WHERE ir_model.model = model_name AND model_id IS NULL"
            " RETURNING sync_stream.id",
        )
        found = self.browse(ids)
        found.invalidate_recordset(["model_id"], flush=False)
        found._ensure_job_functions()

    # -- problems of the set-up -----------------------------------------------

    # It is found out when somebody looks, so that nobody has to write it down, and
    # it goes by itself: the settings are tried as an edit tries them, and changes
    # that are not delivered keep what went wrong when they were recorded.

    def _compute_problem(self):
        of_changes = self.env["sync.outbox"]._problems(self)
        for stream in self:
            saved, problem = stream._origin, None
            try:
                if saved:
                    saved._works()
            except RETRIED:
                raise
            except Exception as error:
                problem = reason_of(error)
            stream.problem = problem or of_changes.get(saved.id)

    @tools.ormcache("self.id")
    def _works(self):
        """Try the settings, once until they, or the modules, change.

        What comes and goes besides is told by the changes that have met it.

        :return: True; nothing is kept in memory of what raises
        :raises Exception: whatever is wrong with them
        """
        with undone(self.env):
            # what edits and jobs do with them, without a record
            self._check_model()
            self._check_domain()
            self._check_mapping()
            model = self._for_sending(self.env[self.model_name])
            model._sync_domain(self).validate(model)
            self._facts()
            model._sync_watched_fields(self)
            operator.itemgetter("id", *model._sync_watched_lines(self))(model._fields)
            self._eta()
            self._parsed_retry_pattern()
        return True

    # -- what edits ask -------------------------------------------------------

    @tools.ormcache("self.id")
    def _facts(self):
        """Return the :class:`Facts` of this stream."""
        stream = self.sudo()
        return Facts(
            backend_id=stream.backend_id.id,
            backend_name=stream.backend_id.name,
            company_id=stream.company_id.id or None,
            lang=stream.lang or None,
            domain=stream.domain or "[]",
            priority=stream.priority,
            max_retries=stream.max_retries,
            channel=stream.channel_id.complete_name,
            batch_size=stream.batch_size,
            at_once=stream.delay_policy == "none",
        )

    @api.model
    @tools.ormcache("model_name")
    def _watchers(self, model_name):
        """Return what edits of a model are recorded for.

        :return: tuple of ``(stream id, frozenset of field names)``
        """
        with undone(self.env):
            streams = self.sudo().search([("model_name", "=", model_name), *IN_USE])
            return tuple(
                (stream.id, stream._watched_fields(self.env[model_name].sudo()))
                for stream in streams
            )

    @api.model
    def _watchers_for_sure(self, model_name):
        """Return what :meth:`_watchers` does; where that raises, every field.

        By plain SQL then, past whatever somebody has made of fields and methods.
        """
        with noted(_logger, "Every edit of %s is heard of", model_name):
            return self._watchers(model_name)
        ids = ask_column(
            self.env.cr,
            """
            SELECT s.id FROM sync_stream s JOIN sync_backend b ON b.id = s.backend_id
             WHERE s.model_name = %s AND s.state = 'live' AND s.active AND b.active
             ORDER BY s.id
            """,
            model_name,
        )
        every = frozenset(self.env[model_name]._fields)
        return tuple((id_, every) for id_ in ids)

    @api.model
    @tools.ormcache("model_name")
    def _line_watchers(self, model_name):
        """Return what edits of a model's records, as lines of others, are recorded for.

        :return: tuple of ``(link to them, link back, frozenset of field names)``
        """
        watchers, lines = {}, self.env[model_name]
        links = {
            each.name for each in lines._fields.values() if each.type == "many2one"
        }
        with undone(self.env):
            for stream in self._in_use():
                model = self.env[stream.model_name].sudo()
                for name, watched in stream._watched_lines(model).items():
                    field = model._fields.get(name)
                    # nothing leads back from a list that is computed
                    back = getattr(field, "inverse_name", None)
                    if back in links and field.comodel_name == model_name:
                        watchers.setdefault((name, back), {back}).update(watched)
        return tuple((*names, frozenset(found)) for names, found in watchers.items())

    @api.model
    @tools.ormcache("model_name")
    def _deleted_with(self, model_name):
        """Return which records are sent, and deleted by the database with others.

        :return: tuple of ``(model, name of its link to those others)``
        """
        with undone(self.env):
            in_use = self._in_use().mapped("model_name")
            return self._cascading_links(model_name, in_use)

    @api.model
    def _cascading_links(self, model_name, names):
        """Return what :meth:`_deleted_with` does, of the models ``names``."""
        return tuple(
            (name, field.name)
            for name in sorted(set(names))
            for field in self.env[name]._fields.values()
            if field.type == "many2one"
            and field.store
            and field.comodel_name == model_name
            and field.ondelete == "cascade"
        )

    def _in_use(self):
        """Return the streams that edits have to be recorded for."""
        streams = self.sudo().search(IN_USE)
        # while modules are loaded, those of later ones are not known yet
        return streams.filtered(lambda stream: stream.model_name in self.env)

    def _is_watched(self, model_name):
        """Return whether a live synchronization sends records of a model."""
        with noted(_logger, "Views of %s are shown as if it were sent", model_name):
            return bool(self._watchers(model_name))
        return True

    def _watched_fields(self, model):
        """Return the names of the fields whose edit this stream has to send.

        All of them where that cannot be told: every edit is recorded then, and
        ``problem`` says why.
        """
        self.ensure_one()
        text = "Synchronization %s watches every field"
        with noted(_logger, text, self.id), undone(self.env):
            watched = model._sync_watched_fields(self)
            return frozenset({*watched, *self._watched_lines(model)})
        return frozenset(model._fields)

    def _watched_lines(self, model):
        """Return the fields of lines whose edit this stream has to send, by link.

        Those of all lines where that cannot be told.
        """
        self.ensure_one()
        text, level = "Synchronization %s watches all lines", logging.WARNING
        # no error: _watched_fields tells the same
        with noted(_logger, text, self.id, level=level), undone(self.env):
            return model._sync_watched_lines(self)
        return {
            name: set(self.env[field.comodel_name]._fields)
            for name, field in model._fields.items()
            if field.type == "one2many"
        }

    # -- what jobs ask: which records, as they are sent -----------------------

    def _parsed_domain(self):
        """Return the filter of this stream as a list.

        It may not speak of the user: what is sent does not depend on who edits.
        """
        return ast.literal_eval(self._facts().domain)

    def _for_sending(self, records):
        """Return the records with the stream's language, company and rights alone."""
        self.ensure_one()
        facts = self._facts()
        company_id = facts.company_id
        if not company_id:
            # kept in memory, where env.ref() would ask each time whether it is there
            company_id = self.env["ir.model.data"]._xmlid_to_res_id("base.main_company")
        # nothing of the editor's context may stay: what is sent is the same for all
        context = {
            "lang": facts.lang,
            "tz": "UTC",
            "active_test": False,
            "allowed_company_ids": [company_id],
        }
        return records.with_env(records.env(su=True, context=context)).with_prefetch()

    def _matching(self, records):
        """Return those of the existing ``records`` that this stream sends."""
        records = self._for_sending(records)
        return records.filtered_domain(records._sync_domain(self))

    @tools.ormcache("self.id")
    def _payload_plan(self):
        """Return how the content of a record is built, see :func:`content.plan_of`."""
        return content.plan_of(self.sudo())

    # -- what jobs ask: where to ----------------------------------------------

    def _route(self):
        """Return where the messages of this stream go within its system.

        An addon that adds a transport defines ``_route_<name>()``, beside
        ``_transport_<name>()`` on ``sync.backend``.
        """
        self.ensure_one()
        return getattr(self, f"_route_{self.transport}")()

    def _route_rest(self):
        return Route(
            target=self.endpoint or "",
            batch_target=self.batch_endpoint or "",
            id_policy=self.id_policy,
            external_id_key=self.external_id_key or "id",
            update_method=self.update_method,
            requests=self._own_requests(),
            encoding=self.backend_id.body_format,
            refused=self.refused_when or "",
            gone=self.gone_when or "",
            already_there=self.already_there or "",
            found=self.found_where or "",
            there_when=self.refusal_when or "",
            there_where=self.refusal_where or "",
            there_before=self.refusal_before or "",
            version=self.version_where or "",
            version_header=self.version_header or "",
            many_size=self.many_size,
            many_items=self.many_items or "",
            many_key=self.many_key or "",
            many_matches=self.many_matches or "",
            many_status=self.many_status or "",
            many_id=self.many_id or "",
            many_refused=self.many_refused or "",
        )

    @tools.ormcache("self.id")
    def _own_requests(self):
        """Return the requests that are typed, as a ``Route`` has them."""
        typed = self.sudo().request_ids
        return tuple(sorted((each.kind, each.line, each.body or "") for each in typed))

    def _route_postgresql(self):
        return Route(
            target=self.table or "",
            id_policy="odoo",
            key_column=self.key_column or "",
            **self._special_columns(),
        )

    def _route_proven(self, record_ids):
        """Return the route, with what is known to have worked with its settings.

        :param record_ids: of what is about to be sent, and is not there for sure
        """
        route, proven = self._route(), self._proven()
        if self.transport == "postgresql":
            # a table that is not there says so
            return replace(route, proven=proven)
        known = store.some_ids_there(self, KNOWN_IDS, record_ids)
        return replace(route, proven=proven, known_ids=known)

    def _proven(self):
        """Return what the system has carried out with the settings of now.

        :return: frozenset, as in :class:`..transports.base.Route`
        """
        settings, *kinds = (self.proven or "").split() or [""]
        return frozenset(kinds if settings == self._settings_digest() else ())

    def _proven_text(self, kinds):
        """Return what :meth:`_proven` reads, with the settings of now.

        :param kinds: as it returns them
        """
        return " ".join([self._settings_digest(), *sorted(kinds)])

    def _settings_digest(self):
        """Return what is another text once anything says otherwise where to send."""
        place = (self.backend_id.url, self.endpoint, self.batch_endpoint)
        if self.transport == "postgresql":
            backend = self.backend_id
            place = (backend.db_host, backend.db_port, backend.db_name, self.table)
        how = (self.update_method, self.id_policy)
        if self.transport == "rest":
            # nothing, where all is as usual
            how += self._own_requests()
            if self.backend_id.body_format != "json":
                how += (self.backend_id.body_format,)
        return sha256(repr((*place, *how)).encode()).hexdigest()[:16]

    def _own_names(self):
        """Return the keys or columns that the stream fills itself, as a set."""
        key = self.transport == "postgresql" and self.key_column
        mark = self.delete_policy == "mark" and self.mark_key
        return {key, mark} - {False}

    @tools.ormcache("self.id")
    def _special_columns(self):
        """Return what a ``Route`` tells of some columns of the table."""
        return special_columns(self.sudo().mapping_ids)

    @tools.ormcache("self.id")
    def _sends_files(self):
        """Return whether its records may have files in them, which may be large."""
        return "binary" in self.sudo().mapping_ids.mapped("field_type")

    def _names_records_here(self):
        """Return whether the system knows the records by their ids in Odoo."""
        return self.transport != "rest" or self.id_policy != "destination"

    def _record_page(self, res_id, external_id):
        """Return the address of a record's page in the system, or ``None``."""
        return self.record_url and record_url(
            self.record_url, res_id, external_id or None
        )

    # -- what jobs ask: what has to be there first ----------------------------

    @tools.ormcache("self.id")
    def _links_sent_first(self):
        """Return the links whose records are sent before those of this stream.

        :return: tuple of ``(path, ids of the streams that send what it leads to)``
        """
        stream = self.sudo()
        mapped = stream.mapping_ids.filtered("id_there").mapped("field_path")
        links = {
            path: stream._siblings(stream._linked_model(path))
            for path in (*stream._typed_links(), *mapped)
        }
        return tuple((path, tuple(first.ids)) for path, first in links.items() if first)

    def _typed_links(self):
        """Return the paths that a person has typed."""
        paths = (self.send_first or "").split(",")
        return [path.strip() for path in paths if path.strip()]

    def _linked_model(self, path):
        """Return the name of the model that a path of links leads to, or ``None``."""
        name = self.model_name
        for link in path.split("."):
            field = self.env[name]._fields.get(link) if name in self.env else None
            name = field.comodel_name if field and field.relational else None
        return name

    def _siblings(self, model_name):
        """Return the live streams of a model that send to the same system."""
        self.ensure_one()
        return self.with_context(active_test=True).search(
            [
                ("backend_id", "=", self.backend_id.id),
                ("model_name", "=", model_name),
                ("state", "=", "live"),
            ]
        )

    # -- what jobs ask: when --------------------------------------------------

    def _resting_text(self):
        """Return the sentence why this stream does not send, ``False`` if it does."""
        if self.deleting_since:
            return words.Sentence(
                words._lt("%(name)s is being deleted."), name=self.name
            )
        for each in (self.backend_id, self):
            if not each.active:
                return words.Sentence(
                    words._lt("%(name)s is archived."), name=each.name
                )
        if self.state != "live":
            return words.Sentence(words._lt("%(name)s is a draft."), name=self.name)
        return False

    def _open_incident(self):
        """Return the open incidents that hold these streams, one each at most."""
        return self.env["sync.incident"].search(
            [("stream_id", "in", self.ids), ("closed", "=", False)]
        )

    def _held_text(self, for_all=False):
        """Return why nothing of this stream is sent although it is live, or ``None``.

        :param bool for_all: for people who look after no jobs too: without a reason
        :return: a sentence for people
        """
        incident = self._open_incident()
        if not incident:
            return None
        return incident._told_text() if for_all else incident._waiting_text()

    def _eta(self):
        """Return when a job made now may run: ``None``, or a time (UTC, naive)."""
        self.ensure_one()
        return gate.eta(self)

    def _retry_seconds(self, current_try):
        """Return the seconds, or ``(least, most)``, to wait after so many tries."""
        try:
            pattern = self._parsed_retry_pattern()
        except ValidationError as err:
            # written past the check: a record that failed is not left without a retry
            _logger.warning("Synchronization %s: %s", self.id, err)
            pattern = {}
        begun = [count for count in pattern if count <= current_try]
        return pattern[max(begun)] if begun else self.retry_delay * 60

    def _parsed_retry_pattern(self):
        """Return ``{count of tries: seconds or (least, most)}``, or ``{}``.

        :raises ValidationError: it is none
        """
        try:
            return parse_retry_pattern(self.retry_pattern or "{}")
        except ValueError:
            raise ValidationError(
                self.env._(
                    "%(pattern)s is not a retry pattern. It names seconds, from 1 to "
                    "%(most)s (a year), by number of tries, such as %(example)s.",
                    pattern=self.retry_pattern,
                    most=LONGEST_WAIT,
                    example="{1: 10, 5: 60}",
                )
            ) from None

    # -- going live, backfills ------------------------------------------------

    def action_go_live(self):
        """Say how many records would be sent, or what is missing, and ask.

        The columns of a table are read first.
        """
        action = self._action_about("queue_job_sync.action_sync_go_live", "write")
        unread = self._renew_columns()
        return {
            **action,
            "context": {**action["context"], "default_columns_unread": unread},
        }

    def _go_live(self, send_all):
        """Begin to send.

        :param bool send_all: every record now, not only what is edited from now on
        :return: the ``sync.backfill`` that sends them, empty if none
        :raises ValidationError: something is missing, with all that is
        """
        self.ensure_one()
        unread = self._renew_columns()
        self.state = "live"
        if unread:
            self.message_post(body=unread)
        backfills = self.env["sync.backfill"]
        if not send_all:
            return backfills
        # it was stopped when the stream was put back to draft
        self._open_backfills().action_cancel()
        backfills.flush_model(["state"])  # only one may be open
        return backfills._start(self)

    def _count_text(self):
        """Return how many records it sends, such as "1,204 records (Contact)"."""
        records = self._for_sending(self.env[self.model_name])
        count = records.search_count(records._sync_domain(self))
        return self.env._(
            "%(count)s records (%(model)s)",
            count=formatLang(self.env, count, digits=0),
            model=self.model_id.name,
        )

    def action_back_to_draft(self):
        """Send nothing any more; what waits goes on waiting."""
        self.write({"state": "draft"})
        return True

    def action_backfill(self):
        """Ask what to send, or show the backfill that is under way."""
        self.ensure_one()
        self.check_access("read")
        backfill = self._open_backfills()
        if backfill:
            return backfill.get_formview_action()
        return self._action_about("queue_job_sync.action_sync_backfill_start")

    def _open_backfills(self):
        """Return the backfills of these streams that run or could be resumed."""
        return self.env["sync.backfill"].search(
            [("stream_id", "in", self.ids), ("state", "in", ("running", "stopped"))]
        )

    # -- deletion -------------------------------------------------------------

    _owned = (
        Owned("sync_outbox", "stream_id", "res_id"),
        Owned("sync_attempt", "stream_id", "res_id"),
        Owned("sync_delivery", "stream_id", "id"),
        Owned("sync_binding", "stream_id", "res_id"),
        Owned("sync_counter", "stream_id", "id"),
        Owned("sync_incident", "stream_id", "id"),
    )
    _owned_jobs = Owned("queue_job", "sync_stream_id", "date_created")

    def _owns_rows(self):
        return (
            super()._owns_rows()
            or bool(self._backfills())
            or any(self._owns(owned, self.id) for owned in self._owned)
        )

    def _backfills(self):
        return self.env["sync.backfill"].search(
            [("stream_id", "=", self.id)], limit=BATCH
        )

    def _delete_last(self):
        backfills = self._backfills()
        backfills.unlink()
        return len(backfills) or super()._delete_last()

    # -- other actions --------------------------------------------------------

    def action_try_again(self):
        """Send one record of these, if they are held; the others follow it."""
        self.check_access("read")
        return self.sudo()._open_incident().action_try_again()

    def action_resume(self):
        """Send again what is held, as if it was mended."""
        self.check_access("read")
        self.sudo()._open_incident()._close(by_person=True)
        return True

    def _action_open_record(self, res_id):
        """Return an action that opens one record of this stream."""
        self.ensure_one()
        # of a module that was uninstalled, no record exists
        is_known = self.model_name in self.env
        record = is_known and self.env[self.model_name].browse(res_id).exists()
        if not record:
            raise UserError(
                self.env._(
                    "%(model)s %(id)s no longer exists.",
                    # who manages jobs may not read models
                    model=self.sudo().model_id.name or self.model_name,
                    id=res_id,
                )
            )
        return record.get_formview_action()

    def action_open_doubts(self):
        """Open the records of this synchronization that somebody has to clarify."""
        return self._action_open_doubts(self)

    def _action_open_doubts(self, record):
        """Open the records of these streams that somebody has to clarify.

        :param record: whose button it is
        """
        found = standing.in_doubt(self.env)
        of_stream = [
            Domain("stream_id", "=", stream.id)
            & Domain("res_id", "in", sorted(found[stream.id]))
            for stream in self
            if stream.id in found
        ]
        return window(
            record,
            "queue_job_sync.action_sync_binding",
            display_name=self.env._("To Be Clarified"),
            domain=list(Domain.OR(of_stream)),
        )

    def _search_page(self, res_id):
        """Return an address where people can look for a record, or ``None``.

        Its page, where that goes by Odoo's id; else what the pages have in common.
        """
        page = self._record_page(res_id, None)
        if page or not self.record_url:
            return page or None
        return self.record_url.partition("{external_id}")[0].rpartition("/")[0] + "/"

    def action_read_columns(self):
        """Ask the system for the columns of the table, and keep the answer.

        Nothing is written at the destination.

        :raises UserError: the system does not say, with the reason
        """
        self.ensure_one()
        self.check_access("write")
        try:
            self._read_columns()
        except NotImplementedError:
            raise UserError(
                self.env._("%s has no tables.", self.backend_id.name)
            ) from None
        except SyncError as err:
            raise UserError(self._columns_error(err)) from None
        return True

    def _columns_error(self, error):
        return self.env._(
            "The columns cannot be read.\n\n%(reason)s",
            reason=words.said(self.env, error),
        )

    def _read_columns(self):
        """
        :raises SyncError: the system does not say
        :raises NotImplementedError: it has no tables
        """
        with self.backend_id._open_transport() as transport:
            found = transport.columns(self.table or "")
        self.write(
            {
                "columns": [asdict(column) for column in found],
                "columns_table": self.table,
                "columns_date": fields.Datetime.now(),
            }
        )

    def _renew_columns(self):
        """Read the columns of the table, unless that was done just now.

        A database that cannot be reached is no reason to wait: what is known counts.

        :return: why they could not be read, in words; ``False`` if they are known
        :raises ValidationError: there is no such table, or it must not be seen
        """
        self.ensure_one()
        if self.transport != "postgresql" or not self.table:
            return False
        old = fields.Datetime.now() - timedelta(seconds=COLUMNS_STAY)
        if self._known_columns() and self.columns_date > old:
            return False
        try:
            self._read_columns()
        except Misconfigured as err:
            raise ValidationError(self._columns_error(err)) from None
        except SyncError as err:
            return self._unread_text(words.said(self.env, err))
        return False

    def _unread_text(self, reason):
        """Return what it means that the columns could not be read, in words."""
        if not self._known_columns():
            return self.env._(
                "The columns of the table could not be read, so nobody knows whether "
                "the fields fit: %(reason)s",
                reason=reason,
            )
        return self.env._(
            "The columns of the table could not be read. What is known of them is of "
            "%(date)s: %(reason)s",
            date=format_datetime(self.env, self.columns_date),
            reason=reason,
        )

    def _forget_columns(self):
        """Forget the columns of tables that are in another database now."""
        self.write(NO_COLUMNS)

    def _use(self):
        """Return the :class:`..transports.base.Use` of its system."""
        self.ensure_one()
        # where its model makes the content itself, nobody knows them
        names = self._sends_mapping_alone() and self.mapping_ids.mapped("target")
        policy, mark = self.delete_policy, ""
        if policy == "mark":
            mark = self.mark_key or ""
            names = names and [*names, mark]  # it is false when a record is back
        operations = ["upsert"] + [policy] * (policy != "ignore")
        return Use(self._route_proven(()), tuple(names or ()), tuple(operations), mark)

    def action_preview(self):
        """Choose a record, and see what would be sent of it."""
        return self._action_about("queue_job_sync.action_sync_preview")

    def _action_about(self, xmlid, access="read"):
        """Return the action that asks something about this stream."""
        return window(self, xmlid, access, context={"default_stream_id": self.id})
