# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from ast import literal_eval
from datetime import timedelta
from itertools import combinations, product
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.models import BaseModel
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.queue_job_sync.models import loose_link

from .common import SyncCase

# Odoo's own way to count what a pivot shows, in one query
NAME = "_read_grouping_sets"


@tagged("post_install", "-at_install")
class TestDeliveryScreens(SyncCase):
    """What a jobs manager sees of the log, and searches it by."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        manager = "base.group_user,queue_job.group_queue_job_manager"
        cls.manager = new_test_user(cls.env, "sync_log_manager", manager)
        cls.user = new_test_user(cls.env, "sync_log_user", "base.group_user")
        partners = cls.env["res.partner"]
        cls.ada, cls.alan = partners.create(
            [{"name": "Ada Lovelace"}, {"name": "Alan Turing"}]
        )
        cls.before_commit(cls)
        cls.grace = partners.create({"name": "Grace Hopper"})
        cls.before_commit(cls)
        cls.job = cls.env["queue.job"].search([("sync_res_id", "=", cls.grace.id)])
        cls.log = cls.env["sync.delivery"].with_user(cls.manager)
        cls.of_ada = cls.sent(cls.ada)
        cls.of_grace = cls.sent(cls.grace, job_uuid=cls.job.uuid)
        cls.of_alan = cls.sent(cls.alan, job_uuid="of many records")

    @classmethod
    def sent(cls, partner, **values):
        """Log one attempt; return it as the manager sees it."""
        about = {"stream_id": cls.stream.id, "res_id": partner.id}
        how = {"operation": "upsert", "state": "success"}
        row = cls.env["sync.delivery"].create({**about, **how, **values})
        return row.with_user(cls.manager)

    def arch(self, kind):
        return etree.fromstring(self.log.get_view(view_type=kind)["arch"])

    def found(self, *domain):
        about = ("stream_id", "=", self.stream.id)
        return self.log.search([about, *domain], order="id")

    def test_list_form_and_card_name_the_record(self):
        rows = self.of_ada | self.of_grace
        self.assertEqual(rows.mapped("record_name"), ["Ada Lovelace", "Grace Hopper"])
        self.assertEqual(self.of_ada.display_name, "Ada Lovelace")
        for kind in ("list", "form", "kanban"):
            self.assertTrue(self.arch(kind).xpath("//field[@name='record_name']"), kind)

    def test_names_are_looked_up_together(self):
        rows = self.of_ada | self.of_grace | self.of_alan
        rows.mapped("record_name")
        self.env.invalidate_all()
        with self.assertQueryCount(10):
            for row in rows.with_user(self.manager):
                self.assertTrue(row.record_name)

    def test_deleted_records_keep_the_name_that_their_job_knew(self):
        self.assertEqual(len(self.job), 1)
        (self.grace | self.alan).unlink()
        self.env.invalidate_all()
        self.assertEqual(self.of_grace.record_name, "Grace Hopper (deleted)")
        self.assertEqual(
            self.of_alan.record_name, f"Contact {self.of_alan.res_id} (deleted)"
        )
        self.job.unlink()
        self.env.invalidate_all()
        self.assertFalse(self.of_grace.job_id)
        self.assertEqual(
            self.of_grace.record_name, f"Contact {self.of_grace.res_id} (deleted)"
        )

    def test_what_may_not_be_read_has_a_number(self):
        foreign = self.env["res.company"].create({"name": "Elsewhere"})
        self.ada.company_id = foreign
        self.env.invalidate_all()
        self.assertEqual(self.of_ada.record_name, f"Contact {self.ada.id}")
        self.assertFalse(self.found(("record_name", "ilike", "lovelace")))

    def test_is_searched_by_the_name_of_the_record(self):
        self.assertEqual(self.found(("record_name", "ilike", "love")), self.of_ada)
        self.assertEqual(self.found(("record_name", "=", "Alan Turing")), self.of_alan)
        self.assertEqual(
            self.found(("record_name", "not ilike", "love")),
            self.of_grace | self.of_alan,
        )
        # a name that many have
        self.patch(loose_link, "FEW_NAMED", 1)
        self.assertEqual(
            self.found(("record_name", "ilike", "a")),
            self.of_ada | self.of_grace | self.of_alan,
        )
        # those of archived records too
        self.ada.active = False
        self.assertEqual(self.found(("record_name", "ilike", "love")), self.of_ada)

    def test_search_begins_with_the_record(self):
        arch = self.arch("search")
        self.assertEqual(arch.find("field").get("name"), "record_name")

    def test_every_filter_and_group_works(self):
        arch = self.arch("search")
        self.of_alan.sudo().warning = "It may not be there."
        for node in arch.iter("filter"):
            with self.subTest(node.get("name")):
                domain = Domain(literal_eval(node.get("domain") or "[]"))
                self.log.web_search_read(domain, {"record_name": {}}, limit=80)
                context = literal_eval(node.get("context") or "{}")
                if "group_by" in context:
                    groups = self.log.web_read_group(
                        domain, [context["group_by"]], ["__count", "duration:avg"]
                    )
                    self.assertTrue(groups["groups"])
        names = {node.get("name") for node in arch.iter("filter")}
        groups = {"group_by_day", "group_by_state", "group_by_stream"}
        self.assertLessEqual(groups | {"today", "last_week", "warned"}, names)

    def test_the_menu_shows_the_last_days(self):
        long_ago = fields.Datetime.now() - timedelta(days=20)
        old = self.sent(self.ada, date=long_ago)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_delivery"
        )
        context = safe_eval(action["context"])
        self.assertEqual(context, {"search_default_last_week": 1})
        (node,) = self.arch("search").xpath("//filter[@name='last_week']")
        found = self.found(*literal_eval(node.get("domain")))
        self.assertIn(self.of_ada, found)
        self.assertNotIn(old, found)

    def test_reasons_are_searched_among_what_failed(self):
        failed = self.sent(self.ada, state="failed", error="The number is too long")
        (node,) = self.arch("search").xpath("//field[@name='error']")
        domain = safe_eval(node.get("filter_domain"), {"self": "too long"})
        self.assertEqual(self.found(*domain), failed)
        self.assertIn(("state", "=", "failed"), domain)

    def test_graph_and_pivot_are_by_state(self):
        graph, pivot = self.arch("graph"), self.arch("pivot")
        self.assertEqual(graph.get("js_class"), "queue_job_sync_state_graph")
        shown = [(node.get("name"), node.get("interval")) for node in graph]
        self.assertEqual(shown, [("date", "day"), ("state", None)])
        shown = [(node.get("name"), node.get("type")) for node in pivot]
        self.assertEqual(shown, [("stream_id", "row"), ("state", "col")])

    def test_a_pivot_counts_what_odoo_would(self):
        others = self.stream.copy({"name": "Another", "sequence": -1})
        self.sent(self.ada, stream_id=others.id, state="failed")
        self.sent(self.alan, state="failed", error_kind="rejected", duration=0.5)
        self.sent(self.alan, request="GET b", duration=0.0)
        self.sent(self.alan, request="GET B", duration=1.5)
        self.sent(self.alan, date=fields.Datetime.now() - timedelta(days=40))
        specs = ["state", "stream_id", "error_kind", "date:day", "duration"]
        specs += ["backend_id", "request", "res_id"]
        domains = [], [("res_id", "=", self.alan.id)], [("id", "=", 0)]
        chosen = [c for size in range(4) for c in combinations(specs, size)]
        for domain, columns in product(domains, chosen):
            sizes = range(len(columns) + 1)
            sets = [list(c) for size in sizes for c in combinations(columns, size)]
            asked = domain, sets, ["__count"]
            with self.subTest(domain=domain, sets=sets):
                found = self.log.formatted_read_grouping_sets(*asked)
                with patch.object(type(self.log), NAME, getattr(BaseModel, NAME)):
                    expected = self.log.formatted_read_grouping_sets(*asked)
                self.assertEqual(found, expected)

    def test_a_pivot_is_counted_in_several_processes(self):
        sets = [[], ["stream_id"], ["state"], ["stream_id", "state"]]
        with patch.object(BaseModel, NAME, side_effect=AssertionError):
            found = self.log.formatted_read_grouping_sets([], sets, ["__count"])
        self.assertEqual(found[0][0]["__count"], self.log.search_count([]))

    def test_machines_texts_are_from_left_to_right(self):
        code = ("request", "request_body", "response", "status")
        for kind, names in (
            ("form", (*code, "job_uuid")),
            ("kanban", code),
            ("list", ("request", "status")),
        ):
            for name in names:
                with self.subTest(view=kind, field=name):
                    (node,) = self.arch(kind).xpath(f"//field[@name='{name}']")
                    self.assertEqual(node.get("widget"), "queue_job_sync_code")

    def test_job_is_shown_to_those_who_may_see_it(self):
        self.assertEqual(self.of_grace.job_id, self.job)
        self.assertFalse(self.of_alan.job_id)
        system = new_test_user(self.env, "sync_log_system", "base.group_system")
        may = self.job.with_user(system).has_access("read")
        self.assertEqual(bool(self.of_grace.with_user(system).job_id), may)

    def test_back_office_is_refused(self):
        theirs = self.of_ada.with_user(self.user)
        for name in ("record_name", "request", "job_id"):
            with self.assertRaises(AccessError):
                theirs.read([name])
        with self.assertRaises(AccessError):
            theirs.search([("record_name", "ilike", "ada")])
