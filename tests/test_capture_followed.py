# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whatever raises while an edit is captured: the edit stands, and so does its row."""

import os
import sys
from contextlib import contextmanager, suppress
from unittest.mock import patch

import psycopg2
from psycopg2 import errors as pg_errors

from odoo import fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import mute_logger

import odoo.addons.queue_job
import odoo.addons.queue_job_sync

from ..engine import capture, store
from .common import SyncCase, stream_values

FOLDERS = tuple(
    os.path.dirname(addon.__file__) + os.sep
    for addon in (odoo.addons.queue_job, odoo.addons.queue_job_sync)
)
OURS = FOLDERS[1]
TESTS = os.path.dirname(__file__) + os.sep
# The edit itself, and where the capture begins.
THE_EDIT = {"create", "write", "unlink"}
BEGINNINGS = {"remember_changes", "remember_parents", "remember_deleted_with"}
# What keeps an edit in memory until the commit, and what keeps it for good: where
# these fail, there is nothing that could still be told of it.
KEEPERS = {"note", "flush_changes", "insert_changes", "_insert_changes"}
# What catches, and what the way and the way out have in common, which is plain Python
# over what is in memory.
GUARDS = {"noted", "undone", "tried", "reason_of", "storable", "__bool__"}
GUARDS |= {"_parents", "_concerned", "_watchers_for_sure", "_by_user"}
GUARDS |= {"_cascading_links"}
# A view and a field themselves, and where what is put into them begins.
VIEWS = {"_get_view", "_get_view_cache_key", "_sync_completed_view"}
VIEWS |= {"_compute_sync_state", "_is_watched"}
# What Odoo asks of each field, which says so of one of ours.
VIEWS |= {"_description_groupable", "_read_group_groupby"}
# They undo by themselves what the methods that they call have broken, and are in
# memory but for the first time.
GUARDED_INSIDE = {"_watchers", "_line_watchers", "_deleted_with", "_is_watched"}
GUARDED_INSIDE |= {"_keep_names", "linked_to"}
# Called without a savepoint: an ordinary edit must not cost a statement more.
PLAIN_PYTHON = {
    "_job_prepare_context_before_enqueue",
    "_job_prepare_context_before_enqueue_keys",
}
# What Python itself calls, when it likes to.
SPECIAL = {"__getattr__", "__del__", "__repr__"}
LOGGERS = ("odoo.addons.queue_job_sync", "odoo.addons.queue_job", "odoo.sql_db")


class Undone(Exception):
    """Raised on purpose, to leave a savepoint."""


def broken(*_args, **_kwargs):
    raise RuntimeError("broken here")


def names_holder(frame):
    """Return what a called function can be replaced on, or nothing."""
    code = frame.f_code
    if "<" in code.co_qualname or code.co_name in SPECIAL:
        return None
    first = code.co_varnames[0] if code.co_argcount else None
    owner = frame.f_locals.get(first) if first in ("self", "cls") else None
    if isinstance(owner, models.BaseModel):
        return type(owner), code.co_name
    if hasattr(type(owner), "__del__") and code.co_name == "__init__":
        # what is half made complains at its end
        return None
    if owner is not None:
        kind = owner if isinstance(owner, type) else type(owner)
        for each in kind.__mro__:
            if code.co_name in vars(each):
                return each, code.co_name
        return None
    holder = sys.modules[frame.f_globals["__name__"]]
    for name in code.co_qualname.split(".")[:-1]:
        holder = getattr(holder, name)
    return holder, code.co_name


@contextmanager
def following(found):
    """Note in a list which functions of the two addons are called meanwhile."""

    def follow(frame, event, _argument):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(FOLDERS) and not name.startswith(TESTS):
            called = names_holder(frame)
            if called and (*called, name.startswith(OURS)) not in found:
                found.append((*called, name.startswith(OURS)))

    before = sys.getprofile()
    sys.setprofile(follow)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def replaced(holder, name, replacement):
    """Have a function replaced, wherever it has been imported."""
    holders = [holder]
    if not isinstance(holder, type):
        function = getattr(holder, name)
        holders = [
            module
            for key, module in list(sys.modules.items())
            if key.startswith("odoo.addons.queue_job")
            and vars(module).get(name) is function
        ]
    if isinstance(vars(holder).get(name), property):
        replacement = property(replacement, replacement)
    patches = [patch.object(each, name, replacement) for each in holders]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


