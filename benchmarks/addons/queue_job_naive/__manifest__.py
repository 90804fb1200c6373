# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

{
    "name": "Job Queue, the Tutorial Way",
    "summary": "One job per contact, one request per job: what benchmarks compare with",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "license": "LGPL-3",
    "author": "queue_job_sync contributors",
    "website": "https://github.com/OCA/queue",
    "depends": ["contacts", "queue_job"],
    "external_dependencies": {"python": ["requests"]},
}
