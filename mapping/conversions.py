# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""From the fields of a record to values that JSON can hold.

What a path needs is found out once; the functions returned here are then called for
each record, and ask the ORM for nothing but the values.
"""

import json
import math
import re
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, localcontext

from odoo import models
from odoo.tools import float_round

# Their values are sent as they are read.
AS_THEY_ARE = {"boolean", "integer", "float", "monetary", "json"}
TO_MANY = {"one2many", "many2many"}
# Decimal digits that a float always holds: what stands behind them is noise.
# IEEE 754, double precision.
FLOAT_DIGITS = 15
# Digits of Python's formats that name none.
DEFAULT_DIGITS = 6
# Digits that a number in a format can have: those of the largest float and some more.
MANY_DIGITS = 700
_PRECISION = re.compile(r"(?:\.(\d+))?([dxXeEfFgG%])?$")


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


def _plain_link(record):
    return record.id or None


def _plain_reference(record):
    return f"{record._name},{record.id}" if record else None


def plain_of(field):
    """Return the function that makes a value of a field plain.

    :param field: the last one of a path; none that links to many records, whose value
        is the ids of these
    """
    if field.type in AS_THEY_ARE:
        return _same
    if field.type == "many2one":
        return _plain_link
    return _plain_reference if field.type == "reference" else plain


def _same(value):
    return value


def reader_of(field, model):
    """Return the function of a record that reads a field as its digits have it.

    A float is rounded to the field's own digits, an amount to those of its currency:
    what is left of a sum behind them, as in 60739.2000000004, is not sent.

    :param field: the one to read
    :param model: of the records, with an environment
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
    places = _places(value, specification)
    if places is not None:
        with localcontext() as context:
            context.prec = MANY_DIGITS
            unit = Decimal(1).scaleb(-places)
            value = float(Decimal(str(value)).quantize(unit, ROUND_HALF_UP)) or 0.0
    return format(value, specification)


def _places(value, specification):
    """:return: digits behind the point that a format rounds to; ``None`` if to none"""
    precision, kind = _PRECISION.search(specification).groups()
    if kind in ("d", "x", "X") or not (kind or precision) or not math.isfinite(value):
        return None
    digits = DEFAULT_DIGITS if precision is None else int(precision)
    if kind in ("f", "F"):
        return digits
    if kind == "%":
        return digits + 2
    # of the others as many digits count, wherever the point is
    before = Decimal(str(value)).adjusted() if value else 0
    return (digits if kind in ("e", "E") else max(digits, 1) - 1) - before


def formatted_date(value, date_format):
    """:return: a date or time, in UTC, in a format of strftime; ``None`` for none"""
    if not value:
        return None
    if hasattr(value, "hour"):
        value = value.replace(tzinfo=timezone.utc)
    # the C library decides whether these are padded
    years = {"%Y": value.year, "%G": value.isocalendar().year}
    padded = re.sub(
        "%.",
        lambda found: f"{years[found[0]]:04}" if found[0] in years else found[0],
        date_format,
        flags=re.DOTALL,
    )
    return value.strftime(padded)


def goes_to_many(chain):
    """:return: whether a path, given as its fields, arrives at a list"""
    return any(field.type in TO_MANY for field in chain)


def getter(chain, read, convert):
    """Return the function that reads a path.

    :param chain: fields that the path goes through, first to last; links but the last
    :param read: function of a record that gives what is wanted of it: the value of the
        last field or, if that links to many records, the id of each of these
    :param convert: makes such a value one to send
    :return: function of a record. Over links to many records it returns a list, with
        one value for each record at which the path arrives, in their order: neither
        equal values nor empty ones (``None``) are dropped.
    """
    links = chain if chain[-1].type in TO_MANY else chain[:-1]
    steps = [(link.__get__, link.type in TO_MANY) for link in links]
    if any(many for _get, many in steps):
        return _list_getter(steps, read, convert)

    def get_one(record):
        for follow, _many in steps:
            record = follow(record)
            if not record:
                return None
        return convert(read(record))

    def get_own(record):
        return convert(read(record))

    def get_same(record):
        return read(record)

    if steps:
        return get_one
    return get_same if convert is _same else get_own


def _list_getter(steps, read, convert):
    def get_list(record):
        records = [record]
        for follow, many in steps:
            if many:
                records = [each for record in records for each in follow(record)]
            else:
                records = [follow(record) for record in records]
        return [convert(read(each)) if each else None for each in records]

    return get_list


def is_empty(value):
    """:return: whether the value is nothing; zero and false are something"""
    return value is None or value == "" or value == []


def text_of(value):
    """:return: a plain value as text; ``true`` and ``false`` as JSON writes them"""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


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
    if isinstance(value, bool | int):
        return value
    return plain(value)


def _pairs(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"“{twice}” is there twice")
    return found


def _no_constant(name):
    raise ValueError(f"{name} is no value in JSON")
