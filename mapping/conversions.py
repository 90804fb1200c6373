# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What is made of a field of a record on its way: one class for each conversion.

``_conversions()`` of ``sync.mapping`` says which class belongs to which choice; another
addon adds its own there. Below the classes is what they are made of: how the values of
each type of field are read, and become what JSON can hold.

What a line needs is found out once; the functions that are returned here are then
called for each record, and ask the ORM for nothing but the values. They outlive the
transaction, so they hold no record.
"""

import copy
import json
import math
import re
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import partial

from odoo import models
from odoo.exceptions import ValidationError
from odoo.tools import float_round

from .. import wording
from ..engine import words
from . import content, secrecy
from .content import TO_MANY, is_empty

SEPARATORS = {"comma": ", ", "semicolon": "; ", "bar": "|", "line": "\n"}
# Methods of a model that a mapping may name are those that begin like this: what is
# typed on a screen must never lead to another one, such as unlink.
METHOD_PREFIX = "_sync_value_"
METHOD_NAME = re.compile(r"[a-z0-9_]+")
# The key of a value map that stands for every value it does not name.
ANY_OTHER = "*"
# Field types that name one record.
LINKS = {"many2one", "many2one_reference", "reference"}
# Directives of strftime that do not depend on the server's locale.
DATE_DIRECTIVES = set("YymdjaAbBUWVGu%")
TIME_DIRECTIVES = set("HIMSfpzZ")
# Python's format specification with a bounded size: a width of 10**9 is valid too.
NUMBER_FORMAT = re.compile(r"[-+ ]?0?\d{0,2}[,_]?(\.\d{1,2})?[dxXeEfFgG%]?")
# Decimal digits that a float always holds: what stands behind them is noise.
# IEEE 754, double precision.
FLOAT_DIGITS = 15
_PRECISION = re.compile(r"(?:\.(\d+))?([dxXeEfFgG%])?$")


class Conversion:
    """A way to fill a name at the destination.

    :param line: the ``sync.mapping`` that chooses it
    """

    # whether the line has a path to a field
    reads_field = False
    # whether what is sent over a link to many records may be a list
    sends_lists = False
    # whether it makes one text of such a list itself
    joins_lists = False
    # whether what is sent is the same for every record
    is_constant = False

    def __init__(self, line):
        self.line = line
        self.env = line.env
        self.path = line.field_path or ""
        self.argument = line.conversion_argument or ""

    def problem(self):
        """Return why the line cannot be as it is, in words, ``None`` if it can."""
        return None

    def lack(self):
        """Return why the line is not sent, although a draft may have it, in words."""
        return None

    def reader(self):
        """Return the function of a record that gives what is made of it."""
        raise NotImplementedError

    def paths(self):
        """Return the paths in Odoo whose edit changes what is sent, as a set."""
        return set()

    def source(self):
        """Return where the value comes from, in words."""
        return self.argument

    def leaves_out(self):
        """Return whether nothing is sent for it where what it gives is nothing.

        What somebody has typed is sent, be it ``null``.
        """
        line = self.line
        chosen = line.leave_out or line.stream_id.leave_out_empty
        return chosen and not (line.default_value or self.is_constant)

    def sender(self):
        """Return the function of a record that gives what is sent for it.

        That is what :meth:`reader` gives, or the default of the line where that is
        nothing.
        """
        read = self.reader()
        if not self.line.default_value:
            return read
        default = literal(self.line.default_value)

        def or_default(value):
            return copy.deepcopy(default) if is_empty(value) else value

        if content.is_in_list(self.line):
            # one value for each object: the list itself stays as long as it is
            return lambda record: [or_default(each) for each in read(record)]
        return lambda record: or_default(read(record))


class OfField(Conversion):
    """A conversion of the values of a field, one by one."""

    reads_field = True

    def problem(self):
        """Return why the values of several records cannot be sent like this."""
        line, joined_up = self.line, self.line.several != "list"
        path, many = self.path, content.goes_to_many(content.path_of(line))
        if joined_up and not many:
            return self.env._("%s has one value: there is nothing to join.", path)
        as_list = self.sends_lists or self.joins_lists or content.is_in_list(line)
        if many and not joined_up and not as_list:
            return self.env._(
                "%s has several values: say how they are joined into one text.", path
            )
        return None

    def lack(self):
        """Return why the values of the field are sent to no system."""
        return secrecy.refusal(self.env, self.path, content.path_of(self.line))

    def reader(self):
        leaf = content.leaf_of(self.line)
        read = getter(
            content.path_of(self.line),
            reader_of(leaf, self.env[leaf.model_name]),
            self.converter(),
        )
        if self.line.several == "list":
            return read
        separator = SEPARATORS[self.line.several]
        return lambda record: joined(read(record), separator)

    def converter(self):
        """Return the function that converts one value of the field.

        It gets the value as Odoo reads it: ``False`` where there is none.
        """
        return plain_of(content.leaf_of(self.line))

    def paths(self):
        if not self.path:
            return set()
        try:
            last = content.path_of(self.line)[-1]
        except ValidationError:
            return {self.path}  # there is no such field any more: the job tells it
        if last.type != "monetary":
            return {self.path}
        # an amount is rounded to the digits of its currency
        currency = last.get_currency_field(self.env[last.model_name])
        return {self.path, ".".join([*self.path.split(".")[:-1], currency])}

    def source(self):
        return self.path


class AsItIs(OfField):
    """The value itself; of a link the id, in Odoo or, if so chosen, there."""

    sends_lists = True

    def reader(self):
        """Return the function of a record that gives its value.

        The ids that the system gave to linked records are text, ``None`` where it holds
        none, and a list over a link to many records.
        """
        read_ids = super().reader()
        if not self.line.id_there:
            return read_ids
        path, stream = self.path, self.line.stream_id
        # known by now, for as long as the reader is kept: see sync.stream._payload_plan
        streams = stream._siblings(stream._linked_model(path))
        named_here = {each.id: each._names_records_here() for each in streams}

        def read(record):
            there = content.ids_there(record.mapped(path), named_here)
            found = read_ids(record)
            many = isinstance(found, list)
            return list(map(there.get, found)) if many else there.get(found)

        return read


class ValueMap(OfField):
    """Other names for values."""

    TYPES = {"boolean", "char", "integer", "selection", "text"} | LINKS

    def problem(self):
        field = content.leaf_of(self.line)
        if field.type not in self.TYPES:
            return self.env._(
                "%(path)s is of the type %(type)s, which a value map is not for.",
                path=self.path,
                type=field.type,
            )
        try:
            table = from_json(self.argument)
        except ValueError as err:
            return self.env._(
                "The value map is not JSON such as %(example)s: %(reason)s",
                example='{"draft": "D"}',
                reason=words.said(self.env, err.args[0]),
            )
        if not isinstance(table, dict) or not table:
            return self.env._("A value map names values, as in %s.", '{"draft": "D"}')
        unknown = self._unknown_keys(field, table.keys() - {ANY_OTHER})
        if unknown:
            return self.env._(
                "%(path)s never has the value %(value)s.",
                path=self.path,
                value=", ".join(sorted(unknown)),
            )
        return super().problem()

    def _unknown_keys(self, field, keys):
        """Return those of the keys that cannot be a value of the field."""
        if field.type == "boolean":
            return keys - {"true", "false"}
        if field.type == "selection":
            return keys - {str(key) for key in field.get_values(self.env)}
        if field.type in ("integer", "many2one", "many2one_reference"):
            return {key for key in keys if not re.fullmatch(r"-?\d+", key)}
        return set()

    def converter(self):
        as_plain, table = super().converter(), from_json(self.argument)

        def convert(value):
            value = as_plain(value)
            if value is None:
                return None
            return table.get(text_of(value), table.get(ANY_OTHER, value))

        return convert


class DateFormat(OfField):
    """A date or time, in UTC, as text in a format of strftime."""

    def problem(self):
        field = content.leaf_of(self.line)
        if field.type not in ("date", "datetime"):
            return self.env._("%s is neither a date nor a time.", self.path)
        directives = re.findall(r"%(.?)", self.argument, re.DOTALL)
        unknown = set(directives) - DATE_DIRECTIVES - TIME_DIRECTIVES
        if not set(directives) - {"%"} or unknown:
            return self.env._(
                "%(format)s is not a date format such as %(example)s.",
                format=self.argument or "''",
                example="%d.%m.%Y",
            )
        if field.type == "date" and TIME_DIRECTIVES.intersection(directives):
            return self.env._("%s is a date: it has no time.", self.path)
        return super().problem()

    def converter(self):
        return partial(formatted_date, date_format=self.argument)


class NumberFormat(OfField):
    """A number as text in a format of Python's."""

    def problem(self):
        field = content.leaf_of(self.line)
        if field.type not in ("integer", "float", "monetary"):
            return self.env._("%s is not a number.", self.path)
        sample = 7 if field.type == "integer" else 7.5
        try:
            fits = NUMBER_FORMAT.fullmatch(self.argument)
            fits = self.argument and fits and format(sample, self.argument)
        except ValueError:
            fits = False
        if not fits:
            return self.env._(
                "%(format)s is not a format for %(path)s, such as %(example)s.",
                format=self.argument or "''",
                path=self.path,
                example="05d" if field.type == "integer" else ".2f",
            )
        return super().problem()

    def converter(self):
        return partial(formatted_number, specification=self.argument)


