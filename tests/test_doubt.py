# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import runpy
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..engine import delivery, waiting
from .backfill_case import BackfillCase
from .common import MAPPING, DeliveryCase, stream_values
from .test_delivery_attempts import WorkerDied
from .test_delivery_errors import closed_port

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.5.0.0/post-what-has-worked.py"


class DoubtCase(DeliveryCase):
    """A system that may carry out twice what comes twice with one key."""

    def backend_values(self):
        return {**super().backend_values(), "repeats_are_safe": False}

    def doubt(self, partner_id):
        return self.binding(partner_id)["doubt"]

    def is_there(self, partner_id, external_id):
        with self.transaction() as env:
            binding = self.binding_of(env, partner_id)
            binding._is_there({binding: external_id})

    def is_not_there(self, *partner_ids):
        with self.transaction() as env:
            self.binding_of(env, *partner_ids)._is_not_there()

    def binding_of(self, env, *partner_ids):
        mine = [("stream_id", "=", self.stream_id), ("res_id", "in", partner_ids)]
        return env["sync.binding"].search(mine)

    def attempts(self):
        return self.read("sync.attempt", [("stream_id", "=", self.stream_id)], [])

    def names_there(self):
        return [record["name"] for record in self.destination.records.values()]

    def methods(self):
        return [request.method for request in self.destination.requests]

    def assert_waits_for_a_person(self, partner_id, doubt="maybe"):
        key = waiting.for_doubt(self.stream_id, partner_id)
        for uuid in self.job_uuids("pending"):
            job = self.job(uuid, "sync_wait_key", "retry")
            self.assertEqual((job["sync_wait_key"], job["retry"]), (key, 0))
        self.assertFalse(self.job_uuids("failed"))
        self.assertEqual(self.doubt(partner_id), doubt)


