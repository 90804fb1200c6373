# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is said to people before it is known who reads it."""

from .text import storable


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
        template = storable(template)
        values = {name: _stored(value) for name, value in values.items()}
        try:
            text = template % values if values else template
        except (KeyError, TypeError, ValueError):
            text = template  # an error is no place to fail in
        self = super().__new__(cls, text)
        self.template, self.values = template, values
        return self


def _stored(value):
    """Return a value as a column can hold it: a number, a sentence, or its text."""
    said = isinstance(value, int | float | Sentence) or hasattr(value, "template")
    return value if said else storable(str(value))


def _lt(sentence: str) -> str:
    """Mark a sentence for the translators, where nobody is known to read it yet.

    It is translated where it is shown, see :mod:`.engine.words`.

    :return: the sentence as it is
    """
    return sentence
