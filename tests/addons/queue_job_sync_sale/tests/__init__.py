# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_lines
from . import test_lines_table
from . import test_precedence
from . import test_precedence_decisions
from . import test_precedence_orders_of_jobs
