# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The proxy of the conformance kit, by its path: it needs no Odoo."""

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parents[2] / "tests/conformance/tcp_proxy.py"
_spec = importlib.util.spec_from_file_location("queue_job_sync_tcp_proxy", _PATH)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

TcpProxy = _module.TcpProxy
