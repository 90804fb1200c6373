# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Text from outside, as our own tables can hold it."""

import re
from typing import Any

# PostgreSQL has no NUL in text and jsonb, and UTF-8 no half of a surrogate pair.
# PostgreSQL manual, "Character Types" and "JSON Types"; RFC 3629 section 3.
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """:return: the text, with a mark for each character that cannot be stored"""
    if text.isascii() and "\0" not in text:
        return text
    return _NOT_STORABLE.sub(_REPLACEMENT, text)


def storable_within(value: Any) -> Any:
    """:return: the value, with all texts in its lists and dictionaries storable"""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list | tuple):
        make = getattr(value, "_make", type(value))  # of a named tuple
        return make(map(storable_within, value))
    if isinstance(value, dict):
        return {
            storable_within(key): storable_within(item) for key, item in value.items()
        }
    return value
