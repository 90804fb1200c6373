# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models, tools

from ..engine.guard import RETRIED, reason_of, undone


class SyncStream(models.Model):
    """Why a stream does not work as it is set up, for those who can mend it.

    It is found out when somebody looks, so that nobody has to write it down, and it
    goes by itself: the settings are tried as an edit tries them, and changes that are
    not delivered keep what went wrong when they were recorded.
    """

    _inherit = "sync.stream"

    problem = fields.Char(
        compute="_compute_problem",
        compute_sudo=True,
        help="Why edits cannot be recorded or sent as they should. They are kept.",
    )

    def _compute_problem(self):
        of_changes = self.env["sync.outbox"]._problems(self)
        for stream in self:
            saved = stream._origin
            stream.problem = bool(saved) and (
                saved._setup_problem() or of_changes.get(saved.id)
            )

    def _setup_problem(self):
        """Return what raises when the settings are tried, ``False`` if nothing does."""
        self.ensure_one()
        try:
            self._works()
        except RETRIED:
            raise
        except Exception as error:
            return reason_of(error)
        return False

    @tools.ormcache("self.id")
    def _works(self):
        """Try the settings, once until they, or the modules, change.

        What comes and goes besides is told by the changes that have met it.

        :return: True; nothing is kept in memory of what raises
        """
        with undone(self.env):
            self._try_setup()
        return True

    def _try_setup(self):
        """Do what edits and jobs do with the settings, without a record.

        :raises Exception: whatever is wrong with them
        """
        self._check_model()
        self._check_domain()
        self._check_mapping()
        model = self._for_sending(self.env[self.model_name])
        model._sync_domain(self).validate(model)
        self._facts()
        model._sync_watched_fields(self)
        for name in model._sync_watched_lines(self):
            model._fields[name]
        self._eta()
        self._parsed_retry_pattern()
