# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an ordinary job asks the database: each edit pays for it."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.sql_db import Cursor
from odoo.tests import tagged

from .common import DeliveryCase

# Of a job for one record that the system knows, queue_job's own among them.
MOST = 47
# Of the first job for a record, which has no binding yet, and may be given the id of
# another record.
MOST_AT_FIRST = 52
# Of the cursors that it has: the job's own, and its chunk's; those that read, write and
# drop notes; those that wake who waits for its records, look for more, and look for
# sleepers in the end; and two of this test.
CURSORS = 10


@tagged("post_install", "-at_install")
class TestStatements(DeliveryCase):
    takes_along = True

    @contextmanager
    def counting(self, found):
        """Note in a list each statement that is executed, and the cursor that does."""
        execute = Cursor.execute

        def noted(cursor, query, *args, **kwargs):
            text = " ".join(str(getattr(query, "code", query)).split())
            found.append((cursor, text))
            return execute(cursor, query, *args, **kwargs)

        with patch.object(Cursor, "execute", noted):
            yield

    def asked_by_the_job(self):
        """Return what the pending job asks from its start to its end, and by what.

        :return: statements; set of cursors
        """
        (uuid,) = self.job_uuids("pending")
        found = []
        with self.counting(found):
            state = self.run_job(uuid)
        self.assertEqual(state, "done")
        return [text for _cursor, text in found], {cursor for cursor, _text in found}

    def test_job_of_a_known_record(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.asked_by_the_job()  # what is read once and kept
        self.edit(partner_id, name="Ada Lovelace")
        found, cursors = self.asked_by_the_job()
        self.assertLessEqual(len(found), MOST, "\n".join(found))
        self.assertLessEqual(len(cursors), CURSORS)

    def test_first_job_of_a_record(self):
        self.new_partner(name="Ada")
        self.asked_by_the_job()
        self.new_partner(name="Grace")
        found, cursors = self.asked_by_the_job()
        self.assertLessEqual(len(found), MOST_AT_FIRST, "\n".join(found))
        self.assertLessEqual(len(cursors), CURSORS)
