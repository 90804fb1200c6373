# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""No text of a record or of a system ever runs in the browser of whoever looks."""

from lxml import html

from odoo import fields
from odoo.tests import tagged

from ..mapping.comparison import compare
from .common import DeliveryCase, database_values, stream_values
from .rights_case import ADDON, RightsCase

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><iframe src='javascript:alert(1)'></iframe>",
    "</td></table><a href='javascript:alert(1)'>here</a>",
)
HARMLESS = {"table", "thead", "tbody", "tr", "th", "td", "span", "div", "p", "section"}
HARMLESS |= {
    "h4",
    "h6",
    "small",
    "bdi",
    "strong",
    "dl",
    "dt",
    "dd",
    "ul",
    "li",
    "a",
    "i",
    "br",
}
# What is left of the attacks when all that could run is taken out.
LEFT = HARMLESS | {"img", "svg"}


class HtmlChecks:
    def assertHarmless(self, content, tags=HARMLESS):
        """Check that HTML has no part that runs, and return its text."""
        tree = html.fromstring(f"<div>{content}</div>")
        for element in tree.iter():
            self.assertIn(element.tag, tags)
            for name, value in element.attrib.items():
                self.assertFalse(name.startswith("on"), name)
                self.assertNotIn("javascript:", value)
        return tree.text_content()

    def assertShown(self, content):
        """Check that each attack is there, to be read and not to be run."""
        text = self.assertHarmless(content)
        for attack in ATTACKS:
            self.assertIn(attack, text)


@tagged("post_install", "-at_install")
class TestHtmlFields(HtmlChecks, RightsCase):
    def html_fields(self):
        for name, model in self.env.items():
            for field in model._fields.values():
                if field.type == "html" and ADDON in field._modules:
                    yield name, field

    def test_none_is_written_or_left_as_it_comes(self):
        found = list(self.html_fields())
        self.assertGreater(len(found), 3)
        for model_name, field in found:
            with self.subTest(model_name, field=field.name):
                self.assertTrue(field.compute)
                self.assertTrue(field.readonly)
                self.assertFalse(field.store or field.inverse)
                self.assertTrue(field.sanitize)
                self.assertTrue(field.sanitize_tags and field.sanitize_attributes)
                self.assertFalse(field.sanitize_overridable)

    def test_comparison_is_not_written(self):
        manager = self.users["manager"]
        wizard = self.new("sync.preview", manager)
        for attack in ATTACKS:
            for method, args in (
                ("write", (wizard.ids, {"comparison": attack})),
                (
                    "web_save",
                    (wizard.ids, {"comparison": attack}, {"comparison": {}}),
                ),
            ):
                found = self.rpc(manager, "sync.preview", method, *args)
                # what is told back of what was sent
                self.assertHarmless(repr(found), LEFT)
                (found,) = self.rpc(
                    manager, "sync.preview", "read", wizard.ids, ["comparison"]
                )
                self.assertFalse(found["comparison"])
        (created,) = self.rpc(
            manager,
            "sync.preview",
            "create",
            [{"stream_id": self.stream.id, "comparison": ATTACKS[0]}],
        )
        (found,) = self.rpc(manager, "sync.preview", "read", [created], ["comparison"])
        self.assertFalse(found["comparison"])

    def test_what_the_comparison_is_made_of_is_text(self):
        wizard = self.new("sync.preview", self.users["manager"])
        content = {name: name for name in ATTACKS}
        wizard.comparison_lines = compare(content, {**content, ATTACKS[0]: "other"})
        self.assertShown(wizard.comparison)

    def test_names_of_columns_are_text(self):
        backend = self.env["sync.backend"].create(database_values(name="Warehouse"))
        columns = [
            {"name": attack, "type": attack, "required": True} for attack in ATTACKS
        ]
        stream = self.env["sync.stream"].create(
            stream_values(
                backend,
                state="draft",
                table="contacts",
                columns_table="contacts",
                columns=columns,
            )
        )
        self.assertShown(stream.columns_status)
        self.assertShown(stream.lacking)

    def test_what_a_test_of_the_connection_has_found_is_text(self):
        test = self.new("sync.connection.test", self.users["system"])
        test.findings = [(attack, "fails", attack) for attack in ATTACKS]
        self.assertShown(test.found)

    def test_what_a_system_says_of_a_record_is_text(self):
        name, url, external_id, note, reason = ATTACKS
        self.backend.name = name
        self.stream.record_url = "https://crm.example.com/{external_id}"
        values = {"stream_id": self.stream.id, "res_id": self.partner.id}
        self.outbox(self.partner).unlink()
        self.env["sync.binding"].create(
            {
                **values,
                "external_id": external_id + url,
                "note": note,
                "note_date": fields.Datetime.now(),
                "last_success": fields.Datetime.now(),
            }
        )
        self.env["sync.delivery"].create(
            {**values, "operation": "upsert", "state": "failed", "error": reason}
        )
        for role in ("user", "manager"):
            partner = self.partner.with_user(self.users[role])
            status = partner.env["sync.status"].browse(
                partner.action_sync_status()["res_id"]
            )
            self.assertShown(status.content)

    def test_names_and_reasons_in_mails_are_text(self):
        name, system, task, reason, other = ATTACKS
        self.backend.name, self.stream.name = system, task
        self.env.cr.execute(
            "UPDATE queue_job SET sync_record_name = %s WHERE id = %s",
            (name, self.job.id),
        )
        self.job.write({"state": "failed", "exc_message": reason})
        incident = self.new("sync.incident")
        incident.reason = other
        for template, record, told in (
            ("job_failed", self.job, (name, system, task, reason)),
            ("jobs_failed", self.company, (system, task, reason)),
            ("incident_opened", incident, (system, other)),
            ("incident_closed", incident, (system,)),
        ):
            with self.subTest(template):
                template = self.env.ref(f"queue_job_sync.mail_template_{template}")
                body = template._render_field("body_html", record.ids)[record.id]
                text = self.assertHarmless(body)
                for attack in told:
                    self.assertIn(attack, text)


@tagged("post_install", "-at_install")
class TestHtmlOfPreview(HtmlChecks, DeliveryCase):
    """A real record, and a system that answers with scripts."""

    def test_record_and_answer_are_text(self):
        first, *others = ATTACKS
        partner_id = self.new_partner(name=first)
        self.run_pending()
        self.destination.records["/contacts/1"] = {
            "name": others[0],
            **{other: other for other in others},
        }
        with self.transaction() as env:
            wizard = env["sync.preview"].create(
                {"stream_id": self.stream_id, "res_id": partner_id}
            )
            wizard.action_preview()
            self.assertShown(wizard.comparison)
            setup = env["sync.setup"].create(
                {"name": "Shop", "finished": True, "preview_id": wizard.id}
            )
            self.assertShown(setup.comparison)
            # these are shown as text
            for name in ("request", "request_problem", "held_problem"):
                self.assertEqual(wizard._fields[name].type, "text")
            setup.unlink()
            wizard.unlink()
