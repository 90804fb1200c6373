# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import asdict

from markupsafe import Markup

from odoo import fields, models
from odoo.exceptions import UserError

from ..exceptions import SyncError

JSON_TYPES = ("json", "jsonb")


class SyncStream(models.Model):
    """What the table of a stream looks like, as it was when somebody asked."""

    _inherit = "sync.stream"

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

    def _known_columns(self):
        """Return what is known of the table's columns, by name; nothing of another."""
        self.ensure_one()
        if self.transport != "postgresql" or self.columns_table != self.table:
            return {}
        return {column["name"]: column for column in self.columns or []}

    def _fillers(self):
        """Return what fills which column: the mapping's lines, and what is not mapped.

        :return: dict of words for people, by column
        """
        self.ensure_one()
        found = {self.key_column: self.env._("Odoo's id")}
        if self.delete_policy == "mark" and self.mark_key:
            found[self.mark_key] = self.env._("the mark")
        for mapping in self.mapping_ids.filtered("target"):
            found[mapping.target] = mapping._source_text()
        return found

    # Neither names what it depends on: the form would ask the server after each change
    # of a line. They are told anew whenever it is saved.

    def _compute_columns_status(self):
        for stream in self:
            columns, fillers = stream._known_columns(), stream._fillers()
            stream.columns_status = (
                self.env["ir.qweb"]._render(
                    "queue_job_sync.table_columns",
                    {"columns": columns.values(), "fillers": fillers},
                )
                if columns
                else Markup()
            )

    def _compute_columns_warning(self):
        for stream in self:
            columns = stream._known_columns()
            stream.columns_warning = (
                "\n".join(stream._column_problems(columns)) if columns else False
            )

    def _column_problems(self, columns):
        """Return what is wrong with the mapping, given the columns of the table."""
        fillers = self._fillers()
        missing = [
            name
            for name, column in columns.items()
            if column["required"] and name not in fillers
        ]
        if missing:
            yield self.env._(
                "The table requires a value for: %s. Map them, or no new row is taken.",
                ", ".join(missing),
            )
        unknown = [name for name in fillers if name not in columns]
        if unknown:
            yield self.env._(
                "The table %(table)s has no column: %(columns)s.",
                table=self.table,
                columns=", ".join(unknown),
            )
        for mapping in self.mapping_ids.filtered("target"):
            column = columns.get(mapping.target)
            if column and mapping._sends_list() and not column["type"].endswith("[]"):
                yield (
                    self.env._(
                        "%s is a JSON column: choose JSON text for its list.",
                        mapping.target,
                    )
                    if column["type"] in JSON_TYPES
                    else self.env._(
                        "%s does not take a list: choose how its values are joined.",
                        mapping.target,
                    )
                )

    def action_read_columns(self):
        """Ask the system for the columns of the table, and keep the answer.

        Nothing is written at the destination.

        :raises UserError: the system does not say, with the reason
        """
        self.ensure_one()
        self.check_access("write")
        try:
            with self.backend_id._open_transport() as transport:
                columns = transport.columns(self.table or "")
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
                "columns": [asdict(column) for column in columns],
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