@tagged("post_install", "-at_install")
class TestCaptureFollowed(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # of companies and their lines: with a filter, and with a list of lines
        cls.stream.domain = "[('name', '!=', 'Nobody')]"
        # off-peak hours that are now, and a system that takes nothing
        now = fields.Datetime.now()
        cls.stream.write(
            {
                "delay_policy": "window",
                "window_start": (now.hour - 2) % 24,
                "window_end": (now.hour + 2) % 24,
                "window_tz": "UTC",
            }
        )
        cls.env["sync.incident"].create(
            {
                "backend_id": cls.backend.id,
                "kind": "manual",
                "opened": fields.Datetime.now(),
            }
        )
        cls.env["sync.mapping"].create(
            {
                "stream_id": cls.stream.id,
                "field_path": "child_ids.name",
                "target": "children",
            }
        )
        cls.parent = cls.env["res.partner"].create({"name": "Byron"})
        cls.partner = cls.env["res.partner"].create(
            {"name": "Ada", "parent_id": cls.parent.id}
        )
        cls.env["sync.binding"].create(
            {"stream_id": cls.stream.id, "res_id": cls.partner.id, "external_id": "1"}
        )
        cls.before_commit(cls)
        cls.outbox(cls).unlink()

    # -- edits, each with the ids of the records that must have a row ----------

    def edit(self):
        self.partner.name = "Ada Lovelace"
        self.before_commit()
        return {self.partner.id, self.parent.id}

    def edit_of_an_unknown(self):
        self.parent.email = "byron@example.com"
        self.before_commit()
        return {self.parent.id}

    def creation(self):
        created = self.env["res.partner"].create(
            {"name": "Annabella", "parent_id": self.parent.id}
        )
        self.before_commit()
        return {created.id, self.parent.id}

    def deletion(self):
        ids = {self.partner.id, self.parent.id}
        self.partner.unlink()
        self.before_commit()
        return ids

    def move(self):
        other = self.env["res.partner"].search(
            [("id", "not in", [self.partner.id, self.parent.id])], limit=1
        )
        self.partner.parent_id = other
        self.before_commit()
        return {self.parent.id, other.id}

    def edit_in_a_form(self):
        """As the web client: the form is read back before the commit."""
        self.parent.web_save({"name": "Lord Byron"}, {"name": {}, "sync_state": {}})
        self.before_commit()
        return {self.parent.id}

    def edit_in_a_new_form(self):
        """As whoever opens the first one."""
        self.parent.get_views([(False, "form"), (False, "list"), (False, "search")])
        return self.edit_in_a_form()

    # -- the proof -------------------------------------------------------------

    @contextmanager
    def undone(self):
        """Undo what is done inside, as if each time were the first."""
        # as in a worker that has just started
        self.env.registry.clear_cache("default", "templates")
        self.env.flush_all()
        with suppress(Undone), self.env.cr.savepoint():
            yield
            raise Undone()
        self.env.registry.clear_cache("default", "templates")
        self.env.invalidate_all()

    def ways(self, edits, once=False):
        """Yield an edit and a function of its way that somebody may have broken.

        Those of queue_job once, ours for each edit.

        :param bool once: all of them once
        """
        seen = set()
        for edit in edits:
            for holder, name, is_ours in self.path_of(edit):
                if (holder, name) not in seen or (is_ours and not once):
                    seen.add((holder, name))
                    yield edit, holder, name

    def path_of(self, edit):
        """Return the functions of an edit's way that somebody may have broken."""
        found = []
        with self.undone(), following(found):
            edit()
        names = {name for _holder, name, _is_ours in found}
        self.assertIn("insert_changes", names, "the way was not followed to its end")
        apart = THE_EDIT | BEGINNINGS | KEEPERS | GUARDS | VIEWS
        return [called for called in found if called[1] not in apart]

    def edits(self):
        return (
            self.edit,
            self.edit_of_an_unknown,
            self.creation,
            self.deletion,
            self.move,
        )

    def check(self, edit, holder, name, replacement):
        with (
            self.subTest(f"{edit.__name__}: {holder.__name__}.{name}"),
            self.undone(),
            mute_logger(*LOGGERS),
            replaced(holder, name, replacement),
        ):
            expected = edit()
            self.assertLessEqual(expected, set(self.outbox().mapped("res_id")))

    def test_the_way_is_long(self):
        names = {name for _holder, name, _is_ours in self.path_of(self.edit)}
        self.assertLessEqual(
            {
                *("_watched_fields", "_line_watchers", "_sync_watched_fields"),
                *("_sync_domain", "known_ids", "_facts", "_eta", "names_of"),
                *("seconds_until_open", "at_birth", "what_holds", "safety", "after"),
                *("with_delay", "delay"),
                *("_job_store_values", "_sync_paths", "store", "_matching"),
            },
            names,
        )

    def test_what_raises_costs_neither_the_edit_nor_its_row(self):
        for edit, holder, name in self.ways((*self.edits(), self.edit_in_a_new_form)):
            self.check(edit, holder, name, broken)

    def test_what_breaks_the_transaction_costs_neither(self):
        def breaks_transaction(*_args, **_kwargs):
            self.env.cr.execute("SELECT 1/0")

        for edit, holder, name in self.ways(self.edits(), once=True):
            if name not in GUARDED_INSIDE | PLAIN_PYTHON:
                self.check(edit, holder, name, breaks_transaction)

    def test_what_odoo_retries_is_raised(self):
        def retried(*_args, **_kwargs):
            raise pg_errors.SerializationFailure("another was faster")

        edits = (*self.edits(), self.edit_in_a_form)
        for edit, holder, name in self.ways(edits, once=True):
            with (
                self.subTest(f"{edit.__name__}: {holder.__name__}.{name}"),
                self.undone(),
                mute_logger(*LOGGERS),
                replaced(holder, name, retried),
                self.assertRaises(pg_errors.SerializationFailure),
            ):
                edit()

    def test_every_kind_that_odoo_retries(self):
        for kind in (
            pg_errors.LockNotAvailable,
            pg_errors.DeadlockDetected,
            pg_errors.SerializationFailure,
            ConcurrencyError,
        ):
            with (
                self.subTest(kind.__name__),
                self.undone(),
                patch.object(
                    self.env.registry["sync.stream"], "_eta", side_effect=kind("busy")
                ),
                self.assertRaises(kind),
            ):
                self.edit()

    def test_row_that_cannot_be_inserted_is_told_to_the_editor(self):
        with (
            self.undone(),
            mute_logger(*LOGGERS),
            patch.object(
                store,
                "insert_changes",
                side_effect=psycopg2.OperationalError("disk full"),
            ),
            self.assertRaisesRegex(psycopg2.OperationalError, "disk full"),
        ):
            self.edit()

    def test_what_others_have_yet_to_write_survives(self):
        """What a broken step flushed must not be undone with it."""

        def flushes_and_breaks(records, _stream):
            records.env.flush_all()
            records.env.cr.execute("SELECT 1/0")

        with (
            self.undone(),
            mute_logger(*LOGGERS),
            patch.object(
                self.env.registry["res.partner"],
                "_sync_watched_fields",
                flushes_and_breaks,
            ),
        ):
            self.partner.comment = "Countess"
            self.partner.name = "Ada Lovelace"
            self.before_commit()
            self.env.invalidate_all()
            self.assertEqual(self.partner.name, "Ada Lovelace")
            self.assertIn("Countess", self.partner.comment)

    def test_links_that_the_orm_cannot_read(self):
        model = self.env.registry["res.partner"]
        other = self.parent.copy()
        self.partner.parent_id = other  # not written yet
        with (
            mute_logger(*LOGGERS),
            patch.object(model, "mapped", broken),
            patch.object(model, "search", broken),
        ):
            self.assertEqual(capture._parents(self.partner, "parent_id"), other)
            linked = capture.linked_to(other, "res.partner", "parent_id")
        self.assertEqual(linked, self.partner)
        self.assertEqual(linked, capture.linked_to(other, "res.partner", "parent_id"))

    def test_links_of_another_model_with_the_same_id(self):
        bank = self.env["res.partner.bank"].create(
            {"acc_number": "BE68 5390 0754 7034", "partner_id": self.partner.id}
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner_bank SET id = %s WHERE id = %s",
            (self.partner.id, bank.id),
        )
        self.env.invalidate_all()
        found = capture.linked_to(self.partner, "res.partner.bank", "partner_id")
        self.assertEqual(found.ids, self.partner.ids)

    def test_what_is_wrong_with_the_edit_is_told_as_ever(self):
        """Found when the edit is written, which may be here for the first time."""
        for name in ("flush_changes", "_watchers"):
            with (
                self.subTest(name),
                self.undone(),
                mute_logger(*LOGGERS),
                self.assertRaises(pg_errors.CheckViolation),
            ):
                if name == "flush_changes":
                    self.partner.name = "Ada Lovelace"
                    self.env.flush_all()
                self.stream.priority = 99
                if name == "_watchers":
                    self.partner.name = "Ada Lovelace"
                self.env.cr.precommit.run()

    def test_it_is_logged(self):
        with (
            self.undone(),
            patch.object(self.env.registry["sync.stream"], "_eta", broken),
            self.assertLogs("odoo.addons.queue_job_sync", "ERROR") as logs,
        ):
            self.edit()
        self.assertIn("broken here", "\n".join(logs.output))

    def test_others_are_not_held_up(self):
        """One synchronization that is broken, and one that is not."""
        other = self.env["sync.stream"].create(
            stream_values(self.backend, name="Contacts as well")
        )
        right = self.env.registry["sync.stream"]._eta

        def half_broken(stream):
            if stream == self.stream:
                raise RuntimeError("broken here")
            return right(stream)

        with (
            self.undone(),
            mute_logger(*LOGGERS),
            patch.object(self.env.registry["sync.stream"], "_eta", half_broken),
        ):
            self.edit()
            self.assertFalse(self.outbox(self.partner).job_uuid)
            self.assertTrue(self.outbox(self.partner, other).job_uuid)
            self.assertFalse(self.outbox(self.partner, other).problem)
