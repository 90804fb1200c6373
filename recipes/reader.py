# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recipes: files that say how a system is connected.

A recipe is data of whoever wrote it, and trusted with nothing: it names no complete
host, leads to no secret of the server, and its requests and readings are checked as
those that a person types. What is personal stands in it as a name in angle brackets,
``<name>``, which a person is asked for; the answers are put in once, when the values
are copied. Its form is ``recipe.schema.json``, told in ``docs/recipes.md``.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from urllib.parse import quote

from .. import wording
from ..exceptions import Misconfigured
from ..transports.rest.lines import KINDS, MANY_CREATE, MANY_UPDATE
from ..transports.rest.readings import reading_problem
from ..transports.rest.requests import request_problem
from ..transports.urls import endpoint_problem
from . import schema

# Bytes of a file at most.
MAX_SIZE = 65_536
# Lists and objects within each other at most: copies of it are made far below others.
MAX_DEPTH = 60
# Characters of an answer at most.
MAX_ANSWER = 300
HOST, LABEL, PATH, TEXT, SECRET = "host", "label", "path", "text", "secret"
FIND, REFUSAL = "find", "refusal"

_ASKED = re.compile(r"<([a-z_]+)>")
_HOST_OF = re.compile(r"https://([^/]*)")
# What leads to something that the server keeps, see :mod:`..engine.secrets`.
_REFERENCE = re.compile(r"(?:env|config)\s*:", re.IGNORECASE)
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ANSWERS = {
    HOST: re.compile(rf"{_NAME}(?:\.{_NAME})*(?::[0-9]{{1,5}})?"),
    LABEL: re.compile(rf"{_NAME}(?:\.{_NAME})*"),
    PATH: re.compile(r"[^\s<>{}?#\\]*"),
    TEXT: re.compile(r"[^<>{}\\\x00-\x1f\x7f-\x9f]*"),
}
# What stands for an answer where a recipe is checked without any.
_SAMPLES = {HOST: "host.example", LABEL: "label", PATH: "some/path", TEXT: "text"}
# Where answers may stand: what leads to a host, and what follows it.
_IN_HOST, _BEHIND = {HOST, LABEL}, {LABEL, PATH, TEXT}


def files(folder: Path) -> list[Path]:
    """:return: the recipes in a folder, and nothing that a link leads to elsewhere"""
    place = folder.resolve()
    return sorted(
        each
        for each in folder.glob("*.json")
        if not each.name.endswith(".schema.json") and _is_in(each, place)
    )


def _is_in(path, folder):
    try:
        return path.resolve().parent == folder
    except (OSError, RuntimeError):
        # a link that leads to itself
        return False


def read(path: Path) -> dict:
    """Read a recipe, and check all of it that can be told without a database.

    :raise Misconfigured: it cannot be used, with the reason
    """
    recipe = _parsed(path)
    for problem in (*schema.problems(recipe), *_problems_of_form(recipe)):
        raise _wrong(problem)
    for problem in _problems(recipe):
        raise _wrong(problem)
    return recipe


def _wrong(sentence, **values):
    return Misconfigured(sentence, "recipe", **values)


def _parsed(path):
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE + 1)
    except OSError:
        raise _wrong(wording._lt("It cannot be read.")) from None
    if len(content) > MAX_SIZE:
        sentence = wording._lt("It is larger than %(most)s bytes.")
        raise _wrong(sentence, most=MAX_SIZE)
    try:
        recipe = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError):
        raise _wrong(wording._lt("It is no JSON.")) from None
    if _is_deeper(recipe, MAX_DEPTH):
        raise _wrong(wording._lt("It nests too deeply."))
    return recipe


