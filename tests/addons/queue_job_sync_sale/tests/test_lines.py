# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.exceptions import ValidationError

from .common import LINES, SaleCase, mapping_values


class TestLines(SaleCase):
    """An order holds its lines as a list of objects, and their edits are its own."""

    def setUp(self):
        super().setUp()
        self.partner_id = self.new_partner()
        self.run_all()
        self.order_id = self.new_order(self.partner_id, (2, 3))
        self.run_all()

    def lines_there(self, order_id=None):
        """Return the quantities of the lines at the system."""
        lines = self.order_there(order_id or self.order_id)["lines"]
        return [line["quantity"] for line in lines]

    def change_mapping(self, *mapping):
        with self.transaction() as env:
            env["sync.stream"].browse(self.order_stream_id).mapping_ids = [
                fields.Command.clear(),
                *mapping_values(mapping),
            ]

    def lines(self, env):
        return env["sale.order"].browse(self.order_id).order_line

    def test_lines_are_objects_in_their_order(self):
        order = self.order_there(self.order_id)
        self.assertEqual(order["customer"], "1")
        self.assertEqual(order["lines"][0].keys(), {"text", "sku", "quantity"})
        self.assertEqual(
            [(line["sku"], line["quantity"]) for line in order["lines"]],
            [("C-1", 2.0), ("C-1", 3.0)],
        )

    def test_line_without_a_product_keeps_its_place(self):
        with self.transaction() as env:
            self.lines(env)[0].sequence = 20
            env["sale.order.line"].create(
                {
                    "order_id": self.order_id,
                    "display_type": "line_section",
                    "name": "Furniture",
                    "sequence": 1,
                }
            )
        self.run_all()
        lines = self.order_there(self.order_id)["lines"]
        self.assertEqual([line["sku"] for line in lines], [None, "C-1", "C-1"])
        self.assertEqual(lines[0]["text"], "Furniture")

    def test_order_without_lines_has_an_empty_list(self):
        order_id = self.new_order(self.partner_id, ())
        self.run_all()
        self.assertEqual(self.order_there(order_id)["lines"], [])

    def test_edit_of_a_line_sends_the_order(self):
        with self.transaction() as env:
            self.lines(env)[1].product_uom_qty = 7
        (_job,) = self.job_uuids("pending")
        self.run_all()
        self.assertEqual(self.lines_there(), [2.0, 7.0])

    def test_added_line_sends_the_order(self):
        with self.transaction() as env:
            self.lines(env)[0].copy({"order_id": self.order_id, "product_uom_qty": 9})
        self.run_all()
        self.assertEqual(sorted(self.lines_there()), [2.0, 3.0, 9.0])

    def test_removed_line_sends_the_order(self):
        with self.transaction() as env:
            self.lines(env)[0].unlink()
        (_job,) = self.job_uuids("pending")
        self.run_all()
        self.assertEqual(self.lines_there(), [3.0])

    def test_line_that_moves_sends_both_orders(self):
        other_id = self.new_order(self.partner_id, (5,))
        self.run_all()
        with self.transaction() as env:
            self.lines(env)[0].order_id = other_id
        self.assertEqual(len(self.order_outbox()), 2)
        self.run_all()
        self.assertEqual(self.lines_there(), [3.0])
        self.assertEqual(sorted(self.lines_there(other_id)), [2.0, 5.0])

    def test_edit_of_a_field_that_is_not_sent_makes_no_job(self):
        with self.transaction() as env:
            self.lines(env)[0].customer_lead = 12
        self.assertEqual(self.job_uuids("pending"), [])

    def test_total_is_sent_when_a_line_changes(self):
        self.change_mapping(("amount_untaxed", "total"))
        with self.transaction() as env:
            self.lines(env)[0].write({"price_unit": 10})
        self.run_all()
        self.assertEqual(len(self.sent_to("orders")), 2)
        total = self.order_there(self.order_id)["total"]
        with self.transaction() as env:
            self.lines(env)[0].write({"price_unit": 20})
        self.run_all()
        self.assertEqual(self.order_there(self.order_id)["total"], total + 2 * 10)

    def test_rolled_back_edit_of_a_line_is_not_sent(self):
        with (
            self.assertRaises(ZeroDivisionError),
            self.transaction() as env,
        ):
            self.lines(env)[0].product_uom_qty = 8
            raise ZeroDivisionError
        self.assertEqual(self.job_uuids("pending"), [])

    def test_many_orders_are_sent_with_their_own_lines(self):
        orders = [self.new_order(self.partner_id, (n, n + 1)) for n in range(1, 13)]
        with self.transaction() as env:
            env["sync.stream"].browse(self.order_stream_id).batch_size = 5
            env["sale.order"].browse(orders).action_sync_now()
        self.run_all()
        self.assertEqual(
            [self.lines_there(order_id) for order_id in orders],
            [[float(n), float(n + 1)] for n in range(1, 13)],
        )

    def test_deleted_order_is_deleted_there(self):
        path = f"/orders/{self.destination._ids}"
        self.assertIn(path, self.destination.records)
        with self.transaction() as env:
            env["sale.order"].browse(self.order_id).unlink()
        self.run_all()
        self.assertNotIn(path, self.destination.records)

    def test_lists_that_cannot_be_built_are_refused(self):
        for refused, message in (
            ([("order_line.name", "lines[]")], "is not a name such as"),
            ([("order_line.name", "lines[].a[].b")], "is not a name such as"),
            ([("order_line.name", "[].b")], "is not a name such as"),
            ([("order_line", "lines[].id")], "one link to many records"),
            ([("name", "lines[].name")], "one link to many records"),
            ([("order_line.tax_ids.name", "lines[].tax")], "one link to many"),
            (
                [*LINES, ("tag_ids.name", "lines[].tag")],
                "tag_ids.name does not go through",
            ),
            ([*LINES, ("name", "lines")], "is a list already"),
            ([*LINES, ("name", "lines.name")], "is a list already"),
        ):
            with (
                self.subTest(refused=refused[-1]),
                self.assertRaisesRegex(ValidationError, message),
            ):
                self.change_mapping(*refused)

    def set_conversion(self, env, target, **values):
        stream = env["sync.stream"].browse(self.order_stream_id)
        stream.mapping_ids.filtered(lambda each: each.target == target).write(values)

    def test_each_value_of_a_list_is_converted(self):
        self.change_mapping(*LINES, ("order_line.display_type", "lines[].kind"))
        with self.transaction() as env:
            for target, conversion, argument in (
                ("lines[].quantity", "number", ".1f"),
                ("lines[].sku", "map", '{"C-1": "chair"}'),
                ("lines[].kind", "map", '{"line_section": "title"}'),
            ):
                self.set_conversion(
                    env,
                    target,
                    conversion=conversion,
                    conversion_argument=argument,
                )
            env["sale.order"].browse(self.order_id).order_line[0].product_uom_qty = 4
        self.run_all()
        lines = self.order_there(self.order_id)["lines"]
        self.assertEqual(
            [(line["quantity"], line["sku"], line["kind"]) for line in lines],
            [("4.0", "chair", None), ("3.0", "chair", None)],
        )

    def test_default_fills_the_objects_and_not_the_list(self):
        with self.transaction() as env:
            self.set_conversion(env, "lines[].sku", default_value="none")
            env["product.product"].browse(self.product_id).default_code = False
            self.lines(env)[0].product_uom_qty = 4
        empty_id = self.new_order(self.partner_id, ())
        self.run_all()
        lines = self.order_there(self.order_id)["lines"]
        self.assertEqual([line["sku"] for line in lines], ["none", "none"])
        self.assertEqual(self.order_there(empty_id)["lines"], [])

    def test_ids_there_of_lines(self):
        products = self.new_stream(
            "product.template", [("name", "name")], endpoint="products"
        )
        with self.transaction() as env:
            template = env["product.product"].browse(self.product_id).product_tmpl_id
            template.action_sync_now()
        self.run_all()
        (known,) = self.read(
            "sync.binding",
            [("stream_id", "=", products), ("res_id", "=", template.id)],
            ["external_id"],
        )
        path = "order_line.product_id.product_tmpl_id"
        self.change_mapping(*LINES, (path, "lines[].product"))
        with self.transaction() as env:
            self.set_conversion(env, "lines[].product", id_there=True)
            self.lines(env)[0].product_uom_qty = 4
        empty_id = self.new_order(self.partner_id, ())
        self.run_all()
        lines = self.order_there(self.order_id)["lines"]
        self.assertEqual(
            [line["product"] for line in lines], [known["external_id"]] * 2
        )
        self.assertEqual(self.order_there(empty_id)["lines"], [])

    def test_what_cannot_fill_an_object_is_refused(self):
        for target, values, message in (
            ("lines[].sku", {"several": "comma"}, "takes one value of each line"),
            ("lines[].sku", {"conversion": "json"}, "takes one value of each line"),
            (
                "lines[].sku",
                {"conversion": "constant", "conversion_argument": "EUR"},
                "the constant EUR does not go through",
            ),
            (
                "customer",
                {"conversion": "map", "conversion_argument": '{"1": "A"}'},
                "is sent as it is",
            ),
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(ValidationError, message),
                self.transaction() as env,
            ):
                self.set_conversion(env, target, **values)

    def test_mark_of_a_deletion_stays_out_of_lists(self):
        for mark, message in (
            ("lines[].gone", "is not a name"),
            ("lines", "is a list already"),
        ):
            with (
                self.subTest(mark=mark),
                self.assertRaisesRegex(ValidationError, message),
                self.transaction() as env,
            ):
                env["sync.stream"].browse(self.order_stream_id).write(
                    {"delete_policy": "mark", "mark_key": mark}
                )


