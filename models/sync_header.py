# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import secrets, words
from ..transports.http import further_problem, value_problem

# The only secret of a header.
VALUE = "value"


class SyncHeader(models.Model):
    """A header that a system wants with every request, besides those of the addon.

    A value that is secret is kept where those of systems are, in no field.
    """

    _name = "sync.header"
    _description = "Further Header"
    _order = "name, id"

    backend_id = fields.Many2one(
        "sync.backend",
        "System",
        required=True,
        index=True,
        ondelete="cascade",
        help="The system that wants it.",
    )
    name = fields.Char(
        "Header",
        required=True,
        help="Its name, such as X-Tenant. Accept and Content-Type may be set too.",
    )
    secret = fields.Boolean(
        help="Its value is a key or a token: nobody can read it, only set another one.",
    )
    value = fields.Char(help="What is sent. Empty for one that is secret.")
    value_origin = fields.Char(
        "Secret Value",
        compute="_compute_value_origin",
        help="Where the value of a secret header is kept. Nobody can read it, only set "
        "another one.",
    )

    _name_uniq = models.UniqueIndex(
        "(backend_id, lower(name))", "A system has each header only once."
    )

    @api.constrains("backend_id", "name", "secret", "value")
    def _check_header(self):
        for header in self:
            problem = further_problem(header.name)
            if not problem and not header.secret:
                problem = header._value_problem(header.value or "")
            if problem:
                raise ValidationError(words.said(self.env, problem))
        self.backend_id._check_connection()
        self.backend_id._check_versions()

    def _value_problem(self, value):
        """Return what is wrong with a value, ``None`` if nothing is."""
        if secrets.parse_reference(value) and not self.secret:
            return words.Sentence(
                words._lt(
                    "What env: and config: lead to is a secret: tick Secret for the "
                    "header %(name)s, and set it there."
                ),
                name=self.name,
            )
        return value_problem(self.name, value)

    # nothing tells when another one has been set: read anew in each transaction
    @api.depends("secret")
    @api.depends_context("lang", "tz")
    def _compute_value_origin(self):
        origins = secrets.origins(self.env, *self.backend_id._origin.ids)
        for header in self:
            key = (header.backend_id._origin.id, header._kept_as())
            header.value_origin = header.secret and origins.get(key, False)

    # -- records --------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        headers = super().create([self._without_secret(vals) for vals in vals_list])
        headers._changed()
        return headers

    def write(self, vals):
        kept = self._kept() if "backend_id" in vals or "secret" in vals else ()
        backends = self.backend_id
        res = super().write(self._without_secret(vals))
        # what is typed for one that is secret is not kept where it can be read
        self.filtered(lambda each: each.secret and each.value).value = False
        for header, name, backend_id in kept:
            if not header.secret or header.backend_id.id != backend_id:
                secrets.keep(self.env, name, "", backend_id)
        self._changed(backends)
        return res

    def unlink(self):
        kept, backends = self._kept(), self.backend_id
        res = super().unlink()
        for _header, name, backend_id in kept:
            secrets.keep(self.env, name, "", backend_id)
        self.browse()._changed(backends)
        return res

    def _changed(self, backends=()):
        """Have systems send what they want now.

        :param backends: those that are not the systems of these
        """
        # what jobs have to know of the headers is cached
        self.env.registry.clear_cache()
        self.backend_id.union(*backends)._settings_changed()

    @api.model
    def _without_secret(self, vals):
        """Return values of which none is that of a secret header."""
        vals = {**vals, "value": False} if vals.get("secret") else dict(vals)
        if vals.get("name"):
            vals["name"] = vals["name"].strip()
        return vals

    # -- the secret -----------------------------------------------------------

    def _kept_as(self):
        """Return the name of its secret among those of its system."""
        return f"header_{self._origin.id}"

    def _kept(self):
        """Return each of these with the name of its secret and the id of its system."""
        return [(each, each._kept_as(), each.backend_id.id) for each in self]

    def set_secret(self, name, value):
        """Set the value of a secret header, as the system's own ``set_secret`` does.

        :param name: ``value``
        :param value: as there
        :return: as there
        :raises AccessError: the user is no system administrator
        :raises UserError: it is not a secret one, or the value cannot be used; no error
            repeats what was given
        """
        self.ensure_one()
        self.check_access("write")
        self.backend_id._check_secret_access()
        if name != VALUE or not self.secret:
            raise UserError(self.env._("Only a header that is secret has a secret."))
        text = secrets.checked(self.env, value)
        # what a reference leads to is checked when it is used
        problem = text and not secrets.parse_reference(text)
        problem = problem and self._value_problem(text)
        if problem:
            raise ValidationError(words.said(self.env, problem))
        origin = secrets.keep(self.env, self._kept_as(), text, self.backend_id.id)
        self.backend_id._settings_changed()
        self.invalidate_recordset(["value_origin"])
        return origin
