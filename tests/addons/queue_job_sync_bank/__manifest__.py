# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue Synchronization of Banks",
    "summary": "A model of another addon: one line makes banks synchronized",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "website": "https://github.com/OCA/queue",
    "development_status": "Alpha",
    "depends": ["queue_job_sync"],
}
