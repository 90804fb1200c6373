# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields, models
from odoo.exceptions import UserError

from ..recipes import reader
from ..transports.redact import shorten
from .sync_recipe import LINES

# Characters of a value that are shown.
SHOWN = 100


class SyncRecipeCopy(models.AbstractModel):
    """A record that a recipe was copied into, which tells what is otherwise by now.

    It is compared with the recipe as it is now: one that came with a newer addon
    changes nothing here, and is told of.
    """

    _name = "sync.recipe.copy"
    _description = "Copy of a Recipe"

    recipe = fields.Char(
        readonly=True, help="The recipe that its values were copied from."
    )
    recipe_values = fields.Json(
        readonly=True, help="The values that were copied from the recipe."
    )
    recipe_text = fields.Char(
        "Compared with the Recipe",
        compute="_compute_recipe_text",
        help="What differs from the recipe that its values were copied from.",
    )

    # It does not name what it depends on, as that is any setting: it is told anew
    # whenever the record is saved.
    def _compute_recipe_text(self):
        for record in self:
            record.recipe_text = record.recipe and record._recipe_sentence()

    def _recipe_sentence(self):
        try:
            name = self.env["sync.recipe"]._recipe(self.recipe)["name"]
        except UserError:
            name = self.recipe
        found = self._recipe_differences()
        if not found:
            return self.env._("As in the recipe %s.", name)
        return self.env._(
            "Differs from the recipe %(name)s: %(what)s.",
            name=name,
            what="; ".join(found),
        )

    def _recipe_values_now(self):
        """Return what the recipe says now; if it is gone, what was copied."""
        copied = (self.recipe_values or {}).get("values", {})
        recipes = self.env["sync.recipe"]
        try:
            recipe = recipes._recipe(self.recipe)
        except UserError:
            return copied
        return self._values_of_recipe(recipes, recipe) or copied

    def _values_of_recipe(self, recipes, recipe):
        """Return what a recipe says of this record, ``None`` if nothing."""
        raise NotImplementedError

    @staticmethod
    def _filled_recipe(recipe, backend):
        answers = (backend.recipe_values or {}).get("answers") or {}
        return reader.filled(recipe, answers)

    def _recipe_differences(self):
        """Return what differs from the recipe, as texts."""
        self.ensure_one()
        values = {
            name: value
            for name, value in self._recipe_values_now().items()
            if name in self._fields
        }
        labels = self.fields_get([*values], ["string"])
        found = []
        for name, value in values.items():
            label = labels[name]["string"]
            if name in LINES:
                found += self._lines_that_differ(label, name, value)
            elif not self._is_equal(name, value):
                found.append(
                    self._instead(label, self._shown(name, self[name]), value, name)
                )
        return found

    def _is_equal(self, name, value):
        now = self[name]
        if isinstance(value, float | int) and not isinstance(value, bool):
            return abs((now or 0) - value) < 0.001
        return (now or False) == (value or False)

    def _lines_that_differ(self, label, name, value):
        key, lines = LINES[name], {}
        for line in self[name]:
            said = value.get(line[key]) or {key: None}
            lines[line[key]] = {field: line[field] for field in said}
        for each in {**value, **lines}:
            now, then = lines.get(each), value.get(each)
            if now and then and self._is_same_line(now, then):
                continue
            title = f"{label}, {self._line_label(name, each)}"
            now, then = self._line_shown(now), self._line_shown(then)
            yield self._instead(title, now, then)

    def _is_same_line(self, now, then):
        return all((now[name] or False) == (then[name] or False) for name in then)

    def _line_label(self, name, key):
        field = self[name]._fields[LINES[name]]
        if field.type != "selection":
            return key
        return dict(field._description_selection(self.env)).get(key, key)

    def _line_shown(self, line):
        texts = [str(each) for each in (line or {}).values() if each]
        return shorten(" ".join(" ".join(texts).split()), SHOWN)

    def _shown(self, name, value):
        field = self._fields[name]
        if field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, value)
        if field.type == "boolean":
            return self.env._("Yes") if value else self.env._("No")
        if field.type == "float":
            return f"{value or 0:g}"
        return value or ""

    def _instead(self, label, now, then, name=None):
        then = self._shown(name, then) if name else then
        nothing = self.env._("nothing")
        return self.env._(
            "%(field)s %(now)s instead of %(then)s",
            field=label,
            now=now or nothing,
            then=then or nothing,
        )
