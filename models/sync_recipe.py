# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import logging
from pathlib import Path

from odoo import api, models, tools
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools.misc import file_path

from ..engine import secrets, words
from ..exceptions import Misconfigured
from ..mapping.conversions import METHOD_PREFIX, literal
from ..recipes import reader

_logger = logging.getLogger(__name__)

ADDON = "queue_job_sync"
# What a recipe says, and the field that it is copied into.
SYSTEM = {
    "url": "url",
    "auth": "auth",
    "auth_header": "auth_header",
    "scheme": "auth_scheme",
    "auth_username": "auth_username",
    "auth_filler": "auth_filler",
    "oauth.token_url": "oauth_token_url",
    "oauth.authorize_url": "oauth_authorize_url",
    "oauth.client_id": "oauth_client_id",
    "oauth.client_auth": "oauth_client_auth",
    "oauth.scope": "oauth_scope",
    "oauth.scheme": "oauth_scheme",
    "rate_limit": "rate_limit",
    "concurrency": "concurrency",
    "repeats_are_safe": "repeats_are_safe",
    "format": "body_format",
}
STREAM = {
    "domain": "domain",
    "id_policy": "id_policy",
    "delete_policy": "delete_policy",
    "mark_key": "mark_key",
    "batch_size": "batch_size",
    "leave_out_empty": "leave_out_empty",
    "version_header": "version_header",
    "readings.id": "external_id_key",
    "readings.found": "found_where",
    "readings.refused": "refused_when",
    "readings.gone": "gone_when",
    "readings.version": "version_where",
    "already_there.how": "already_there",
    "already_there.when": "refusal_when",
    "already_there.where": "refusal_where",
    "already_there.before": "refusal_before",
    "many.size": "many_size",
    "many.items": "many_items",
    "many.key": "many_key",
    "many.matches": "many_matches",
    "many.status": "many_status",
    "many.id": "many_id",
    "many.refused": "many_refused",
}
# Lists of lines, and the field that tells their lines apart.
LINES = {"header_ids": "name", "request_ids": "kind", "mapping_ids": "target"}


def _picked(part, places):
    """Return what a part of a recipe says, by field."""
    found = {}
    for place, field in places.items():
        outer, _dot, name = place.rpartition(".")
        inner = part.get(outer, {}) if outer else part
        if name in inner:
            found[field] = inner[name]
    return found


