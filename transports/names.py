# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Names within the content of a record, as people type them.

=============================== =====================================================
``address.city``                what is called ``city``, in the object ``address``
``emails[0].value``             the same of an entry of a list, the first one being 0
``lines[].sku``                 the same of every entry: there is one for each line
``"primaryContact@odata.bind"`` a name that has dots, or brackets with a number, of
                                its own; a backslash before a quote or a backslash in it
=============================== =====================================================

What is mapped to them is said by the mapping, and found again by the placeholders of a
request.
"""

import re

# Stands for every entry of a list, among the steps of a name.
EACH = None
Steps = tuple[str | int | None, ...]

_QUOTED = r'"(?:[^"\\\x00-\x1f]|\\["\\])+"'
# What needs no quotes among the other signs of an address.
_PLAIN = r"""[^\s{}\[\]".:,;()'\\&?\#/%=<>|`]+"""
# Entries of a list are few: each of them is mapped on its own.
_NUMBER = r"(?:0|[1-9][0-9]{0,3})"
_ENTRY = rf"(?:{_QUOTED}|{_PLAIN})(?:\[{_NUMBER}\])*"
# Of a name that stands among other signs: without any doubt where it ends.
EMBEDDED = rf"{_ENTRY}(?:\.{_ENTRY})*"
# Of one that stands alone, and may have spaces and the like.
_STEP = re.compile(
    rf'({_QUOTED}|(?!["\[.])[^.]+?|\[(?![0-9]*\])[^.]+?)((?:\[[0-9]*\])*)(\.|\Z)'
)
_BRACKETS = re.compile(r"\[([0-9]*)\]")


def steps_of(name: str) -> Steps | None:
    """Understand a name.

    :return: the names of objects, numbers of entries and ``EACH`` that lead to what is
        meant, outermost first; ``None`` where it is no name
    """
    steps, place, more = [], 0, True
    while more:
        found = _STEP.match(name, place)
        if not found or found[1].strip() != found[1]:
            return None
        steps.append(_unquoted(found[1]))
        for number in _BRACKETS.findall(found[2]):
            if number and not re.fullmatch(_NUMBER, number):
                return None
            steps.append(int(number) if number else EACH)
        place, more = found.end(), found[3]
    return tuple(steps)


def name_of(steps: Steps) -> str:
    """:return: the name that leads these steps, with quotes where it needs them"""
    parts = []
    for step in steps:
        if isinstance(step, str):
            parts.append(step if steps_of(step) == (step,) else _quoted(step))
        else:
            parts[-1] += "[]" if step is EACH else f"[{step}]"
    return ".".join(parts)


def _unquoted(name):
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name


def _quoted(name):
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
