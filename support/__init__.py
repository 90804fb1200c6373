# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What ``dev/``, ``e2e/`` and ``benchmarks/`` share, and take from nowhere else.

The working environment, a real Odoo and its clients, the destinations. Nothing of it is
part of the addon.
"""
