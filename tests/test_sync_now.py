# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Synchronize now: which systems, when, and how urgently."""

from datetime import timedelta

from lxml import etree
from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..exceptions import Unreachable
from .common import SyncCase, backend_values, stream_values


@tagged("post_install", "-at_install")
class TestSyncNow(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop = cls.env["sync.stream"].create(
            stream_values(
                cls.env["sync.backend"].create(backend_values(name="Shop")),
                domain="[('is_company', '=', True)]",
                priority=3,
            )
        )
        cls.partners = cls.env["res.partner"].create(
            [{"name": "Ada"}, {"name": "Acme", "is_company": True}]
        )
        cls.before_commit(cls)
        (cls.outbox(cls) | cls.outbox(cls, stream=cls.shop)).unlink()
        cls.editor = new_test_user(
            cls.env,
            "sync_editor",
            groups="base.group_user,base.group_partner_manager",
        )

    def wizard(self, records=None, user=None, **context):
        """Choose Synchronize now in the Action menu, as a user."""
        records = self.partners if records is None else records
        action = self.env.ref("queue_job_sync.action_sync_now")
        result = (
            action.with_user(user or self.editor)
            .with_context(
                active_model=records._name,
                active_ids=records.ids,
                active_id=records.ids[0],
                **{f"active_{name}": value for name, value in context.items()},
            )
            .run()
        )
        env = self.env(user=user or self.editor)
        return env[result["res_model"]].browse(result["res_id"])

    def test_offers_the_systems_and_counts(self):
        wizard = self.wizard()
        self.assertEqual(
            wizard.line_ids.mapped(lambda line: (line.name, line.record_count)),
            [("CRM", 2), ("Shop", 1)],
        )
        self.assertEqual((wizard.selected_count, wizard.send_count), (2, 3))
        self.assertEqual(wizard.priority, 3)

    def test_system_that_takes_none_is_not_chosen(self):
        wizard = self.wizard(self.partners[0])
        self.assertEqual(wizard.line_ids.mapped("selected"), [True, False])
        self.assertEqual(wizard.send_count, 1)

    def test_two_synchronizations_of_one_system_have_their_names(self):
        self.shop.backend_id = self.backend
        names = self.wizard().line_ids.mapped("name")
        self.assertEqual(names, ["CRM: Contacts to CRM", "CRM: Contacts to Shop"])

    def test_sends_to_the_chosen_with_priority_and_time(self):
        later = fields.Datetime.now() + timedelta(hours=5)
        with Form(self.wizard()) as form:
            with form.line_ids.edit(0) as line:
                line.selected = False
            self.assertEqual(form.send_count, 1)
            form.priority = 9
            form.eta = later
        wizard = form.record
        action = wizard.action_send()
        self.assertIn("1 delivery", action["params"]["message"])
        self.assertFalse(self.outbox(self.partners))
        row = self.outbox(self.partners, self.shop)
        self.assertEqual((row.res_id, row.force), (self.partners[1].id, True))
        job = self.env["queue.job"].search([("uuid", "=", row.job_uuid)])
        self.assertEqual((job.priority, job.eta), (9, later))
        self.assertEqual(job.user_id, self.editor)

    def test_several_go_in_bulk(self):
        self.wizard().action_send()
        # only one of them belongs into the shop
        for stream, priority in ((self.stream, 13), (self.shop, 3)):
            (uuid,) = set(self.outbox(self.partners, stream).mapped("job_uuid"))
            job = self.env["queue.job"].search([("uuid", "=", uuid)])
            self.assertEqual(job.priority, priority)

    def test_sends_now_by_default(self):
        self.stream.write({"delay_policy": "delay", "delay_minutes": 30})
        self.wizard().action_send()
        self.assertEqual(len(self.outbox(self.partners)), 2)
        self.assertFalse(self.jobs()[-1].eta)

    def test_time_that_is_over_is_now(self):
        wizard = self.wizard()
        wizard.eta = fields.Datetime.now() - timedelta(hours=1)
        wizard.action_send()
        self.assertFalse(self.jobs()[-1].eta)

    def test_priority_has_its_range(self):
        wizard = self.wizard()
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"):
            wizard.priority = 11
            wizard.flush_recordset()

    def test_nothing_chosen(self):
        wizard = self.wizard()
        wizard.line_ids.selected = False
        with self.assertRaisesRegex(UserError, "No synchronization"):
            wizard.action_send()

    def test_selection_beyond_what_the_web_client_names(self):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("web.active_ids_limit", 2)
        more = self.env["res.partner"].create([{"name": f"Ada {n}"} for n in range(4)])
        self.before_commit()
        domain = [("id", "in", more.ids)]
        found = more.search(domain)
        wizard = self.wizard(found[:2], domain=domain)
        self.assertEqual((wizard.selected_count, len(wizard.res_ids)), (4, 4))
        wizard.action_send()
        self.assertEqual(
            {*self.outbox(more).filtered("force").mapped("res_id")}, {*more.ids}
        )
        # some of the page, chosen one by one
        for chosen in (found[1:3], found[:1]):
            wizard = self.wizard(chosen, domain=domain)
            self.assertEqual(wizard.res_ids, chosen.ids)

    def test_tells_why_some_are_left_out(self):
        crm, shop = self.wizard().line_ids
        self.assertFalse(crm.remark)
        self.assertRegex(shop.remark, "^1 left out: ")

    def test_system_that_is_down(self):
        self.env["sync.incident"]._insert(
            self.backend.id, "outage", Unreachable("PUT http://10.1.2.3: refused")
        )
        self.shop.backend_id.action_pause()
        wizard = self.wizard()
        crm, shop = wizard.line_ids
        self.assertRegex(crm.remark, "^CRM is down since .*; sent when it is back.$")
        self.assertRegex(shop.remark, "^Paused by .* resumes Shop. 1 left out")
        said = wizard.action_send()["params"]
        self.assertEqual(said["type"], "warning")
        self.assertRegex(
            said["message"],
            "^2 deliveries wait. CRM is down since .* is back. "
            "1 delivery waits. Paused by .* resumes Shop.$",
        )
        self.assertNotIn("10.1.2.3", f"{crm.remark} {said['message']}")

    def test_one_of_two_systems_is_paused(self):
        self.backend.action_pause()
        message = self.partners.with_user(self.editor).action_sync_now()
        self.assertRegex(
            message["params"]["message"],
            "^1 delivery is on its way. 2 deliveries wait. Paused by .* CRM.$",
        )

    def test_nobody_adds_a_line(self):
        for name in ("sync_now", "sync_clarify"):
            view = self.env.ref(f"queue_job_sync.view_{name}_form")
            for each in etree.fromstring(view.arch).xpath("//list"):
                self.assertEqual(
                    (each.get("create"), each.get("delete")), ("false",) * 2
                )
            for group in etree.fromstring(view.arch).xpath("//footer"):
                names = [each.get("string") for each in group.xpath("button")]
                self.assertEqual(len({*names}), len(names))
                self.assertNotIn("Cancel", names)

    def test_reader_is_refused(self):
        reader = new_test_user(self.env, "sync_reader", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.wizard(user=reader)
        made_up = self.env["sync.now"].with_user(reader)
        values = {
            "res_model": "res.partner",
            "res_ids": self.partners.ids,
            "line_ids": [fields.Command.create({"stream_id": self.stream.id})],
        }
        with self.assertRaises(AccessError):
            made_up.create(values)
        wizard = made_up.sudo().create(values).sudo(False)
        with self.assertRaises(AccessError):
            wizard.action_send()
        self.assertFalse(self.outbox(self.partners))

    def test_records_that_may_not_be_edited_are_left_out(self):
        self.env["ir.rule"].create(
            {
                "name": "Not Acme",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": f"[('id', '!=', {self.partners[1].id})]",
                "perm_read": False,
            }
        )
        wizard = self.wizard()
        self.assertEqual((wizard.selected_count, wizard.hidden_count), (2, 1))
        wizard.action_send()
        self.assertEqual(
            self.outbox(self.partners).mapped("res_id"), self.partners[0].ids
        )

    def test_system_of_another_company_is_neither_offered_nor_sent_to(self):
        self.shop.backend_id.company_id = self.env["res.company"].create({"name": "B"})
        wizard = self.wizard()
        self.assertEqual(wizard.line_ids.mapped("name"), ["CRM"])
        values = {"line_ids": [fields.Command.create({"stream_id": self.shop.id})]}
        with self.assertRaises(AccessError):
            wizard.write(values)
        wizard.sudo().write(values)
        wizard.invalidate_recordset()
        self.assertEqual(wizard.line_ids.mapped("name"), ["CRM"])
        wizard.action_send()
        self.partners.with_user(self.editor).action_sync_now()
        # the company's own contact is another matter
        self.assertFalse(self.outbox(self.partners, stream=self.shop))

    def test_wizard_belongs_to_who_opened_it(self):
        other = new_test_user(
            self.env, "sync_other", groups="base.group_user,base.group_partner_manager"
        )
        wizard = self.wizard()
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            wizard.with_user(other).action_send()

    def test_reads_no_other_model(self):
        wizard = self.env["sync.now"].create(
            {"res_model": "res.users", "res_ids": self.env.user.ids}
        )
        with self.assertRaises(UserError):
            wizard.action_send()

    def test_form_is_for_people_without_rights_on_systems(self):
        self.assertFalse(self.stream.with_user(self.editor).has_access("read"))
        (values,) = self.wizard().web_read(
            {"line_ids": {"fields": {"name": {}, "selected": {}, "record_count": {}}}}
        )
        self.assertEqual(values["line_ids"][0]["name"], "CRM")
