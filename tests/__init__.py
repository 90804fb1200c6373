# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from . import test_access
from . import test_backend
from . import test_backend_signing
from . import test_capture
from . import test_capture_domain
from . import test_capture_job
from . import test_capture_paths
from . import test_capture_resilience
from . import test_data
from . import test_delivery
from . import test_delivery_batch
from . import test_delivery_delete
from . import test_delivery_errors
from . import test_delivery_locks
from . import test_delivery_postgresql
from . import test_failure_mail
from . import test_failure_mail_trouble
from . import test_job_buttons
from . import test_mapping
from . import test_mapping_values
from . import test_multi_company
from . import test_neutralize
from . import test_secrets
from . import test_status
from . import test_stream
from . import test_stream_window
from . import test_tours
from . import test_transport_rest_signing
