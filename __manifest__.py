# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue Synchronization",
    "summary": "Keep contacts in step with other systems, over REST or SQL, by jobs",
    "version": "19.0.6.0.1",
    "category": "Productivity",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "development_status": "Beta",
    "depends": ["contacts", "queue_job"],
    "external_dependencies": {"python": ["requests"]},
    "data": [
        # security
        "security/ir.model.access.csv",
        "security/queue_job_sync_rules.xml",
        # data
        "data/queue_job_channel_data.xml",
        "data/queue_job_function_data.xml",
        "data/mail_template_data.xml",
        "data/ir_cron_data.xml",
        # wizards
        "wizards/queue_job_decision_views.xml",
        "wizards/sync_backfill_start_views.xml",
        "wizards/sync_clarify_views.xml",
        "wizards/sync_connection_test_views.xml",
        "wizards/sync_go_live_views.xml",
        "wizards/sync_preview_views.xml",
        "wizards/sync_now_views.xml",
        "wizards/sync_recover_views.xml",
        "wizards/sync_reschedule_views.xml",
        "wizards/sync_status_views.xml",
        "wizards/sync_setup_views.xml",
        # views
        "views/sync_delivery_views.xml",
        "views/sync_binding_views.xml",
        "views/sync_outbox_views.xml",
        "views/sync_incident_views.xml",
        "views/sync_backfill_views.xml",
        "views/sync_backend_views.xml",
        "views/sync_backend_dashboard_views.xml",
        "views/sync_stream_views.xml",
        "views/sync_stream_templates.xml",
        "views/queue_job_views.xml",
        "views/queue_job_statistics_views.xml",
        "views/sync_mixin_templates.xml",
        "views/res_config_settings_views.xml",
        "views/queue_job_sync_menus.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "queue_job_sync/static/src/**/*",
            ("remove", "queue_job_sync/static/src/graph/**/*"),
        ],
        # with Odoo's own graph view, which is loaded when it is first looked at
        "web.assets_backend_lazy": ["queue_job_sync/static/src/graph/**/*"],
        "web.assets_tests": ["queue_job_sync/static/tests/tours/**/*"],
    },
    "demo": ["demo/sync_demo.xml"],
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
