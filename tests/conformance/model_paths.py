# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether an edit at the far end of a mapped path, on another record, is sent."""

from datetime import date, datetime, timedelta

from odoo import Command, models

NUMBERS = {"integer", "float", "monetary"}
TEXTS = {"char", "text", "html"}


def far_ends(model, path):
    """Return the fields of other records that the value of a path is made of.

    Those that somebody may edit: on the path itself, and what a computed or related
    field depends on. What a recursive field depends on is asked for once.

    :return: their paths from the record, as a list
    """
    found, expanded = {}, set()

    def visit(path):
        node, around = model, ""
        for name in path.split("."):
            field = node._fields.get(name) if node is not None else None
            if field is None or name in models.MAGIC_COLUMNS:
                return
            if field not in expanded:
                expanded.add(field)
                for each in node.pool.field_depends.get(field, ()):
                    visit(f"{around}{each}")
            if around and field.store and not (field.compute and field.readonly):
                found[f"{around}{name}"] = None
            around = f"{around}{name}."
            node = node.env[field.comodel_name] if field.relational else None

    visit(path)
    return list(found)


class ModelPaths:
    """Mixed into :class:`.ModelCase`."""

    def other_value(self, record, name):
        """Return another value for a field of a linked record, ``None`` for none.

        To be extended where only some values are allowed.

        :param record: the linked record
        :param name: of its field
        """
        field, value = record._fields[name], record[name]
        if field.type in TEXTS:
            return f"{value or ''}x"[-field.size if getattr(field, "size", 0) else 0 :]
        if field.type in NUMBERS:
            return value + 1
        if field.type == "boolean":
            return not value
        if field.type == "date":
            return (value or date(2026, 1, 1)) + timedelta(1)
        if field.type == "datetime":
            return (value or datetime(2026, 1, 1)) + timedelta(1)
        if field.type == "selection":
            others = [each for each in field.get_values(record.env) if each != value]
            return others[0] if others else None
        if field.type in ("many2one", "many2many"):
            other = value.sudo().search([("id", "not in", value.ids)], limit=1)
            if field.type == "many2one":
                return other.id or None
            return [Command.set(other.ids)] if other else None
        return None

    def test_edit_behind_each_path_is_sent(self):
        with self.scratch() as env:
            lines = env["sync.stream"].browse(self.stream_id).mapping_ids
            model = env[self.model_name]
            ends = {
                path: far_ends(model, path) for path in sorted(lines._watched_paths())
            }
        self.assertLessEqual(
            self.unnoticed.keys(), ends.keys(), "`unnoticed` names what is not mapped"
        )
        for path, far in ends.items():
            with self.subTest(path):
                self._ask_behind(path, far)

    def _ask_behind(self, path, far):
        """Edit what is at the far ends of a path, one after the other."""
        sent = {end: self._is_sent(end) for end in far}
        stale = [end for end, is_sent in sent.items() if is_sent is False]
        asked = [end for end, is_sent in sent.items() if is_sent is not None]
        if path in self.unnoticed:
            reason = self.unnoticed[path]
            self.assertTrue(reason, f"{path}: `unnoticed` says why")
            in_vain = not stale and (asked or not far)
            self.assertFalse(in_vain, f"{path} is noticed: `unnoticed` is wrong")
            self.skipTest(f"declared by {self.model_name}: {path}: {reason}")
        self.assertFalse(
            stale,
            f"{path}: what is sent changes with these, and nobody notices. See to it, "
            "or say in `unnoticed` why it does not matter",
        )
        self.assertTrue(
            asked or "." not in path,
            f"{path}: no edit has changed what is sent. Let `values` fill the links, "
            "`other_value` return what makes a difference, or say in `unnoticed` why "
            "that is not to be",
        )

    def _is_sent(self, end):
        """Edit what is at the far end of a path.

        :return: whether the record is to be sent then; ``None`` where there is nothing
            to edit, or its content is the same
        """
        *links, name = end.split(".")
        with self.scratch() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            record = env[self.model_name].create(self.values(env, 0))
            self._before_commit(env)
            changes = [("stream_id", "=", stream.id), ("res_id", "=", record.id)]
            env["sync.outbox"].search(changes).unlink()
            before = stream._for_sending(record)._sync_payload(stream)
            # the first one that there is
            far = record.mapped(".".join(links))[:1].with_context(lang=stream.lang)
            value = self.other_value(far, name) if far else None
            if value is None:
                return None
            far.write({name: value})
            self._before_commit(env)
            if stream._for_sending(record)._sync_payload(stream) == before:
                return None
            return bool(env["sync.outbox"].search_count(changes))

    def _before_commit(self, env):
        """Do what happens just before a commit, and forget what is in memory."""
        env.flush_all()
        env.cr.precommit.run()
        env.flush_all()
        env.invalidate_all()
