# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import re

from odoo import api, models
from odoo.exceptions import ValidationError

from ..mapping import conversions as values
from .sync_mapping import WITHOUT_FIELD
from .sync_mapping_conversion import ANY_OTHER, METHOD_PREFIX

METHOD_NAME = re.compile(r"[a-z0-9_]+")
MAPPED_TYPES = {
    "boolean",
    "char",
    "integer",
    "many2one",
    "many2one_reference",
    "reference",
    "selection",
    "text",
}
NUMBER_TYPES = {"integer", "float", "monetary"}
DATE_TYPES = {"date", "datetime"}
# Directives of strftime that do not depend on the server's locale.
DATE_DIRECTIVES = set("YymdjaAbBUWVGu%")
TIME_DIRECTIVES = set("HIMSfpzZ")
# Python's format specification with a bounded size: a width of 10**9 is valid too.
NUMBER_FORMAT = re.compile(r"[-+ ]?0?\d{0,2}[,_]?(\.\d{1,2})?[dxXeEfFgG%]?")


class SyncMapping(models.Model):
    """Why a conversion does not fit its field: said when the line is saved."""

    _inherit = "sync.mapping"

    @api.constrains(
        "field_path",
        "conversion",
        "conversion_argument",
        "several",
        "target",
        "stream_id",
    )
    def _check_conversion(self):
        for mapping in self:
            check = getattr(mapping, f"_problem_of_{mapping.conversion}")
            problem = check() or mapping._problem_of_several()
            if problem:
                raise ValidationError(
                    mapping.env._(
                        "%(target)s: %(problem)s",
                        target=mapping.target,
                        problem=problem,
                    )
                )

    def _problem_of_none(self):
        return None

    _problem_of_json = _problem_of_constant = _problem_of_none

    def _problem_of_several(self):
        """Return why the values of several records cannot be sent like this."""
        if self.conversion in WITHOUT_FIELD:
            return None
        many = values.goes_to_many(self._resolve_path())
        if self.several != "list":
            if not many:
                return self.env._(
                    "%s has one value: there is nothing to join.", self.field_path
                )
            if self.conversion == "json":
                return self.env._("JSON text holds the list: do not join it as well.")
        elif (
            many and self.conversion not in ("none", "json") and not self._is_in_list()
        ):
            return self.env._(
                "%s has several values: say how they are joined into one text.",
                self.field_path,
            )
        return None

    def _problem_of_map(self):
        """Return why the value map does not work for the field."""
        field = self._leaf()
        if field.type not in MAPPED_TYPES:
            return self.env._(
                "%(path)s is of the type %(type)s, which a value map is not for.",
                path=self.field_path,
                type=field.type,
            )
        try:
            table = values.from_json(self.conversion_argument or "")
        except ValueError as err:
            return self.env._(
                "The value map is not JSON such as %(example)s: %(reason)s",
                example='{"draft": "D"}',
                reason=err,
            )
        if not isinstance(table, dict) or not table:
            return self.env._("A value map names values, as in %s.", '{"draft": "D"}')
        unknown = self._unknown_keys(field, table.keys() - {ANY_OTHER})
        if unknown:
            return self.env._(
                "%(path)s never has the value %(value)s.",
                path=self.field_path,
                value=", ".join(sorted(unknown)),
            )
        return None

    def _unknown_keys(self, field, keys):
        """Return those of the keys that cannot be a value of the field."""
        if field.type == "boolean":
            return keys - {"true", "false"}
        if field.type == "selection":
            return keys - {str(key) for key in field.get_values(self.env)}
        if field.type in ("integer", "many2one", "many2one_reference"):
            return {key for key in keys if not re.fullmatch(r"-?\d+", key)}
        return set()

    def _problem_of_date(self):
        """Return why the date format does not work for the field."""
        field = self._leaf()
        if field.type not in DATE_TYPES:
            return self.env._("%s is neither a date nor a time.", self.field_path)
        text = self.conversion_argument or ""
        directives = re.findall(r"%(.?)", text, re.DOTALL)
        unknown = set(directives) - DATE_DIRECTIVES - TIME_DIRECTIVES
        if not set(directives) - {"%"} or unknown:
            return self.env._(
                "%(format)s is not a date format such as %(example)s.",
                format=text or "''",
                example="%d.%m.%Y",
            )
        if field.type == "date" and TIME_DIRECTIVES.intersection(directives):
            return self.env._("%s is a date: it has no time.", self.field_path)
        return None

    def _problem_of_number(self):
        """Return why the number format does not work for the field."""
        field = self._leaf()
        if field.type not in NUMBER_TYPES:
            return self.env._("%s is not a number.", self.field_path)
        text = self.conversion_argument or ""
        sample = 7 if field.type == "integer" else 7.5
        try:
            if not text or not NUMBER_FORMAT.fullmatch(text):
                raise ValueError(text)
            format(sample, text)
        except ValueError:
            return self.env._(
                "%(format)s is not a format for %(path)s, such as %(example)s.",
                format=text or "''",
                path=self.field_path,
                example="05d" if field.type == "integer" else ".2f",
            )
        return None

    def _problem_of_method(self):
        """Return why the method cannot be called."""
        name = self.conversion_argument or ""
        if not METHOD_NAME.fullmatch(name) or not callable(self._method(name)):
            return self.env._(
                "%(model)s has no method %(method)s.",
                model=self.stream_id.model_id.name,
                method=METHOD_PREFIX + name,
            )
        return None
