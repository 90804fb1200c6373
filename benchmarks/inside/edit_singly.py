# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run in Odoo's shell: edits of contacts, each in a transaction of its own.

``SETTINGS`` (``ids``, ``values``) is put before this text.
"""

# ruff: noqa: F821 - Odoo's shell gives env
for id_ in SETTINGS["ids"]:
    env["res.partner"].browse(id_).write(SETTINGS["values"])
    env.cr.commit()
    env.invalidate_all()
