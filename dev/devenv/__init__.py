# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The working environment of the addon: everything lives under ``.odoo/``.

Only the standard library is used here, for these modules run before any package
is installed.
"""
