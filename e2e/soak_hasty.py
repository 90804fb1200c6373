# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A user of a soak who edits the same contact again and again."""

from e2e.soak_editors import Contact, Editor

HASTY = "Hasty"  # begins the name of this contact
KIND = "hot"  # how the ledger calls these edits


class Hasty(Editor):
    """An editor of one contact of its own, which is made first.

    What is for it is as for :class:`Editor`.
    """

    def __init__(self, client, ledger, seed, may_edit, enough, excused, values):
        super().__init__(
            client, [Contact()], ledger, seed, may_edit, enough, excused, values
        )

    def _choose(self, contacts):
        return KIND if contacts[0].id else "create"

    def _new_values(self):
        return {**super()._new_values(), "name": f"{HASTY} {self.name}"}
