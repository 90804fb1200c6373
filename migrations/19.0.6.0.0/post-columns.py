# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).


def migrate(cr, version):
    """Forget the columns of tables: which are required was not known as it is now.

    They are read again at the next Go Live, or when somebody asks for them.
    """
    cr.execute(
        "UPDATE sync_stream"
        " SET columns = NULL, columns_table = NULL, columns_date = NULL"
    )
