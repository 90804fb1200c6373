# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is said to people, in their language."""

from ..exceptions import SyncError
from ..text import Sentence


def said(env, sentence):
    """Return a sentence that was made without a language, in that of an environment.

    :param sentence: a :class:`..text.Sentence`, a text that is marked by
        :func:`..text._lt`, or an error for its message
    """
    if isinstance(sentence, SyncError):
        sentence = sentence.message
    if not isinstance(sentence, Sentence):
        return env._(sentence)
    values = {
        name: said(env, value) if isinstance(value, SyncError) else value
        for name, value in sentence.values.items()
    }
    return env._(sentence.template, **values)
