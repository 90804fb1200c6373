# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is read out of an answer: where a person says that it is.

A path of names with dots, ``data.contact.id``, goes into nested objects. Names are as
they are there, also with dashes, blanks or digits. Anything else is JMESPath
(https://jmespath.org/specification.html): ``data[0].details.id``, ``results[*].id``,
``@`` for an answer that is nothing but the value.

``headers.Location`` is a header of the answer, in any case of letters: ``headers`` and
one name, at the beginning of a path. A body that has an object of that name is asked
for ``@.headers.Location``.

It is bounded: an expression is short, knows no functions but those of JMESPath, and
gives up on an answer that takes too many steps.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import jmespath
from jmespath import exceptions, functions, visitor

from ... import wording
from ...exceptions import Misconfigured
from ..http.answer import ITEM_ID, at, is_said, of_records
from ..http.reasons import MAX_REASON, reasons
from ..redact import Redactor, shorten
from ..urls import given_id, new_id, usable_id

# Characters of an expression at most.
MAX_LENGTH = 500
# How many times as large as an answer what is made of it may be.
MAX_GROWTH = 64
# Steps that an expression may take through one answer: about a second.
MAX_STEPS = 500_000
# Characters that are looked at, or made, in one step.
_STEP = 64
# Blanks and signs between a text and the id behind it.
_SIGNS = 50
# Values of a list that are looked at for ids.
MAX_IDS = 1000

HEADERS = "headers"
# What they hold is nobody's business.
_SECRET_HEADERS = {"set-cookie", "authorization", "proxy-authorization"}
# Without the signs of JMESPath. @type, as JSON-LD has it, is none of its expressions.
_NAME = r"""@?[^\x00-\x1f.\[\]{}()|&!<>="'`@*,]+"""
_PLAIN = re.compile(rf"{_NAME}(?:\.{_NAME})*")
# What goes wrong within an expression, with what it meets in an answer. jmespath lets
# out what Python says to a text that is compared with a number, or to a step of 0.
_FAILS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
_KEY_OF_ODATA = re.compile(r".*\((?:\w+=)?'?([^'()]+)'?\)")


class Found(NamedTuple):
    """What is read out of one answer.

    :param value: ``None`` where there is nothing
    :param problem: why it cannot be read, a sentence
    """

    value: Any = None
    problem: wording.Sentence | None = None


@dataclass(frozen=True)
class Reading:
    """Where a value is, understood once.

    :param text: as it is typed
    :param path: names from the outside in, where it is a plain path
    """

    text: str
    path: tuple[str, ...] = ()
    _tree: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "Reading":
        """:raise Misconfigured: it is not right; the sentence is for who typed it"""
        if not text.strip():
            raise _wrong(wording._lt("Say where in the answer the value is."))
        if len(text) > MAX_LENGTH:
            sentence = wording._lt("It is longer than %(most)s characters.")
            raise _wrong(sentence, most=MAX_LENGTH)
        if _PLAIN.fullmatch(text):
            path = tuple(text.split("."))
            if header := _header_of(path):
                _check_header(header)
            return cls(text, path)
        tree = _understood(text)
        _check(tree)
        return cls(text, (), tree)

    @cached_property
    def name(self) -> str:
        """What the value is called there, as far as that is known."""
        return self.path[-1] if self.path and not self.header else ITEM_ID

    @cached_property
    def header(self) -> str | None:
        """The name of the header that it is, and nothing else."""
        if self._tree:
            return self._tree["value"] if self._tree["type"] == "header" else None
        return _header_of(self.path)

    def of(self, body: Any, headers: Mapping[str, str] | None = None) -> Found:
        """Read it out of an answer.

        :param body: parsed
        """
        if self.header:
            return Found(_header(headers, self.header))
        if not self._tree:
            return Found(at(body, self.text))
        try:
            return Found(_Interpreter(headers).visit(self._tree, body))
        except _TooMuch:
            sentence = wording._lt("“%(text)s” takes too many steps in this answer.")
            return Found(None, wording.Sentence(sentence, text=self.text))
        except RecursionError:
            said = "it nests too deeply"
        except _FAILS as error:
            said = _said(error)
        sentence = wording._lt("“%(text)s” cannot be read in this answer: %(said)s")
        return Found(None, wording.Sentence(sentence, text=self.text, said=said))

    def id_in(
        self, body: Any, headers: Mapping[str, str] | None = None, url: str = ""
    ) -> str | None:
        """:return: the id of a record, where it can be one

        :param url: of the request; that of a new record may be a header
        """
        value = self.of(of_records(body), headers).value
        if isinstance(value, list) and len(value) == 1 and self._tree:
            value = value[0]  # of the one that was found
        if self.header and isinstance(value, str) and "/" in value:
            return _id_in_address(value, url)
        return given_id(value)

    def ids_in(
        self, body: Any, headers: Mapping[str, str] | None = None
    ) -> list[str | None]:
        """Read the ids of all records that a search has found.

        :return: each once; ``None`` for what is there and has no id
        """
        value = self.of(of_records(body), headers).value
        if value is None:
            return []
        values = value[:MAX_IDS] if isinstance(value, list) else [value]
        return list(dict.fromkeys(map(given_id, values)))

    def refusal(
        self,
        body: Any,
        headers: Mapping[str, str] | None = None,
        redact: Redactor | None = None,
    ) -> Found:
        """Read whether an answer says no.

        What is null, false, empty or zero, or says so, such as ``"none"``, is no
        refusal; nor is a list or an object of nothing else.

        :return: the reason, one line without secrets, which may be empty; ``None`` when
            it does not say no
        """
        found = self.of(body, headers)
        if found.problem or not is_said(found.value):
            return Found(None, found.problem)
        return Found(reason(found.value, redact or Redactor(())))


def reading_problem(text: str) -> str | None:
    """Say what is wrong with what a person has typed.

    :return: a sentence for that person, marked for the translators; ``None`` when it
        is fine
    """
    try:
        Reading.parse(text)
    except Misconfigured as error:
        return error.message
    return None


def reason(value: Any, redact: Redactor) -> str:
    """:return: what is read as a refusal, as a person reads it

    :param value: a text, or a list or an object of any of the shapes in
        :mod:`..http.reasons`; of others the plain values
    """
    said = reasons(value, redact) or reasons([*_plain(value, 0)], redact)
    return shorten("; ".join(said), MAX_REASON)


def _plain(value, depth):
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        for each in [*inner][:20] if depth < 4 else ():
            yield from _plain(each, depth + 1)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value) if isinstance(value, float) else usable_id(value) or ""


