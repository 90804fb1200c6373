# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is said to people before it is known who reads it."""

from datetime import datetime

from .text import storable


class Sentence(str):
    """A sentence in English that knows what it is made of, to be said in another one.

    :param template: the sentence, marked with :func:`_lt`. With ``values`` it names
        them, as in ``"%(where)s closed the connection"``; or another sentence
    :param values: texts and numbers that are named in it, a time (UTC, naive), which
        each reader is told in his timezone, or an error for a sentence within it
    """

    def __new__(cls, template, /, **values):
        if isinstance(template, Sentence):
            template, values = template.template, {**template.values, **values}
        # most of it is what a destination says, and all of it is stored
        template = storable(template)
        values = {name: _stored(value) for name, value in values.items()}
        try:
            texts = {name: _plain(value) for name, value in values.items()}
            text = template % texts if values else template
        except (KeyError, TypeError, ValueError):
            text = template  # an error is no place to fail in
        self = super().__new__(cls, text)
        self.template, self.values = template, values
        return self

    def __str__(self):
        # queue_job keeps the texts of results and exceptions so, with their parts
        return self

    def __reduce__(self):
        # not by its text, of which __str__ makes none
        return _remade, (self.template, self.values)


def _remade(template, values):
    return Sentence(template, **values)


def _plain(value):
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else value


def _stored(value):
    """Return a value as a column can hold it: a number, a time, a sentence, a text."""
    said = isinstance(value, int | float | datetime | Sentence)
    said = said or hasattr(value, "template")
    return value if said else storable(str(value))


def _lt(sentence: str) -> str:
    """Mark a sentence for the translators, where nobody is known to read it yet.

    It is translated where it is shown, see :mod:`.engine.words`.

    :return: the sentence as it is
    """
    return sentence
