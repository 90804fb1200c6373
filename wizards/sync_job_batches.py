# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..actions import closed, success

# Jobs that are changed in one transaction: a second or so, since a worker has to be
# over with it in time, and who waits for it wants to see it go on.
BATCH = 500


class SyncJobBatches(models.AbstractModel):
    """Change jobs in batches, however many they are.

    As with Odoo's import of files, the web client asks for one batch after the other.
    Each is committed: when somebody closes the window, or the server goes down, what is
    done stays done, and the rest stays as it was.
    """

    _name = "sync.job.batches"
    _description = "Change Jobs in Batches"

    def _jobs_domain(self):
        """Return the domain of the jobs that are to be changed."""
        raise NotImplementedError

    def _decide(self, jobs, total):
        """Change jobs.

        :param int total: how many there are in all batches
        """
        raise NotImplementedError

    def _start(self, title):
        """Return the action that changes the jobs; few are changed at once.

        :param str title: of the window that shows how far it is
        :raises UserError: there is nothing to change, or no longer
        """
        self.ensure_one()
        self.check_access("write")
        jobs = self.env["queue.job"]
        domain = self._jobs_domain()
        # those that come meanwhile were not meant
        until = jobs.search(domain, order="id desc", limit=1).id
        if not until:
            raise UserError(
                self.env._("All of these jobs run or have ended: nothing to change.")
            )
        total = jobs.search_count(domain)
        if total <= BATCH:
            changed = self.decide_batch(0, until, total)["changed"]
            return success(self.env._("%s jobs are changed.", changed), next=closed())
        return {
            "type": "ir.actions.client",
            "tag": "queue_job_sync.batches",
            "params": {
                "model": self._name,
                "id": self.id,
                "until": until,
                "total": total,
                "title": title,
            },
        }

    def decide_batch(self, after, until, total):
        """Change the next jobs.

        :param int after: the id of the last one that was looked at
        :param int until: the id of the last one to look at
        :param int total: how many there are in all batches
        :return: how many are ``changed``, and what is to be given as ``after`` next;
            ``False`` when that is all
        """
        self.ensure_one()
        self.check_access("write")
        jobs = self.env["queue.job"]
        domain = Domain("id", ">", after) & Domain("id", "<=", until)
        domain &= Domain(self._jobs_domain())
        batch = jobs.search(domain, order="id", limit=BATCH)
        # what a worker takes meanwhile would cost those of the whole batch
        free = batch.sudo().try_lock_for_update(allow_referencing=True).sudo(False)
        self._decide(free, total)
        return {"changed": len(free), "after": len(batch) == BATCH and batch[-1].id}
