# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The rows of the table, in its order."""

from . import create_bulk, edit_hang, edit_one, pickup

ALL = {
    module.ROW.id: module.ROW for module in (create_bulk, edit_one, edit_hang, pickup)
}
