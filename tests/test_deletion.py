# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
import time
from contextlib import closing, contextmanager
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import UserError
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from ..models import sync_deletion
from ..models.loose_link import LooseMany2one
from .common import SyncCase, backend_values, drop, stream_values
from .race_case import RaceCase
from .test_delivery_errors import closed_port

# Seconds after which something counts as stuck, and that a save may take on a busy
# machine.
PATIENCE, A_MOMENT = 60, 5
# Tables that editors, or second connections of workers, insert into.
OPEN_TABLES = (
    "sync_attempt",
    "sync_binding",
    "sync_counter",
    "sync_delivery",
    "sync_incident",
    "sync_outbox",
    "sync_rate",
)
OF_STREAMS = (
    *("sync_attempt", "sync_binding", "sync_counter", "sync_delivery"),
    *("sync_outbox", "sync_backfill", "sync_mapping"),
)
OF_SYSTEMS = ("sync_incident", "sync_rate", "sync_stream")


class DeletionCase(RaceCase):
    """What goes in the background, without the minute that it waits for."""

    def setUp(self):
        super().setUp()
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        self.enterContext(patch.object(sync_deletion, "LINGER", 0))
        self.enterContext(patch.object(sync_deletion, "BREATH", 0))
        self.addCleanup(self._delete_jobs)

    def _delete_jobs(self):
        with self.transaction() as env:
            name = env["sync.stream"].browse(self.stream_id).exists().name
            env["queue.job"].search([("name", "=like", "CRM: %")]).unlink()
            self.assertFalse(name, "every test here deletes its synchronization")

    def press_delete(self, model="sync.stream"):
        id_ = self.stream_id if model == "sync.stream" else self.backend_id
        with self.transaction() as env:
            env[model].browse(id_).action_delete()

    def run_cron(self):
        with self.transaction() as env:
            env["sync.deletion"]._cron_delete()

    def count(self, table, column, id_):
        with self.registry.cursor() as cr:
            cr.execute(
                SQL(
                    "SELECT count(*) FROM %s WHERE %s = %s",
                    SQL.identifier(table),
                    SQL.identifier(column),
                    id_,
                )
            )
            return cr.fetchone()[0]

    def left(self):
        """Return the tables that still know of the synchronization, or its system."""
        found = {
            table
            for table in OF_STREAMS
            if self.count(table, "stream_id", self.stream_id)
        }
        if self.count("queue_job", "sync_stream_id", self.stream_id):
            found.add("queue_job")
        if self.count("sync_stream", "id", self.stream_id):
            found.add("sync_stream")
        if not self.count("sync_backend", "id", self.backend_id):
            found |= {
                table
                for table in OF_SYSTEMS
                if self.count(table, "backend_id", self.backend_id)
            }
            if self.count("queue_job", "sync_backend_id", self.backend_id):
                found.add("queue_job")
        return found

    def has_gone(self, model):
        return not self.count(
            model.replace(".", "_"),
            "id",
            self.stream_id if model == "sync.stream" else self.backend_id,
        )

    def at_once(self, function, *args):
        """Run a function in a thread, and fail if it has to wait for somebody."""
        result = []
        thread = threading.Thread(target=lambda: result.append(function(*args)))
        thread.start()
        thread.join(A_MOMENT)
        self.assertFalse(thread.is_alive(), f"{function} waits")
        self.assertTrue(result, f"{function} failed")
        return result[0]


