# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tests that every transport and every synchronized model has to pass.

``docs/conformance.md`` tells how to use them.
"""

from .destination import Destination
from .model_case import ModelCase
from .transport_case import TransportCase
