# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A user of a soak who at times edits the same contact again and again."""

from e2e.soak_editors import Contact, Editor

HASTY = "Hasty"  # begins the name of this contact
KIND = "hot"  # how the ledger calls these edits


class Hasty(Editor):
    """An editor of one contact of its own, which is made at once.

    What is for it is as for :class:`Editor`.
    """

    def __init__(self, client, ledger, seed, may_edit, enough, excused, values):
        contact = Contact()

        def may_make_or_edit():
            return not contact.id or may_edit()

        super().__init__(
            client, [contact], ledger, seed, may_make_or_edit, enough, excused, values
        )

    def _choose(self, contacts):
        return KIND if contacts[0].id else "create"

    def _new_values(self):
        return {**super()._new_values(), "name": f"{HASTY} {self.name}"}