class TestOtherModel(SaleCase):
    """A model that does nothing but inherit the mixin."""

    def test_product_is_created_edited_and_deleted(self):
        mapping = (("name", "name"), ("list_price", "price"))
        self.new_stream("product.template", mapping, endpoint="products")
        with self.transaction() as env:
            product = env["product.template"].create(
                {"name": "Desk", "list_price": 9.5}
            )
            self.assertEqual(product.sync_state, "waiting")
        self.run_all()
        desk = "/products/1"
        self.assertEqual(self.destination.records[desk], {"name": "Desk", "price": 9.5})
        with self.transaction() as env:
            product = env["product.template"].browse(product.id)
            self.assertEqual(product.sync_state, "synced")
            product.list_price = 10
        (uuid,) = self.job_uuids("pending")
        job = self.job(uuid, "channel", "job_function_id", "sync_record_name")
        self.assertEqual(job["channel"], "root.sync")
        self.assertTrue(job["job_function_id"])
        self.assertEqual(job["sync_record_name"], "Desk")
        with self.transaction() as env:
            action = (
                env["queue.job"].search([("uuid", "=", uuid)]).open_related_action()
            )
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("product.template", product.id)
        )
        self.run_all()
        self.assertEqual(self.destination.records[desk]["price"], 10)
        with self.transaction() as env:
            env["product.template"].browse(product.id).unlink()
        self.run_all()
        self.assertNotIn(desk, self.destination.records)
        self.assertAllDelivered()
