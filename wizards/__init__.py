# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import base_partner_merge
from . import queue_jobs_to_cancelled
from . import queue_jobs_to_done
from . import queue_requeue_job
from . import sync_backfill_start
from . import sync_clarify
from . import sync_connection_test
from . import sync_go_live
from . import sync_job_batches
from . import sync_job_selection
from . import sync_preview
from . import sync_now
from . import sync_recover
from . import sync_reschedule
from . import sync_status
from . import sync_trial
from . import sync_setup
