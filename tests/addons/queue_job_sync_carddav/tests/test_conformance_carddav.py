# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.addons.queue_job_sync.tests.conformance import TransportCase

from .carddav_server import CardDavDestination


class TestConformanceCardDav(TransportCase):
    destination_class = CardDavDestination