class JsonText(OfField):
    """The value, or the list of values, as JSON in a text."""

    joins_lists = True

    def problem(self):
        problem = super().problem()
        if not problem and self.line.several != "list":
            return self.env._("JSON text holds the list: do not join it as well.")
        return problem

    def reader(self):
        read = super().reader()
        return lambda record: to_json(read(record))


class Constant(Conversion):
    """The same for every record."""

    is_constant = True

    def lack(self):
        if self.argument.strip():
            return None
        return self.env._(
            "%s is a constant without a value. For none, write null.", self.line.target
        )

    def value(self):
        return literal(self.argument or "null")

    def reader(self):
        constant = self.value()
        # a list or an object belongs to the payload of one record alone
        return lambda _record: copy.deepcopy(constant)

    def source(self):
        return self.env._("the constant %s", self.argument or "null")


class Method(Conversion):
    """What a method of the model returns: ``price`` calls ``_sync_value_price``."""

    def __init__(self, line):
        super().__init__(line)
        self.name = METHOD_PREFIX + self.argument

    def _method(self):
        model = self.env[self.line.stream_id.model_name]
        return getattr(type(model), self.name, None)

    def problem(self):
        if not METHOD_NAME.fullmatch(self.argument) or not callable(self._method()):
            return self.env._(
                "%(model)s has no method %(method)s.",
                model=self.line.stream_id.model_id.name,
                method=self.name,
            )
        return None

    def reader(self):
        name, line_id = self.name, self.line.id

        def call(record):
            line = record.env["sync.mapping"].browse(line_id)
            return method_value(getattr(record, name)(line))

        return call

    def paths(self):
        """Return what the method looks at, as it says by ``@api.depends``.

        One that does not say may look at anything.
        """
        model = self.env[self.line.stream_id.model_name]
        depends = getattr(self._method(), "_depends", None)
        if callable(depends):
            depends = depends(model)
        return set(model._fields if depends is None else depends)

    def source(self):
        return self.name


