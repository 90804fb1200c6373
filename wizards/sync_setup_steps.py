# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError

from ..exceptions import SyncError

# What other systems usually want to know of a contact, and what they call it.
USUAL = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "street": "street",
    "zip": "zip",
    "city": "city",
    "country_id.code": "country",
    "vat": "vat",
}
# Where a table calls the same thing otherwise.
OTHER_NAMES = {
    "country_code": "country_id.code",
    "country": "country_id.code",
    "postcode": "zip",
    "postal_code": "zip",
    "mail": "email",
    "state": "state_id.code",
    "company": "parent_id.name",
}
PLAIN_TYPES = {
    "boolean",
    "char",
    "date",
    "datetime",
    "float",
    "integer",
    "monetary",
    "selection",
    "text",
}


class SyncSetup(models.TransientModel):
    """What each step of the set-up needs, and what it suggests."""

    _inherit = "sync.setup"

    def _leave_kind(self):
        if not self.name or not self.name.strip():
            raise UserError(self.env._("Give the system a name, such as CRM."))
        values = {
            "name": self.name,
            "transport": self.transport,
            "company_id": self.company_id.id,
        }
        if self.backend_id:
            if self.backend_id.transport != self.transport:
                # it was a test of something else
                self.write({"test_state": False, "test_answer": False})
            self.backend_id.write(values)
        else:
            backend = self.env["sync.backend"].create({**values, "active": False})
            self.backend_id = backend

    def _enter_address(self):
        return

    def _leave_address(self):
        self.backend_id._require_connection()

    def _enter_records(self):
        if not self.stream_id:
            self.stream_id = self.env["sync.stream"].create(
                {
                    "name": self.env._("Contacts to %s", self.backend_id.name),
                    "backend_id": self.backend_id.id,
                    "endpoint": "contacts",
                }
            )
        try:
            with self.backend_id._open_transport() as transport:
                self.tables = transport.tables()
        except (NotImplementedError, SyncError):
            # its name can be typed
            self.tables = False

    def _leave_records(self):
        stream = self.stream_id
        stream._require_route()
        stream.name = self.env._(
            "%(model)s to %(system)s",
            model=stream.model_id.name,
            system=self.backend_id.name,
        )
        if stream.transport == "postgresql":
            stream.action_read_columns()
            names = stream._known_columns()
            if stream.key_column not in names:
                raise UserError(
                    self.env._(
                        "The table %(table)s has no column %(key)s. Which of its "
                        "columns is for Odoo's id? There are: %(columns)s.",
                        table=stream.table,
                        key=stream.key_column,
                        columns=", ".join(names),
                    )
                )

    def _enter_fields(self):
        stream = self.stream_id
        if not stream.mapping_ids:
            stream.mapping_ids = [
                fields.Command.create(
                    {"sequence": sequence, "field_path": path, "target": target}
                )
                for sequence, (path, target) in enumerate(self._suggested())
            ]

    def _suggested(self):
        """Return ``(path in Odoo, name at the destination)`` of fields to send."""
        stream = self.stream_id
        if stream.transport != "postgresql":
            return [
                (path, target)
                for path, target in USUAL.items()
                if self._has_value(path)
            ]
        reserved = {stream.key_column}
        if stream.delete_policy == "mark":
            reserved.add(stream.mark_key)
        found = []
        for column in stream._known_columns():
            # a field of the very name goes first
            paths = (column, OTHER_NAMES.get(column, ""))
            path = next(filter(self._has_value, paths), None)
            if path and column not in reserved:
                found.append((path, column))
        return found

    def _has_value(self, path):
        """Return whether a path leads to one plain value of a record."""
        model = self.env[self.stream_id.model_name]
        *links, name = path.split(".")
        for link in links:
            field = model._fields.get(link)
            if not field or field.type != "many2one":
                return False
            model = self.env[field.comodel_name]
        field = model._fields.get(name)
        return bool(
            field and field.type in PLAIN_TYPES and (field.store or field.related)
        )

    def _leave_fields(self):
        if not self.stream_id.mapping_ids:
            raise UserError(self.env._("Add at least one field to send."))

    def _enter_check(self):
        stream = self.stream_id
        model = self.env[stream.model_name]
        self.preview_id = False
        if model.has_access("read"):
            example = model.search(model._sync_domain(stream), limit=1)
            self.preview_res_id = example.id
            if example:
                self.action_preview()