@tagged("post_install", "-at_install")
class TestUnansweredCreation(DoubtCase):
    def lose(self, **values):
        """Create a contact whose creation is carried out and not answered."""
        self.destination.lose_answers()
        partner_id = self.new_partner(**values)
        self.assertEqual(self.run_pending(), ["pending"])
        return partner_id

    def test_it_is_not_asked_for_again(self):
        partner_id = self.lose(name="Ada")
        self.assert_waits_for_a_person(partner_id)
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assert_waits_for_a_person(partner_id)
        self.assertEqual(self.methods(), ["POST"])
        self.assertEqual(self.names_there(), ["Ada"])
        self.assertEqual(len(self.outbox(partner_id)), 2)

    def test_it_is_there(self):
        partner_id = self.lose(name="Ada")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.is_there(partner_id, "1")
        self.assertFalse(self.asleep_for_doubt())
        self.run_pending()
        self.assertEqual(self.methods(), ["POST", "PUT"])
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.doubt(partner_id))
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())

    def test_it_is_not_there(self):
        self.destination.answer(201, drop=True)
        partner_id = self.new_partner(name="Ada")
        self.assertEqual(self.run_pending(), ["pending"])
        self.assert_waits_for_a_person(partner_id)
        self.is_not_there(partner_id)
        self.run_pending()
        self.assertEqual(self.names_there(), ["Ada"])
        first, again = self.destination.requests[-2:]
        self.assertNotEqual(
            first.headers["Idempotency-Key"], again.headers["Idempotency-Key"]
        )
        self.assertFalse(self.doubt(partner_id))
        self.assertFalse(self.attempts())

    def test_deletion_of_what_may_be_there_waits(self):
        partner_id = self.lose(name="Ada")
        self.delete(partner_id)
        self.run_pending()
        self.assertEqual(self.methods(), ["POST"])
        self.assert_waits_for_a_person(partner_id)
        self.is_there(partner_id, "1")
        self.run_pending()
        self.assertFalse(self.names_there())
        self.assertFalse(self.outbox())

    def test_deletion_of_what_is_not_there(self):
        partner_id = self.lose(name="Ada")
        self.destination.records.clear()
        self.delete(partner_id)
        self.run_pending()
        self.is_not_there(partner_id)
        self.run_pending()
        self.assertEqual(self.methods(), ["POST"])
        self.assertFalse(self.outbox())
        last = self.job(self.job_uuids("done")[-1], "result")["result"]
        self.assertNotIn("deleted", last)

    def test_worker_that_dies_before_the_answer(self):
        partner_id = self.new_partner(name="Ada")
        (uuid,) = self.job_uuids()
        with (
            patch.object(delivery.Delivery, "_keep_receipt", side_effect=WorkerDied),
            patch.object(waiting, "after_run"),
            self.assertRaises(WorkerDied),
        ):
            self.run_job(uuid)
        self.assertEqual(self.names_there(), ["Ada"])
        self.edit(partner_id, name="Grace")
        later = self.job_uuids("pending")[-1]
        self.assertEqual(self.run_job(later), "pending")
        key = waiting.for_doubt(self.stream_id, partner_id)
        self.assertEqual(self.job(later, "sync_wait_key")["sync_wait_key"], key)
        self.assertEqual(self.doubt(partner_id), "maybe")
        self.assertEqual(self.methods(), ["POST"])

    def test_what_never_left_is_sent_again(self):
        with patch.object(
            self.registry["sync.backend"],
            "_rest_config",
            self.config_of_nowhere(),
        ):
            partner_id = self.new_partner(name="Ada")
            self.assertEqual(self.run_pending(), ["pending"])
        self.assertFalse(self.binding_or_none(partner_id))
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.names_there(), ["Ada"])

    def test_refused_creation_is_no_doubt(self):
        self.destination.answer(422, {"message": "no such name"})
        partner_id = self.new_partner(name="Ada")
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertFalse(self.binding(partner_id)["doubt"])
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Grace"])

    def test_update_without_an_answer_is_sent_again(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.destination.lose_answers(2)
        self.run_pending()
        self.assertFalse(self.doubt(partner_id))
        self.run_pending()
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.outbox())

    def test_outage_is_found_all_the_same(self):
        self.change_backend(outage_threshold=3)
        self.destination.answer(504, times=3)
        for name in "ABC":
            self.new_partner(name=name)
            self.run_job(self.job_uuids("pending")[-1])
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            self.assertEqual(backend._open_incident().kind, "outage")
            backend._open_incident().unlink()

    def test_outage_ends_a_run(self):
        self.destination.answer(504, times=100)
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}"} for number in range(30)]
            )
        self.partner_ids += partners.ids
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.run_job(uuid), "pending")
        # as many as are sent at once
        self.assertLessEqual(len(self.destination.requests), 8)
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id)._open_incident().unlink()

    def test_many_are_clarified_at_once(self):
        self.destination.lose_answers(3)
        ids = [self.new_partner(name=name) for name in "ABC"]
        self.run_pending()
        self.destination.records.clear()
        self.is_not_there(*ids)
        self.assertEqual(len(self.outbox()), 3)
        for _turn in range(3):
            self.run_pending()
        self.assertEqual(sorted(self.names_there()), ["A", "B", "C"])
        self.assertFalse(self.outbox())

    def test_repeats_turn_out_to_be_safe(self):
        partner_id = self.lose(name="Ada")
        self.change_backend(repeats_are_safe=True)
        self.assertFalse(self.asleep_for_doubt())
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.methods(), ["POST", "POST", "PUT"])
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.doubt(partner_id))

    def test_others_of_its_job_are_delivered(self):
        self.destination.lose_answers()
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}"} for number in range(12)]
            )
        self.partner_ids += partners.ids
        for _turn in range(4):
            self.run_pending()
        domain = [("stream_id", "=", self.stream_id), ("doubt", "=", "maybe")]
        in_doubt = self.read("sync.binding", domain, ["res_id"])
        self.assertEqual(len(in_doubt), 1)
        self.assertEqual(len(self.names_there()), 12)
        self.assertEqual(self.methods().count("POST"), 12)
        self.assertEqual(len(self.outbox()), 1)
        self.assert_waits_for_a_person(in_doubt[0]["res_id"])

    # -- helpers --------------------------------------------------------------

    def asleep_for_doubt(self):
        key = waiting.for_doubt(self.stream_id, self.partner_ids[-1])
        return self.read("queue.job", [("sync_wait_key", "=", key)], [])

    def binding_or_none(self, partner_id):
        domain = [("stream_id", "=", self.stream_id), ("res_id", "=", partner_id)]
        return self.read("sync.binding", [*domain, ("doubt", "!=", False)], [])

    def config_of_nowhere(self):
        real = self.registry["sync.backend"]._rest_config
        url = f"http://127.0.0.1:{closed_port()}"
        return lambda backend: replace(real(backend), url=url)


@tagged("post_install", "-at_install")
class TestBackfillOfDoubts(BackfillCase):
    """It goes on past what people have to look at, and says how many that are."""

    def backend_values(self):
        return {**super().backend_values(), "repeats_are_safe": False}

    def test_it_ends(self):
        self.fill(7)
        self.destination.lose_answers(2)
        backfill_id = self.start()
        for _round in range(20):
            asleep = set(self.asleep_until_woken())
            left = [uuid for uuid in self.in_order() if uuid not in asleep]
            if not left:
                break
            self.run_job(left[0])
        (found,) = self.read("sync.backfill", [("id", "=", backfill_id)], [])
        self.assertEqual(found["state"], "done")
        self.assertEqual((found["done"], found["doubtful"]), (5, 2))

    def asleep_until_woken(self):
        pending = [("state", "=", "pending"), ("sync_backend_id", "=", self.backend_id)]
        jobs = self.read("queue.job", pending, ["uuid", "sync_wait_key"])
        kinds = ("backfill:", "doubt:")
        return [
            job["uuid"]
            for job in jobs
            if (job["sync_wait_key"] or "").startswith(kinds)
        ]


