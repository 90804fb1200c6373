# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A content as a vCard (RFC 6350, and RFC 2426 for version 3.0)."""

import json
import re

# What has a name of its own; all else is an extension.
PROPERTIES = {
    "name": "FN:{0}\r\nN:{0};;;;",
    "email": "EMAIL:{0}",
    "phone": "TEL:{0}",
    "city": "ADR:;;;{0};;;",
}


def vcard(key, payload, version):
    """:return: the vCard of a record

    :param key: what nothing else in the address book has
    """
    head = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:odoo-{key}"]
    return "\r\n".join([*head, *_lines(payload), "END:VCARD", ""])


def marked(card, payload):
    """:return: a vCard with other values of some extensions

    :raise ValueError: it is no vCard
    """
    lines = _lines(payload)
    names = tuple(line.partition(":")[0] + ":" for line in lines)
    kept = [each for each in re.split("\r?\n", card) if not each.startswith(names)]
    end = kept.index("END:VCARD")
    return "\r\n".join([*kept[:end], *lines, *kept[end:]])


def _lines(payload):
    found = []
    for name, value in payload.items():
        if value is not None:
            extension = re.sub("[^A-Z0-9]", "-", name.upper())
            line = PROPERTIES.get(name, f"X-{extension}:{{0}}").format(_text(value))
            found += map(_folded, line.split("\r\n"))
    return found


def _text(value):
    """:return: a value without what would end it (RFC 6350 section 3.4)"""
    text = value if isinstance(value, str) else json.dumps(value)
    text = re.sub(r"([\\,;])", r"\\\1", text)
    return re.sub(r"\r\n?|\n", r"\\n", text)


def _folded(line):
    """:return: a line of 75 bytes at most, and what it goes on with (RFC 6350 section
    3.2)"""
    return re.sub("(.{18})(?=.)", "\\1\r\n ", line)
