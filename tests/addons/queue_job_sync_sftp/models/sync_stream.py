# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.queue_job_sync.transports.base import Route


class SyncStream(models.Model):
    _inherit = "sync.stream"

    sftp_folder = fields.Char(
        "Folder", help="Where the files are dropped. It has to be there already."
    )

    @api.constrains("backend_id", "sftp_folder")
    def _check_sftp_folder(self):
        for stream in self:
            if stream.transport == "sftp" and not stream.sftp_folder:
                raise ValidationError(stream.env._("%s needs a folder.", stream.name))

    def _route_sftp(self):
        return Route(target=self.sftp_folder, id_policy="odoo")
