# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import itertools
from contextlib import suppress

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..mapping import content, conversions
from ..mapping.content import TO_MANY
from ..transports.names import EACH, name_of, steps_of

FIELD_TYPES = [
    ("char", "Text"),
    ("text", "Long text"),
    ("html", "HTML"),
    ("integer", "Whole number"),
    ("float", "Number"),
    ("monetary", "Amount"),
    ("boolean", "Yes or no"),
    ("date", "Date"),
    ("datetime", "Date and time"),
    ("selection", "Choice"),
    ("many2one", "Link (ID)"),
    ("many2one_reference", "Link (ID)"),
    ("reference", "Link (model,ID)"),
    ("one2many", "Links (IDs)"),
    ("many2many", "Links (IDs)"),
    ("binary", "File (base64)"),
    ("json", "JSON"),
]


class SyncMapping(models.Model):
    """One value of a record, and the name it has at the destination.

    What is made of the value on its way is said by the classes of
    ``mapping/conversions.py``, see :meth:`_conversions`.
    """

    _name = "sync.mapping"
    _description = "Synchronized Field"
    _order = "sequence, id"
    _rec_name = "target"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        index=True,
        ondelete="cascade",
        help="What the line belongs to.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    sequence = fields.Integer(
        default=10,
        help="The order of the lines; it makes no difference to what is sent.",
    )
    field_path = fields.Char(
        "Odoo Field",
        help="The field to send. It may follow links, as in country_id.code; over a "
        "link to many records, as in category_id.name, it becomes a list.",
    )
    target = fields.Char(
        "Name at the Destination",
        required=True,
        help="Key in the JSON body, or the column. Dots nest, as in address.city; "
        "a number in brackets is an entry of a list, from 0, as in emails[0].value; "
        'a name that has dots of its own is quoted, as "parent@odata.bind".',
    )

    field_type = fields.Selection(
        FIELD_TYPES,
        "Type",
        compute="_compute_field_type",
        compute_sudo=True,
        help="What kind of value the field holds.",
    )
    is_list = fields.Boolean(
        compute="_compute_field_type",
        compute_sudo=True,
        help="The path follows a link to many records, so there may be several values.",
    )

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
        "Format",
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
        "Multiple values",
        required=True,
        default="list",
        help="Over a link to many records. A list has one value for each record, in "
        "their order, and null for an empty one; joined text leaves empty ones out.",
    )
    default_value = fields.Char(
        "Default",
        help="Sent instead of nothing: text, or JSON such as 0, false or []. "
        "Zero and No are not empty.",
    )
    leave_out = fields.Boolean(
        "Leave Out When Empty",
        help="Nothing is sent of an empty value, and the system keeps what it has: a "
        "value that is emptied here stays there. Otherwise it is sent as null, or as "
        "the default. Zero and No are not empty.",
    )

    id_there = fields.Boolean(
        "ID in the System",
        help="For a link, as partner_id: send the ID of the linked record in the "
        "system, rather than Odoo's. The linked record is sent first.",
    )

    _target_uniq = models.UniqueIndex(
        "(stream_id, target)", "Each name at the destination can be filled only once."
    )

    @api.depends("field_path", "conversion", "model_name")
    def _compute_field_type(self):
        for mapping in self:
            chain = []
            if mapping._conversion().reads_field and mapping.model_name:
                with suppress(ValidationError):  # it is told when the line is saved
                    chain = content.path_of(mapping)
            mapping.field_type = chain[-1].type if chain else False
            mapping.is_list = content.goes_to_many(chain)

    # -- checks ---------------------------------------------------------------

    @api.constrains(
        "field_path",
        "conversion",
        "conversion_argument",
        "several",
        "target",
        "id_there",
        "stream_id",
    )
    def _check_lines(self):
        """Raise what is wrong with these lines, or among all lines of their streams."""
        found = [mapping._own_problems() for mapping in self]
        for stream in self.stream_id:
            if stream.transport != "postgresql":
                found.append(self._nesting_problems(stream))
                found.append(self._list_problems(stream))
        for problem in itertools.chain(*found):
            raise ValidationError(problem)

    def _own_problems(self):
        """Yield what is wrong with this line, whatever the others are.

        :raises ValidationError: the path is none
        """
        conversion = self._conversion()
        if conversion.reads_field:
            content.path_of(self)
        own_names = self.stream_id._own_names()
        places = {content.place_of(self.stream_id, name) for name in own_names}
        if self.stream_id.transport == "postgresql":
            parts = self.target.split(".")
            if not all(part and part.strip() == part for part in parts):
                yield self.env._("%r is not a name.", self.target)
        elif not steps_of(self.target):
            yield self._is_no_name()
        if content.place_of(self.stream_id, self.target) in places:
            yield self.env._(
                "%s is filled by the synchronization itself; "
                "map the field to another name.",
                self.target,
            )
        problem = conversion.problem()
        if problem:
            yield self.env._(
                "%(target)s: %(problem)s", target=self.target, problem=problem
            )
        if self.id_there and not self.stream_id._linked_model(self.field_path or ""):
            yield self.env._(
                "%s is no link to records that have an ID in the system.",
                self.field_path,
            )
        if self.id_there and (self.conversion != "none" or self.several != "list"):
            yield self.env._(
                "%s: the id that the system gave is sent as it is.", self.target
            )

    def _is_no_name(self):
        return self.env._(
            "%(name)s is not a name such as %(examples)s.",
            name=repr(self.target),
            examples='address.city, emails[0].value, lines[].name, "a.b"',
        )

    def _lacks(self):
        """Yield why these lines cannot be sent, although a draft may have them."""
        yield from self._not_sent()
        for line in self:
            stream, parts = line.stream_id, tuple(line.target.split("."))
            # once the columns are read, they say what is none
            unread = stream.transport == "postgresql" and not stream._known_columns()
            if unread and steps_of(line.target) != parts:
                yield self.env._(
                    "%s: a table has columns, and no lists or quoted names. Write the "
                    "name of a column as it is.",
                    line.target,
                )

    def _kept_back(self):
        """Yield why values of these lines are neither sent nor shown to anybody."""
        return self.filtered(lambda line: line._conversion().reads_field)._not_sent()

    def _not_sent(self):
        for line in self:
            try:
                lack = line._conversion().lack()
            except ValidationError as error:  # the path is none any more
                lack = error.args[0]
            if lack:
                yield lack

    @api.model
    def _nesting_problems(self, stream):
        """A name holds a value, names or a list of one kind, and no two of these."""
        targets, inside = {}, {}
        for target in sorted(
            {*stream._own_names(), *stream.mapping_ids.mapped("target")}
        ):
            place = content.place_of(stream, target)
            if place in targets:
                yield self.env._(
                    "%(target)s and %(other)s are one name.",
                    target=targets[place],
                    other=target,
                )
            targets[place] = target
            for depth in range(1, len(place)):
                kinds = inside.setdefault(place[:depth], {})
                kinds.setdefault(type(place[depth]), target)
        for place, kinds in sorted(inside.items(), key=lambda each: name_of(each[0])):
            lists = [target for kind, target in kinds.items() if kind is not str]
            if len(kinds) > 1 or (lists and place in targets):
                yield self.env._(
                    "%(name)s is a list already, because of %(target)s, and cannot be "
                    "a value or have other names.",
                    name=name_of(place),
                    target=lists[0],
                )
            elif place in targets:
                yield self.env._(
                    "%(key)s cannot be a value, because %(target)s nests in it.",
                    key=targets[place],
                    target=kinds[str],
                )

    @api.model
    def _list_problems(self, stream):
        """A list has objects for the lines behind one link."""
        links = {}
        for mapping in stream.mapping_ids:
            place = content.place_of(stream, mapping.target)
            if EACH not in place:
                continue
            name = name_of(place[: place.index(EACH) + 1])
            link = mapping._link_to_lines(place)
            if links.setdefault(name, link) != link:
                yield self.env._(
                    "%(name)s lists %(link)s: %(path)s does not go through it.",
                    name=name,
                    link=links[name],
                    path=mapping._conversion().source(),
                )

    def _link_to_lines(self, place):
        """Return the path to the lines that a list has an object for.

        :raises ValidationError: the path does not go through exactly one such link
        """
        conversion = self._conversion()
        chain = content.path_of(self) if conversion.reads_field else []
        many = [depth for depth, field in enumerate(chain) if field.type in TO_MANY]
        _list, *within = place[place.index(EACH) :]
        problem = None
        if EACH in within or not within or not isinstance(within[0], str):
            problem = self._is_no_name()
        elif len(many) != 1 or many[0] == len(chain) - 1:
            problem = self.env._(
                "%(target)s takes a field of lines, as order_line.name: "
                "%(path)s does not go through one link to many records.",
                target=self.target,
                path=conversion.source(),
            )
        elif conversion.joins_lists or self.several != "list":
            problem = self.env._(
                "%s takes one value of each line: neither join them nor make JSON "
                "text of them.",
                self.target,
            )
        if problem:
            raise ValidationError(problem)
        return ".".join(field.name for field in chain[: many[0] + 1])

    def _check_gaps(self):
        """Raise unless the lists of these lines, all of a stream, have all entries."""
        entries, stream = {}, self.stream_id
        for target in sorted(self.mapped("target")):
            place = content.place_of(stream, target)
            for depth, step in enumerate(place):
                if isinstance(step, int):
                    entries.setdefault(place[:depth], {}).setdefault(step, target)
        for place, targets in entries.items():
            missing = next(n for n in itertools.count() if n not in targets)
            if missing < max(targets):
                raise ValidationError(
                    self.env._(
                        "%(target)s is mapped, and nothing is mapped to %(missing)s: "
                        "a list has all its entries, from [0] on.",
                        target=targets[max(targets)],
                        missing=name_of((*place, missing)),
                    )
                )

    # -- hooks for other addons -----------------------------------------------

    @api.model
    def _conversions(self):
        """Return the classes of the conversions, by the values of ``conversion``.

        An addon that adds to the selection adds its class here, see
        :class:`~odoo.addons.queue_job_sync.mapping.conversions.Conversion`.

        :return: a new dict
        """
        return {
            "none": conversions.AsItIs,
            "map": conversions.ValueMap,
            "date": conversions.DateFormat,
            "number": conversions.NumberFormat,
            "json": conversions.JsonText,
            "constant": conversions.Constant,
            "method": conversions.Method,
        }

    # -- what edits and jobs ask ----------------------------------------------

    def _conversion(self):
        """Return the conversion of this line, an object of its class."""
        return self._conversions()[self.conversion or "none"](self)

    def _watched_paths(self):
        """Return the paths whose edit changes what these lines send, as a set."""
        return set().union(*(mapping._conversion().paths() for mapping in self))

    # -- writing --------------------------------------------------------------

    # Edits are compared with the lines, and what that needs is kept in memory.

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        self._changed(lines.stream_id)
        return lines

    def write(self, vals):
        streams = self.stream_id
        res = super().write(vals)
        self._changed(streams | self.stream_id)
        return res

    def unlink(self):
        streams = self.stream_id
        res = super().unlink()
        self._changed(streams)
        return res

    def _changed(self, streams):
        self.env.registry.clear_cache()
        self.env["sync.incident"]._settings_changed(streams)
        streams._check_live_later()
