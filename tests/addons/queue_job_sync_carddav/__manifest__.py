# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue Synchronization to CardDAV",
    "summary": "A transport of another addon over HTTP: contacts in an address book",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "website": "https://github.com/OCA/queue",
    "development_status": "Alpha",
    "depends": ["queue_job_sync"],
    "data": [
        "views/sync_backend_views.xml",
        "views/sync_setup_views.xml",
        "views/sync_stream_views.xml",
    ],
}