def id_after(text: str, before: str) -> str | None:
    """Read the id of the record that is there already out of a refusal in words.

    :param text: such as ``Contact already exists. Existing ID: 12345``
    :param before: what stands before the id there, ``Existing ID:``
    :return: what follows, up to a blank or a sign that ends it; ``None`` where it is
        not there, or there are two
    """
    if not before.strip():
        return None
    # a run of such signs, each of which may begin it anew, is not read to its end
    signs = rf"[\s:=\"'(\[]{{0,{_SIGNS}}}"
    pattern = rf"{re.escape(before.strip())}{signs}([^\s,;\"'()\[\]{{}}]+)"
    found = {each.rstrip(".:!?") for each in re.findall(pattern, text)}
    return given_id(found.pop()) if len(found) == 1 else None


def _id_in_address(address, url):
    """:return: the id in the address of a record, wherever that is: the person who has
    named the header says that it is one"""
    try:
        known = url and new_id(urljoin(url, address), url.partition("?")[0])
        parts = urlsplit(address)
        # a query may be what names the record: /contacts?id=eq.7, as in PostgREST
        last = "" if parts.query else parts.path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return None
    last = unquote(last)
    key = _KEY_OF_ODATA.fullmatch(last)
    return known or given_id(key[1] if key else last)


# -- expressions --------------------------------------------------------------


class _TooMuch(Exception):
    """An expression has taken all the steps that there are."""


def _wrong(sentence, **values):
    return Misconfigured(sentence, "id", **values)


def _said(error):
    if isinstance(error, exceptions.JMESPathTypeError):
        # jmespath puts the value into its text, which may be anything
        return f"{error.function_name}() does not take {error.actual_type}"
    return type(error).__name__


