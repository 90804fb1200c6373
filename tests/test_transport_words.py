# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What transports say: a template for the translators, and values beside it."""

import ast
import copy
import pickle
import re
from pathlib import Path

from odoo.tests import BaseCase, tagged

from .. import exceptions
from ..exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from ..transports.base import not_sent
from ..transports.http import Answer
from ..transports.redact import Redactor
from ..wording import Sentence
from .transport_case import message

ROOM = Path(__file__).parents[1] / "transports"
SPEAKERS = {
    *(name for name, kind in vars(exceptions).items() if isinstance(kind, type)),
    "NotTheAnswer",
    "Sentence",
}
# What returns a class of errors.
KINDS = {"type", "meaning"}
# Parameters of errors that are no values of their sentence.
OTHERS = {"reason", "retry_after"}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
SECRET = "s3cr3t-s3cr3t"


def calls():
    """Yield the calls in the files of the room: where, and the node."""
    for source in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{source.relative_to(ROOM)}:{node.lineno}", node


def is_marked(node):
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_lt"


def templates_in(node):
    """Return the templates within an expression."""
    return [each.args[0].value for each in ast.walk(node) if is_marked(each)]


def speaks(node):
    """Return whether a call makes a sentence, also as ``type(error)(...)``."""
    if not node.args:
        return False
    made = isinstance(node.func, ast.Call) and getattr(node.func.func, "id", "")
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return made in KINDS or name in SPEAKERS


def put_together(node):
    """Return whether a text is made here of others, or not for the translators."""
    if is_marked(node):
        return False
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return True
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return True
    if isinstance(node, ast.Attribute) and node.attr in ("format", "join"):
        return True
    return any(put_together(each) for each in ast.iter_child_nodes(node))


@tagged("-at_install", "post_install")
class TestTransportSentences(BaseCase):
    def test_no_sentence_is_put_together(self):
        found = [(where, node) for where, node in calls() if speaks(node)]
        self.assertGreater(len(found), 50)
        for where, node in found:
            with self.subTest(where):
                self.assertFalse(put_together(node.args[0]))

    def test_templates_are_literals(self):
        found = [(where, node) for where, node in calls() if is_marked(node)]
        self.assertGreater(len(found), 60)
        for where, node in found:
            with self.subTest(where):
                (template,) = node.args
                self.assertIsInstance(template, ast.Constant)
                self.assertNotIn("%", PLACEHOLDER.sub("", template.value))
                self.assertFalse(node.keywords)

    def test_values_are_those_that_are_named(self):
        for source in sorted(ROOM.rglob("*.py")):
            for function in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef):
                    self.check_values(source, function)

    def check_values(self, source, function):
        """Assert that each sentence of a function is given what it names."""
        kept = [
            (node.targets[0].id, node.lineno, templates_in(node.value))
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            # a sentence has its values already
            and not (isinstance(node.value, ast.Call) and speaks(node.value))
        ]
        for node in ast.walk(function):
            name = getattr(getattr(node, "func", None), "id", "")  # not of a module
            if not isinstance(node, ast.Call) or not speaks(node):
                continue
            given = {each.arg for each in node.keywords} - OTHERS
            if name == "NotTheAnswer" or None in given:  # a dictionary
                continue
            first = node.args[0]
            own = [] if isinstance(first, ast.Name) else templates_in(first)
            # of those that a variable has had, the last one before
            before = [
                (line, found)
                for name, line, found in kept
                if name == getattr(first, "id", "") and line < node.lineno
            ]
            for template in own or (max(before)[1] if before else []):
                with self.subTest(f"{source.relative_to(ROOM)}:{node.lineno}"):
                    named = set(PLACEHOLDER.findall(template))
                    self.assertLessEqual(named, given)
                    if own:
                        self.assertEqual(given, named)


