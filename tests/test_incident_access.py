# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import SyncCase


@tagged("post_install", "-at_install")
class TestIncidentAccess(SyncCase):
    """Who pauses and resumes, and who sees why."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        manager = "base.group_user,queue_job.group_queue_job_manager"
        cls.company = cls.env["res.company"].create({"name": "Sync B"})
        cls.user, cls.manager, cls.foreigner, cls.system = (
            new_test_user(cls.env, f"sync_incident_{login}", groups=groups, **values)
            for login, groups, values in (
                ("user", "base.group_user", {}),
                ("manager", manager, {}),
                (
                    "foreigner",
                    manager,
                    {
                        "company_id": cls.company.id,
                        "company_ids": [fields.Command.set(cls.company.ids)],
                    },
                ),
                ("system", "base.group_system", {}),
            )
        )
        cls.backend.company_id = cls.env.company

    def open_incident(self):
        self.env["sync.incident"]._insert(self.backend.id, "outage", "down")
        return self.backend._open_incident()

    def test_job_manager_pauses_and_resumes(self):
        backend = self.backend.with_user(self.manager)
        self.assertFalse(backend.has_access("write"))
        backend.action_pause()
        incident = self.backend._open_incident()
        self.assertEqual(incident.kind, "manual")
        self.assertEqual(incident.opened_uid, self.manager)
        self.assertIn(self.manager.name, incident.reason)
        backend.invalidate_recordset()
        self.assertIn("Paused by", backend.incident_text)
        backend.action_resume()
        self.assertTrue(incident.closed)
        self.assertEqual(incident.closed_uid, self.manager)
        self.assertFalse(self.backend._open_incident())

    def test_job_manager_sees_the_buttons_and_the_incidents(self):
        backend = self.backend.with_user(self.manager)
        arch = backend.get_view(view_type="form")["arch"]
        for name in ("action_pause", "action_resume", "incident_text"):
            self.assertIn(f'name="{name}"', arch)
        menu = self.env.ref("queue_job_sync.menu_sync_incident")
        self.assertTrue(menu.with_user(self.manager)._filter_visible_menus())
        self.assertFalse(menu.with_user(self.user)._filter_visible_menus())

    def test_others_neither_pause_nor_resume(self):
        for user in (self.user, self.foreigner):
            backend = self.backend.with_user(user)
            with self.assertRaises(AccessError):
                backend.action_pause()
            self.assertFalse(self.backend._open_incident())
        incident = self.open_incident()
        for user in (self.user, self.foreigner):
            with self.assertRaises(AccessError):
                self.backend.with_user(user).action_resume()
            self.assertFalse(incident.closed)

    def test_who_may_do_what_with_incidents(self):
        incident = self.open_incident()
        for user, allowed in (
            (self.user, False),
            (self.foreigner, False),
            (self.manager, True),
            (self.system, True),
        ):
            mine = incident.with_user(user)
            self.assertEqual(mine.has_access("read"), allowed)
            for operation in ("write", "create", "unlink"):
                self.assertFalse(mine.has_access(operation), operation)

    def test_incident_of_another_company_is_not_seen(self):
        incident = self.open_incident()
        everything = [("backend_id", "=", self.backend.id)]
        theirs = self.env["sync.incident"].with_user(self.foreigner)
        self.assertFalse(theirs.search(everything))
        self.backend.company_id = self.company
        self.assertEqual(theirs.search(everything), incident)
        ours = self.env["sync.incident"].with_user(self.manager)
        self.assertFalse(ours.search(everything))
        self.backend.company_id = False
        self.assertEqual(ours.search(everything), incident)

    def test_who_tries_and_resumes_what_is_held(self):
        values = {"stream_id": self.stream.id, "setting": "mapping"}
        incident = self.env["sync.incident"]._insert(
            self.backend.id, "settings", "There is no column phone", **values
        )
        self.assertFalse(self.backend._open_incident(), "the system goes on")
        for user in (self.user, self.foreigner):
            for held in (incident, self.stream):
                for button in ("action_try_again", "action_resume"):
                    with self.assertRaises(AccessError):
                        getattr(held.with_user(user), button)()
        self.assertFalse(incident.closed)
        stream = self.stream.with_user(self.manager)
        self.assertIn("There is no column phone", stream.held_text)
        self.assertEqual(stream.incident_id, incident)
        arch = stream.get_view(view_type="form")["arch"]
        for name in ("action_try_again", "action_resume", "held_text"):
            self.assertIn(f'name="{name}"', arch)
        stream.action_try_again()
        self.assertFalse(incident.closed)
        stream.action_resume()
        self.assertEqual(incident.closed_uid, self.manager)
        stream.invalidate_recordset()
        self.assertFalse(stream.incident_id or stream.held_text)

    def test_pausing_twice_is_pausing_once(self):
        backend = self.backend.with_user(self.manager)
        backend.action_pause()
        backend.action_pause()
        self.assertEqual(len(self.backend.incident_ids), 1)