def _understood(text):
    """:return: the tree of an expression"""
    try:
        parsed = jmespath.compile(text).parsed
        return _with_headers(parsed, at_root=True)
    except exceptions.ParseError as error:
        place = min(getattr(error, "lex_position", 0), len(text)) + 1
    except (*_FAILS, RecursionError):
        place = 1
    sentence = wording._lt(
        "It is no path such as data.id, and JMESPath does not understand it at "
        "character %(place)s."
    )
    raise _wrong(sentence, place=place) from None


def _with_headers(node, at_root):
    """:return: a copy of a tree, which others may have too, with headers in it

    :param at_root: it is asked of the whole answer
    """
    kind, inner = node["type"], node.get("children", [])
    if kind == "slice":  # of numbers
        return {**node, "children": [*inner]}
    if at_root and kind == "subexpression" and len(inner) == 2:
        names = [each.get("value") for each in inner if each["type"] == "field"]
        if len(names) == 2 and names[0] == HEADERS:
            return {"type": "header", "children": [], "value": names[1]}
    # a filter is asked of each item, and the rest of what the first part finds
    within = kind in _OF_FIRST
    children = [
        _with_headers(each, at_root and (place == 0 or not within) and kind != "expref")
        for place, each in enumerate(inner)
    ]
    return {**node, "children": children}


_OF_FIRST = {
    "filter_projection",
    "flatten",
    "index_expression",
    "pipe",
    "projection",
    "subexpression",
    "value_projection",
}


def _header_of(path):
    return path[1] if len(path) == 2 and path[0] == HEADERS else None


def _check_header(name):
    if name.lower() in _SECRET_HEADERS:
        sentence = wording._lt("The header %(name)s is a secret, and not read.")
        raise _wrong(sentence, name=name)


def _header(headers, name):
    value = (headers or {}).get(name)
    if value is None:
        lowered = {key.lower(): each for key, each in (headers or {}).items()}
        value = lowered.get(name.lower())
    return value


def _check(tree):
    """:raise Misconfigured: it names what is not there, or makes too much"""
    growth = 1
    for node in _nodes(tree):
        kind, count = node["type"], len(node.get("children", ()))
        if kind == "header":
            _check_header(node["value"])
        elif kind == "function_expression":
            _check_function(node["value"], count)
        elif kind in ("multi_select_list", "multi_select_dict"):
            growth *= count
    if growth > MAX_GROWTH:
        raise _wrong(wording._lt("It puts too many values together."))


def _check_function(name, count):
    known = _Functions.FUNCTION_TABLE.get(name)
    if not known:
        sentence = wording._lt("JMESPath has no function %(name)s().")
        raise _wrong(sentence, name=name)
    wanted = known["signature"]
    variadic = bool(wanted) and wanted[-1].get("variadic")
    if count < len(wanted) or (count > len(wanted) and not variadic):
        sentence = wording._lt("%(name)s() is given too many arguments, or too few.")
        raise _wrong(sentence, name=name)


def _nodes(tree):
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left += [each for each in node.get("children", ()) if isinstance(each, dict)]


