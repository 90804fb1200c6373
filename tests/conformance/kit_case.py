# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What all tests of the kit share."""

import unittest

from odoo import Command

from ..incident_case import IncidentCase

# Seconds: what is to wait in vain waits for long enough then.
TIMEOUT = 1


class KitCase(IncidentCase):
    """Tests that are inherited by the classes that name what is to be tested."""

    allow_inherited_tests_method = True  # else Odoo runs a class's own tests only
    test_tags = {"standard", "post_install"}
    #: what a subclass has to set
    needed: tuple[str, ...] = ()
    #: what is sent, by what it is called there
    mapping: tuple[tuple[str, str], ...] = ()
    #: groups of the user who edits records
    editor_groups = "base.group_user,base.group_partner_manager"

    @classmethod
    def setUpClass(cls):
        if "needed" in vars(cls):
            raise unittest.SkipTest(f"{cls.__name__} is for subclasses")
        missing = [name for name in cls.needed if not getattr(cls, name, None)]
        if missing:
            raise ValueError(f"{cls.__name__} has to set {', '.join(missing)}")
        super().setUpClass()

    def setUp(self):
        self.user_ids = []
        # the last thing to be done: what users own is gone by then
        self.addCleanup(self._delete_users)
        super().setUp()

    def stream_values(self, backend):
        lines = [{"field_path": path, "target": name} for path, name in self.mapping]
        return {
            "name": f"{self.model_name} to {backend.name}",
            "backend_id": backend.id,
            "model_id": backend.env["ir.model"]._get(self.model_name).id,
            "mapping_ids": [Command.create(line) for line in lines],
            **self.stream_options,
        }

    def _delete_users(self):
        with self.transaction() as env:
            users = env["res.users"].browse(self.user_ids).exists()
            partners = users.partner_id
            users.unlink()
            partners.unlink()

    def new_user(self, login, groups, **values):
        """Commit a user, of whom no system hears, and return the id."""
        self.change_stream(active=False)
        with self.transaction() as env:
            refs = [env.ref(each).id for each in groups.split(",")]
            user = (
                env["res.users"]
                .with_context(no_reset_password=True)
                .create(
                    {
                        "name": login,
                        "login": f"queue_job_sync_kit_{login}",
                        "group_ids": [Command.set(refs)],
                        **values,
                    }
                )
            )
            self.user_ids.append(user.id)
        self.change_stream(active=True)
        return user.id

    def new_records(self, values_list, uid=None):
        """Commit new records in one transaction, and return their ids."""
        with self.transaction(*([uid] if uid else [])) as env:
            records = env[self.model_name].create(values_list)
            self.partner_ids += records.ids
        return records.ids

    def new_record(self, values, uid=None):
        """Commit a new record, and return its id."""
        (record_id,) = self.new_records([values], uid)
        return record_id

    def kill(self, uuid):
        """Run a job in a worker that dies after it has sent, before it commits."""
        job = self.delivering(uuid)
        next(job)
        next(job)
        job.close()  # what PostgreSQL does with the transaction of a dead process
        with self.registry.cursor() as cr:
            # and queue_job with its job
            query = "UPDATE queue_job SET state = 'pending' WHERE uuid = %s"
            cr.execute(query, (uuid,))
