# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the body of a 2xx says: a success needs proof, and many a 200 says no.

A body says no, with JSON's own ``false`` or with something that is not empty, where

- ``success`` or ``ok`` is ``false``,
- there are ``errors``, or ``userErrors`` one level below ``data`` (GraphQL, section
  7.1 of its specification; Shopify),
- there is an ``error``, or a ``status`` that means one, beside no id,
- the items that it consists of say so (Zoho, HubSpot, Salesforce, Elasticsearch).

What a record calls ``status`` or ``error`` itself is none of that: it comes with its
id, or was sent by us. Where anything came with the refusal, something may have been
done. What can be read either way is a doubt.
"""

from typing import Any, NamedTuple

from ... import wording
from ...exceptions import Rejected
from ..base import Message
from ..http import Answer
from ..urls import usable_id

# Where an item of a batch has the id of its record.
ITEM_ID = "id"
# Names are compared without regard to case and underscores.
_FLAGS = ("success", "ok", "issuccess", "successful", "succeeded")
_ERRORS = ("errors", "usererrors")
_FAILED = {"error", "errored", "fail", "failed", "failure"}
# HTTP statuses within a body, by names that no record has.
_STATUS_CODES = ("httpstatuscode", "statuscode")
# Where answers have the items that they consist of, or the only one.
_PLACES = {
    "compositeresponse",
    "data",
    "items",
    "operations",
    "records",
    "response",
    "responses",
    "result",
    "results",
}
# What comes with a status that means an error.
_REASONS = {
    "code",
    "description",
    "detail",
    "details",
    "error",
    "errorcode",
    "errordescription",
    "errormessage",
    "errors",
    "message",
    "messages",
    "msg",
    "reason",
    "title",
}
# Said in the place of an error when there is none, or of a flag that is not set.
_NOTHING = {"", "0", "false", "n/a", "no error", "none", "null", "ok", "success"}
_UNSET = {"0", "error", "failed", "false", "n", "no"}
# In an answer whatever was done.
_NO_DATA = {
    "clientmutationid",
    "errorcode",
    "errormessage",
    "message",
    "messages",
    "msg",
    "typename",
}
# How many records an update has met.
_COUNTS = (
    "affectedrows",
    "matched",
    "matchedcount",
    "modifiedcount",
    "rowcount",
    "rowsaffected",
    "updated",
    "updatedcount",
)
# Levels of a body that are looked at.
_DEPTH = 6


class Verdict(NamedTuple):
    """What a body says of a message.

    :param noes: parts of it that say no
    :param names: of what says so
    :param partly: something may have been done all the same
    :param doubt: what can be read either way, a sentence
    :param page: it is a page for people, such as that of a login, a sentence
    """

    noes: tuple[Any, ...] = ()
    names: frozenset[str] = frozenset()
    partly: bool = False
    doubt: wording.Sentence | None = None
    page: wording.Sentence | None = None

    @property
    def of_all(self) -> bool:
        """Whether it is about all of a request that was for several records: errors
        may be those of some of them."""
        return bool(self.noes) and not self.partly and not self.names & {*_ERRORS}

    def error(self, answer: Answer) -> Rejected:
        """:return: the refusal, with its reason"""
        said = answer.reason(*self.noes)
        sentence = (
            wording._lt(
                "%(request)s answered %(status)s, but what it says is no: %(said)s"
            )
            if said
            else wording._lt("%(request)s answered %(status)s, but what it says is no.")
        )
        return Rejected(sentence, said=said, **answer.told)


def judged(answer: Answer, message: Message | None, id_path: str | None) -> Verdict:
    """Read what a 2xx says.

    :param message: what it answers, whose own fields are no verdict; ``None`` where it
        is the answer to several
    :param id_path: where an answer has the id of a record; ``None`` for an item of a
        batch, which is no record itself
    """
    body = answer.json()
    reading = _Reading(message, id_path)
    if isinstance(body, dict):
        reading.read(body)
    elif isinstance(body, list):
        reading.read_items(body)
    doubt = page = None
    if reading.doubts:
        sentence = wording._lt(
            "%(request)s answered %(status)s, and “%(name)s” in the answer may mean "
            "that it was not done."
        )
        doubt = answer.sentence(sentence, name=reading.doubts[0])
    elif body is None and "text/html" in answer.headers.get("Content-Type", ""):
        sentence = wording._lt(
            "%(request)s answered %(status)s with a page for people, which may be that "
            "of a login, and not that of this record."
        )
        page = answer.sentence(sentence) if answer.body.strip() else None
    names = frozenset(reading.names)
    return Verdict(tuple(reading.noes), names, reading.partly, doubt, page)


def refuses(answer: Answer, message: Message | None, id_path: str | None) -> bool:
    """:return: whether an answer says that the request has changed nothing"""
    if not answer.ok:
        return answer.refuses
    verdict = judged(answer, message, id_path)
    return bool(verdict.noes) and not verdict.partly


def found_id(answer: Answer, path: str) -> str | None:
    """:return: the id in a JSON body, where it can be one

    :param path: where it is; dots go into nested objects
    """
    return usable_id(at(answer.json(), path))


class _Reading:
    """What is found on the way through a body."""

    def __init__(self, message, id_path):
        self.noes, self.names, self.doubts, self.partly = [], set(), [], False
        self._sent = _lowered(message.payload) if message else {}
        self._updates = bool(message and message.external_id)
        self._id_path = id_path or ITEM_ID
        self._is_item = id_path is None

    def read(self, body):
        """Read the object that a body is."""
        if "jsonrpc" in body:
            # its id is that of the request
            body = {name: value for name, value in body.items() if name != "id"}
        has_id = usable_id(at(body, self._id_path)) is not None
        values = _lowered(body)
        own_id = _has_id(values)
        self._judge(body, has_id or own_id)
        if self.noes and not _is_jsend(values):
            self.partly = self.partly or has_id or _something_in(values)
        within = self if not own_id else _Reading(None, self._id_path)
        for name, value in values.items():
            if name in _PLACES and self._sent.get(name, self) != value:
                within.read_place(name, value, has_id)
        if within is not self and (within.noes or within.doubts):
            # of the record, or of the request: who knows
            self.doubts.append(next(iter(within.names), "status"))
        if self._updates:
            for name in _COUNTS:
                if name not in self._sent and _is_zero(values.get(name)):
                    self.doubts.append(name)

    def read_place(self, name, value, has_id):
        """Read what is below a name that answers have."""
        if isinstance(value, list):
            self.read_items(value)
        elif isinstance(value, dict):
            has_id = has_id or _has_id(_lowered(value))
            if name == "data":
                self._read_data(value, has_id)
            self._judge(value, has_id)

    def read_items(self, items):
        """Read a list of what may be the answers to single records."""
        items, no, doubtful = items[:1000], 0, len(self.doubts)
        noes = len(self.noes)
        for item in items:
            before = len(self.noes)
            while isinstance(item, dict) and len(item) == 1:
                (inner,) = item.values()  # {"index": {"status": 400}}
                if not isinstance(inner, dict):
                    break
                item = inner
            if isinstance(item, dict):
                self._judge(item, _has_id(_lowered(item), self._id_path), body=True)
            no += len(self.noes) > before
        if 0 < no < len(items):
            # of another record, it may be
            del self.noes[noes:]
            self.doubts.insert(doubtful, "status")

    def _read_data(self, data, has_id):
        """Read what each operation of GraphQL has answered."""
        for found in list(data.values())[:100]:
            for each in found if isinstance(found, list) else [found]:
                if not isinstance(each, dict):
                    continue
                done = _something(each)
                for name, value in _lowered(each).items():
                    if not _given(value) or not name.endswith(_ERRORS):
                        continue
                    if name.endswith("usererrors") or not (done or has_id):
                        self._no(name, value)
                        self.partly = self.partly or done
                    else:
                        self.doubts.append(name)

    def _judge(self, part, has_id, body=False):
        """Look for what says no in an object.

        :param has_id: it comes with the id of a record
        :param body: it may hold the body of another answer
        """
        values = _lowered(part)
        before = len(self.noes)
        sure = False
        for name in _FLAGS:
            value = values.get(name)
            sure = sure or value is True
            if value is None or self._is_own(name, value, has_id):
                continue
            if value is False:
                self._no(name, part, values.get("data"))
            elif value == 0 or str(value).strip().lower() in _UNSET:
                self.doubts.append(name)
        for name in _ERRORS:
            value = values.get(name)
            if _given(value) and not self._is_own(name, value, has_id):
                # a flag, or their number, tells less
                if isinstance(value, dict | list | str):
                    self._no(name, {"errors": value})
                else:
                    self.doubts.append(name)
        value = values.get("error")
        if _given(value) and not self._is_own("error", value, has_id):
            if (has_id or sure) and len(self.noes) == before:
                self.doubts.append("error")
            else:
                self._no("error", part)
        self._judge_status(part, values, has_id, body)
        if len(self.noes) > before:
            self.partly = self.partly or has_id or sure

    def _judge_status(self, part, values, has_id, body):
        for name in _STATUS_CODES:
            if _is_refusal(values.get(name)) and name not in self._sent:
                self._no(name, part, part.get("body") if body else None)
        value = values.get("status")
        failed = is_failure(value)
        if self._is_item and failed:
            self._no("status", part)
        if self._is_item or not (failed or _is_refusal(value)):
            return
        if self._is_own("status", value, has_id):
            return
        reasoned = any(
            _given(values[name])
            for name in _REASONS & values.keys()
            if name not in self._sent
        )
        if not has_id and (reasoned or values.keys() <= {"status", "data"}):
            self._no("status", part, values.get("data"))
        else:
            self.doubts.append("status")

    def _is_own(self, name, value, has_id):
        """:return: whether it is a field of the record; in doubt it is a doubt"""
        if name not in self._sent:
            return False
        if not has_id and self._sent[name] != value:
            self.doubts.append(name)
        return True

    def _no(self, name, *parts):
        self.names.add(name)
        self.noes += [part for part in parts if part is not None]


def _lowered(part):
    return {
        name.replace("_", "").lower(): value
        for name, value in part.items()
        if isinstance(name, str)
    }


def is_failure(status: Any) -> bool:
    """:return: whether a status in words means that it was not done"""
    return isinstance(status, str) and status.strip().lower() in _FAILED


def at(value: Any, path: str) -> Any:
    """:return: what is at a path of names with dots, ``None`` where there is nothing"""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _has_id(values, path="id"):
    names = {"id", path.rpartition(".")[2].replace("_", "").lower()}
    return any(usable_id(values.get(name)) is not None for name in names)


def _given(value, depth=0):
    """:return: whether something is said in the place of an error"""
    if isinstance(value, str):
        return value.strip().lower().rstrip(".") not in _NOTHING
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        if depth == _DEPTH:
            return bool(value)
        return any(_given(each, depth + 1) for each in inner)
    return bool(value)


def _something(value, depth=0):
    """:return: whether there is any data in it"""
    if isinstance(value, list):
        return depth < _DEPTH and any(_something(each, depth + 1) for each in value)
    if isinstance(value, dict):
        return depth < _DEPTH and any(
            _something(each, depth + 1)
            for name, each in _lowered(value).items()
            if name not in _NO_DATA and not name.endswith(_ERRORS)
        )
    return bool(value)


def _something_in(values):
    """:return: whether a body that says no has anything of a record"""
    for name, value in values.items():
        if name in _REASONS or name in _ERRORS:
            continue
        if name in _PLACES and isinstance(value, list):
            if any(_something(each) for each in value if not _says_no(each)):
                return True
        elif name in _PLACES and _something(value):
            return not _says_no(value)
        elif isinstance(value, dict) and _has_id(_lowered(value)):
            return True
    return False


def _says_no(item):
    reading = _Reading(None, "id")
    if isinstance(item, dict):
        reading._judge(item, _has_id(_lowered(item)))
    return bool(reading.noes) and not reading.partly


def _is_jsend(values):
    """:return: whether it is a refusal of JSend, whose data are the reasons"""
    return values.get("status") == "fail" and values.keys() <= {"status", "data"}


def _is_refusal(value):
    """:return: whether a value is the HTTP status of a refusal; SCIM has it as text"""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    return type(value) is int and 400 <= value <= 599


def _is_zero(value):
    return type(value) is int and value == 0
