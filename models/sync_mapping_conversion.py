# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import copy

from odoo import fields, models
from odoo.exceptions import ValidationError

from ..mapping import conversions as values

SEPARATORS = {"comma": ", ", "semicolon": "; ", "bar": "|", "line": "\n"}
# Methods of a model that a mapping may name are those that begin like this: what is
# typed on a screen must never lead to another one, such as unlink.
METHOD_PREFIX = "_sync_value_"
# The key of a value map that stands for every value it does not name.
ANY_OTHER = "*"


class SyncMapping(models.Model):
    """What is made of a value on its way.

    Whether that fits the field is checked by ``sync_mapping_conversion_check.py``.
    """

    _inherit = "sync.mapping"

    conversion = fields.Selection(
        [
            ("none", "As it is"),
            ("map", "Value map"),
            ("date", "Date format"),
            ("number", "Number format"),
            ("json", "JSON text"),
            ("constant", "Constant"),
            ("method", "Method"),
        ],
        required=True,
        default="none",
        help="Value map: other names for values. Date and number format: text in a "
        "format of your own. JSON text: lists and objects as text, for a json column. "
        "Constant: the same for every record. Method: what a developer has prepared.",
    )
    conversion_argument = fields.Char(
        "Details",
        help='Value map: {"draft": "D", "*": "X"}, where * is any other value; without '
        "it, others stay as they are. Date format: %d.%m.%Y, as strftime, in UTC. "
        "Number format: .2f, as Python's format. Constant: text, or JSON such as 5 or "
        "true. Method: its name after _sync_value_.",
    )
    several = fields.Selection(
        [
            ("list", "List"),
            ("comma", "Joined: A, B"),
            ("semicolon", "Joined: A; B"),
            ("bar", "Joined: A|B"),
            ("line", "One per line"),
        ],
        "Several Values",
        required=True,
        default="list",
        help="Over a link to many records. A list has one value for each record, in "
        "their order, and null for an empty one; joined text leaves empty ones out.",
    )
    default_value = fields.Char(
        "When Empty",
        help="Sent instead of nothing: text, or JSON such as 0, false or []. "
        "Zero and No are not empty.",
    )

    def _method(self, name):
        model = self.env[self.stream_id.model_name]
        return getattr(type(model), METHOD_PREFIX + name, None)

    def _leaf(self):
        """Return the field whose values are sent: the last one of the path, or the
        id of the records that it links to."""
        last = self._resolve_path()[-1]
        if last.type in values.TO_MANY:
            return self.env[last.comodel_name]._fields["id"]
        return last

    def _source_text(self):
        """Return where the value comes from, in words."""
        if self.conversion == "constant":
            return self.env._("the constant %s", self.conversion_argument or "null")
        if self.conversion == "method":
            return f"{METHOD_PREFIX}{self.conversion_argument or ''}"
        return self.field_path or ""

    def _binary_targets(self):
        """Return where files go, as base64."""
        return tuple(
            mapping.target
            for mapping in self
            if mapping.field_type == "binary"
            and mapping.conversion == "none"
            and mapping.several == "list"
        )

    def _constants(self):
        """Return what is the same in all contents: tuple of names and values."""
        found = (
            (mapping.target, values.literal(mapping.conversion_argument or "null"))
            for mapping in self
            if mapping.conversion == "constant"
        )
        # a route is compared and kept: what can change is left out
        return tuple(
            (target, value)
            for target, value in found
            if isinstance(value, str | int | float)
        )

    def _sends_list(self):
        """Return whether the value of this line is a list."""
        converted = self.conversion not in ("none",) or self.several != "list"
        return self.is_list and not converted

    # -- what edits ask -------------------------------------------------------

    def _watched_paths(self):
        """Return the paths whose edit changes what these lines send.

        A method says by ``@api.depends`` what it looks at; one that does not may look
        at anything.
        """
        paths = set()
        for mapping in self:
            if mapping.conversion == "method":
                paths |= mapping._method_paths()
            elif mapping.conversion != "constant" and mapping.field_path:
                paths |= {mapping.field_path, *mapping._paths_of_currency()}
        return paths

    def _paths_of_currency(self):
        """Return the path of the currency whose digits an amount is rounded to."""
        try:
            last = self._resolve_path()[-1]
        except ValidationError:
            return []  # there is no such field any more: the job tells it
        if last.type != "monetary":
            return []
        name = last.get_currency_field(self.env[last.model_name])
        return [".".join([*self.field_path.split(".")[:-1], name])]

    def _method_paths(self):
        model = self.env[self.stream_id.model_name]
        method = self._method(self.conversion_argument or "")
        depends = getattr(method, "_depends", None)
        if callable(depends):
            depends = depends(model)
        return set(model._fields if depends is None else depends)

    # -- what jobs ask --------------------------------------------------------

    def _reader(self):
        """Return the function of a record that gives what this line sends for it."""
        self.ensure_one()
        read = getattr(self, f"_reader_of_{self.conversion}", self._reader_of_field)()
        if not self.default_value:
            return read
        default = values.literal(self.default_value)

        def or_default(value):
            return copy.deepcopy(default) if values.is_empty(value) else value

        if self._is_in_list():
            # one value for each object: the list itself stays as long as it is
            return lambda record: [or_default(each) for each in read(record)]
        return lambda record: or_default(read(record))

    def _reader_of_constant(self):
        constant = values.literal(self.conversion_argument or "null")
        # a list or an object belongs to the payload of one record alone
        return lambda _record: copy.deepcopy(constant)

    def _reader_of_method(self):
        name, mapping_id = METHOD_PREFIX + (self.conversion_argument or ""), self.id

        def call(record):
            mapping = record.env["sync.mapping"].browse(mapping_id)
            return values.method_value(getattr(record, name)(mapping))

        return call

    def _reader_of_field(self):
        leaf = self._leaf()
        read = values.getter(
            self._resolve_path(),
            values.reader_of(leaf, self.env[leaf.model_name]),
            self._converter(),
        )
        if self.conversion == "json":
            return lambda record: values.to_json(read(record))
        if self.several == "list":
            return read
        separator = SEPARATORS[self.several]
        return lambda record: values.joined(read(record), separator)

    def _converter(self):
        """Return the function that converts one value of the field."""
        plain = values.plain_of(self._leaf())
        argument = self.conversion_argument
        if self.conversion == "map":
            table = values.from_json(argument)

            def convert(value):
                value = plain(value)
                if value is None:
                    return None
                return table.get(values.text_of(value), table.get(ANY_OTHER, value))

            return convert
        if self.conversion == "number":
            return lambda value: values.formatted_number(value, argument)
        if self.conversion == "date":
            return lambda value: values.formatted_date(value, argument)
        return plain
