# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Read texts as they are meant, however their characters are escaped.

JSON, HTML, URLs and programming languages escape other characters in other ways, and
texts are often escaped twice: an answer quotes a request, and a page the answer.
"""

import html
import re
from collections.abc import Iterator
from string import hexdigits
from typing import NamedTuple

# Escapes within escapes that are read.
LAYERS = 4
# What an escape begins with: all backslashes of a row, as one that leads nowhere would
# be read anew from each of them.
_MARK = re.compile(r"\\+|[&%]")
_ESCAPE = re.compile(
    r"""
    (?P<pair>\\+u d[89ab][0-9a-f]{2} \\+u d[c-f][0-9a-f]{2})
    | \\+(?-i:U)(?P<long>[0-9a-f]{8})
    | \\+u\{(?P<braced>[0-9a-f]{1,6})\}
    | \\+u(?P<short>[0-9a-f]{4})
    | \\+x(?P<byte>[0-9a-f]{2})
    | &(?:amp;)*\#x0*(?P<hex>[0-9a-f]{1,6});?
    | &(?:amp;)*\#0*(?P<decimal>[0-9]{1,7});?
    | &(?:amp;)*(?P<name>[a-z][a-z0-9]{1,30});
    | (?P<octets>%(?:25)*[c-f][0-9a-f](?:%(?:25)*[89ab][0-9a-f]){1,3}
        | %(?:25)*[0-9a-f]{2})
    | \\+(?P<quoted>[^\\])
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# An escape that a cut has left without its end.
_BROKEN_ESCAPE = re.compile(
    r"(?:(?<!\\)\\+(?:u\{?|x)?[0-9a-f]*|&[^\s&]{0,40})\Z", re.IGNORECASE
)
# A form writes a blank as a plus; the letter of an escape stands for what it escapes;
# which sigma is the lower one depends on what follows.
_ALIKE = str.maketrans("+\n\r\t\b\fς", " nrtbfσ")


class Reading(NamedTuple):
    """A text in lower case, with fewer escapes.

    :param places: for each character, and for the end, where it begins in the text
    """

    text: str
    places: range | list[int]


def readings(text: str) -> Iterator[Reading]:
    """Read a text as it is, and with its escapes resolved, layer by layer."""
    reading = Reading(text, range(len(text) + 1))
    for _layer in range(LAYERS + 1):
        # the letter İ alone would be two in lower case
        lower = reading.text.replace("İ", "i").lower()
        yield Reading(lower.translate(_ALIKE), reading.places)
        before, reading = reading.text, _resolve(reading)
        if reading.text == before:
            return


def without_broken_escape(text: str) -> str:
    """:return: a text that has been cut, without what is left of an escape"""
    found = _BROKEN_ESCAPE.search(text)
    octets = text.find("%", len(text.rstrip(f"%{hexdigits}")))
    ends = [found and found.start(), octets if octets >= 0 else None, len(text)]
    return text[: min(end for end in ends if end is not None)]


def _resolve(reading):
    text, places = reading
    pieces, starts, done = [], [], 0
    for match in _escapes(text):
        meant = _meant(match)
        pieces += [text[done : match.start()], meant]
        starts.extend(places[done : match.start()])
        # each of what is more than one character stands for the whole escape
        starts.extend([places[match.start()]] * len(meant))
        done = match.end()
    if not done:
        return reading
    starts.extend(places[done:])
    return Reading("".join([*pieces, text[done:]]), starts)


def _escapes(text):
    # to look for the few marks is faster than to look for all that may follow them
    mark = _MARK.search(text)
    while mark:
        match = _ESCAPE.match(text, mark.start())
        if match:
            yield match
        mark = _MARK.search(text, match.end() if match else mark.end())


def _meant(match):
    kind = match.lastgroup
    value = match[kind]
    if kind == "quoted":
        return value
    if kind == "pair":
        digits = re.sub(r"\\+u", "", value, flags=re.IGNORECASE)
        return bytes.fromhex(digits).decode("utf-16-be")
    if kind == "name":
        meant = html.unescape(f"&{value};")
        return meant if len(meant) == 1 else match[0]
    if kind == "octets":
        digits = re.sub(r"%(?:25)*", "", value)
        return bytes.fromhex(digits).decode("utf-8", "replace")
    number = int(value, 10 if kind == "decimal" else 16)
    return chr(number) if number <= 0x10FFFF else match[0]
