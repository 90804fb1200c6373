# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from odoo.addons.queue_job_sync.transports.base import Route


class SyncStream(models.Model):
    _inherit = "sync.stream"

    sftp_folder = fields.Char(
        "Folder", help="Where the files are dropped. It has to be there already."
    )

    @api.constrains("sftp_folder")
    def _check_sftp_folder(self):
        self._check_live()

    def _route_problems(self):
        if self.transport == "sftp" and not self.sftp_folder:
            yield self.env._("%s needs a folder.", self.name)
        else:
            yield from super()._route_problems()

    def _route_sftp(self):
        return Route(target=self.sftp_folder, id_policy="odoo")
