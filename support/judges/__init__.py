# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What recipes are judged by: real systems, vendors' specifications, and doubles."""
