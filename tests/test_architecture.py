# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The walk of one edit that ``docs/architecture.md`` describes is the one it takes."""

import re
import sys
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from unittest import SkipTest

from odoo.tests import tagged

from .common import DeliveryCase

ROOT = Path(__file__).resolve().parents[1]
# Files that a reader opens to follow one edit, at most. They have been 53; one of them
# fills in the request that a person may type.
MOST_FILES = 27
# A file, and what is named of it until the next one.
PLACE = re.compile(r"`(?P<file>[\w/]+\.py)`(?P<rest>[^|]*?)(?=`[\w/]+\.py`|\|)")
NAME = re.compile(r"`([A-Za-z_.]+)`")
STEP = re.compile(r"^\| `(?P<file>[\w/]+\.py)` \| `(?P<function>\w+)` \|", re.M)


# Where the addon's own code is, beside its tests and a developer's tools.
ROOMS = ("controllers", "engine", "mapping", "models", "transports")


@cache
def in_rooms(path):
    """Return the path of a file within the addon, if it is in one of the rooms."""
    path = Path(path).resolve()
    if path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
        if path.parts[0] in ROOMS:
            return str(path)
    return None


def text_of():
    """Return the text of the document; a wheel brings none."""
    document = ROOT / "docs" / "architecture.md"
    if not document.exists():
        raise SkipTest("the documents are not installed")
    return document.read_text(encoding="utf-8")


@contextmanager
def following(walk):
    """Note in a list the files and functions of the rooms that are entered."""

    def follow(frame, event, _argument):
        code = frame.f_code
        file = (
            event == "call" and "<" not in code.co_name and in_rooms(code.co_filename)
        )
        if file:
            walk.append((file, code.co_name))

    before = sys.getprofile()
    threading.setprofile(follow)
    sys.setprofile(follow)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@tagged("post_install", "-at_install")
class TestArchitecture(DeliveryCase):
    @classmethod
    def steps(cls):
        """Return the steps of the document, as ``(file, function)``."""
        return [(step["file"], step["function"]) for step in STEP.finditer(text_of())]

    def walk(self):
        """Return what one edit enters, from ``create`` until it is confirmed."""
        # what is read once and kept in memory is no part of it
        self.new_partner(name="First")
        self.run_pending()
        walk = []
        with following(walk):
            self.new_partner(name="Ada")
        (uuid,) = self.job_uuids("pending")
        with following(walk):
            state = self.run_job(uuid)
        self.assertEqual(state, "done")
        self.assertEqual(len(self.destination.records), 2)
        return walk

    def test_walk_of_an_edit(self):
        walk = self.walk()
        files = list(dict.fromkeys(file for file, _function in walk))
        self.assertLessEqual(len(files), MOST_FILES, "\n".join(files))
        steps = self.steps()
        self.assertGreater(len(steps), 10)
        # each is entered, and in this order
        rest = iter(walk)
        for step in steps:
            self.assertIn(step, rest, f"{step} is not entered after the one before")
        self.assertEqual({file for file, _function in steps}, set(files))

    def test_what_is_named_is_there(self):
        table = text_of().partition("## Where to look")[2].partition("\n## ")[0]
        places = list(PLACE.finditer(table))
        self.assertGreater(len(places), 15)
        for place in places:
            source = (ROOT / place["file"]).read_text(encoding="utf-8")
            for name in NAME.findall(place["rest"]):
                with self.subTest(f"{place['file']}: {name}"):
                    for part in name.split("."):
                        self.assertRegex(source, rf"\b{part}\b")