@tagged("post_install", "-at_install")
class TestDeletion(DeletionCase):
    def test_in_use_it_is_not_deleted_at_once(self):
        self.new_partner()
        self.run_pending()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            with self.assertRaisesRegex(UserError, "Press Delete at the top of its"):
                stream.unlink()
            with self.assertRaisesRegex(UserError, "Press Delete at the top of its"):
                stream.backend_id.unlink()
            drop(stream)

    def test_it_goes_with_all_that_belongs_to_it(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.new_partner(name="Eve")
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            env["sync.backfill"]._start(stream)
        uuids = self.job_uuids("pending")
        self.press_delete()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertTrue(stream.deleting_since)
            self.assertFalse(stream.active)
            self.assertIn("is being deleted", stream._resting_text())
        # nothing new is recorded
        before = len(self.outbox())
        self.edit(partner_id, name="Ada")
        self.assertEqual(len(self.outbox()), before)
        self.run_cron()
        self.assertEqual(self.left(), set())
        for uuid in uuids:
            job = self.job(uuid, "state", "result")
            self.assertEqual(job["state"], "cancelled")
            self.assertIn("being deleted", job["result"])
        self.assertFalse(self.has_gone("sync.backend"))
        self.assertEqual(len(self.destination.requests), 1)

    def test_a_system_goes_with_its_synchronizations(self):
        self.new_partner()
        self.run_pending()
        with self.transaction() as env:
            env["sync.backend"].browse(self.backend_id).action_pause()
        self.new_partner()
        self.press_delete("sync.backend")
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            self.assertEqual(
                (backend.active, bool(backend.deleting_since)), (False, True)
            )
        self.run_cron()
        self.assertEqual(self.left(), set())
        self.assertTrue(self.has_gone("sync.backend"))

    def test_what_is_being_deleted_does_not_come_back(self):
        self.new_partner()
        self.press_delete("sync.backend")
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            for record in (stream, stream.backend_id):
                with self.assertRaisesRegex(UserError, "is being deleted"):
                    record.active = True
            with (
                self.assertRaisesRegex(UserError, "is being deleted"),
                env.cr.savepoint(),
            ):
                env["sync.stream"].create(stream_values(stream.backend_id))
            # requeued by a person meanwhile
            env["queue.job"].search([("sync_stream_id", "=", stream.id)]).requeue()
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_it_lingers_until_all_processes_know(self):
        self.new_partner()
        with patch.object(sync_deletion, "LINGER", 60):
            self.press_delete()
            self.run_cron()
            self.assertEqual(self.left(), {"sync_stream", "sync_mapping"})
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_it_goes_on_where_it_was_ended(self):
        with patch.object(sync_deletion, "BATCH", 2):
            for number in range(5):
                self.new_partner(name=f"Partner {number}")
            self.run_pending()
            self.press_delete()
            with self.transaction() as env:
                batches = env["sync.stream"]._delete_batches(self.stream_id)
                counts = [next(batches), next(batches)]
                batches.close()
            self.assertLessEqual(sum(counts), 4)
            self.assertIn("sync_binding", self.left())
            self.run_cron()
        self.assertEqual(self.left(), set())

    def test_a_job_at_work_is_waited_for(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        with self.started(uuid):
            self.press_delete()
            self.at_once(lambda: self.run_cron() or True)
            self.assertFalse(self.has_gone("sync.stream"))
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_it_stays_for_those_who_have_not_seen_that_it_goes(self):
        partner_id = self.new_partner()
        self.run_pending()
        with self.overlapping() as env:
            env["res.partner"].browse(partner_id).name = "Grace"
            self.press_delete()
            self.run_cron()
            self.assertEqual(self.left(), {"sync_stream", "sync_mapping"})
        # as it was when the transaction began
        self.assertEqual(len(self.outbox()), 1)
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_one_that_cannot_go_holds_up_no_other(self):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            last = stream.copy().id
            stream.browse([self.stream_id, last]).action_delete()
        streams = self.registry["sync.stream"]
        real_unlink = streams.unlink

        def unlink(records):
            # what another addon may do
            if self.stream_id in records._ids:
                raise ValueError("It is still needed.")
            return real_unlink(records)

        with (
            patch.object(streams, "unlink", unlink),
            self.assertLogs("odoo.addons.queue_job_sync", "ERROR") as log,
        ):
            self.run_cron()
        self.assertIn(f"sync.stream {self.stream_id} could not", log.output[0])
        self.assertFalse(self.count("sync_stream", "id", last))
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_what_went_with_its_model_is_swept_up(self):
        self.new_partner()
        self.run_pending()
        self.new_partner()
        with self.registry.cursor() as cr:
            cr.execute("DELETE FROM sync_stream WHERE id = %s", (self.stream_id,))
        self.assertIn("sync_binding", self.left())
        with self.transaction() as env:
            # the sweep for lost jobs leaves it alone
            env["queue.job"].search([("sync_stream_id", "=", self.stream_id)]).unlink()
            env["sync.outbox"]._cron_queue_orphans()
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_a_user_is_deleted_while_jobs_settle_his_changes(self):
        self.addCleanup(self.run_cron)
        self.addCleanup(self.press_delete)
        with self.transaction() as env:
            user = new_test_user(
                env, "sync_leaver", "base.group_user,base.group_partner_manager"
            )
            user_id, contact_id = user.id, user.partner_id.id
        self.partner_ids.append(contact_id)
        self.new_partner(uid=user_id)
        with closing(self.registry.cursor()) as worker:
            worker.execute(
                "DELETE FROM sync_outbox WHERE stream_id = %s", (self.stream_id,)
            )
            with self.transaction() as env:
                env["res.users"].browse(user_id).unlink()
            worker.rollback()
        with self.transaction() as env:
            # the sweep takes its own user
            env["queue.job"].search([("sync_stream_id", "=", self.stream_id)]).unlink()
            env["sync.outbox"]._cron_queue_orphans()
        self.assertEqual(set(self.run_pending()), {"done"})


@tagged("post_install", "-at_install")
class TestNobodyWaits(DeletionCase):
    """Editors and workers, beside somebody who holds on to what their rows lead to."""

    def _delete_jobs(self):
        with self.transaction() as env:
            env["queue.job"].search([("name", "=like", "CRM: %")]).unlink()
            drop(env["sync.stream"].browse(self.stream_id).exists())

    @contextmanager
    def held(self):
        """Hold the rows as a DELETE does, which has not committed."""
        with closing(self.registry.cursor()) as cr:
            for table, id_ in (
                ("sync_stream", self.stream_id),
                ("sync_backend", self.backend_id),
            ):
                cr.execute(
                    SQL(
                        "SELECT FROM %s WHERE id = %s FOR UPDATE",
                        SQL.identifier(table),
                        id_,
                    )
                )
            try:
                yield
            finally:
                cr.rollback()

    def test_no_foreign_key_leads_away(self):
        with self.registry.cursor() as cr:
            cr.execute(
                """
                SELECT t.relname, a.attname
                  FROM pg_constraint c
                  JOIN pg_class t ON t.oid = c.conrelid
                  JOIN pg_attribute a
                    ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
                 WHERE c.contype = 'f' AND (t.relname = ANY(%s)
                    OR t.relname = 'queue_job' AND a.attname LIKE 'sync%%')
                """,
                (list(OPEN_TABLES),),
            )
            # a person who pauses a system, or resumes it
            allowed = {
                ("sync_incident", "opened_uid"),
                ("sync_incident", "closed_uid"),
            }
            self.assertEqual(set(cr.fetchall()), allowed)

    def test_editors_and_jobs(self):
        partner_id = self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        with self.held():
            self.at_once(lambda: self.edit(partner_id, name="Grace") or True)
            self.assertEqual(self.at_once(self.run_pending), ["done"])
            # a first delivery, which inserts its copy
            self.at_once(self.new_partner)
            self.assertEqual(self.at_once(self.run_pending), ["done"])
            # and one that fails, which is logged by another connection
            self.destination.answer(422, {"error": "no"})
            self.at_once(lambda: self.edit(partner_id, name="Eve") or True)
            self.assertEqual(self.at_once(self.run_pending), ["failed"])

    def test_an_outage(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.change_backend(
            outage_threshold=1, url=f"http://127.0.0.1:{closed_port()}/api"
        )
        self.edit(partner_id, name="Grace")
        with self.held():
            self.assertEqual(self.at_once(self.run_pending), ["pending"])
        mine = [("backend_id", "=", self.backend_id), ("closed", "=", False)]
        self.assertTrue(self.read("sync.incident", mine, ["kind"]))


@tagged("post_install", "-at_install")
class TestDeletionAtWork(DeletionCase):
    """Editor, job and deleter at once."""

    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(sync_deletion, "BATCH", 3))
        self.enterContext(mute_logger("odoo.sql_db"))
        self.gone = threading.Event()
        self.errors, self.longest, self.edits = [], 0, 0

    def keeps_editing(self, partner_id):
        while not self.gone.is_set():
            start = time.monotonic()
            try:
                self.edit(partner_id, name=f"Edit {self.edits}")
            except Exception as err:
                self.errors.append(err)
                return
            self.longest = max(self.longest, time.monotonic() - start)
            self.edits += 1

    def keeps_running_jobs(self):
        while not self.gone.is_set():
            for uuid in self.due_jobs():
                try:
                    self.run_job(uuid)
                except (SerializationFailure, AttributeError):
                    # the deleter has just cancelled it
                    continue
                except Exception as err:
                    self.errors.append(err)
                    return
            time.sleep(0.01)

    def due_jobs(self):
        domain = [("sync_stream_id", "=", self.stream_id), ("state", "=", "pending")]
        domain += ["|", ("eta", "=", False), ("eta", "<=", fields.Datetime.now())]
        return [job["uuid"] for job in self.read("queue.job", domain, ["uuid"])]

    def keeps_deleting(self, model):
        deadline = time.monotonic() + PATIENCE
        time.sleep(1)
        try:
            self.press_delete(model)
            while not self.has_gone(model) and time.monotonic() < deadline:
                self.run_cron()
                time.sleep(0.05)
        except Exception as err:
            self.errors.append(err)
        finally:
            # editors go on for a moment
            time.sleep(0.5)
            self.gone.set()

    def play(self, model):
        partner_ids = [self.new_partner(name=f"Partner {n}") for n in range(3)]
        threads = [
            *(
                threading.Thread(target=self.keeps_editing, args=(id_,))
                for id_ in partner_ids
            ),
            *(threading.Thread(target=self.keeps_running_jobs) for _n in range(2)),
            threading.Thread(target=self.keeps_deleting, args=(model,)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * PATIENCE)
            self.assertFalse(thread.is_alive(), "somebody waits for ever")
        self.assertEqual(self.errors, [])
        jobs = [("sync_stream_id", "=", self.stream_id)]
        states = {
            job["state"]: job["result"]
            for job in self.read("queue.job", jobs, ["state", "result"])
        }
        self.assertTrue(self.has_gone(model), (self.left(), states))
        self.assertGreater(self.edits, 10)
        self.assertLess(self.longest, A_MOMENT)
        self.run_cron()
        self.assertEqual(self.left(), set())

    def test_a_synchronization(self):
        self.play("sync.stream")

    def test_a_system(self):
        self.play("sync.backend")


@tagged("post_install", "-at_install")
class TestManyCopies(DeletionCase):
    COPIES = 20_000

    def test_saves_do_not_wait(self):
        partner_id = self.new_partner()
        self.run_pending()
        with self.registry.cursor() as cr:
            cr.execute(
                "INSERT INTO sync_binding (stream_id, res_id, version, skipped)"
                " SELECT %s, n, 1, false FROM generate_series(1000001, %s) n",
                (self.stream_id, 1_000_000 + self.COPIES),
            )
            cr.execute(
                "INSERT INTO sync_delivery (date, stream_id, res_id, operation, state)"
                " SELECT now(), %s, n, 'upsert', 'success'"
                "  FROM generate_series(1000001, %s) n",
                (self.stream_id, 1_000_000 + self.COPIES),
            )
        # another synchronization of the contact, which goes on
        with self.transaction() as env:
            other = env["sync.backend"].create(
                backend_values(name="CRM 2", url=self.destination.url)
            )
            other_stream = env["sync.stream"].create(stream_values(other))
        self.addCleanup(self._drop, other.id, other_stream.id)
        self.press_delete()
        deleter = threading.Thread(target=self.run_cron)
        deleter.start()
        longest, saves = 0, 0
        while deleter.is_alive():
            start = time.monotonic()
            self.edit(partner_id, name=f"Edit {saves}")
            longest, saves = max(longest, time.monotonic() - start), saves + 1
        deleter.join()
        self.assertGreater(saves, 5)
        self.assertLess(longest, A_MOMENT)
        self.assertEqual(self.left(), set())
        mine = [("stream_id", "=", other_stream.id), ("res_id", "=", partner_id)]
        self.assertEqual(len(self.read("sync.outbox", mine, ["id"])), saves)

    def _drop(self, backend_id, stream_id):
        with self.transaction() as env:
            env["queue.job"].search([("sync_stream_id", "=", stream_id)]).unlink()
            drop(env["sync.stream"].browse(stream_id))
            drop(env["sync.backend"].browse(backend_id))


@tagged("post_install", "-at_install")
class TestDeletionOfOthers(SyncCase):
    def test_one_that_was_never_used_goes_at_once(self):
        self.stream.unlink()
        self.assertFalse(self.stream.exists())
        self.backend.unlink()
        self.assertFalse(self.backend.exists())

    def test_every_link_without_a_foreign_key_is_followed(self):
        for name in ("sync.stream", "sync.backend"):
            target = self.env[name]
            followed = {
                (owned.table, owned.link)
                for owned in (*target._owned, target._owned_jobs)
            }
            loose = {
                (model._table, field.name)
                for model in self.env.values()
                for field in model._fields.values()
                if isinstance(field, LooseMany2one) and field.comodel_name == name
            }
            self.assertEqual(loose, followed)

    def test_undelivered_changes_keep_it(self):
        self.env["res.partner"].create({"name": "Ada"})
        self.before_commit()
        with self.assertRaisesRegex(UserError, "Contacts to CRM is in use"):
            self.stream.unlink()

    def test_a_company_with_systems_stays(self):
        company = self.env["res.company"].create({"name": "Sync A"})
        self.backend.write({"company_id": company.id, "active": False})
        with self.assertRaisesRegex(UserError, "get the records of Sync A: CRM"):
            company.unlink()
        self.assertEqual(self.backend.company_id, company)
