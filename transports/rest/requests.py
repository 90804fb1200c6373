# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests as a person types them: a line ``METHOD address?query``, and a body.

An address is a path below the URL of the system. A placeholder in it is one quoted
piece of a path or of a query, and nothing typed or filled in leads out of what is below
that URL. What else is typed stays as it is: ``.json``, slashes at the end, queries.

====================== ==============================================================
``{id}``               the id that the record has at the destination
``{key}``              Odoo's id
``{name}``             what the record has under a name; ``{address.city}`` and
                       ``{emails[0].value}`` go into what nests. A name with dots or
                       other signs is quoted, ``{"parent@odata.bind"}``; one that is
                       also in this table is ``{record.id}``
``{record}``           all of it (in a body)
``{version}``          the version token that the destination gave last
``{operation}``        ``upsert``, ``delete`` or ``mark``
``{idempotency_key}``  the same on every attempt to send the same content
``{id:number}``        the id as a number, likewise ``{version:number}``
``{key:text}``         Odoo's id, which is a number, as a text (in a body)
``{name:doubled}``     between quotes of a query: each of these quotes twice (OData 4.01
                       "URL Conventions" section 5.1.1.6.1, SQL)
``{name:escaped}``     between quotes of a query: a backslash before these quotes and
                       before backslashes (SOQL, QuickBooks, JSON)
====================== ==============================================================

A body is JSON. A text in it that is one placeholder and nothing else stands for the
whole JSON value, ``"{id:number}"`` for ``7``; what the record leaves out is left out
there too. The name ``...`` puts all of an object in its place::

    {"Id": "{id}", "SyncToken": "{version}", "...": "{record}"}

Any other text is sent as it is, and so is one in double braces, ``{{name}}``, and the
text of a GraphQL operation. A placeholder within a longer text is refused; a backslash
before it, ``\\{name}``, says that it is none. In a request for many records, the list
that holds one placeholder, or an object of them, is repeated for each record.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from ... import wording
from ...exceptions import Misconfigured, Rejected
from ...text import storable
from ..base import Message, Route
from ..http import Answer, HttpClient, Trail, to_json
from ..names import EMBEDDED, steps_of
from ..urls import usable_id

# What requests are for. To read a record is to look at it by its id.
FIND, CREATE, UPDATE, REMOVE = "find", "create", "update", "remove"
MANY, READ = "many", "read"
JSON, FORM = "json", "form"
CONTENT_TYPES = {JSON: "application/json", FORM: "application/x-www-form-urlencoded"}

# Characters of an address and of a body that are typed at most.
MAX_ADDRESS = 2000
MAX_BODY = 20_000
# Levels of a body that nest, and of what a form is made of.
MAX_DEPTH = 30
# Digits of an id that is sent as a number: more than 64 bits have.
MAX_DIGITS = 20

ID, KEY, RECORD, VERSION = "id", "key", "record", "version"
OPERATION, IDEMPOTENCY_KEY, FIELD = "operation", "idempotency_key", "field"
_NUMBERED = {ID, VERSION}
_QUOTED = ("doubled", "escaped")
# The name that stands for all of an object.
SPREAD = "..."


class _Kind(NamedTuple):
    """What a kind of request may be made of.

    :param methods: PATCH and PUT create where the address names the new record
    :param unknown: placeholders that there is no value for
    :param needed: one of them says which record it is about; any will do if none
    :param body: that of a request whose body is not typed
    """

    methods: tuple[str, ...]
    unknown: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    body: str = ""


_OF_RECORD = frozenset({ID, KEY, RECORD, FIELD})
_KINDS = {
    FIND: _Kind(("GET", "POST"), frozenset({ID, VERSION}), frozenset({KEY, FIELD})),
    READ: _Kind(("GET", "POST"), frozenset({RECORD, FIELD}), frozenset({ID, KEY})),
    CREATE: _Kind(
        ("POST", "PUT", "PATCH"), frozenset({ID, VERSION}), body='"{record}"'
    ),
    UPDATE: _Kind(("PUT", "PATCH", "POST"), needed=_OF_RECORD, body='"{record}"'),
    # of a record that is gone nothing is known but its ids
    REMOVE: _Kind(
        ("DELETE", "POST", "PUT", "PATCH"), frozenset({FIELD}), frozenset({ID, KEY})
    ),
    MANY: _Kind(("POST", "PUT", "PATCH"), needed=_OF_RECORD, body='["{record}"]'),
}