@tagged("post_install", "-at_install")
class TestCreationWithoutId(DoubtCase):
    """The system takes a record, and does not say under which id it has it."""

    def take(self, status=201, body=None, **values):
        self.destination.answer(status, body or {})
        partner_id = self.new_partner(**values)
        self.assertEqual(self.run_pending(), ["done"])
        return partner_id

    def test_it_is_delivered_once(self):
        partner_id = self.take(name="Ada")
        self.assertFalse(self.outbox())
        self.assertFalse(self.attempts())
        self.assertEqual(self.doubt(partner_id), "unknown_id")
        self.edit(partner_id, name="Ada")
        self.assertFalse(self.asleep())
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "unknown_id")
        self.assertEqual(self.methods(), ["POST"])

    def test_a_person_knows_its_id(self):
        partner_id = self.take(name="Ada")
        self.destination.records["/contacts/77"] = {"id": "77", "name": "Ada"}
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.is_there(partner_id, "77")
        self.run_pending()
        self.assertEqual(self.methods(), ["POST", "PUT"])
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.doubt(partner_id))

    def test_it_is_accepted(self):
        partner_id = self.take(202, {"id": "op-55"}, name="Ada")
        binding = self.binding(partner_id)
        self.assertTrue(binding["accepted"])
        self.assertFalse(binding["external_id"])
        self.assertEqual(binding["doubt"], "unknown_id")
        self.assertFalse(self.outbox())
        (log,) = self.read(
            "sync.delivery", [("stream_id", "=", self.stream_id)], ["state", "warning"]
        )
        self.assertEqual(log["state"], "success")
        self.assertIn("not confirmed", log["warning"])

    def test_accepted_update_goes_on(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.destination.answer(202, {})
        self.run_pending()
        binding = self.binding(partner_id)
        self.assertTrue(binding["accepted"])
        self.assertFalse(binding["doubt"])
        self.edit(partner_id, name="Blaise")
        self.run_pending()
        self.assertFalse(self.binding(partner_id)["accepted"])
        self.assertEqual(self.names_there(), ["Blaise"])

    def test_deletion_without_an_id_waits(self):
        partner_id = self.take(name="Ada")
        self.delete(partner_id)
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "unknown_id")
        self.is_not_there(partner_id)
        self.run_pending()
        self.assertEqual(self.methods(), ["POST"])
        self.assertFalse(self.outbox())


@tagged("post_install", "-at_install")
class TestNoId(DeliveryCase):
    """A webhook: each change is a POST, and there is no record to update."""

    stream_options = {"id_policy": "none", "delete_policy": "ignore"}

    def test_each_change_is_told(self):
        partner_id = self.new_partner(name="Ada")
        self.destination.answer(204)
        self.assertEqual(self.run_pending(), ["done"])
        self.edit(partner_id, name="Grace")
        self.destination.answer(200, {"id": 55})
        self.assertEqual(self.run_pending(), ["done"])
        told = [(each.method, each.path) for each in self.destination.requests]
        self.assertEqual(told, [("POST", "/contacts")] * 2)
        binding = self.binding(partner_id)
        self.assertFalse(binding["doubt"])
        self.assertFalse(binding["external_id"])

    def test_it_is_told_again_with_the_same_key(self):
        self.change_backend(repeats_are_safe=False)
        self.new_partner(name="Ada")
        self.destination.answer(500)
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(self.run_pending(), ["done"])
        keys = {each.headers["Idempotency-Key"] for each in self.destination.requests}
        self.assertEqual(len(self.destination.requests), 2)
        self.assertEqual(len(keys), 1)

    def test_it_cannot_delete(self):
        with self.assertRaisesRegex(ValidationError, "keep deleted records"):
            self.change_stream(delete_policy="delete")


