# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from itertools import combinations
from unittest.mock import patch

import requests

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from ..controllers.run_job import RunJobController
from ..engine import run
from .race_case import NO_WAITING, RaceCase


def every_order(first, second):
    """Return each way to shuffle two texts that keeps the order within each."""
    length = len(first) + len(second)
    orders = []
    for places in combinations(range(length), len(first)):
        one, other = iter(first), iter(second)
        orders.append(
            "".join(next(one if i in places else other) for i in range(length))
        )
    return orders


# A, B, C: the job of the first edit starts, sends, commits. 1, 2: the second edit
# begins, commits. a, b, c: its own job does as the first one.
ORDERS = every_order("ABC", "12abc")


def have_order(order, steps):
    """Tell whether some steps of an order come one after the other."""
    return sorted(steps, key=order.index) == list(steps)


@tagged("post_install", "-at_install")
class TestExactness(RaceCase):
    """Every edit is sent, and no older state after a newer one."""

    def rename(self, partner_id, name):
        return lambda env: env["res.partner"].browse(partner_id).write({"name": name})

    def play(self, order, second_edit, find_jobs, work):
        """Let the first edit's job, the second edit and its job overlap.

        :param order: one of ``ORDERS``
        :param second_edit: function of an environment
        :param find_jobs: function that returns the jobs so far, oldest first
        :param work: function of a job that returns a generator of its three steps
        """
        (first_job,) = find_jobs()
        steps = dict.fromkeys("ABC", work(first_job))
        steps |= dict.fromkeys("12", self.editing(second_edit))
        for step in order:
            if step == "a":
                _first, *others = find_jobs()
                job = work(others[0]) if others else iter("abc")
                steps |= dict.fromkeys("abc", job)
            next(steps[step])

    def play_ours(self, order, known):
        before = self.job_uuids()
        partner_id = self.new_partner(name="Zero" if known else "First")
        if known:
            self.settle()
            before = self.job_uuids()
            self.edit(partner_id, name="First")
        start = len(self.destination.requests)

        def find_jobs():
            return [uuid for uuid in self.job_uuids() if uuid not in before]

        second_edit = self.rename(partner_id, "Second")
        self.play(order, second_edit, find_jobs, self.delivering)
        # each edit has a job, whatever the other one's is doing
        self.assertEqual(len(find_jobs()), 2)
        self.settle()
        self.assertIn(self.names_sent()[start:], (["First", "Second"], ["Second"]))
        self.assertSettled(partner_id)

    def test_no_order_loses_an_edit_of_a_known_contact(self):
        for order in ORDERS:
            with self.subTest(order=order):
                self.play_ours(order, known=True)
        self.assertEqual(len(self.destination.records), len(ORDERS))

    def test_no_order_loses_an_edit_of_a_new_contact(self):
        for order in ORDERS:
            with self.subTest(order=order):
                self.play_ours(order, known=False)
        self.assertEqual(len(self.destination.records), len(ORDERS))

    # -- why there is no identity key -----------------------------------------

    def naive_way(self):
        """Send contacts as queue_job is usually told to, and nothing of ours.

        :return: function that edits a contact, function that finds its jobs
        """
        self.change_stream(active=False)
        url = self.destination.url

        def push_to_crm(partner):
            body = {"name": partner.name}
            requests.post(f"{url}/naive", json=body, timeout=5).raise_for_status()

        partner_class = self.registry["res.partner"]
        self.enterContext(
            patch.object(partner_class, "push_to_crm", push_to_crm, create=True)
        )

        def edit(env, partner_id, name):
            partner = env["res.partner"].browse(partner_id)
            partner.name = name
            partner.with_delay(identity_key=f"push-{partner_id}").push_to_crm()

        def find_jobs(partner_id):
            domain = [("identity_key", "=", f"push-{partner_id}")]
            found = self.read("queue.job", domain, ["uuid"], order="id")
            return [job["uuid"] for job in found]

        def delete_jobs():
            with self.transaction() as env:
                domain = [("identity_key", "=like", "push-%")]
                env["queue.job"].search(domain).unlink()

        self.addCleanup(delete_jobs)
        return edit, find_jobs

    def working(self, uuid):
        """Such a job in a worker: it starts; it does its work; it commits."""
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (uuid,)
            )
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            job = RunJobController._acquire_job(env, uuid)
            cr.execute(NO_WAITING)
            yield
            RunJobController._runjob(env, job)
            yield
        yield

    def test_identity_key_drops_the_job_of_an_edit(self):
        edit, find_jobs = self.naive_way()
        partner_id = self.new_partner(name="Zero")
        with self.transaction() as env:
            edit(env, partner_id, "First")
        (job,) = find_jobs(partner_id)
        with self.overlapping() as env:
            self.run_job(job)
            # which is over, but not for this transaction
            edit(env, partner_id, "Second")
        self.assertEqual(find_jobs(partner_id), [job])
        self.assertEqual(self.job(job, "state")["state"], "done")
        self.assertEqual(self.names_sent(), ["First"])
        self.assertEqual(self.names_here(partner_id), ["Second"])
        # nothing else is wrong with this way
        with self.transaction() as env:
            edit(env, partner_id, "Third")
        self.run_job(find_jobs(partner_id)[-1])
        self.assertEqual(self.names_sent(), ["First", "Third"])

    def test_the_same_edit_is_sent_by_ours(self):
        partner_id = self.new_partner(name="First")
        (job,) = self.job_uuids()
        with self.overlapping() as env:
            self.assertEqual(self.run_job(job), "done")
            self.rename(partner_id, "Second")(env)
        self.assertEqual(len(self.job_uuids("pending")), 1)
        self.settle()
        self.assertEqual(self.names_sent(), ["First", "Second"])
        self.assertSettled(partner_id)

    def test_identity_key_fails_in_these_orders(self):
        edit, find_jobs = self.naive_way()
        lost, overwritten = [], []
        for order in ORDERS:
            start = len(self.destination.requests)
            partner_id = self.new_partner(name="Zero")
            with self.transaction() as env:
                edit(env, partner_id, "First")
            self.play(
                order,
                lambda env, id_=partner_id: edit(env, id_, "Second"),
                lambda id_=partner_id: find_jobs(id_),
                self.working,
            )
            names = self.names_sent()[start:]
            if "Second" not in names:
                lost.append(order)
            elif names[-1] != "Second":
                overwritten.append(order)
        # a transaction begun before the job's start takes it for one yet to start
        self.assertEqual(lost, [each for each in ORDERS if have_order(each, "1A2")])
        # two jobs, as it should be, but nothing keeps them apart
        self.assertEqual(
            overwritten,
            [each for each in ORDERS if have_order(each, "A1bB")],
        )
        self.assertTrue(lost and overwritten)

    # -- what a job settles ---------------------------------------------------

    def edit_during(self, stage):
        """Let a contact be edited while its job is at a stage.

        :return: id of the contact, and of the change that the job has not read
        """
        partner_id = self.new_partner(name="First")
        (job,) = self.job_uuids("pending")
        read = self.row_ids(partner_id)
        self.assertEqual(len(read), 1)
        with stage(job):
            self.edit(partner_id, name="Second")
            unread = self.row_ids(partner_id) - read
            self.assertEqual(len(unread), 1)
        return partner_id, unread

    def test_job_settles_only_the_rows_that_it_has_read(self):
        for stage in (self.started, self.sent):
            with self.subTest(stage.__name__):
                self.takes_along = False
                start = len(self.destination.requests)
                partner_id, unread = self.edit_during(stage)
                self.assertEqual(self.names_sent()[start:], ["First"])
                self.assertEqual(self.row_ids(partner_id), unread)
                self.takes_along = True
                self.settle()
                self.assertEqual(self.names_sent()[start:], ["First", "Second"])
                self.assertSettled(partner_id)

    def test_job_takes_along_what_it_has_not_read(self):
        for stage in (self.started, self.sent):
            with self.subTest(stage.__name__):
                start = len(self.destination.requests)
                # as one that has taken its time
                with patch.object(run, "LOOK_EVERY", 0):
                    partner_id, _unread = self.edit_during(stage)
                self.assertEqual(self.names_sent()[start:], ["First", "Second"])
                self.assertEqual(self.job_uuids("pending"), [])
                self.assertSettled(partner_id)

    def test_edit_back_and_forth_leaves_the_last_state(self):
        """What was delivered counts, not what was delivered when the edit began."""
        partner_id = self.new_partner(name="First")
        self.settle()
        self.edit(partner_id, name="Second")
        (job,) = self.job_uuids("pending")
        with self.sent(job):
            self.edit(partner_id, name="First")
        self.settle()
        self.assertEqual(self.names_sent(), ["First", "Second", "First"])
        self.assertSettled(partner_id)

    def test_two_jobs_of_a_record_send_the_newest_in_either_order(self):
        for backwards in (False, True):
            with self.subTest(backwards=backwards):
                partner_id = self.new_partner(name="Zero")
                self.settle()
                start = len(self.destination.requests)
                self.edit(partner_id, name="First")
                self.edit(partner_id, name="Second")
                jobs = sorted(self.job_uuids("pending"), key=self.job_uuids().index)
                self.assertEqual(len(jobs), 2)
                for job in reversed(jobs) if backwards else jobs:
                    self.assertEqual(self.run_job(job), "done")
                self.assertEqual(self.names_sent()[start:], ["Second"])
                self.assertSettled(partner_id)
