# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The form of a recipe: what ``recipe.schema.json`` says, asked of a file.

As much of JSON Schema 2020-12 as that schema is made of, so that no server needs a
library for it. The tests ask the library whether both say the same.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from .. import wording

PATH = Path(__file__).parent / "recipe.schema.json"
_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}
# Characters of a value that are told of.
_SHOWN = 60


@cache
def rules() -> dict:
    """:return: the schema"""
    return json.loads(PATH.read_text(encoding="utf-8"))


def problems(value: Any) -> Iterator[wording.Sentence]:
    """Say what is wrong with the form of a recipe.

    :param value: what the file holds
    """
    yield from _problems(value, rules(), "")


def _problems(value, rule, place):
    if "$ref" in rule:
        rule = rules()["$defs"][rule["$ref"].rpartition("/")[2]]
    if not _fits(value, rule):
        sentence = wording._lt("%(place)s cannot be %(value)s.")
        shown = json.dumps(value, ensure_ascii=False)[:_SHOWN]
        yield wording.Sentence(sentence, place=place or "$", value=shown)
    elif isinstance(value, dict):
        yield from _within_object(value, rule, place)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _problems(each, rule.get("items", {}), f"{place}[{number}]")


def _within_object(value, rule, place):
    known = rule.get("properties", {})
    for name in rule.get("required", ()):
        if name not in value:
            sentence = wording._lt("%(place)s is missing.")
            yield wording.Sentence(sentence, place=_below(place, name))
    for name, each in value.items():
        if name in known:
            yield from _problems(each, known[name], _below(place, name))
        elif rule.get("additionalProperties") is False:
            sentence = wording._lt("%(place)s is no setting of a recipe.")
            yield wording.Sentence(sentence, place=_below(place, name[:_SHOWN]))


def _below(place, name):
    return f"{place}.{name}" if place else name


def _fits(value, rule):
    kind = rule.get("type")
    if kind and not isinstance(value, _TYPES[kind]):
        return False
    if isinstance(value, bool) and kind in ("integer", "number"):
        return False
    if "const" in rule and not _is_same(value, rule["const"]):
        return False
    if "enum" in rule and value not in rule["enum"]:
        return False
    size = value if kind in ("integer", "number") else None
    if kind in ("string", "array", "object"):
        size = len(value)
    least = ("minimum", "minLength", "minItems", "minProperties")
    most = ("maximum", "maxLength", "maxItems")
    if any(name in rule and size < rule[name] for name in least):
        return False
    if any(name in rule and size > rule[name] for name in most):
        return False
    return "pattern" not in rule or bool(re.search(rule["pattern"], value))


def _is_same(value, other):
    return type(value) is type(other) and value == other