def _is_deeper(value, most):
    """:return: whether more lists and objects are within each other"""
    level = [value]
    for _each in range(most + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        level = [
            below
            for each in level
            for below in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _object(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name):
    raise ValueError(name)


def texts(value) -> Iterator[str]:
    """:return: all texts in a value, names too"""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def _problems_of_form(recipe):
    if any(map(_REFERENCE.search, texts(recipe))):
        yield wording._lt(
            "A recipe leads to no secret of the server: env: and config: are for the "
            "person who sets one."
        )


def _problems(recipe):
    asked = {each["name"]: each for each in recipe["ask"]}
    if len(asked) < len(recipe["ask"]):
        yield wording._lt("It asks for something twice.")
    used = set()
    for place, text, kinds in _places(recipe):
        names = set(_ASKED.findall(text))
        used |= names
        for name in sorted(names):
            if name not in asked or asked[name]["kind"] not in kinds:
                sentence = wording._lt("%(place)s: <%(name)s> cannot stand there.")
                yield wording.Sentence(sentence, place=place, name=name)
    for name, each in asked.items():
        is_secret = each["kind"] == SECRET
        if is_secret != ("secret" in each) or not (is_secret or name in used):
            sentence = wording._lt("Nothing is done with <%(name)s>.")
            yield wording.Sentence(sentence, name=name)
    for header in recipe["system"].get("headers", ()):
        names = _ASKED.findall(header["value"])
        hidden = [n for n in names if asked.get(n, {}).get("kind") == SECRET]
        if hidden and header["value"] != f"<{hidden[0]}>":
            sentence = wording._lt("The header %(name)s is more than a secret.")
            yield wording.Sentence(sentence, name=header["name"])
        if any(asked[name].get("optional") for name in hidden):
            sentence = wording._lt(
                "The header %(name)s would be sent without its secret: that cannot be "
                "optional."
            )
            yield wording.Sentence(sentence, name=header["name"])
    yield from _problems_of_streams(recipe)


def _places(recipe):
    """:return: each text that is filled in, its name, and what may stand there"""
    system = recipe["system"]
    oauth = system.get("oauth", {})
    for name, url in (
        ("system.url", system["url"]),
        ("token_url", oauth.get("token_url")),
        ("authorize_url", oauth.get("authorize_url")),
    ):
        if url:
            host = _HOST_OF.match(url)
            yield name, host[1], _IN_HOST
            yield name, url[host.end() :], _BEHIND
    for name, text in (
        ("auth_username", system.get("auth_username")),
        ("client_id", oauth.get("client_id")),
    ):
        yield name, text or "", {LABEL, TEXT}
    yield "scope", oauth.get("scope", ""), {HOST, LABEL, TEXT}
    for header in system.get("headers", ()):
        yield header["name"], header["value"], {LABEL, TEXT, SECRET}
    for stream in recipe["synchronizations"]:
        for kind, request in stream["requests"].items():
            yield kind, request["line"], _BEHIND
            for text in texts(request.get("body")):
                yield kind, text, _BEHIND


def _problems_of_streams(recipe):
    samples = {each["name"]: _SAMPLES.get(each["kind"], "") for each in recipe["ask"]}
    encoding = recipe["system"].get("format", "json")
    for stream in filled(recipe, samples)["synchronizations"]:
        known = [each["target"] for each in stream["mapping"]]
        if len(set(known)) < len(known):
            yield wording._lt("Each name at the destination can be filled only once.")
        for each in stream["mapping"]:
            if len({"field", "method", "constant"} & each.keys()) != 1:
                sentence = wording._lt(
                    "%(place)s needs a field, a method or a constant."
                )
                yield wording.Sentence(sentence, place=each["target"])
        for kind, request in stream["requests"].items():
            problem = request_problem(
                KINDS[kind], request["line"], request["body"], encoding, known
            )
            if problem:
                yield _about(kind, problem)
        for name, text in _readings(stream):
            problem = reading_problem(text)
            if problem:
                yield _about(name, problem)
        yield from _lacking(stream)


def _about(place, problem):
    sentence = wording._lt("%(place)s: %(problem)s")
    return wording.Sentence(sentence, place=place, problem=problem)


def _readings(stream):
    there, many = stream.get("already_there", {}), stream.get("many", {})
    yield from stream.get("readings", {}).items()
    yield from ((name, there[name]) for name in ("when", "where") if name in there)
    names = ("items", "key", "status", "id", "refused")
    yield from ((name, many[name]) for name in names if name in many)


def _lacking(stream):
    """:return: what each of the settings needs besides"""
    requests, readings = stream["requests"], stream.get("readings", {})
    needs = {"found": "find" in requests}
    if stream.get("already_there", {}).get("how") == FIND:
        needs |= {"requests.find": "find" in requests, "readings.found": readings}
    if {MANY_CREATE, MANY_UPDATE} & requests.keys():
        needs["many"] = "many" in stream
    for place, is_there in needs.items():
        if place == "found":
            is_there = is_there or "found" not in readings
        if not is_there:
            sentence = wording._lt("%(place)s is missing.")
            yield wording.Sentence(sentence, place=place)


# -- answers ------------------------------------------------------------------


def answer_problem(ask: dict, answer: str) -> str | None:
    """Say what is wrong with what a person has answered.

    :param ask: one of those that a recipe asks for, no secret
    :return: a sentence for that person, marked for the translators; ``None`` when it
        is fine
    """
    text = answer.strip() if isinstance(answer, str) else ""
    if not text:
        return None if ask.get("optional") else wording._lt("It is missing.")
    if len(text) > MAX_ANSWER:
        sentence = wording._lt("It is longer than %(most)s characters.")
        return wording.Sentence(sentence, most=MAX_ANSWER)
    kind = ask["kind"]
    folded = text.lower() if kind in (HOST, LABEL) else text
    if not _ANSWERS[kind].fullmatch(folded) or _REFERENCE.match(text):
        sentence = {
            HOST: wording._lt("Type a host, such as %(example)s, and nothing else."),
            LABEL: wording._lt("Type letters, digits and hyphens, and nothing else."),
            PATH: wording._lt("Type a path, such as %(example)s, and nothing else."),
        }.get(kind, wording._lt("It has characters that cannot stand there."))
        return wording.Sentence(sentence, example=ask.get("example", "example.com"))
    if kind == PATH:
        return endpoint_problem(text)
    ends = ask.get("ends_with", ())
    name = folded.partition(":")[0]
    if ends and not any(name == end or name.endswith(f".{end}") for end in ends):
        sentence = wording._lt("It is no host of this system: those end with %(ends)s.")
        return wording.Sentence(sentence, ends=", ".join(ends))
    if ask.get("choices") and folded not in ask["choices"]:
        sentence = wording._lt("It is one of %(choices)s.")
        return wording.Sentence(sentence, choices=", ".join(ask["choices"]))
    return None


def filled(recipe: dict, answers: dict[str, str]) -> dict:
    """Put the answers into a recipe.

    :param answers: by name, without an :func:`answer_problem`; no secret is among them
    :return: a copy; bodies are texts, the URL of a path that is not given has no slash
        at its end, headers without a value are left out, and one that is a secret has
        ``secret``, the name of that, instead
    """
    kinds = {each["name"]: each["kind"] for each in recipe["ask"]}
    secrets = {
        each["name"]: each["secret"] for each in recipe["ask"] if "secret" in each
    }

    def value(name):
        text = (answers.get(name) or "").strip()
        return text.lower() if kinds.get(name) in (HOST, LABEL) else text

    def plain(match):
        return value(match[1])

    def quoted(match):
        name = match[1]
        return value(name) if kinds.get(name) == PATH else quote(value(name), safe="")

    def address(url):
        host = _HOST_OF.match(url)
        behind = _ASKED.sub(quoted, url[host.end() :])
        return (_ASKED.sub(plain, host[0]) + behind).rstrip("/")

    made = deepcopy(recipe)
    system = made["system"]
    oauth = system.get("oauth", {})
    for place, name in (
        (system, "url"),
        (oauth, "token_url"),
        (oauth, "authorize_url"),
    ):
        if name in place:
            place[name] = address(place[name])
    for place, name in (
        (system, "auth_username"),
        (oauth, "client_id"),
        (oauth, "scope"),
    ):
        if name in place:
            place[name] = _ASKED.sub(plain, place[name])
    headers = []
    for header in system.get("headers", ()):
        asked = _ASKED.fullmatch(header["value"])
        if asked and asked[1] in secrets:
            headers.append({"name": header["name"], "secret": secrets[asked[1]]})
        elif text := _ASKED.sub(plain, header["value"]).strip():
            headers.append({"name": header["name"], "value": text})
    system["headers"] = headers
    for stream in made["synchronizations"]:
        for request in stream["requests"].values():
            request["line"] = _ASKED.sub(quoted, request["line"])
            request["body"] = _body(request.get("body"), plain)
    return made


def _body(body, plain):
    """:return: a body as a person would type it, empty for the usual one"""
    if body is None:
        return ""
    return json.dumps(_filled_within(body, plain), ensure_ascii=False, indent=2)


def _filled_within(value, plain):
    if isinstance(value, str):
        return _ASKED.sub(plain, value)
    if isinstance(value, list):
        return [_filled_within(each, plain) for each in value]
    if isinstance(value, dict):
        return {name: _filled_within(each, plain) for name, each in value.items()}
    return value
