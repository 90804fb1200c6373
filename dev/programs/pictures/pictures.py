# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which pictures there are, and where they are taken."""

from pathlib import Path
from typing import NamedTuple

from support.browser import PHONE, SCREEN
from support.environment import paths

STORE = paths.ROOT / "static" / "description"  # of the README and index.html
DOCS = paths.ROOT / "docs" / "images"
ACTION = "/odoo/action-queue_job_sync.action"
CARD = ".o_kanban_record .o_queue_job_sync_hours"
JOBS = "/odoo/action-queue_job.action_queue_job"
SETUP = f"{ACTION}_sync_setup"
STATUS = "button[name=action_sync_status]"


class Picture(NamedTuple):
    """One picture.

    :param address: of the page; may name records that data.py prepared
    :param visible: CSS selector of what must be visible
    :param clicks: CSS selectors of what to click before
    :param folder: where it goes
    :param size: of the page, in pixels
    :param dialog: what to open as a dialog on the page: a model and the name of a
        record, with a slash between
    :param many: of a company with 49 systems, see many.py
    """

    address: str
    visible: str
    clicks: tuple = ()
    folder: Path = DOCS
    size: tuple = SCREEN
    dialog: str = ""
    many: bool = False


PICTURES = {
    "job": Picture(
        f"{JOBS}/{{failed_job}}", ".o_form_view .alert-danger", folder=STORE
    ),
    "jobs": Picture(JOBS, ".o_list_view .o_data_row", folder=STORE),
    "contact": Picture(
        "/odoo/contacts/{failed_contact}", ".modal .badge", (STATUS,), STORE
    ),
    "system": Picture(
        f"{ACTION}_sync_backend/{{crm}}",
        ".o_form_view .o_field_widget[name=url]",
        folder=STORE,
    ),
    "secret": Picture(
        f"{ACTION}_sync_backend/{{crm}}",
        ".modal .o_sync_secret_dialog",
        (".o_field_widget[name=auth_secret_origin] .o_sync_secret_set",),
    ),
    "synchronization": Picture(
        f"{ACTION}_sync_stream/{{crm_stream}}",
        ".o_form_view .o_data_row",
        folder=STORE,
    ),
    "dashboard": Picture(f"{ACTION}_sync_dashboard", CARD, folder=STORE),
    "dashboard-phone": Picture(f"{ACTION}_sync_dashboard", CARD, size=PHONE),
    "contact-phone": Picture(
        "/odoo/contacts/{failed_contact}",
        ".modal .badge",
        (".o_control_panel button:has(.fa-bolt)", STATUS),
        size=PHONE,
    ),
    "contact-button": Picture("/odoo/contacts/{failed_contact}", STATUS),
    "synchronize-now": Picture(
        "/odoo/contacts/{failed_contact}",
        ".modal .o_field_widget[name=send_count]",
        (STATUS, ".modal button[name=action_options]"),
    ),
    "jobs-kanban": Picture(
        JOBS, ".o_kanban_view .o_kanban_record", (".o_switch_view.o_kanban",)
    ),
    "statistics": Picture(f"{ACTION}_queue_job_statistics", ".o_graph_view canvas"),
    "setup-system": Picture(f"{SETUP}/new", ".o_sync_recipe"),
    "setup-kind": Picture(f"{SETUP}/{{setup_kind}}", ".o_field_widget[name=transport]"),
    "setup-address": Picture(f"{SETUP}/{{setup_address}}", ".alert-info"),
    "setup-fields": Picture(f"{SETUP}/{{setup_fields}}", ".o_data_row"),
    "setup-check": Picture(f"{SETUP}/{{setup_check}}", ".o_field_widget[name=request]"),
    "preview": Picture(
        f"{ACTION}_sync_stream/{{crm_stream}}",
        ".modal .o_field_widget[name=request]",
        dialog="sync.preview/{preview}",
    ),
    "backfill": Picture(
        f"{ACTION}_sync_backfill/{{backfill}}",
        ".o_form_view .o_field_widget[name=progress]",
    ),
    "settings": Picture(
        f"{ACTION}_queue_job_settings", ".app_settings_block .o_setting_box"
    ),
    "dashboard-49": Picture(
        f"{ACTION}_sync_dashboard",
        ".o_kanban_record .o_queue_job_sync_hours",
        many=True,
    ),
    "dashboard-49-list": Picture(
        f"{ACTION}_sync_dashboard",
        ".o_list_view .o_data_row",
        (".o_switch_view.o_list",),
        many=True,
    ),
    "failure-mail": Picture("{mail}", "a", size=(700, 400)),
}
