# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import HttpCase, new_test_user
from odoo.tests.common import get_db_name

from .common import DeliveryCase

USERS = {
    "sync_tour_reader": "base.group_user",
    "sync_tour_user": "base.group_user,base.group_partner_manager",
    "sync_tour_manager": "base.group_user,queue_job.group_queue_job_manager",
    "sync_tour_system": "base.group_user,base.group_partner_manager,"
    "base.group_system,queue_job.group_queue_job_manager",
}


@contextmanager
def committed():
    """Yield an environment whose changes are committed on leaving."""
    with Registry(get_db_name()).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})


class TourCase(DeliveryCase, HttpCase):
    """A browser, and people who use it.

    The server answers the browser in real transactions, so that a click commits as it
    does for people, and what a failed job leaves behind survives its rollback.
    """

    registry_test_mode = False

    @classmethod
    def setUpClass(cls):
        # before the transaction of the class begins, which has to see the users
        with committed() as env:
            silent = {}
            if "odoobot_state" in env["res.users"]._fields:
                # no talk with OdooBot, which would outlive the users
                silent["odoobot_state"] = "disabled"
            user_ids = [
                new_test_user(
                    env,
                    login,
                    groups,
                    # not Odoo's one for all: they are sent too, and a table may
                    # take each address once
                    email=f"{login}@example.com",
                    **cls.user_values(login),
                    **silent,
                ).id
                for login, groups in USERS.items()
            ]
        cls.addClassCleanup(cls._delete_users, user_ids)
        super().setUpClass()
        # as in registry test mode: the tests hold the lock that a request waits for,
        # and nothing but this process changes the database
        cls.startClassPatcher(patch.object(Registry, "_lock", DummyRLock()))
        cls.startClassPatcher(
            patch.object(cls.registry, "check_signaling", return_value=cls.registry)
        )

    @classmethod
    def user_values(cls, login):
        """Return what sets a user apart, such as the language."""
        return {}

    @staticmethod
    def _delete_users(user_ids):
        with committed() as env:
            users = env["res.users"].browse(user_ids)
            partners = users.partner_id
            users.unlink()
            partners.unlink()

    def last_job(self, *field_names):
        """Return the newest job of the synchronization, as a dict."""
        return self.job(self.job_uuids()[-1], "uuid", *field_names)