# -- how the values of each type of field are read -------------------------------------


def plain(value):
    """Return a value as JSON can hold it: ``None`` when there is none.

    :param value: of a field that is neither a number nor a boolean, or what a method
        of a model returned
    """
    if value is False or value is None:
        return None
    if isinstance(value, datetime):
        # Odoo keeps UTC; RFC 3339 writes it with a Z
        return value.isoformat(timespec="seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        # a binary field holds base64 already
        return value.decode("ascii", "replace")
    # a many2one_reference reads as an id
    return value if isinstance(value, int) else str(value)


def plain_of(field):
    """Return the function that makes a value of a field plain.

    :param field: the last one of a path; none that links to many records, whose value
        is the ids of these
    """
    if field.type in ("boolean", "integer", "float", "monetary", "json"):
        return _same
    if field.type == "many2one":
        return lambda record: record.id or None
    if field.type == "reference":
        return lambda record: f"{record._name},{record.id}" if record else None
    return plain


def _same(value):
    return value


def reader_of(field, model):
    """Return the function of a record that reads a field as its digits have it.

    A float is rounded to the field's own digits, an amount to those of its currency:
    what is left of a sum behind them, as in 60739.2000000004, is not sent.
    """
    # what record[name] does, without looking the name up
    read = field.__get__
    if field.type == "float":
        digits = field.get_digits(model.env)
        places = digits[1] if digits else None
        return lambda record: rounded(read(record), places)
    if field.type == "monetary":
        currency_of = model._fields[field.get_currency_field(model)].__get__

        def read_amount(record):
            currency = currency_of(record)
            return rounded(read(record), currency.decimal_places if currency else None)

        return read_amount
    return read


def rounded(value, places=None):
    """Round a float half up, as Odoo does, to the float next to the decimal number.

    :param places: digits behind the point; ``None`` for all that a float can hold
    """
    if not math.isfinite(value):
        return value
    if places is None or abs(value) >= 10**FLOAT_DIGITS:
        value = float(f"{value:.{FLOAT_DIGITS}g}")
    else:
        # what float_round returns may be next to the number that is meant
        value = round(float_round(value, precision_digits=places), places)
    return value or 0.0  # never minus zero


def formatted_number(value, specification):
    """:return: a number in a format of Python's, rounded half up as Odoo does

    Python rounds the binary number: 52.205, which is a little less, to 52.20.
    """
    precision, kind = _PRECISION.search(specification).groups()
    rounds = (kind or precision) and kind not in ("d", "x", "X")
    if not rounds or not math.isfinite(value):
        return format(value, specification)
    digits = 6 if precision is None else int(precision)  # six is Python's own number
    if kind == "%":
        digits, kind = digits + 2, "f"
    elif kind not in ("f", "F", "e", "E"):
        # as many digits count, wherever the point is
        digits, kind = max(digits, 1) - 1, "e"
    with localcontext() as context:
        context.rounding = ROUND_HALF_UP
        value = float(format(Decimal(str(value)), f".{digits}{kind}"))
    return format(value or 0.0, specification)


def formatted_date(value, date_format):
    """:return: a date or time, in UTC, in a format of strftime; ``None`` for none"""
    if not value:
        return None
    if hasattr(value, "hour"):
        value = value.replace(tzinfo=timezone.utc)
    # the C library decides whether these are padded
    years = {"%Y": f"{value.year:04}", "%G": f"{value.isocalendar().year:04}"}
    padded = re.sub(
        "%.", lambda found: years.get(found[0], found[0]), date_format, flags=re.DOTALL
    )
    return value.strftime(padded)


def getter(chain, read, convert):
    """Return the function of a record that reads a path, a chain of fields.

    ``read`` gives the value of the last one or, if that links to many records, the id
    of each, and ``convert`` makes it one to send. Over links to many records that is a
    list, with one value for each record at which the path arrives, in their order:
    neither equal values nor empty ones (``None``) are dropped.
    """
    links = chain if chain[-1].type in TO_MANY else chain[:-1]
    steps = [(link.__get__, link.type in TO_MANY) for link in links]

    def get_one(record):
        for follow, _many in steps:
            record = follow(record)
            if not record:
                return None
        return convert(read(record))

    def get_list(record):
        records = [record]
        for follow, many in steps:
            if many:
                records = [each for record in records for each in follow(record)]
            else:
                records = [follow(record) for record in records]
        return [convert(read(each)) if each else None for each in records]

    if any(many for _get, many in steps):
        return get_list
    if steps:
        return get_one
    return read if convert is _same else lambda record: convert(read(record))


# -- what people have typed, and other plain values ------------------------------------


def text_of(value):
    """:return: a plain value as text; ``true`` and ``false`` as JSON writes them"""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def joined(values, separator):
    """:return: the values that are not empty as one text, or ``None``"""
    texts = [text_of(each) for each in values if not is_empty(each)]
    return separator.join(texts) or None


def to_json(value):
    """:return: a plain value as JSON text; ``None`` stays ``None``"""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def from_json(text):
    """Read JSON that a person has typed.

    :raises ValueError: it is none, or names a key twice
    """
    return json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant)


def literal(text):
    """Read a value that a person has typed: JSON where it is, else text.

    ``5`` is a number, ``true`` is true and ``"5"`` is the text 5; ``EUR`` and ``007``
    are no JSON and stand for themselves.
    """
    try:
        return from_json(text)
    except ValueError:
        return text


def method_value(value):
    """:return: what a method of a model returned, as JSON can hold it"""
    if isinstance(value, models.BaseModel):
        return value.ids
    if isinstance(value, list | tuple):
        return [method_value(each) for each in value]
    if isinstance(value, dict):
        return {key: method_value(each) for key, each in value.items()}
    if isinstance(value, float):
        return rounded(value)
    return value if isinstance(value, bool | int) else plain(value)


def _pairs(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(
            wording.Sentence(wording._lt("“%(key)s” is there twice"), key=twice)
        )
    return found


def _no_constant(name):
    raise ValueError(
        wording.Sentence(wording._lt("%(name)s is no value in JSON"), name=name)
    )
