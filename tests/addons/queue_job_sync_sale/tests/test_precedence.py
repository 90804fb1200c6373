# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import threading
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.modules.registry import DummyRLock, Registry

from .common import SaleCase


class TestPrecedence(SaleCase):
    """A contact is delivered before the order that points at it."""

    def test_order_waits_for_a_contact_of_the_same_transaction(self):
        with self.transaction() as env:
            partner = env["res.partner"].create({"name": "Ada"})
            self.partner_ids.append(partner.id)
            order_id = self.new_order(partner.id, env=env)
        (order_job,) = self.job_uuids(model="sale.order")
        (contact_job,) = self.job_uuids(model="res.partner")
        self.assertEqual(self.run_job(order_job), "pending")
        self.assertFalse(self.destination.requests)
        job = self.job(order_job, "state_reason", "retry", "sync_wait_key", "eta")
        why = "CRM: waits for Ada, which has to be there first."
        self.assertEqual((job["state_reason"], job["retry"]), (why, 0))
        key = f"ahead:{self.stream_id}:{partner.id}"
        self.assertEqual(job["sync_wait_key"], key)
        # if nobody wakes it
        self.assertGreater(job["eta"], fields.Datetime.now() + timedelta(hours=23))
        # it is the same job that waits
        self.assertEqual(self.job_uuids(model="sale.order"), [order_job])
        self.assertEqual(self.order_outbox()[0]["job_uuid"], order_job)
        state, told = self.told_of(order_id)
        self.assertEqual(state, "waiting")
        self.assertIn(why, told)
        self.assertIn("It will be sent", told)
        self.assertEqual(self.run_job(contact_job), "done")
        job = self.job(order_job, "state", "eta", "sync_wait_key")
        self.assertEqual((job["state"], job["sync_wait_key"]), ("pending", False))
        self.assertLess(job["eta"], fields.Datetime.now() + timedelta(seconds=1))
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()
        (customer,) = self.destination.records.keys() - {"/orders/2"}
        self.assertEqual(
            self.order_there(order_id)["customer"], customer.rpartition("/")[2]
        )

    def test_order_waits_for_the_job_of_an_earlier_transaction(self):
        partner_id = self.new_partner()
        self.run_all()
        self.edit(partner_id, name="Ada Lovelace")
        (contact_job,) = self.job_uuids("pending")
        self.new_order(partner_id)
        (order_job,) = self.job_uuids("pending", model="sale.order")
        self.run_job(order_job)
        # no job of its own was made for the contact: the one that exists is waited for
        self.assertEqual(self.awake(), [contact_job])
        self.assertEqual(self.asleep(), [order_job])
        self.run_all()
        self.assertEqual(
            [request.path for request in self.destination.requests[1:]],
            ["/contacts/1", "/orders"],
        )
        self.assertAllDelivered()

    def test_delivered_contact_is_not_waited_for(self):
        partner_id = self.new_partner()
        self.run_all()
        self.new_order(partner_id)
        (order_job,) = self.job_uuids("pending")
        self.assertEqual(self.run_job(order_job), "done")
        self.assertEqual(len(self.sent_to("orders")), 1)

    def test_contact_that_is_just_being_sent_is_waited_for(self):
        partner_id = self.new_partner()
        (contact_job,) = self.job_uuids("pending")
        order_id = self.new_order(partner_id)
        (order_job,) = self.job_uuids("pending", model="sale.order")
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        self.change_backend(read_timeout=60)
        self.destination.go_on.clear()
        worker = threading.Thread(target=self.run_job, args=(contact_job,))
        worker.start()
        self.assertTrue(self.destination.asked.wait(20))
        self.assertEqual(self.run_job(order_job), "pending")
        self.assertEqual(self.asleep(), [order_job])
        self.assertFalse(self.sent_to("orders"))
        self.destination.go_on.set()
        worker.join()
        self.run_all()
        self.assertEqual(len(self.sent_to("contacts")), 1)
        self.assertEqual(self.order_there(order_id)["customer"], "1")
        self.assertAllDelivered()

    def test_contact_that_was_never_sent_is_sent_first(self):
        self.change_stream(active=False)
        partner_id = self.new_partner()
        self.change_stream(active=True)
        self.new_order(partner_id)
        self.assertEqual(len(self.job_uuids()), 1)
        self.run_all()
        self.assertEqual(
            [request.path for request in self.destination.requests],
            ["/contacts", "/orders"],
        )
        self.assertAllDelivered()

    def test_contact_goes_in_bulk_if_the_orders_that_wait_for_it_do(self):
        self.change_stream(active=False)
        partner_ids = [self.new_partner() for _number in range(2)]
        self.change_stream(active=True)
        with self.transaction() as env:
            env["sync.stream"].browse(self.order_stream_id).batch_size = 1
        self.new_order(partner_ids[0])
        with self.transaction() as env:
            for _number in range(2):
                self.new_order(partner_ids[1], env=env)
        alone, in_bulk, _in_bulk = self.job_uuids(model="sale.order")
        for uuid, priority in ((alone, 5), (in_bulk, 15)):
            before = self.job_uuids()
            self.run_job(uuid)
            made = [uuid for uuid in self.job_uuids() if uuid not in before]
            # of the contact; that of the order sleeps until it is there
            (of_contact,) = made
            self.assertEqual(self.job(of_contact, "priority")["priority"], priority)
            self.assertIn(uuid, self.asleep())
        self.run_all()
        self.assertAllDelivered()

    def test_contact_that_the_system_does_not_get_is_not_waited_for(self):
        self.change_stream(domain="[('email', '!=', False)]")
        partner_id = self.new_partner()
        self.new_order(partner_id)
        self.run_all()
        self.assertEqual(self.sent_to("orders")[0]["customer"], None)
        self.assertAllDelivered()

    def test_link_can_be_declared_without_being_mapped(self):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.order_stream_id)
            stream.mapping_ids.filtered("id_there").unlink()
            stream.send_first = "partner_id, partner_invoice_id"
        partner_id = self.new_partner()
        self.new_order(partner_id)
        self.run_job(self.job_uuids(model="sale.order")[0])
        self.assertFalse(self.destination.requests)
        self.run_all()
        self.assertEqual(
            [request.path for request in self.destination.requests],
            ["/contacts", "/orders"],
        )

    def test_record_of_a_batch_that_has_to_wait_gets_a_job_of_its_own(self):
        self.destination.refused.add("Ada")
        bad, good = self.new_partner(), self.new_partner(name="Grace")
        with self.transaction() as env:
            env["sync.stream"].browse(self.order_stream_id).batch_size = 10
        with self.transaction() as env:
            late = self.new_order(bad, env=env)
            orders = [self.new_order(good, env=env) for _number in range(2)]
        (batch,) = self.job_uuids(model="sale.order")
        self.run_job(self.job_uuids(model="res.partner")[1])
        self.assertEqual(self.run_job(batch), "done")
        self.assertEqual(len(self.sent_to("orders")), len(orders))
        (asleep,) = self.asleep()
        job = self.job(asleep, "sync_res_id", "sync_wait_key", "state_reason")
        self.assertEqual(job["sync_res_id"], late)
        self.assertEqual(job["sync_wait_key"], f"ahead:{self.stream_id}:{bad}")
        self.assertIn("waits for Ada", job["state_reason"])
        self.assertEqual([row["job_uuid"] for row in self.order_outbox()], [asleep])
        self.destination.refused.clear()
        self.run_all()
        self.assertContactsFirst()
        self.assertAllDelivered()

    def test_records_that_point_at_each_other_are_delivered(self):
        self.change_stream(
            send_first="parent_id, child_ids",
            mapping_ids=[
                fields.Command.create({"field_path": "parent_id", "target": "parent"})
            ],
        )
        for seed in range(4):
            with self.transaction() as env:
                parent = env["res.partner"].create({"name": "Firm"})
                child = env["res.partner"].create(
                    {"name": "Ada", "parent_id": parent.id}
                )
                self.partner_ids += (parent | child).ids
            with self.transaction() as env:
                env["res.partner"].browse(child.id).name = "Grace"
                env["res.partner"].browse(parent.id).name = "Works"
            self.run_all(seed)
            self.assertAllDelivered()
        self.assertEqual(len(self.destination.records), 8)

    def test_records_of_one_batch_are_sent_in_order(self):
        self.change_stream(
            send_first="parent_id",
            batch_size=50,
            mapping_ids=[
                fields.Command.create(
                    {"field_path": "parent_id", "target": "parent", "id_there": True}
                )
            ],
        )
        with self.transaction() as env:
            firm = env["res.partner"].create({"name": "Firm"})
            staff = env["res.partner"].create(
                [{"name": f"Ada {n}", "parent_id": firm.id} for n in range(5)]
            )
            self.partner_ids += (firm | staff).ids
        self.run_all()
        self.assertEqual(
            [each["parent"] for each in self.sent_to("contacts")], [None] + ["1"] * 5
        )
        self.assertAllDelivered()
