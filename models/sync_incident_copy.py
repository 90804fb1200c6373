# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.tools import ormcache

from ..engine import origin
from .sync_incident_jobs import WAIT_LEAST


class SyncIncident(models.Model):
    """A database that may be a copy, or a backup, sends nothing until a person says so.

    Each of its systems is held by an incident of its own, as in an outage; they are one
    event: told once, and over for all systems when a person resumes one of them.
    """

    _inherit = "sync.incident"

    @api.model
    @ormcache()
    def _tells_server(self):
        return origin.may_tell_server(self.env.cr)

    @api.model
    def _look(self):
        """Return where the database is now, and where it has sent from."""
        self.env["ir.config_parameter"].flush_model()
        return origin.look(self.env.cr, self._tells_server())

    @api.model
    def _doubt(self):
        """Return why this may not be the database that has sent so far, else ``""``."""
        here, there, since, changes = self._look()
        if there is None:
            return ""
        if here.database != there.database:
            return self.env._(
                "It was called %(old)s, and is %(new)s here.",
                old=there.database,
                new=here.database,
            )
        if here.server != there.server:
            return self.env._("It is on another PostgreSQL server than before.")
        if here.oid != there.oid:
            return self.env._("It was made anew under the same name.")
        if changes < origin.seen(here, since):
            return self.env._("Changes that this server has seen are not in it.")
        return ""

    @api.model
    def _hold_copy(self, backend):
        """Hold a system if this database may be a copy. Commits by itself.

        :param backend: the ``sync.backend``
        :return: why its jobs wait, and for how many seconds; ``None`` if there is
            no doubt
        """
        doubt = self._doubt()
        if not doubt:
            return None
        wait = self._open(backend, "copy", doubt)
        return self._copy_text(doubt), max(wait, WAIT_LEAST)

    @api.model
    def _copy_text(self, doubt):
        return self.env._(
            "This looks like a copy, or a restored backup, of the database that has "
            "sent so far: neutralize it, or resume. %s",
            doubt,
        )

    @api.model
    def _watch_origin(self):
        """Hold all systems of a copy; remember where one sends from that is none.

        Every minute: people are told although nothing is edited.
        """
        doubt = self._doubt()
        if doubt:
            for backend in self.env["sync.backend"].search(
                [("stream_ids", "!=", False)]
            ):
                incident = backend._open_incident()
                if not incident:
                    self._hold_copy(backend)
                elif incident.kind == "outage":
                    incident._become_copy(doubt)
            return
        if self._look().there is None:
            self._adopt()
        else:
            self._note_place()

    def _become_copy(self, doubt):
        """Hold what was down when it was copied for being a copy. Commits by itself.

        It is not even asked whether it is back, which takes the original's credentials.

        :param str doubt: why it may be one
        """
        with self._apart() as own:
            if own.kind == "outage" and not own.closed:
                own.write({"kind": "copy", "reason": doubt, "told_opened": False})

    @api.model
    def _adopt(self):
        """Send from here from now on: a person has said that this is no copy."""
        origin.remember(self.env, self._look().here)
        self._note_place()

    @api.model
    def _note_place(self):
        here, _there, since, changes = self._look()
        origin.note(here, since, changes)
