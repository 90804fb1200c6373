# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue by a Scheduled Action",
    "summary": "Runs jobs without queue_job's runner, as OCA's addon of this name does",
    "version": "19.0.1.0.0",
    "category": "Hidden/Tests",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "website": "https://github.com/OCA/queue",
    "development_status": "Alpha",
    "depends": ["queue_job_sync"],
    "data": ["data/ir_cron_data.xml"],
}
