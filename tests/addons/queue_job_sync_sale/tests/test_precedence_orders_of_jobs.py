# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random

from .common import SaleCase


class TestPrecedenceOrdersOfJobs(SaleCase):
    """Whatever runs first, an order never arrives before its contact."""

    def play(self, seed):
        """Edit contacts and orders, and run jobs in between, by chance."""
        chance = random.Random(seed)
        # every other time a job takes along what else is due
        self.takes_along = seed % 2
        partners, orders = [], []
        for turn in range(12):
            with self.transaction() as env:
                kind = chance.choice(("both", "contact", "order", "edit", "move"))
                if kind == "contact" or kind == "both" or not partners:
                    partner = env["res.partner"].create({"name": f"Ada {seed}/{turn}"})
                    partners.append(partner.id)
                if kind in ("order", "both"):
                    partner_id = chance.choice(partners)
                    orders.append(self.new_order(partner_id, env=env))
                if kind == "edit":
                    partner = env["res.partner"].browse(chance.choice(partners))
                    partner.email = f"{turn}@example.com"
                if kind == "move" and orders:
                    order = env["sale.order"].browse(chance.choice(orders))
                    order.partner_id = chance.choice(partners)
            pending = self.job_uuids("pending")
            for uuid in chance.sample(pending, chance.randint(0, len(pending))):
                if self.job(uuid, "state")["state"] == "pending":
                    self.run_job(uuid)
        self.partner_ids += partners
        self.run_all(seed)
        return orders

    def test_no_order_of_jobs_delivers_an_order_before_its_contact(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                orders = self.play(seed)
                self.assertContactsFirst()
                self.assertAllDelivered()
                with self.transaction() as env:
                    names = {
                        order.id: order.partner_id.name
                        for order in env["sale.order"].browse(orders)
                    }
                for order_id, name in names.items():
                    customer = self.order_there(order_id)["customer"]
                    there = self.destination.records[f"/contacts/{customer}"]
                    self.assertEqual(there["name"], name)

    def test_many_orders_wait_only_for_their_own_contacts(self):
        self.change_stream(batch_size=4)
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.order_stream_id)
            stream.batch_size = 10
        self.destination.refused.add("Ada 3")
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}"} for number in range(6)]
            )
            self.partner_ids += partners.ids
            orders = env["sale.order"].create(
                [{"partner_id": partners[number % 6].id} for number in range(30)]
            )
        for uuid in self.job_uuids(model="sale.order"):
            # all of its orders have to wait, each in a job of its own
            self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.asleep()), 30)
        self.assertFalse(self.destination.requests)
        self.run_all()
        self.assertEqual(len(self.job_uuids("failed")), 1)
        self.assertEqual(len(self.sent_to("orders")), 25)
        self.assertEqual(len(self.order_outbox()), 5)
        self.assertContactsFirst()
        # whoever mends the contact need not requeue anything
        self.edit(partners[3].id, name="Ada III")
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 30)
        self.assertContactsFirst()
        self.assertFalse(self.job_uuids("pending"))
        self.assertFalse(self.order_outbox())
        self.assertEqual(
            {self.order_there(order.id)["customer"] for order in orders},
            {
                path.rpartition("/")[2]
                for path in self.destination.records
                if path.startswith("/contacts/")
            },
        )
