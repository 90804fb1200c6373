# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A wizard is for the one who opened it, and tells nothing of other companies."""

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .rights_case import OPERATIONS, RightsCase


@tagged("post_install", "-at_install")
class TestOwnWizards(RightsCase):
    """Two users of a kind, each with every right that their kind has."""

    def test_wizard_of_another_user_is_out_of_reach(self):
        tried = 0
        for model_name in self.own_wizards():
            for role in ("user", "editor", "manager", "system"):
                mine, theirs = self.users[role], self.colleagues[role]
                with self.undone():
                    wizard = self.new(model_name, mine)
                    if not self.may_operate(mine, wizard, "read"):
                        continue
                    tried += 1
                    found = self.rpc(theirs, model_name, "search_count", [])
                    self.assertEqual(found, 0, (model_name, role))
                    for operation in OPERATIONS[1:]:
                        with self.subTest(model_name, role=role, operation=operation):
                            self.assertFalse(
                                self.may_operate(theirs, wizard, operation)
                            )
                    for method in self.public_methods(model_name):
                        if method == "default_get":
                            continue  # of no record
                        with self.subTest(model_name, role=role, method=method):
                            self.assertFalse(self.may_call(theirs, wizard, method))
        self.assertGreater(tried, 15)

    def test_line_is_not_moved_into_a_wizard_of_another_user(self):
        for model_name, role in (("sync.now", "editor"), ("sync.clarify", "manager")):
            mine, theirs = self.users[role], self.colleagues[role]
            wizard = self.new(model_name, theirs)
            line = self.new(f"{model_name}.line", mine)
            values = {"line_ids": [Command.link(wizard.line_ids.id)]}
            with self.subTest(model_name), self.assertRaises(AccessError):
                self.rpc(mine, model_name, "write", line.wizard_id.ids, values)


@tagged("post_install", "-at_install")
class TestOtherCompanies(RightsCase):
    """Whoever works for one company, told nothing of the systems of another."""

    def assertNotTold(self, found):
        self.assertNotIn("Undisclosed", repr(found))

    def test_record_of_another_company_is_out_of_reach(self):
        for model_name in self.own_models():
            if model_name in (
                "sync.clarify",
                "sync.now",
                "sync.reschedule",
                "sync.status",
            ):
                continue  # of no system; what they tell is looked at below
            if model_name in ("sync.node", "sync.health"):
                continue  # of no company: servers run the jobs of all
            for role in ("editor", "manager", "system"):
                user = self.users[role]
                with self.undone(), self.subTest(model_name, role=role):
                    record = self.new(model_name, user, self.other_stream)
                    for operation in OPERATIONS[1:]:
                        self.assertFalse(
                            self.may_operate(user, record, operation), operation
                        )
                    for method in self.public_methods(model_name):
                        # the others are about no record in particular
                        if method not in ("default_get", "dashboard"):
                            self.assertFalse(
                                self.may_call(user, record, method), method
                            )
                with self.undone(), self.subTest(model_name, role=role):
                    values = self.values(model_name, self.other_stream, user)
                    self.assertFalse(self.may(user, model_name, "create", values))

    def test_no_way_to_ask_tells_the_name(self):
        for model_name in [*self.own_models(), "queue.job"]:
            for role in ("editor", "manager", "system"):
                user = self.users[role]
                with self.undone():
                    self.new(model_name, user, self.other_stream)
                    if model_name == "queue.job":
                        # not what happens, unless somebody has moved the system
                        self.env.cr.execute(
                            "UPDATE queue_job"
                            "   SET sync_stream_id = %s, sync_backend_id = %s"
                            " WHERE id = %s",
                            (self.other_stream.id, self.other_backend.id, self.job.id),
                        )
                    if not self.env[model_name].with_user(user).has_access("read"):
                        continue
                    links = [
                        name
                        for name, field in self.env[model_name]._fields.items()
                        if field.type == "many2one" and field.store and not field.groups
                    ]
                    for method, args in (
                        ("search_read", ([], ["display_name", *links])),
                        ("name_search", ("Undisclosed",)),
                        *(
                            ("formatted_read_group", ([], [link], ["__count"]))
                            for link in links
                        ),
                    ):
                        with self.subTest(model_name, role=role, method=method):
                            self.assertNotTold(
                                self.answer(user, model_name, method, *args)
                            )

    def test_form_that_is_being_filled_in_tells_no_name(self):
        secrets = {
            "sync.backend": self.other_backend,
            "sync.stream": self.other_stream,
            "sync.preview": self.new("sync.preview", None, self.other_stream),
            "sync.binding": self.doubtful(self.other_stream),
        }
        for model_name in self.own_wizards():
            texts = [
                name
                for name, field in self.env[model_name]._fields.items()
                if field.type in ("char", "text", "html", "selection")
            ]
            for name, field in self.env[model_name]._fields.items():
                if field.comodel_name not in secrets or field.type != "many2one":
                    continue
                values = {name: secrets[field.comodel_name].id}
                asked = {
                    **{text: {} for text in texts},
                    name: {"fields": {"display_name": {}}},
                }
                for role in ("editor", "manager", "system"):
                    with self.subTest(model_name, role=role, field=name):
                        self.assertNotTold(
                            self.answer(
                                self.users[role],
                                model_name,
                                "onchange",
                                [],
                                values,
                                [name],
                                asked,
                            )
                        )

    def test_line_that_is_being_added_tells_no_name(self):
        user = self.users["editor"]
        wizard = self.new("sync.now", user)
        line = {"name": {}, "stream_id": {"fields": {"display_name": {}}}}
        told = [
            self.answer(
                user,
                "sync.now",
                "onchange",
                wizard.ids,
                {"line_ids": [[0, "virtual_1", {"stream_id": stream.id}]]},
                [],
                {"line_ids": {"fields": line}},
            )
            for stream in (self.stream, self.other_stream)
        ]
        self.assertIn("Contacts to CRM", repr(told[0]))
        self.assertNotTold(told[1])

    def test_what_a_job_sends_is_not_edited(self):
        """Else its failure would be noted of copies at another company's system."""
        for values in (
            {"sync_stream_id": self.other_stream.id},
            {"sync_backend_id": self.other_backend.id},
            {"sync_res_id": self.company.partner_id.id},
            {"sync_record_name": "Charles"},
        ):
            with self.subTest(values), self.assertRaises(AccessError):
                self.rpc(
                    self.users["manager"], "queue.job", "write", self.job.ids, values
                )

    def test_own_and_shared_systems_are_told_of(self):
        manager = self.users["manager"]
        for company in (False, self.company):
            self.backend.company_id = company
            wizard = self.new("sync.recover", manager)
            for record, link in ((wizard, "backend_id"), (self.job, "sync_backend_id")):
                (found,) = self.rpc(manager, record._name, "read", record.ids, [link])
                self.assertEqual(found[link], (self.backend.id, "CRM"))