@tagged("-at_install", "post_install")
class TestSentences(BaseCase):
    def error(self, **values):
        values = {"where": "crm:443", "said": "no\0", **values}
        return Throttled("%(where)s answered: %(said)s", 5, "answered", **values)

    def assertSame(self, found, error):
        self.assertIs(type(found), type(error))
        for name in ("message", "template", "reason"):
            self.assertEqual(getattr(found, name), getattr(error, name))
        self.assertEqual(found.values.keys(), error.values.keys())

    def test_plain_sentence(self):
        for text in ("Use 100 % of it", "%(no)s value", "%d"):
            error = Rejected(text)
            told = (error.message, str(error), error.template, error.values)
            self.assertEqual(told, (text, text, text, {}))

    def test_template_with_values(self):
        error = self.error()
        self.assertEqual(error.message, "crm:443 answered: no\N{REPLACEMENT CHARACTER}")
        self.assertEqual(error.message, str(error))
        self.assertEqual((error.retry_after, error.reason), (5, "answered"))

    def test_template_that_does_not_fit(self):
        for template in ("%(other)s", "100 % of %(where)s", "%(where)d"):
            self.assertEqual(Temporary(template, where="x").message, template)

    def test_copies_keep_template_and_values(self):
        error = Unreachable("Not sent: %(why)s", "later", why=self.error())
        for each in (error, self.error()):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                self.assertSame(pickle.loads(pickle.dumps(each, protocol)), each)
            self.assertSame(copy.copy(each), each)
            self.assertSame(copy.deepcopy(each), each)
        other = Temporary(error.message)
        self.assertEqual(other.message, error.message)
        self.assertEqual((other.template, other.values), (error.template, error.values))

    def test_error_within_another(self):
        error = self.error()
        held_back = not_sent(message(), error).error
        self.assertIs(type(held_back), Throttled)
        self.assertEqual(held_back.retry_after, 5)
        self.assertIs(held_back.values["why"], error)
        self.assertEqual(
            held_back.message, f"Not sent after an earlier failure: {error.message}"
        )

    def test_secrets_are_in_no_part(self):
        redact = Redactor([SECRET])
        inner = self.error(said=f"what is {SECRET}?", count=7)
        error = redact.clean(Unreachable("Not sent: %(why)s", why=inner))
        self.assertEqual(error.message, "Not sent: crm:443 answered: what is ***?")
        self.assertEqual(error.template, "Not sent: %(why)s")
        self.assertEqual(error.values["why"].values["said"], "what is ***?")
        self.assertEqual(error.values["why"].values["count"], 7)
        self.assertNotIn(SECRET, f"{error!r} {vars(error)} {vars(error.message)}")
        for error in (
            SyncError(f"it holds {SECRET}"),
            SyncError("it holds s3cr3t-%(half)s", half="s3cr3t"),
        ):
            error = redact.clean(error)
            self.assertEqual((error.message, error.values), ("it holds ***", {}))
            self.assertEqual(error.template, "it holds ***")

    def test_sentence_of_a_sentence(self):
        sentence = Sentence("%(name)s answers", name="CRM")
        again = Sentence(sentence)
        self.assertEqual((again, again.values), ("CRM answers", {"name": "CRM"}))
        self.assertEqual(again.template, "%(name)s answers")


@tagged("-at_install", "post_install")
class TestAnswers(BaseCase):
    """An error about an answer names it, for programs and in a sentence."""

    def answer(self, status, body=b"", **headers):
        return Answer("PUT", "https://joe@crm/api/7?x=1", status, headers, body)

    def assertAnswered(self, error, **values):
        values["request"] = "PUT https://crm/api/7"
        self.assertEqual(error.reason, "answered")
        self.assertEqual({name: error.values[name] for name in values}, values)

    def test_refusal(self):
        error = self.answer(422, b'{"message": "no such town"}').error()
        self.assertIs(type(error), Rejected)
        said = "no such town"
        self.assertAnswered(error, status="422 Unprocessable Entity", said=said)
        error = self.answer(422).error()
        self.assertAnswered(error, status="422 Unprocessable Entity", said="")

    def test_waits(self):
        error = self.answer(429, b'{"message": "slowly"}').error()
        self.assertIs(type(error), Throttled)
        self.assertAnswered(error, status="429 Too Many Requests", said="slowly")

    def test_refused_credentials(self):
        error = self.answer(401, b'{"error": "who?"}').error()
        self.assertIs(type(error), Unreachable)
        self.assertAnswered(error, status="401 Unauthorized", said="who?")
        self.assertAnswered(error.values["why"], status="401 Unauthorized", said="who?")
        self.assertEqual(
            error.message, f"The credentials are refused: {error.values['why']}"
        )

    def test_redirect(self):
        self.assertAnswered(self.answer(302).error(), status="302 Found")
        error = self.answer(302, Location="https://other/api?token=1").error()
        self.assertAnswered(error, status="302 Found", location="https://other/api")
