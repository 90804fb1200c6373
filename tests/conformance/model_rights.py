# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may edit, and who may see what."""

from odoo import Command

ODD_COMPANY = "Kit & Sons"


class ModelRights:
    """Mixed into :class:`.ModelCase`."""

    def test_editor_needs_no_right_on_jobs(self):
        uid = self.new_user("editor", self.editor_groups)
        (record_id,) = self.new(uid=uid)
        self.assertEqual(self.run_pending(), ["done"])
        self.edit(record_id, uid=uid, **self.edited)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere([record_id])
        with self.transaction(uid) as env:
            env[self.model_name].browse(record_id).unlink()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertThere([])

    def test_customers_see_nothing_of_it(self):
        with self.scratch() as env:
            names = {name for name in env["sync.mixin"]._fields if "sync_" in name}
            self.assertTrue(names)
            for group in ("base.group_portal", "base.group_public"):
                user = (
                    env["res.users"]
                    .with_context(no_reset_password=True)
                    .create(
                        {
                            "name": group,
                            "login": group,
                            "group_ids": [Command.set(env.ref(group).ids)],
                        }
                    )
                )
                shown = env[self.model_name].with_user(user).fields_get()
                self.assertFalse(names & shown.keys(), group)

    def test_record_of_another_company_is_not_sent(self):
        if "company_id" not in self.registry[self.model_name]._fields:
            self.skipTest(f"declared by {self.model_name}: of no company")
        with self.scratch() as env:
            ours, theirs = env.company, env["res.company"].create({"name": ODD_COMPANY})
            stream = env["sync.stream"].browse(self.stream_id)
            stream.backend_id.company_id = theirs
            records = env[self.model_name].create(
                [
                    {**self.values(env, number), "company_id": company.id}
                    for number, company in enumerate((ours, theirs))
                ]
            )
            self.assertEqual(stream._matching(records).ids, records[1].ids)