class _Functions(functions.Functions):
    """Those of JMESPath, each of which takes steps.

    :param spend: takes them
    """

    def __init__(self, spend):
        self._spend = spend

    def call_function(self, function_name, resolved_args):
        for each in resolved_args:
            if isinstance(each, str):
                self._spend(len(each) // _STEP)
            elif isinstance(each, list | dict):
                self._spend(len(each))
        if function_name == "join":
            self._spend(self._joined(*resolved_args) // _STEP)
        return super().call_function(function_name, resolved_args)

    @staticmethod
    def _joined(glue, texts):
        texts = texts if isinstance(texts, list) else []
        size = sum(len(text) for text in texts if isinstance(text, str))
        return size + (len(glue) * len(texts) if isinstance(glue, str) else 0)

    @functions.signature({"types": []})
    def _func_to_string(self, arg):
        if isinstance(arg, str):
            return arg
        pieces = []
        encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
        for piece in encoder.iterencode(arg):
            self._spend(1 + len(piece) // _STEP)
            pieces.append(piece)
        return "".join(pieces)


class _Interpreter(visitor.TreeInterpreter):
    """Reads one answer, as long as it has steps left."""

    def __init__(self, headers):
        super().__init__(visitor.Options(custom_functions=_Functions(self._spend)))
        self._headers, self._left = headers, MAX_STEPS

    def _spend(self, steps):
        self._left -= steps
        if self._left < 0:
            raise _TooMuch

    def visit(self, node, *args, **kwargs):
        self._spend(1)
        return super().visit(node, *args, **kwargs)

    def visit_header(self, node, value):
        return _header(self._headers, node["value"])

    def visit_flatten(self, node, value):
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._spend(sum(len(each) if isinstance(each, list) else 1 for each in base))
        return [
            item
            for each in base
            for item in (each if isinstance(each, list) else [each])
        ]

    def visit_slice(self, node, value):
        if isinstance(value, list):
            self._spend(len(value))
        return super().visit_slice(node, value)


# -- the answer to a request for many records ---------------------------------


@dataclass(frozen=True)
class ItemAnswer:
    """What an answer says of one of many records.

    :param content: all that it says
    :param status: HTTP status of its own, ``None`` when it has none
    :param id: that of the record, where it can be one
    :param refusal: the reason where it says no, perhaps an empty one
    :param problem: what of it cannot be read, a sentence
    """

    content: Any
    status: int | None = None
    id: str | None = None
    refusal: str | None = None
    problem: wording.Sentence | None = None


@dataclass(frozen=True)
class ManyReading:
    """How the answer to a request for many records is read.

    :param items: the list of answers; several lists may be put together,
        ``[created, failed][]``
    :param key: what an item has of the record that it answers; ``None`` where the
        items are in the order of the records
    :param status, id, refused: in an item; ``None`` where it has none
    """

    items: Reading
    key: Reading | None = None
    status: Reading | None = None
    id: Reading | None = None
    refused: Reading | None = None

    def of(
        self,
        body: Any,
        keys: Iterable[Any],
        headers: Mapping[str, str] | None = None,
        redact: Redactor | None = None,
    ) -> list[ItemAnswer | None]:
        """Read what became of each record.

        :param keys: what an item may be known by, for each record in order
        :return: for each of them; ``None`` for one without an answer, and for one with
            two that differ, as nobody can tell which is right
        """
        keys = [*map(usable_id, keys)]
        found = self.items.of(body, headers).value
        items = found if isinstance(found, list) else []
        if self.key:
            chosen = self._chosen(self._by_key(items), keys)
        elif len(items) == len(keys):
            chosen = items
        else:
            chosen = [None] * len(keys)  # one is missing: which, nobody can tell
        return [None if item is None else self._read(item, redact) for item in chosen]

    @staticmethod
    def _chosen(own, keys):
        """:return: the item of each key; where none is spelt alike, one that differs in
        its case alone: many systems keep mail addresses in small letters"""
        asked = Counter(key for key in keys if key)
        folded_asked = Counter(key.casefold() for key in keys if key)
        folded = {}
        for text, item in own.items():
            name = text.casefold()
            folded[name] = None if name in folded else item

        def item_of(key):
            if asked[key] != 1:
                return None
            if key in own or folded_asked[key.casefold()] != 1:
                return own.get(key)
            return folded.get(key.casefold())

        return [item_of(key) if key else None for key in keys]

    def _by_key(self, items):
        found = {}
        for item in items:
            key = self.key.of(item).value
            # a number that is too long to be one, Python refuses to write
            if key is not None and (text := usable_id(key)) is not None:
                found[text] = item if found.get(text, item) == item else None
        return found

    def _read(self, item, redact):
        status = self._status(item)
        refused = Found()
        if self.refused:
            refused = self.refused.refusal(item, None, redact)
        record_id = self.id.id_in(item) if self.id else None
        return ItemAnswer(item, status, record_id, refused.value, refused.problem)

    def _status(self, item):
        value = self.status.of(item).value if self.status else None
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            value = int(value[:9])
        return value if type(value) is int and 200 <= value <= 599 else None


# See :mod:`.batch`.
USUAL_MANY = ManyReading(
    items=Reading.parse("items"),
    key=Reading.parse("key"),
    status=Reading.parse("status"),
    id=Reading.parse("id"),
)
