# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue Synchronization with Queue Job Subscribe",
    "summary": "Tests beside an addon of others that says who is told of failures",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "website": "https://github.com/OCA/queue",
    "development_status": "Alpha",
    "depends": ["queue_job_subscribe", "queue_job_sync"],
}
