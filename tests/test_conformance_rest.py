# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from .conformance import TransportCase
from .conformance.rest_destination import RestDestination


class TestConformanceRest(TransportCase):
    destination_class = RestDestination