def _typed(value):
    """Return a value as a person types it into a mapping, see :func:`literal`."""
    if isinstance(value, str) and value and literal(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


class SyncRecipe(models.AbstractModel):
    """The recipes that there are, and how one is copied.

    A recipe is a file ``recipes/NAME.json`` of this addon or of one that depends on it,
    and is known as ``ADDON/NAME``. Its values are copied into ordinary fields: what
    becomes of the file later changes nothing of what somebody has set up.
    """

    _name = "sync.recipe"
    _description = "Recipe of a System"

    # -- which there are ------------------------------------------------------

    @api.model
    def _recipe_folders(self):
        """Return where recipes are, as pairs of an addon's name and a folder.

        The folder ``recipes`` of this addon and of each that depends on it. To be
        extended for recipes that are elsewhere.

        :return: list of ``(name, pathlib.Path)``
        """
        here = self.env["ir.module.module"].sudo().search([("name", "=", ADDON)])
        names = [ADDON, *here.downstream_dependencies().mapped("name")]
        found = []
        for name in names:
            try:
                found.append((name, Path(file_path(f"{name}/recipes"))))
            except FileNotFoundError:
                continue
        return found

    @api.model
    @tools.ormcache()
    def _catalogue(self):
        """Return ``{key: recipe}``, and ``{key: error}`` of those that are no use.

        Read once: as with Python, a changed file is read after a restart.
        """
        recipes, errors = {}, {}
        for addon, folder in self._recipe_folders():
            for path in reader.files(folder):
                key = f"{addon}/{path.stem}"
                try:
                    recipes[key] = self._checked(reader.read(path))
                except Misconfigured as error:
                    _logger.warning("The recipe %s cannot be used: %s", key, error)
                    errors[key] = error
        return recipes, errors

    @api.model
    def _checked(self, recipe):
        """Return a recipe whose secrets are among those of systems.

        :raises Misconfigured: they are not
        """
        known = self.env["sync.backend"]._secret_names()
        for ask in recipe["ask"]:
            if ask.get("secret", "auth_secret") not in known:
                sentence = words._lt("A system has no secret %(name)s.")
                raise Misconfigured(sentence, "recipe", name=ask["secret"])
        return recipe

    @api.model
    def _recipe(self, key):
        """Return a recipe.

        :raises UserError: there is none, or it cannot be used, with the reason
        """
        recipes, errors = self._catalogue()
        if key in recipes:
            return recipes[key]
        if key in errors:
            raise UserError(
                self.env._(
                    "The recipe %(name)s cannot be used: %(reason)s",
                    name=key,
                    reason=words.said(self.env, errors[key]),
                )
            )
        raise UserError(self.env._("There is no such recipe any more."))

    @api.model
    def _cards(self):
        """Return what is shown of the recipes, those that cannot be used last."""
        recipes, errors = self._catalogue()
        cards = [
            {
                "key": key,
                "name": recipe["name"],
                "letters": recipe["letters"],
                "words": recipe.get("words", []),
            }
            for key, recipe in recipes.items()
        ]
        cards.sort(key=lambda each: each["name"].casefold())
        broken = [
            {"key": key, "problem": words.said(self.env, error)}
            for key, error in errors.items()
        ]
        return cards + broken

    # -- what is copied -------------------------------------------------------

    @api.model
    def _copy_to(self, backend, key, answers):
        """Copy a recipe into a system, and into synchronizations that are made for it.

        :param answers: what a person has answered, by name; none of them is a secret:
            those are set already
        :return: the ``sync.stream`` that were made, and sentences about what this
            database does not have, and was left out
        """
        recipe = reader.filled(self._recipe(key), answers)
        values = self._system_values(recipe["system"])
        copied = {
            "recipe": key,
            "recipe_values": {"answers": answers, "values": values},
        }
        backend.write({**self._written(values), **copied})
        self._copy_secrets(backend, recipe["system"]["headers"])
        streams, left_out = self.env["sync.stream"], []
        syncable = streams._syncable_models()
        for part in recipe["synchronizations"]:
            if part["model"] not in syncable:
                left_out.append(
                    self.env._(
                        "%(name)s: this database sends no %(model)s.",
                        name=part["name"],
                        model=part["model"],
                    )
                )
                continue
            values, missing = self._stream_values(part)
            left_out += missing
            streams += streams.create(
                {
                    "name": part["name"],
                    "backend_id": backend.id,
                    "model_id": self.env["ir.model"]._get_id(part["model"]),
                    "recipe": key,
                    "recipe_values": {"name": part["name"], "values": values},
                    **self._written(values),
                }
            )
        if not streams:
            raise UserError("\n".join(left_out))
        return streams, left_out

    def _copy_secrets(self, backend, headers):
        """Give those headers their secret that are one of the system."""
        kept = secrets.kept(self.env, backend.id)
        # somebody may have changed them
        lines = backend.header_ids.filtered("secret").grouped("name")
        for header in headers:
            if header.get("secret") in kept and header["name"] in lines:
                lines[header["name"]].set_secret("value", kept[header["secret"]])

    @api.model
    def _system_values(self, system):
        """Return what a recipe says of a system, by field; lines by their name."""
        headers = {}
        for each in system["headers"]:
            is_secret = "secret" in each
            said = {"secret": True} if is_secret else {"value": each["value"]}
            headers[each["name"]] = said
        return {**_picked(system, SYSTEM), "header_ids": headers}

    @api.model
    def _stream_values(self, part):
        """Return what a recipe says of a synchronization, and what is missing here."""
        values = _picked(part, STREAM)
        if "domain" in values:
            values["domain"] = repr(values["domain"])
        values["request_ids"] = part["requests"]
        lines, missing = {}, []
        for each in part["mapping"]:
            if self._is_there(part["model"], each):
                lines[each["target"]] = self._line_values(each)
                continue
            missing.append(
                self.env._(
                    "%(target)s is not sent: there is no %(field)s here.",
                    target=each["target"],
                    field=each.get("field") or each["method"],
                )
            )
        values["mapping_ids"] = lines
        return values, missing

    def _is_there(self, model_name, line):
        """Return whether what a line of the mapping names is installed."""
        if "method" in line:
            model = self.env.get(model_name)
            return callable(getattr(model, METHOD_PREFIX + line["method"], None))
        for name in line["field"].split(".") if "field" in line else ():
            model = self.env.get(model_name)
            field = model._fields.get(name) if model is not None else None
            if not field:
                return False
            model_name = field.comodel_name
        return True

    def _line_values(self, line):
        values = {}
        if "field" in line:
            values["field_path"] = line["field"]
        elif "method" in line:
            values |= {"conversion": "method", "conversion_argument": line["method"]}
        else:
            constant = _typed(line["constant"])
            values |= {"conversion": "constant", "conversion_argument": constant}
        if "if_empty" in line:
            values["default_value"] = _typed(line["if_empty"])
        if "leave_out" in line:
            values["leave_out"] = line["leave_out"]
        return values

    def _written(self, values):
        """Return the values as ``create`` and ``write`` take them."""
        return {
            name: self._line_commands(name, value) if name in LINES else value
            for name, value in values.items()
        }

    def _line_commands(self, name, lines):
        commands = [Command.clear()]
        for place, (key, line) in enumerate(lines.items()):
            line = {**line, LINES[name]: key}
            if name == "mapping_ids":
                line["sequence"] = place
            commands.append(Command.create(line))
        return commands
