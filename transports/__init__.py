# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .base import (
    Column,
    Message,
    PullingTransport,
    Receipt,
    Route,
    SequentialTransport,
    Transport,
)
from .postgresql import PostgresqlConfig, PostgresqlTransport
from .rest import RestConfig, RestTransport
from .urls import endpoint_problem, url_problem
