# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keep secrets out of everything that is shown or stored."""

import base64
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import wording
from ..exceptions import SyncError
from ..text import storable
from .spelling import readings, without_broken_escape

MASK = "***"
# A secret that is shorter is left as it is: texts are full of what it may be by chance.
MIN_LENGTH = 8


def maskable(secret: str | None) -> bool:
    """:return: whether a secret is long enough to be replaced where it is found"""
    return len((secret or "").strip()) >= MIN_LENGTH


class Redactor:
    """Replace secrets in texts, also where a destination echoes them encoded.

    :param secrets: values to hide; those that are not :func:`maskable` are ignored
    """

    def __init__(self, secrets: Iterable[str | None]):
        self._lock, self._hidden, self._needles = threading.Lock(), frozenset(), []
        self.hide(*secrets)

    def hide(self, *secrets: str | None) -> None:
        """Replace these as well from now on; any thread may ask for it."""
        new = {each for each in secrets if maskable(each)} - self._hidden
        if not new:
            return
        found = set().union(*map(_needles, new))
        with self._lock:
            self._hidden |= new
            self._needles = sorted({*self._needles, *found}, key=len)

    def __call__(self, text: str) -> str:
        """:return: the text with every secret replaced"""
        pieces, done = [], 0
        for start, end in self._spans(text):
            if start >= done:
                pieces += [text[done:start], MASK]
            done = max(done, end)
        return "".join([*pieces, text[done:]]) if pieces else text

    def within(self, value: Any) -> Any:
        """:return: the value, as JSON holds it, with every secret in it replaced"""
        if isinstance(value, SyncError):
            return self.clean(value)
        if isinstance(value, str):
            return storable(self(value))
        if isinstance(value, list):
            return [self.within(item) for item in value]
        if isinstance(value, dict):
            return {self.within(key): self.within(item) for key, item in value.items()}
        if isinstance(value, int | float) and self.holds_secret(str(value)):
            return MASK
        return value

    def holds_secret(self, text: str) -> bool:
        """:return: whether there is a secret in the text"""
        return bool(self._spans(text))

    def clean(self, error: SyncError) -> SyncError:
        """:return: the same error, its text without secrets"""
        error.message = self.clean_sentence(error.message)
        error.args = (error.message,)
        return error

    def clean_sentence(self, sentence: str) -> wording.Sentence:
        """:return: the sentence without secrets"""
        sentence = wording.Sentence(sentence)
        values = {name: self.within(each) for name, each in sentence.values.items()}
        # without a template, where a secret is not within a value
        return wording.Sentence(self(wording.Sentence(sentence.template, **values)))

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Within, an error that is raised is cleaned."""
        try:
            yield
        except SyncError as error:
            raise self.clean(error) from None

    def excerpt(self, text: str, limit: int, cut: bool = False) -> str:
        """Shorten after replacing, so that no half of a secret is left.

        :param limit: number of characters of the result at most
        :param cut: the text has been cut already and may end within a secret
        """
        # not all of a long text has to be read
        most = limit + (16 * len(self._needles[-1]) if self._needles else 0)
        cut = cut or len(text) > most
        found = self(text[:most])
        if cut:
            found = self._without_half(found)
        return shorten(found, limit)

    def _spans(self, text):
        """:return: where secrets begin and end, in order"""
        if not self._needles or len(text) < len(self._needles[0]):
            return []
        found = []
        for reading in readings(text):
            for needle in self._needles:
                start = reading.text.find(needle)
                while start >= 0:
                    end = start + len(needle)
                    found.append((reading.places[start], reading.places[end]))
                    start = reading.text.find(needle, end)
        return sorted(found)

    def _without_half(self, text):
        """:return: the text without the beginning of a secret at its end"""
        if not self._needles:
            return text
        text = without_broken_escape(text)
        end = len(text)
        for reading in readings(text):
            whole = without_broken_escape(reading.text)
            begun = max(_begun(needle, whole) for needle in self._needles)
            end = min(end, reading.places[len(whole) - begun])
        return text[:end]


def _begun(needle, text):
    """:return: how much of what is looked for is at the end of the text"""
    sizes = range(min(len(needle), len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(needle[:size])), 0)


def shorten(text: str, limit: int) -> str:
    """:return: at most ``limit`` characters, with an ellipsis when cut"""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str) -> str:
    """:return: the text with line ends and repeated blanks made one blank"""
    return " ".join(text.split())


def _needles(secret: str) -> set[str]:
    """What is looked for, as :func:`.spelling.readings` reads it: the secret itself,
    in base64 wherever it stands in a longer text, and in hexadecimal."""
    found = set()
    for value in {secret, secret.strip()}:
        encoded = value.encode("utf-8", "surrogatepass")
        for spelling in (value, encoded.hex(), *_in_base64(encoded)):
            for reading in readings(spelling):
                found.add(reading.text)
                # at the end it is read as an escape of what follows the secret
                found.add(reading.text.rstrip("\\"))
    return {needle for needle in found if len(needle) >= MIN_LENGTH}


def _in_base64(encoded: bytes) -> Iterable[str]:
    """The text in base64, alone and as far as it is always the same within another."""
    for coder in (base64.b64encode, base64.urlsafe_b64encode):
        yield coder(encoded).decode().rstrip("=")
        # Four letters are three bytes: so many of them depend on what comes before a
        # text that begins with the first of the three, the second or the third.
        for before, besides in enumerate((0, 2, 3)):
            # the last of them depends on what follows, unless the bytes are even
            whole = (before + len(encoded)) * 8 // 6
            yield coder(bytes(before) + encoded).decode()[besides:whole]
