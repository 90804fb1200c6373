# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records go to a REST API: JSON, and one resource for each."""

from .transport import RestConfig, RestTransport
