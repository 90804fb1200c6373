# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records go into the tables of a PostgreSQL database, as rows."""

from .connection import PostgresqlConfig
from .transport import PostgresqlTransport
