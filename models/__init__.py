# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import sync_backend
from . import sync_backend_signing
from . import sync_secret
from . import sync_backend_secret
from . import sync_incident
from . import sync_incident_watch
from . import sync_backend_incident
from . import sync_stream
from . import sync_stream_timing
from . import sync_stream_runtime
from . import sync_mapping
from . import sync_outbox
from . import sync_outbox_sweep
from . import sync_binding
from . import sync_binding_lock
from . import sync_attempt
from . import sync_binding_task
from . import sync_binding_attempt
from . import sync_binding_delivery
from . import sync_delivery
from . import sync_counter
from . import sync_metrics
from . import sync_purge
from . import sync_mixin
from . import queue_job
from . import queue_job_notify
from . import queue_job_recover
from . import mail_mail
from . import res_company
from . import res_company_digest
from . import res_config_settings
from . import res_partner
