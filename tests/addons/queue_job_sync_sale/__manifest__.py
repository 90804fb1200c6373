# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue Synchronization: Sample Models",
    "summary": "Products, sale orders and their lines, as the tests send them",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "website": "https://github.com/OCA/queue",
    "development_status": "Beta",
    "depends": ["queue_job_sync", "sale"],
}
