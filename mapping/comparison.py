# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""What would be sent against what a destination holds, field by field."""

import json
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ..transports.names import name_of
from ..transports.redact import shorten

# Characters of a value that are shown.
MAX_VALUE = 300


class Line(NamedTuple):
    """One field.

    :param state: ``same``; ``changed``; ``added``: not held yet; ``kept``: held, and
        not sent; ``unknown``: nobody knows what is held
    :param sent: JSON, shortened; empty when nothing is sent
    :param held: JSON, shortened; empty when nothing is held
    """

    name: str
    state: str
    sent: str
    held: str


def compare(sent: dict, held: dict | None, known: bool = True) -> list[Line]:
    """Compare two contents, names that nest written as a mapping has them.

    :param held: ``None`` when the destination does not hold the record
    :param known: whether ``held`` says what is there
    """
    sent, held = dict(_flat(sent)), dict(_flat(held or {}, sent))
    lines = []
    for name in {**sent, **held}:
        if name not in sent:
            state = "kept"
        elif not known:
            state = "unknown"
        elif name not in held:
            state = "added"
        else:
            state = "same" if same(sent[name], held[name]) else "changed"
        texts = (_text(each[name]) if name in each else "" for each in (sent, held))
        lines.append(Line(name, state, *texts))
    return lines


def _flat(content, like=None, around=()):
    """Names that nest, as a mapping has them; not within what ``like`` has as text."""
    for name, value in content.items():
        steps = (*around, str(name))
        other = like.get(name) if isinstance(like, dict) else None
        if isinstance(value, dict) and value and not isinstance(other, str):
            yield from _flat(value, other, steps)
        else:
            yield name_of(steps), value


def same(sent: Any, held: Any) -> bool:
    """:return: whether a destination holds a value, be it in a type of its own

    A column turns the text ``1.50`` into a number, a time into one of its timezone and
    JSON text into JSON; one of lists does so with each of their values.
    """
    if isinstance(sent, list) and isinstance(held, list):
        return len(sent) == len(held) and all(map(same, sent, held))
    if sent == held and isinstance(sent, bool) == isinstance(held, bool):
        return True
    if not isinstance(sent, str) and not isinstance(held, str):
        return False
    for reader in (_number, _time, _json):
        try:
            if reader(sent) == reader(held) is not None:
                return True
        except (ValueError, TypeError, AttributeError, InvalidOperation):
            continue
    return False


def _number(value):
    return None if isinstance(value, bool) else Decimal(str(value))


def _time(value):
    # Python 3.10 does not know the Z
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _json(value):
    value = json.loads(value) if isinstance(value, str) else value
    return None if value is None else json.dumps(value, sort_keys=True)


def _text(value):
    return shorten(json.dumps(value, ensure_ascii=False), MAX_VALUE)
