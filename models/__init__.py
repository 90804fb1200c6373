# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import sync_deletion
from . import sync_recipe
from . import sync_recipe_copy
from . import sync_backend
from . import sync_header
from . import sync_rate
from . import sync_node
from . import sync_health
from . import sync_incident
from . import sync_stream
from . import sync_mapping
from . import sync_request
from . import sync_outbox
from . import sync_backfill
from . import sync_binding
from . import sync_attempt
from . import sync_delivery
from . import sync_counter
from . import sync_mixin
from . import ir_actions
from . import queue_job
from . import queue_job_channel
from . import queue_job_function
from . import mail_mail
from . import mail_template
from . import res_company
from . import res_config_settings
from . import res_partner
from . import res_users
