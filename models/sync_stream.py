# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast
from dataclasses import asdict

from markupsafe import Markup

from odoo import api, fields, models, tools
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..exceptions import SyncError
from ..mapping import content
from ..mapping.columns import column_problems, fillers_of
from ..transports.urls import endpoint_problem
from .sync_backend import is_told_of


class SyncStream(models.Model):
    """One model sent to one external system: which records, what of them, and when.

    This file says what is sent, and where; ``sync_stream_timing.py`` says when, and
    ``sync_stream_runtime.py`` answers what edits and jobs ask.
    """

    _name = "sync.stream"
    _description = "Synchronization"
    _inherit = ["mail.thread", "sync.deletion"]
    _order = "sequence, id"

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

    # where it goes
    endpoint = fields.Char(
        help="Path below the address of the system, such as api/contacts."
    )
    batch_endpoint = fields.Char(
        help="Path that takes many records in one request and answers with a status "
        "for each, as the documentation describes it. Empty: one request each."
    )
    id_policy = fields.Selection(
        [
            ("destination", "The system gives its own id"),
            ("odoo", "Odoo's id is the id"),
        ],
        "Identification",
        required=True,
        default="destination",
        help="Who names the record: the system, in its answer to the first POST, "
        "or Odoo, whose id is then part of the address.",
    )
    external_id_key = fields.Char(
        "Id in the Answer",
        default="id",
        help="Where the answer to a POST holds the id; dots go into nested objects.",
    )
    update_method = fields.Selection(
        [("put", "PUT"), ("patch", "PATCH")],
        "Update with",
        required=True,
        default="put",
        help="PUT sends the whole record, PATCH may leave out what the system "
        "holds besides. Ask the documentation of the system.",
    )
    table = fields.Char(help="Table of the database, as table or schema.table.")
    key_column = fields.Char(
        default="odoo_id",
        help="Column that holds Odoo's id. It needs a primary key or a unique "
        "constraint of its own.",
    )
    delete_policy = fields.Selection(
        [
            ("delete", "Delete it there"),
            ("mark", "Mark it there"),
            ("ignore", "Leave it there"),
        ],
        "When Deleted or Archived",
        required=True,
        default="delete",
        help="What happens at the destination when a record is deleted or archived, "
        "or no longer among the records to send.",
    )
    mark_key = fields.Char(
        "Mark",
        default="deleted",
        help="Key or column that becomes true when the record is gone, "
        "and false when it is back.",
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
        "Columns Read On",
        readonly=True,
        copy=False,
        help="When the columns were read.",
    )
    columns_status = fields.Html(
        "Columns of the Table",
        compute="_compute_columns_status",
        help="Each column of the table, and what fills it.",
    )
    columns_warning = fields.Text(
        compute="_compute_columns_warning",
        help="What does not fit between the fields and the columns of the table.",
    )

    @api.depends("name", "company_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_display_name(self):
        for stream in self:
            told = is_told_of(stream)
            stream.display_name = (
                stream.name
                if told
                else self.env._("Synchronization of another company")
            )

    # -- checks ---------------------------------------------------------------

    @api.depends("model_id.model")
    def _compute_model_name(self):
        for stream in self:
            stream.model_name = stream.model_id.model or stream.model_name

    @api.constrains("model_id")
    def _check_model(self):
        syncable = self._syncable_models()
        for stream in self:
            if not stream.model_id and stream.model_name in {False, *self.env}:
                raise ValidationError(stream.env._("Choose the model that is sent."))
            if stream.model_name not in self.env:
                raise ValidationError(
                    stream.env._(
                        "The model %s is gone. Install again what brings it, or "
                        "archive the synchronization.",
                        stream.model_name,
                    )
                )
            if stream.model_name not in syncable:
                raise ValidationError(
                    stream.env._(
                        "%s cannot be synchronized: its model does not inherit "
                        "sync.mixin.",
                        stream.model_id.name,
                    )
                )

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
            parents, key = content.place_of(stream, stream.mark_key)
            if not all((*parents, key)) or content.list_of(parents):
                raise ValidationError(
                    stream.env._("%r is not a name.", stream.mark_key)
                )
        self.mapping_ids._check_field_path()
        self.mapping_ids._check_target()
        self.mapping_ids._check_conversion()
        self.mapping_ids._check_nesting()
        self.mapping_ids._check_lists()
        self.mapping_ids._check_id_there()

    @api.constrains(
        "state",
        "backend_id",
        "endpoint",
        "batch_endpoint",
        "table",
        "key_column",
        "delete_policy",
        "mark_key",
    )
    def _check_route(self):
        # a draft may lack what is not known yet
        self.filtered(lambda each: each.state == "live")._require_route()

    def _require_route(self):
        """Raise unless these streams say where records go.

        :raises ValidationError: something is missing or wrong, with the reason
        """
        for stream in self:
            missing = False
            if stream.transport == "rest" and not stream.endpoint:
                missing = stream.env._("an endpoint")
            elif stream.transport == "postgresql" and not stream.table:
                missing = stream.env._("a table")
            elif stream.transport == "postgresql" and not stream.key_column:
                missing = stream.env._("a key column")
            elif stream.delete_policy == "mark" and not stream.mark_key:
                missing = stream.env._("the name of the mark")
            elif stream.transport == "rest":
                for endpoint in (stream.endpoint, stream.batch_endpoint or ""):
                    problem = endpoint_problem(endpoint)
                    if problem:
                        raise ValidationError(problem)
            if missing:
                raise ValidationError(
                    stream.env._(
                        "%(stream)s needs %(missing)s.",
                        stream=stream.name,
                        missing=missing,
                    )
                )

    @api.constrains("backend_id")
    def _check_backend_stays(self):
        self.backend_id._require_staying()

    # -- writing --------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        streams = super().create(vals_list)
        streams._ensure_job_functions()
        self.env.registry.clear_cache()
        return streams

    def _register_hook(self):
        super()._register_hook()
        self._find_models_again()

    @api.model
    def _find_models_again(self):
        """Let streams whose model was gone have the one that is installed again."""
        self.env.cr.execute(
            "UPDATE sync_stream SET model_id = ir_model.id FROM ir_model"
            " WHERE ir_model.model = model_name AND model_id IS NULL"
            " RETURNING sync_stream.id"
        )
        found = self.browse(id_ for (id_,) in self.env.cr.fetchall())
        if found:
            found.invalidate_recordset(["model_id"], flush=False)
            found._ensure_job_functions()

    def write(self, vals):
        res = super().write(vals)
        if "model_id" in vals:
            self._ensure_job_functions()
        self.env.registry.clear_cache()
        return res

    def unlink(self):
        res = super().unlink()
        self.env.registry.clear_cache()
        return res

    # -- reading --------------------------------------------------------------

    @api.model
    def _syncable_models(self):
        """Return the names of the models that inherit ``sync.mixin``."""
        mixin = self.env.registry["sync.mixin"]
        return [
            name
            for name, model in self.env.registry.items()
            if issubclass(model, mixin) and not model._abstract
        ]

    def _parsed_domain(self):
        """Return the filter of this stream as a list.

        It may not speak of the user: what is sent does not depend on who edits.
        """
        return ast.literal_eval(self._facts().domain)

    # -- content and columns --------------------------------------------------

    @tools.ormcache("self.id")
    def _payload_plan(self):
        """Return how the content of a record is built, see :func:`content.plan_of`."""
        return content.plan_of(self.sudo())

    def _known_columns(self):
        """Return what is known of the table's columns, by name; nothing of another."""
        self.ensure_one()
        if self.transport != "postgresql" or self.columns_table != self.table:
            return {}
        return {column["name"]: column for column in self.columns or []}

    # Neither names what it depends on: the form would ask the server after each change
    # of a line. They are told anew whenever it is saved.

    def _compute_columns_status(self):
        for stream in self:
            known = stream._known_columns()
            stream.columns_status = (
                self.env["ir.qweb"]._render(
                    "queue_job_sync.table_columns",
                    {"columns": known.values(), "fillers": fillers_of(stream)},
                )
                if known
                else Markup()
            )

    def _compute_columns_warning(self):
        for stream in self:
            known = stream._known_columns()
            stream.columns_warning = (
                "\n".join(column_problems(stream, known)) if known else False
            )

    # -- actions --------------------------------------------------------------

    def _action_open_record(self, res_id):
        """Return an action that opens one record of this stream."""
        self.ensure_one()
        record = self.env[self.model_name].browse(res_id).exists()
        if not record:
            raise UserError(
                self.env._(
                    "%(model)s %(id)s no longer exists.",
                    model=self.model_id.name,
                    id=res_id,
                )
            )
        return record.get_formview_action()

    def action_read_columns(self):
        """Ask the system for the columns of the table, and keep the answer.

        Nothing is written at the destination.

        :raises UserError: the system does not say, with the reason
        """
        self.ensure_one()
        self.check_access("write")
        try:
            with self.backend_id._open_transport() as transport:
                found = transport.columns(self.table or "")
        except NotImplementedError:
            raise UserError(
                self.env._("%s has no tables.", self.backend_id.name)
            ) from None
        except SyncError as err:
            raise UserError(
                self.env._(
                    "The columns cannot be read.\n\n%(reason)s", reason=err.message
                )
            ) from None
        self.write(
            {
                "columns": [asdict(column) for column in found],
                "columns_table": self.table,
                "columns_date": fields.Datetime.now(),
            }
        )
        return True

    def action_preview(self):
        """Choose a record, and see what would be sent of it."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_preview"
        )
        action["context"] = {"default_stream_id": self.id}
        return action