@tagged("post_install", "-at_install")
class TestUpgrade(DoubtCase):
    """Systems of before go on as they did, and people are told."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            reader = env["res.users"].create(
                {
                    "name": "Reader",
                    "login": "reader@example.com",
                    "email": "reader@example.com",
                    "group_ids": [env.ref("queue_job.group_queue_job_manager").id],
                }
            )
            before = env.company.job_failure_user_ids
            env.company.job_failure_user_ids = reader
            self.reader = reader.partner_id
        self.addCleanup(self._delete_reader, reader.id, before.ids)

    def _delete_reader(self, user_id, before):
        with self.transaction() as env:
            env.company.job_failure_user_ids = before
            reader = env["res.users"].browse(user_id)
            partner = reader.partner_id
            reader.unlink()
            partner.unlink()

    def migrate(self):
        with self.registry.cursor() as cr:
            runpy.run_path(MIGRATION)["migrate"](cr, "19.0.4.0.0")

    def test_repeats_were_taken_for_safe(self):
        self.migrate()
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            self.assertTrue(backend.repeats_are_safe)
            message = backend.message_ids[0]
            self.assertIn("Idempotency-Key", message.body)
            self.assertIn(self.reader.id, message.partner_ids.ids)

    def test_address_that_has_worked_is_not_doubted(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.change_stream(proven=False)
        self.migrate()
        with self.transaction() as env:
            proven = env["sync.stream"].browse(self.stream_id)._proven()
        self.assertEqual(proven, {"create", "update"})

    def test_update_that_made_a_new_record_has_not_worked(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.prove("create", "update")
        external_id = self.binding(partner_id)["external_id"]
        del self.destination.records[f"/contacts/{external_id}"]
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertIn("PUT", self.methods())
        self.assertEqual(self.methods()[-1], "POST")
        self.change_stream(proven=False)
        self.migrate()
        with self.transaction() as env:
            proven = env["sync.stream"].browse(self.stream_id)._proven()
        self.assertEqual(proven, {"create"})

    def test_address_that_has_not_worked_is(self):
        self.new_partner(name="Ada")
        self.run_pending()
        self.change_stream(proven=False)
        self.migrate()
        with self.transaction() as env:
            proven = env["sync.stream"].browse(self.stream_id)._proven()
        self.assertEqual(proven, {"create"})


@tagged("post_install", "-at_install")
class TestWhatHasWorked(DeliveryCase):
    """What a system has carried out is remembered, with the settings it was by."""

    def proven(self):
        with self.transaction() as env:
            return env["sync.stream"].browse(self.stream_id)._proven()

    def test_each_kind(self):
        partner_id = self.new_partner(name="Ada")
        self.assertFalse(self.proven())
        self.run_pending()
        self.assertEqual(self.proven(), {"create"})
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.proven(), {"create", "update"})
        self.delete(partner_id)
        self.run_pending()
        self.assertEqual(self.proven(), {"create", "update", "delete"})

    def test_other_settings_have_not_worked(self):
        self.new_partner(name="Ada")
        self.run_pending()
        self.change_stream(name="Contacts")
        self.assertEqual(self.proven(), {"create"})
        self.change_stream(update_method="patch")
        self.assertFalse(self.proven())

    def test_what_is_refused_proves_nothing(self):
        self.destination.answer(422)
        self.new_partner(name="Ada")
        self.run_pending()
        self.assertFalse(self.proven())


@tagged("post_install", "-at_install")
class TestLargeRecords(DeliveryCase):
    """What is noted and sent at once is bounded in bytes as well as in records."""

    takes_along = True

    def stream_values(self, backend):
        mapping = (*MAPPING, ("comment", "comment"))
        return stream_values(backend, mapping, batch_size=100)

    def setUp(self):
        super().setUp()
        for name in ("WAVE_BYTES", "CHUNK_BYTES", "RECORD_BYTES"):
            small = getattr(delivery, name) // 1000
            self.enterContext(patch.object(delivery, name, small))
        self.waves = []
        note = delivery.Delivery._note

        def spied(chunk, wave):
            self.waves.append(sum(len(task.content) for task in wave))
            return note(chunk, wave)

        self.enterContext(patch.object(delivery.Delivery, "_note", spied))

    def new_partners(self, count, size):
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {n}", "comment": "x" * size} for n in range(count)]
            )
        self.partner_ids += partners.ids

    def test_wave_is_bounded(self):
        self.new_partners(40, 4000)
        for _turn in range(5):
            self.run_pending()
        self.assertEqual(len(self.destination.records), 40)
        # as many as are sent at once would be five waves
        self.assertGreaterEqual(len(self.waves), 8)
        # the last one of a wave may go beyond it
        self.assertLess(max(self.waves), delivery.WAVE_BYTES + 5000)

    def test_record_that_is_too_large_fails_alone(self):
        self.new_partners(1, 4000)
        self.new_partners(1, delivery.RECORD_BYTES)
        self.run_pending()
        self.assertEqual(len(self.destination.records), 1)
        (uuid,) = self.job_uuids("failed")
        reason = self.job(uuid, "failure_reason")["failure_reason"]
        self.assertIn("too large to be sent", reason)
