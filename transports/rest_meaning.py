# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an answer means for the record that it is about."""

from ..exceptions import Rejected, Temporary
from .base import Message
from .rest_answer import Answer
from .urls import last_segment, usable_id

# At the end of the key of a request that creates what the destination has lost.
RECREATE = "-recreate"


def record_id(message: Message) -> str | None:
    """:return: the id that the record has at the destination, or ``None``

    :raise Rejected: the id cannot stand in a URL
    """
    if message.route.id_policy == "destination":
        return message.external_id or None
    key = usable_id(message.key)
    if key is None:
        raise Rejected("The key of the record cannot be a part of a URL.")
    return key


def is_lost(message: Message, answer: Answer) -> bool:
    """:return: whether the destination no longer knows the record to update"""
    return (
        message.operation == "upsert"
        and answer.status == 404
        and message.route.id_policy == "destination"
        and bool(message.external_id)
    )


def id_after(message: Message, answer: Answer) -> str | None:
    """Judge the answer to anything but a creation.

    :return: the id of the record at the destination from now on
    :raise SyncError: it was not done
    """
    if message.operation == "upsert":
        raise_unless_ok(answer)
        return message.external_id
    if answer.status in (404, 410):
        return None
    raise_unless_ok(answer)
    return message.external_id if message.operation == "mark" else None


def raise_unless_ok(answer: Answer) -> None:
    """:raise SyncError: the answer says that it was not done"""
    if not answer.ok:
        raise answer.error()


def assigned_id(answer: Answer, path: str) -> str:
    """Find the id of a new record in the answer to its creation.

    :param path: where a JSON body holds it; dots go into nested objects
    :raise Temporary: there is none, or the destination repeats a secret in its place
    """
    value = answer.json()
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    location = answer.location()
    found = usable_id(value)
    if found is None and location:
        found = usable_id(last_segment(location, answer.url))
    if found is None:
        broken = " The answer was cut short." if answer.cut else ""
        raise Temporary(
            f"{answer.describe()} without an id: neither “{path}” in a JSON body "
            f"nor a Location header.{broken}"
        )
    if answer.redact.holds_secret(found):
        raise Temporary(
            f"{answer.describe()} with an id that holds a secret of this system, and "
            "can be no id."
        )
    return found