_LINE = re.compile(r"\s*([A-Za-z]+)(?:\s+(\S.*?))?\s*", re.DOTALL)
_PLACEHOLDER = re.compile(rf"\{{({EMBEDDED})(?::([^\s{{}}]*))?\}}")
# Neither said to be none, nor in double braces.
_WITHIN = re.compile(rf"(?<![{{\\]){_PLACEHOLDER.pattern}(?!\}})")
_SAID_TO_BE_NONE = re.compile(rf"\\(?={_PLACEHOLDER.pattern})")
# How a document of GraphQL begins (specification, section 2.3), after comments.
_GRAPHQL = re.compile(r"(?:\s|#[^\n]*\n|,)*(?:\{|(?:query|mutation|subscription)\b)")
# A name in a query, or a word beside it.
_NAME_OF_KEY = re.compile(r"[^\W\d][\w-]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What may be read as a part of a path that leads upwards: programs resolve escapes
# before they look, some twice, some take a backslash for a slash (WHATWG "URL" section
# 4.4) or cut at a semicolon, and some make plain dots of others first.
_LAYERS = 3
_PARTS = re.compile(r"[/\\]")
_DOTS = {".", ".."}
_ABSENT = object()


# -- placeholders -------------------------------------------------------------


@dataclass(frozen=True)
class Placeholder:
    """What stands for a value.

    :param text: as it is typed
    :param source: one of ``ID``, ``KEY``, ``RECORD``, ``VERSION``, ``OPERATION``,
        ``IDEMPOTENCY_KEY`` or ``FIELD``
    :param path: names and numbers of items, outermost first, for ``FIELD``
    :param form: ``number``, ``text``, ``doubled``, ``escaped`` or nothing
    :param between: the quotes of a query that it stands between, if any
    """

    text: str
    source: str
    path: tuple[str | int, ...] = ()
    form: str = ""
    between: str = ""

    def value(self, data: "Data") -> Any:
        """:return: what it stands for; ``_ABSENT`` where the record leaves it out

        :raise Rejected: it should be a number, and is none
        """
        if self.source == FIELD:
            return _within(data.message.payload, self.path)
        if self.source == RECORD:
            return data.message.payload
        value = getattr(data if self.source in _NUMBERED else data.message, self.source)
        if self.form == "text":
            return str(value)
        return self._number(value) if self.form == "number" else value

    def _number(self, value):
        text = str(value)
        digits = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
        if value is None:
            return None
        if not digits or str(int(text)) != text:
            sentence = wording._lt("%(name)s is no number: %(value)s")
            raise Rejected(sentence, name=self.text, value=text[:100])
        return int(text)


class Data(NamedTuple):
    """What placeholders stand for: nothing but what belongs to one message.

    :param id: the id that the record has at the destination, if it has one
    :param version: the version token that the destination gave last
    """

    message: Message
    id: str | None = None
    version: str | None = None


def _placeholder(match):
    """:raise Misconfigured: there is no such placeholder"""
    typed, form = match[1], match[2]
    source, path = FIELD, steps_of(typed)
    if typed in (ID, KEY, RECORD, VERSION, OPERATION, IDEMPOTENCY_KEY):
        source, path = typed, ()
    elif len(path) > 1 and typed.startswith(f"{RECORD}."):
        path = path[1:]
    own = ("number",) if source in _NUMBERED else ("text",) if source == KEY else ()
    forms = {None, *_QUOTED, *own}
    if form not in forms:
        sentence = wording._lt(
            "%(name)s: what follows the colon is number, for an id, text, for {key}, "
            "or, in a query, doubled or escaped."
        )
        raise _wrong(sentence, name=match[0])
    return Placeholder(match[0], source, path, form or "")


def one_value(text: str) -> Placeholder:
    """Understand one placeholder that stands for a single value of a record.

    :param text: as a person types it
    :raise Misconfigured: it is none; the sentence is for who typed it
    """
    match = _PLACEHOLDER.fullmatch(text.strip())
    placeholder = _placeholder(match) if match else None
    if (
        placeholder is None
        or placeholder.source in (RECORD, VERSION, OPERATION)
        or placeholder.form
    ):
        sentence = wording._lt(
            "It is one value of a record, such as {key}, {id} or {email}."
        )
        raise _wrong(sentence)
    return placeholder


def one_value_problem(text: str, known: Iterable[str] | None = None) -> str | None:
    """As :func:`request_problem`, of what is one placeholder."""
    try:
        placeholder = one_value(text)
    except Misconfigured as error:
        return error.message
    if known is not None and (unknown := _unknown([placeholder], known)):
        sentence = wording._lt("%(name)s is in no field of this synchronization.")
        return wording.Sentence(sentence, name=unknown[0])
    return None


def _within(value, path):
    """:return: what is at a path, ``_ABSENT`` where there is nothing"""
    for step in path:
        if isinstance(step, int):
            known = isinstance(value, list) and step < len(value)
        else:
            known = isinstance(value, dict) and step in value
        if not known:
            return _ABSENT
        value = value[step]
    return value


def _beside_key(value, name=""):
    """:return: the names of Odoo's id in a body, and the texts beside it"""
    if not isinstance(value, dict | list):
        return
    is_object = isinstance(value, dict)
    pairs = [*value.items()] if is_object else [(name, each) for each in value]
    names = [own for own, each in pairs if _is_key(each)]
    yield from names
    for own, each in pairs:
        if names and isinstance(each, str) and not _PLACEHOLDER.fullmatch(each):
            yield each
        yield from _beside_key(each, own)


def _is_key(value):
    match = isinstance(value, str) and _PLACEHOLDER.fullmatch(value)
    return bool(match) and match[1] == KEY


def _names_alone(steps):
    """:return: the steps of a name, without numbers of entries"""
    return tuple(step for step in steps if isinstance(step, str))


def _wrong(sentence, **values):
    """:return: the error of a request that is not right as it is typed"""
    return Misconfigured(sentence, "address", **values)


# -- a request ----------------------------------------------------------------


class Request(NamedTuple):
    """What is sent.

    :param url: complete
    :param content_type: of the body; ``None`` without one
    :param query: that of the address as it is typed; ``None`` without one
    """

    method: str
    url: str
    body: bytes | None = None
    content_type: str | None = None
    query: str | None = None

    def send(
        self,
        client: HttpClient,
        trail: Trail,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Send it, see :meth:`..http.HttpClient.request`."""
        headers = {**(headers or {})}
        if self.content_type:
            headers["Content-Type"] = self.content_type
        return client.request(
            trail,
            self.method,
            self.url,
            headers,
            self.body,
            query=self.query,
            **options,
        )


class Sought(NamedTuple):
    """What a search looks for.

    :param names: those that the record has it under, outermost first; of Odoo's id
        those that it may have there
    """

    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequestLine:
    """A request that has been understood, to be filled in for each record.

    :param kind: what it is for, ``FIND`` to ``READ``
    :param path, query: texts as they are sent, and placeholders; no query is ``None``
    :param body: JSON with placeholders, empty without a body
    :param encoding: of the body, ``JSON`` or ``FORM``
    """

    kind: str
    method: str
    path: tuple[str | Placeholder, ...]
    query: tuple[str | Placeholder, ...] | None = None
    body: str = ""
    encoding: str = JSON

    def __str__(self):
        return f"{self.method} {self.address}".rstrip()

    @property
    def address(self) -> str:
        """The address as it is typed."""
        path = _typed(self.path)
        return path if self.query is None else f"{path}?{self.typed_query}"

    @property
    def typed_query(self) -> str | None:
        """The query as it is typed, ``None`` without one."""
        return None if self.query is None else _typed(self.query)

    @cached_property
    def placeholders(self) -> frozenset[Placeholder]:
        """All that are in it."""
        found = {part for part in self._parts if isinstance(part, Placeholder)}
        return frozenset(found.union(self._template.placeholders))

    def sought(
        self, message: Message, create: "RequestLine | None" = None
    ) -> tuple["Sought", ...] | None:
        """:param create: the request that tells the destination what is searched for
        :return: what a search looks for; ``None`` where the record has no value for a
            part of it, and so cannot be looked for
        """
        data, found = Data(message), set()
        keys = self.names_of_key | (create.names_of_key if create else frozenset())
        for each in self.placeholders:
            if each.source in (FIELD, KEY):
                text = _plain_text(each.value(data))
                if not (text or "").strip():
                    return None
                names = [step for step in each.path if isinstance(step, str)]
                found.add(Sought(text, tuple(names or sorted(keys))))
        return tuple(sorted(found))

    @cached_property
    def names_of_key(self) -> frozenset[str]:
        """What Odoo's id may be called there: the last words before it in a query, its
        name in a body, and the texts beside it."""
        found, before = set(), ""
        for part in self.query or ():
            if isinstance(part, str):
                before = f"{before}{part}".rpartition("&")[2]
            elif part.source == KEY:
                found.update(_NAME_OF_KEY.findall(unquote(before))[-2:])
        if self.body:
            found.update(_beside_key(json.loads(self.body)))
        return frozenset(found)

    @property
    def _parts(self):
        return (*self.path, *(self.query or ()))

    @cached_property
    def _template(self):
        if not self.body:
            return _Node(lambda data: _ABSENT)
        return _template(self.body, self.encoding, self.kind == MANY)

    @classmethod
    def parse(
        cls, kind: str, line: str, body: str = "", encoding: str = JSON
    ) -> "RequestLine":
        """Understand what a person has typed.

        :param line: method and address
        :param body: JSON; empty for what is usual, see :class:`_Kind`
        :raise Misconfigured: it is not right; the sentence is for who typed it
        """
        rules = _KINDS[kind]
        method, address = _method_and_address(kind, line)
        path, query = _address(address)
        body = body.strip() or ("" if method in ("GET", "DELETE") else rules.body)
        if body and method == "GET":
            raise _wrong(wording._lt("A GET request has no body."))
        made = cls(kind, method, path, query, body, encoding)
        made._check(rules)
        return made

    def _check(self, rules):
        found = {each.source: each.text for each in self.placeholders}
        for source in rules.unknown & found.keys():
            sentence = {
                FIND: wording._lt("%(name)s is not known yet in a search."),
                CREATE: wording._lt("%(name)s is not known yet of a new record."),
            }.get(
                self.kind,
                wording._lt(
                    "%(name)s: of a record that is removed or looked up, only {id} and "
                    "{key} are known."
                ),
            )
            raise _wrong(sentence, name=found[source])
        if self.kind == MANY and any(
            isinstance(part, Placeholder) for part in self._parts
        ):
            sentence = wording._lt(
                "The address of a request for many records has no placeholders."
            )
            raise _wrong(sentence)
        if rules.needed and not rules.needed & found.keys():
            sentence = {
                FIND: wording._lt(
                    "Nothing says what to search for: use a field, such as {email}, or "
                    "{key}."
                ),
                UPDATE: wording._lt(
                    "Nothing says which record it is: use {id}, {key}, a field or "
                    "{record}."
                ),
                MANY: wording._lt("The body holds no record: use {record} or fields."),
            }.get(
                self.kind,
                wording._lt("Nothing says which record it is: use {id} or {key}."),
            )
            raise _wrong(sentence)

    def fill(
        self,
        base: str,
        message: Message,
        record_id: str | None = None,
        version: str | None = None,
    ) -> Request:
        """Make the request for one record.

        :param base: URL of the system, without a :func:`..urls.url_problem`
        :param record_id: the id that the record has there, if it has one
        :raise Rejected: the record has no value where one is needed, or one that
            cannot stand there
        """
        data = Data(message, record_id, version)
        content = self._template.build(data)
        body = None
        if self.body:
            body = self._encoded(None if content is _ABSENT else content)
        return self._request(base, data, body)

    def fill_many(self, base: str, items: Iterable[Data]) -> Request:
        """Make one request for many records, see :meth:`fill`."""
        content = self._template.build_many([*items])
        return self._request(base, None, self._encoded(content))

    def _request(self, base, data, body):
        url = base.rstrip("/")
        # the slash stands before whatever is filled in: the host has ended
        if path := "".join(_filled(part, data, _in_path) for part in self.path):
            # a dot that is typed and a slash that is filled in, which is quoted
            if leads_away(path):
                sentence = wording._lt(
                    "The address %(name)s would lead to another place: a value in "
                    "it has dots and slashes."
                )
                raise Rejected(sentence, name=self.address)
            url += path if path == "/" else f"/{path}"
        if self.query is not None:
            query = "".join(_filled(part, data, _in_query) for part in self.query)
            url = f"{url}?{query}"
        content_type = None if body is None else CONTENT_TYPES[self.encoding]
        return Request(self.method, url, body, content_type, self.typed_query)

    def _encoded(self, content):
        return form_encoded(content) if self.encoding == FORM else to_json(content)

    def unknown_names(self, known: Iterable[str]) -> list[str]:
        """Say which fields no mapping fills.

        :param known: names in the mapping, see :mod:`..names`
        :return: placeholders as they are typed, in order
        """
        return _unknown(self.placeholders, known)


def _unknown(placeholders, known):
    # an object is known by what nests in it, and so is all of a list
    around = set()
    for name in known:
        steps = _names_alone(steps_of(name) or ())
        around.update(steps[: depth + 1] for depth in range(len(steps)))
    return sorted(
        each.text
        for each in placeholders
        if each.source == FIELD and _names_alone(each.path) not in around
    )


def _typed(parts):
    return "".join(part if isinstance(part, str) else part.text for part in parts)


def request_problem(
    kind: str,
    line: str,
    body: str = "",
    encoding: str = JSON,
    known: Iterable[str] | None = None,
) -> str | None:
    """Say what is wrong with a request as it is typed.

    :param kind, line, body, encoding: see :meth:`RequestLine.parse`
    :param known: names in the mapping, see :meth:`RequestLine.unknown_names`
    :return: a sentence for the person who typed it, marked for the translators;
        ``None`` when it is fine
    """
    try:
        parsed = RequestLine.parse(kind, line, body, encoding)
    except Misconfigured as error:
        return error.message
    if known is not None and (unknown := parsed.unknown_names(known)):
        sentence = wording._lt("%(name)s is in no field of this synchronization.")
        return wording.Sentence(sentence, name=unknown[0])
    return None


# -- addresses ----------------------------------------------------------------


def _method_and_address(kind, line):
    methods = _KINDS[kind].methods
    match = _LINE.fullmatch(line) if len(line) <= 2 * MAX_ADDRESS else None
    if not match or match[1].upper() not in methods:
        sentence = wording._lt(
            "A request begins with its method, here one of %(methods)s, and then has "
            "its address, as in %(example)s."
        )
        example = f"{methods[0]} contacts"
        raise _wrong(sentence, methods=", ".join(methods), example=example)
    address = match[2] or ""
    if len(address) > MAX_ADDRESS:
        sentence = wording._lt("The address is longer than %(most)s characters.")
        raise _wrong(sentence, most=MAX_ADDRESS)
    return match[1].upper(), address


def _address(address):
    """:return: the pieces of the path, and those of the query"""
    pieces, done = [], 0
    for match in _PLACEHOLDER.finditer(address):
        pieces += [address[done : match.start()], _placeholder(match)]
        done = match.end()
    pieces = [piece for piece in (*pieces, address[done:]) if piece != ""]
    for piece in pieces:
        if isinstance(piece, str):
            _check_letters(piece)
    path, query = pieces, None
    for place, piece in enumerate(pieces):
        if isinstance(piece, str) and "?" in piece:
            before, _mark, after = piece.partition("?")
            path = [*pieces[:place], before]
            query = [after, *pieces[place + 1 :]]
            break
    _check_path(path)
    if path not in ([], ["/"]) and isinstance(path[0], str):
        # below the URL, with a slash at the beginning or without
        path = [path[0].removeprefix("/"), *path[1:]]
    for piece in path:
        if isinstance(piece, Placeholder):
            _check_use(piece)
    path = tuple(piece for piece in path if piece != "")
    return path, None if query is None else tuple(_of_query(query))


def _check_letters(typed):
    if "{" in typed or "}" in typed:
        sentence = wording._lt(
            "Braces in an address enclose the name of a placeholder, such as {id}. "
            "Others are written %(opening)s and %(closing)s."
        )
        raise _wrong(sentence, opening="%7B", closing="%7D")
    if " " in typed or "\\" in typed or not typed.isprintable():
        sentence = wording._lt(
            "The address must not contain spaces, control characters or backslashes. "
            "A space in a query is written %(space)s."
        )
        raise _wrong(sentence, space="%20")
    if "#" in typed:
        raise _wrong(wording._lt("The address must not contain #."))
    broken = _BROKEN_ESCAPE.search(typed)
    if broken or any(not _is_plain(layer) for layer in _layers(typed)):
        sentence = wording._lt(
            "After %(sign)s in an address there are the two digits of a character, and "
            "not of a control character."
        )
        raise _wrong(sentence, sign="%")


def _is_plain(text):
    return not re.search(r"[\x00-\x1f\x7f-\x9f\ufffd]", text)


def _check_path(path):
    typed = "".join(piece if isinstance(piece, str) else "x" for piece in path)
    if "://" in unquote(typed) or typed.startswith("//"):
        sentence = wording._lt(
            "The address is a path below the URL of the system, such as contacts/{id}."
        )
        raise _wrong(sentence)
    if leads_away(typed) or any("//" in layer for layer in _layers(typed)):
        sentence = wording._lt(
            "The address must not contain //, nor . or .. as a part of the path."
        )
        raise _wrong(sentence)


def _check_use(placeholder):
    if placeholder.source == RECORD:
        sentence = wording._lt(
            "{record} stands in a body. An address takes single values, such as {id}."
        )
        raise _wrong(sentence)
    if placeholder.form in _QUOTED and not placeholder.between:
        sentence = wording._lt(
            "%(name)s: doubled and escaped are for what stands between quotes in a "
            "query."
        )
        raise _wrong(sentence, name=placeholder.text)


def _of_query(pieces):
    """Note which placeholders stand between quotes of their parameter."""
    between, escaped = "", False
    for piece in pieces:
        if isinstance(piece, Placeholder):
            piece = Placeholder(
                piece.text, piece.source, piece.path, piece.form, between
            )
            _check_use(piece)
            yield piece
            continue
        yield piece
        parameters = piece.split("&")
        if len(parameters) > 1:
            between, escaped = "", False
        for letter in unquote(parameters[-1]):
            if letter == "\\" and between and not escaped:
                escaped = True
                continue
            if letter in "'\"" and not escaped and between in ("", letter):
                between = "" if between else letter
            escaped = False


def leads_away(text: str) -> bool:
    """:return: whether a part of a path may be read as one that leads upwards"""
    if text.isascii() and "." not in text and "%" not in text:
        return False
    for layer in _layers(text):
        for part in _PARTS.split(layer):
            if part.partition(";")[0].strip() in _DOTS:
                return True
    return False


def _layers(text):
    """:return: a text with its escapes resolved, layer by layer, and its plain form"""
    found = [text]
    for _layer in range(_LAYERS):
        if "%" not in found[-1]:
            break
        found.append(unquote(found[-1]))
    if not text.isascii() or not found[-1].isascii():
        # U+2024 and U+FF0F are read as a dot and a slash (Unicode UAX 15)
        found += [unicodedata.normalize("NFKC", layer) for layer in found]
    return found


def _filled(part, data, make):
    return part if isinstance(part, str) else make(part, part.value(data))


def _in_path(placeholder, value):
    if value is _ABSENT or value is None or value == "":
        raise _missing(placeholder)
    text = usable_id(value)
    if text is None:
        sentence = wording._lt("%(name)s has a value that cannot be a part of a URL.")
        raise Rejected(sentence, name=placeholder.text)
    return quote(text, safe="")


def _in_query(placeholder, value):
    text = _plain_text(value)
    if text is None or not text.strip():
        # an empty value would search for all there is
        raise _missing(placeholder)
    if storable(text) != text:
        sentence = wording._lt("%(name)s has a value that cannot be a part of a URL.")
        raise Rejected(sentence, name=placeholder.text)
    between = placeholder.between
    if placeholder.form == "doubled":
        text = text.replace(between, between * 2)
    elif placeholder.form == "escaped":
        # the other kind of quotes needs none, and JSON allows none before it
        text = text.replace("\\", "\\\\").replace(between, f"\\{between}")
    elif between and (between in text or "\\" in text):
        # it would end the quoted text, and the rest be read as a condition
        sentence = wording._lt(
            "%(name)s stands between quotes in the address, and its value holds such a "
            "quote or a backslash. Write {name:doubled} or {name:escaped}, as the "
            "system expects it."
        )
        raise Rejected(sentence, name=placeholder.text)
    return quote(text, safe="")


def _plain_text(value):
    """:return: a single value as text, ``None`` where there is none"""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return usable_id(value)  # Python may refuse to write it
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else None
    return value if isinstance(value, str) else None


def _missing(placeholder):
    sentence = wording._lt(
        "The record has no value for %(name)s, which the address of the request needs."
    )
    return Rejected(sentence, name=placeholder.text)


# -- bodies -------------------------------------------------------------------


@dataclass(frozen=True)
class _Node:
    """A part of a body that depends on the record.

    :param build: makes it of a :class:`Data`; ``_ABSENT`` where it is left out
    :param build_many: makes it of a list of them; only of what repeats a list
    """

    build: Callable[[Data], Any]
    placeholders: frozenset[Placeholder] = frozenset()
    build_many: Callable[[list[Data]], Any] | None = None


def _template(body, encoding, many):
    """Understand a body.

    :raise Misconfigured: it is not right
    """
    if len(body) > MAX_BODY:
        sentence = wording._lt("The body is longer than %(most)s characters.")
        raise _wrong(sentence, most=MAX_BODY)
    try:
        content = json.loads(
            body, object_pairs_hook=_object, parse_constant=_no_constant
        )
        if _depth(content) > MAX_DEPTH:
            raise RecursionError
        to_json(content)
    except json.JSONDecodeError as error:
        sentence = wording._lt(
            "The body is not JSON: %(said)s in line %(line)s, column %(column)s."
        )
        place = {"line": error.lineno, "column": error.colno}
        raise _wrong(sentence, said=error.msg, **place) from None
    except RecursionError:
        raise _wrong(wording._lt("The body nests too deeply.")) from None
    except (Rejected, ValueError) as error:
        sentence = wording._lt("The body cannot be written as JSON: %(said)s")
        raise _wrong(sentence, said=str(error)[:200]) from None
    node = _node(content, is_top=True, many=many)
    if many and (encoding == FORM or not node.build_many):
        sentence = wording._lt(
            "The body of a request for many records is JSON, and has one list with one "
            "item, which is repeated for each record, as in %(example)s."
        )
        raise _wrong(sentence, example='{"records": ["{record}"]}')
    if encoding == FORM and not (isinstance(content, dict) or content == "{record}"):
        sentence = wording._lt("The body of a form is an object, or {record}.")
        raise _wrong(sentence)
    return node


def _object(pairs):
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        sentence = wording._lt("The body has the name %(name)s twice in one object.")
        raise _wrong(sentence, name=twice)
    return content


def _no_constant(name):
    # of Python, not of JSON (RFC 8259 section 6)
    raise ValueError(name)


def _depth(content):
    inner = content.values() if isinstance(content, dict) else content
    if not isinstance(content, dict | list):
        return 0
    return 1 + max(map(_depth, inner), default=0)


def _node(value, name=None, is_top=False, many=False):
    """:return: a template of a value

    :param name: that of the value, in an outermost object
    :param is_top: it is the whole body
    :param many: its list with one item, if there is one, is repeated
    """
    if isinstance(value, str):
        return _of_text(value, name)
    if isinstance(value, dict):
        return _of_object(value, is_top, many)
    if not isinstance(value, list):
        return _Node(lambda data: value)
    # operations of GraphQL may stand in a list
    items = [_node(item, is_top=is_top and not many) for item in value]
    found = frozenset().union(*(item.placeholders for item in items))
    if many and len(items) == 1 and found:
        return _Node(items[0].build, found, partial(_repeated, items[0]))
    if not found:
        fixed = [item.build(None) for item in items]
        return _Node(lambda data: fixed)
    return _Node(partial(_list_of, items), found)


def _list_of(items, data):
    built = (item.build(data) for item in items)
    return [each for each in built if each is not _ABSENT]


def _repeated(item, all_data):
    # each has its place, by which an answer may be told
    built = map(item.build, all_data)
    return [None if each is _ABSENT else each for each in built]


def _of_text(text, name):
    match = _PLACEHOLDER.fullmatch(text)
    if match:
        placeholder = _placeholder(match)
        if placeholder.form in _QUOTED:
            _check_use(placeholder)
        return _Node(placeholder.value, frozenset({placeholder}))
    if name == "query" and _GRAPHQL.match(text):
        return _Node(lambda data: text)
    if found := _WITHIN.search(text):
        sentence = wording._lt(
            "%(name)s stands within a longer text of the body. A placeholder stands "
            "alone between its quotes; a backslash before it says that it is none."
        )
        raise _wrong(sentence, name=found[0])
    text = _SAID_TO_BE_NONE.sub("", text)
    return _Node(lambda data: text)


def _of_object(value, is_top, many):
    nodes = {
        name: _node(each, name if is_top else None, many=many)
        for name, each in value.items()
    }
    found = frozenset().union(*(node.placeholders for node in nodes.values()))
    spread = nodes.get(SPREAD)
    sources = {each.source for each in spread.placeholders} if spread else {RECORD}
    if not sources & {RECORD, FIELD} or (spread and spread.build_many):
        sentence = wording._lt(
            "The name %(name)s puts an object in its place: give it {record}, or a "
            "field that is an object."
        )
        raise _wrong(sentence, name=SPREAD)
    if many and (lists := [name for name in nodes if nodes[name].build_many]):
        outside = [name for name in nodes if nodes[name].placeholders]
        if outside == lists[:1]:
            return _Node(
                nodes[lists[0]].build, found, partial(_object_of_many, nodes, lists[0])
            )
    if not found:
        fixed = {name: node.build(None) for name, node in nodes.items()}
        return _Node(lambda data: fixed)
    return _Node(partial(_object_of, nodes), found)


def _object_of(nodes, data):
    content = {}
    for name, node in nodes.items():
        value = node.build(data)
        if name == SPREAD:
            # what is named beside it stands as it is
            given = value if isinstance(value, dict) else {}
            content |= {key: each for key, each in given.items() if key not in nodes}
        elif value is not _ABSENT:
            content[name] = value
    return content


def _object_of_many(nodes, repeated, all_data):
    return {
        name: node.build_many(all_data) if name == repeated else node.build(None)
        for name, node in nodes.items()
    }


def form_encoded(content: Any) -> bytes:
    """Write an object as a form (WHATWG "URL" section 5.2).

    What nests is named as Stripe does: ``address[city]``, ``tags[]`` for plain values
    and ``lines[0][sku]`` for objects of a list. Nothing is an empty text.

    :raise Rejected: it cannot be written as a form
    """
    try:
        if not isinstance(content, dict):
            raise ValueError("no object")
        pairs = [
            pair for name, each in content.items() for pair in _pairs(name, each, 0)
        ]
        return urlencode(pairs).encode("ascii")
    except (TypeError, ValueError) as error:
        sentence = wording._lt("The record cannot be written as a form: %(said)s")
        said = "no text" if isinstance(error, UnicodeError) else str(error)[:100]
        raise Rejected(sentence, said=said) from None


def _pairs(name, value, depth):
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _pairs(f"{name}[{key}]", each, depth + 1)
    elif isinstance(value, list) and value:
        for place, each in enumerate(value):
            nests = isinstance(each, dict | list)
            yield from _pairs(f"{name}[{place if nests else ''}]", each, depth + 1)
    elif value is None or isinstance(value, dict | list):
        yield name, ""
    else:
        text = _plain_text(value)
        if text is None:
            raise ValueError(f"{type(value).__name__} as {name}")
        yield name, text


# -- what is usual ------------------------------------------------------------

# See :mod:`.batch`.
_BATCH = """\
{
    "items": [
        {
            "operation": "{operation}",
            "key": "{key}",
            "external_id": "{id}",
            "idempotency_key": "{idempotency_key}",
            "data": "{record}"
        }
    ]
}"""


@dataclass(frozen=True)
class Lines:
    """The requests of a synchronization; ``None`` where there is none."""

    create: RequestLine | None
    update: RequestLine | None
    mark: RequestLine | None
    remove: RequestLine | None
    read: RequestLine | None
    many: RequestLine | None = None
    find: RequestLine | None = None
    many_create: RequestLine | None = None
    many_update: RequestLine | None = None


def default_lines(route: Route) -> Lines:
    """:return: the requests of a route whose requests are not typed

    One resource for each record, at the id that it has there. What a route has for its
    address stands there as it is, braces and all.
    """
    record = _KINDS[CREATE].body
    one = _usual_path(route.target, Placeholder("{id}", ID))
    update, encoding = route.update_method.upper(), route.encoding
    many = None
    if route.batch_target:
        many = RequestLine(MANY, "POST", _usual_path(route.batch_target), body=_BATCH)
    return Lines(
        create=RequestLine(
            CREATE, "POST", _usual_path(route.target), None, record, encoding
        ),
        update=RequestLine(UPDATE, update, one, None, record, encoding),
        mark=RequestLine(REMOVE, "PATCH", one, None, record, encoding),
        remove=RequestLine(REMOVE, "DELETE", one),
        read=RequestLine(READ, "GET", one),
        many=many,
    )


def _usual_path(target, *record_id):
    """As :func:`..urls.join_url` puts them together."""
    above = target.strip("/")
    slash = "/" if above and target.endswith("/") else ""
    between = "/" if above and record_id else ""
    pieces = (f"{above}{between}", *record_id, slash)
    return tuple(piece for piece in pieces if piece != "")


def read_line(update: RequestLine) -> RequestLine | None:
    """:return: how a record is looked at, where only its update is typed: at the same
    path; ``None`` where that names no record, or what is done with one"""
    sources = {part.source for part in update.path if isinstance(part, Placeholder)}
    if not sources or not sources <= {ID, KEY}:
        return None
    last = update.path[-1]
    if update.method == "POST" and isinstance(last, str) and "/" in last.rstrip("/"):
        return None  # contacts/{id}/update
    return RequestLine(READ, "GET", update.path)
