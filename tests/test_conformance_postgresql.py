# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .conformance import TransportCase
from .conformance.postgresql_destination import PostgresqlDestination


class TestConformancePostgresql(TransportCase):
    destination_class = PostgresqlDestination
