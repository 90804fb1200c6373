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


class Sentence(str):
    """A sentence in English that knows what it is made of, to be said in another one.

    :param template: the sentence, marked with :func:`_lt`. With ``values`` it names
        them, as in ``"%(where)s closed the connection"``; or another sentence
    :param values: texts and numbers that are named in it, or an error for a sentence
        within it
    """

    def __new__(cls, template, /, **values):
        if isinstance(template, Sentence):
            template, values = template.template, {**template.values, **values}
        # most of it is what a destination says, and all of it is stored
        template, values = storable(template), storable_within(values)
        try:
            text = template % values if values else template
        except (KeyError, TypeError, ValueError):
            text = template  # an error is no place to fail in
        self = super().__new__(cls, text)
        self.template, self.values = template, values
        return self


def _lt(sentence: str) -> str:
    """Mark a sentence for the translators, where nobody is known to read it yet.

    It is translated where it is shown, see :mod:`.engine.words`.

    :return: the sentence as it is
    """
    return sentence
