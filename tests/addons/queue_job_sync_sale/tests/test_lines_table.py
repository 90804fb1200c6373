# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.addons.queue_job_sync.tests.common import (
    backend_values,
    create_backend,
    drop,
)
from odoo.addons.queue_job_sync.tests.postgresql_case import PASSWORD, PostgresqlCase

from .common import SaleCase

TABLES = """
CREATE TABLE orders (odoo_id integer PRIMARY KEY, number text);
CREATE TABLE order_lines (
    odoo_id integer PRIMARY KEY,
    order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
    quantity numeric
);
GRANT ALL ON orders, order_lines TO PUBLIC;
"""


class TestLinesTable(SaleCase, PostgresqlCase):
    """Orders in one table, their lines in a second one that refers to the first."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database.owner.cursor().execute(TABLES)

    def setUp(self):
        super().setUp()
        self.query("TRUNCATE orders, order_lines")
        with self.transaction() as env:
            warehouse = create_backend(
                env,
                backend_values(
                    name="Warehouse",
                    transport="postgresql",
                    db_host=self.host,
                    db_port=self.port,
                    db_name=self.dbname,
                    db_user=self.user,
                    db_password=PASSWORD,
                ),
            )
            self.warehouse_id = warehouse.id
            env["sync.stream"].browse(
                [self.stream_id, self.order_stream_id]
            ).active = False
        self.new_stream(
            "sale.order", [("name", "number")], self.warehouse_id, table="orders"
        )
        self.line_stream_id = self.new_stream(
            "sale.order.line",
            [("order_id", "order_id"), ("product_uom_qty", "quantity")],
            self.warehouse_id,
            table="order_lines",
            send_first="order_id",
        )
        self.partner_id = self.new_partner()

    def _delete_everything(self):  # pylint: disable=missing-return
        with self.transaction() as env:
            env["sync.stream"].with_context(active_test=False).browse(
                [self.stream_id, self.order_stream_id]
            ).active = True
        super()._delete_everything()
        with self.transaction() as env:
            drop(env["sync.backend"].browse(self.warehouse_id))

    def rows(self):
        return self.query("SELECT order_id, quantity FROM order_lines ORDER BY odoo_id")

    def lines(self, env, order_id):
        return env["sale.order"].browse(order_id).order_line

    def test_lines_follow_their_order(self):
        order_id = self.new_order(self.partner_id, (2, 3))
        for uuid in self.job_uuids(model="sale.order.line"):
            self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.rows(), [])
        self.run_all()
        self.assertEqual(self.rows(), [(order_id, 2), (order_id, 3)])
        self.assertAllDelivered()

    def test_no_order_of_jobs_violates_the_foreign_key(self):
        for seed in range(4):
            with self.transaction() as env:
                orders = [
                    self.new_order(self.partner_id, (1, 2, 3), env=env)
                    for _n in range(2)
                ]
            with self.transaction() as env:
                self.lines(env, orders[0])[0].order_id = orders[1]
            self.run_all(seed)
            self.assertAllDelivered()
        self.assertEqual(len(self.rows()), 4 * 6)

    def test_lines_are_edited_added_and_removed(self):
        order_id = self.new_order(self.partner_id, (2, 3))
        self.run_all()
        with self.transaction() as env:
            first, second = self.lines(env, order_id)
            first.product_uom_qty = 8
            second.unlink()
            first.copy({"order_id": order_id, "product_uom_qty": 4})
        self.run_all()
        self.assertEqual(self.rows(), [(order_id, 8), (order_id, 4)])
        self.assertAllDelivered()

    def test_lines_go_with_their_order(self):
        order_id = self.new_order(self.partner_id, (2, 3))
        self.run_all()
        # the system keeps what it is not told to delete
        self.query("ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_id_fkey")
        self.addCleanup(
            self.query,
            "TRUNCATE orders, order_lines;"
            "ALTER TABLE order_lines ADD CONSTRAINT order_lines_order_id_fkey"
            " FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE",
        )
        with self.transaction() as env:
            env["sale.order"].browse(order_id).unlink()
        self.run_all()
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.query("SELECT * FROM orders"), [])
        self.assertAllDelivered()
