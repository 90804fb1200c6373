# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from lxml import etree

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import SyncCase

SCREENS = {
    "sync.outbox": ("list",),
    "sync.binding": ("list", "form"),
    "sync.delivery": ("list", "form"),
    "sync.incident": ("list",),
    "queue.job": ("list", "form", "kanban"),
}


@tagged("post_install", "-at_install")
class TestLooseLinks(SyncCase):
    """Screens of rows whose system, synchronization or user is gone already."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.editor = new_test_user(
            cls.env, "editor", "base.group_user,base.group_partner_manager"
        )
        partner = cls.env["res.partner"].with_user(cls.editor).create({"name": "Ada"})
        cls.before_commit(cls)
        cls.row = cls.outbox(cls, partner)
        cls.job = cls.jobs(cls)
        cls.binding = cls.env["sync.binding"].create(
            {"stream_id": cls.stream.id, "res_id": partner.id}
        )
        cls.delivery = cls.env["sync.delivery"].create(
            {
                "stream_id": cls.stream.id,
                "res_id": partner.id,
                "state": "success",
                "operation": "upsert",
            }
        )
        cls.incident = cls.env["sync.incident"].create(
            {
                "backend_id": cls.backend.id,
                "kind": "manual",
                "opened": "2026-01-01",
            }
        )
        cls.admin = new_test_user(
            cls.env, "looker", "base.group_system,queue_job.group_queue_job_manager"
        )
        cls.env.flush_all()

    def delete(self, table, record):
        self.env.cr.execute(f"DELETE FROM {table} WHERE id = %s", (record.id,))
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def look(self, records, hidden=False):
        """Read records as the web client does, on each screen that they are on.

        :param hidden: by a record rule: nobody can tell whose they are
        """
        model = self.env[records._name].with_user(self.admin)
        for kind in SCREENS[records._name]:
            with self.subTest(f"{kind} of {records._name}"):
                self.env.invalidate_all()
                specification = {}
                arch = etree.fromstring(model.get_view(view_type=kind)["arch"])
                for node in arch.iter("field"):
                    if any(parent.tag == "field" for parent in node.iterancestors()):
                        continue
                    field = model._fields[node.get("name")]
                    specification[field.name] = {}
                    if field.type == "many2one":
                        names = {"fields": {"display_name": {}}}
                        specification[field.name] = names
                found = model.web_search_read(
                    [("id", "in", records.ids)], specification
                )
                self.assertEqual(found["length"], 0 if hidden else len(records))
                for name in specification:
                    field = model._fields[name]
                    if field.type == "many2one" and field.store:
                        model.web_read_group(
                            [("id", "in", records.ids)], [name], ["__count"]
                        )
                model.search([("id", "in", records.ids)]).export_data(
                    [
                        f"{name}/id" if "fields" in spec else name
                        for name, spec in specification.items()
                    ]
                )
                # a cron, or whoever else no rule concerns
                records.invalidate_recordset()
                records.web_read(specification)

    def test_user_of_a_change_is_gone(self):
        self.editor.unlink()
        self.env.flush_all()
        self.look(self.row)
        self.look(self.job)

    @mute_logger("odoo.models.unlink")
    def test_synchronization_is_gone(self):
        self.delete("sync_stream", self.stream)
        for records in (self.row, self.binding, self.delivery):
            self.look(records, hidden=True)
        self.look(self.job)

    def test_system_is_gone(self):
        self.delete("sync_stream", self.stream)
        self.delete("sync_backend", self.backend)
        for records in (
            self.row,
            self.binding,
            self.delivery,
            self.incident,
        ):
            self.look(records, hidden=True)
        self.look(self.job)
