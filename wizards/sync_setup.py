# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..engine import words
from ..exceptions import SyncError
from ..mapping import content
from ..recipes import reader
from ..text import storable
from ..transports.base import FAILS, UNTOLD, WORKS

STEPS = ("system", "kind", "account", "address", "records", "fields", "check")
# What other systems usually want to know of a contact, and what they call it.
USUAL = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "street": "street",
    "zip": "zip",
    "city": "city",
    "country_id.code": "country",
    "vat": "vat",
}
# Where a table calls the same thing otherwise.
OTHER_NAMES = {
    "country_code": "country_id.code",
    "country": "country_id.code",
    "postcode": "zip",
    "postal_code": "zip",
    "mail": "email",
    "state": "state_id.code",
    "company": "parent_id.name",
}
# Where records go, and how they are told apart there.
PLACE = {"endpoint", "table", "key_column", "id_policy", "delete_policy", "mark_key"}
PLACE |= {"request_ids"}
STATES = {WORKS: "ok", FAILS: "failed", UNTOLD: "untold"}
PLAIN_TYPES = {
    "boolean",
    "char",
    "date",
    "datetime",
    "float",
    "integer",
    "monetary",
    "selection",
    "text",
}


def _of(record, name):
    """Return a field that edits one of a record's own, with the user's own rights."""
    return {"related": f"{record}.{name}", "related_sudo": False, "readonly": False}


class SyncSetup(models.TransientModel):
    """Connect a system step by step: its kind, its address, what is sent, a check.

    The system is made after its kind is known, archived, and the synchronization after
    its address, a draft: what is typed is written on them, so that nothing is lost on
    the way and no secret is kept here. What is given up goes with this record.

    A recipe makes both of them, once it is known what is personal: the steps after that
    show what it has filled in.
    """

    _name = "sync.setup"
    _description = "Connect a System"

    step = fields.Selection(
        [
            ("system", "System"),
            ("kind", "Kind"),
            ("account", "Account"),
            ("address", "Address"),
            ("records", "Records"),
            ("fields", "Fields"),
            ("check", "Check"),
        ],
        required=True,
        readonly=True,
        default="system",
        help="How far the set-up is.",
    )
    finished = fields.Boolean(
        readonly=True, help="It is over: the system is no longer a part of it."
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "System",
        readonly=True,
        ondelete="cascade",
        help="The system that is being connected; archived until the last step.",
    )
    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        readonly=True,
        ondelete="cascade",
        help="What will be sent to it; a draft until the last step.",
    )

    # which system, and what is personal
    recipe = fields.Char(
        readonly=True, help="The recipe that was chosen; empty for another system."
    )
    recipe_cards = fields.Json(
        compute="_compute_recipe_cards", help="The systems that there is a recipe for."
    )
    recipe_asks = fields.Json(
        compute="_compute_recipe_asks",
        help="What the recipe asks for: the name of each, what it is called and where "
        "to find it; of a secret where it is kept.",
    )
    recipe_answers = fields.Json(help="What was answered; secrets are not among it.")
    recipe_urls = fields.Json(
        compute="_compute_recipe_asks",
        help="The addresses that requests and secrets will go to, with what is asked "
        "in brackets.",
    )
    left_out = fields.Text(
        readonly=True, help="What of the recipe this database does not have."
    )

    # kind
    transport = fields.Selection(
        lambda self: self.env["sync.backend"]._fields["transport"].selection,
        "Kind of System",
        required=True,
        default="rest",
        help="REST: the system has an interface for other programs, reached at an "
        "https address. PostgreSQL: rows are written into a table of its database.",
    )
    over_http = fields.Boolean(
        "Over HTTP",
        compute="_compute_kind",
        help="Whether this kind of system is reached by HTTP.",
    )
    asks_all = fields.Boolean(
        "Asks for All Settings",
        compute="_compute_kind",
        help="Whether the steps have all settings of this kind of system; of others, "
        "the forms of the system and the synchronization have them.",
    )
    name = fields.Char(help="What people here call this system, such as CRM.")
    company_id = fields.Many2one(
        "res.company",
        help="Only records of this company, or of none, are sent. "
        "Empty: records of every company.",
    )

    # address and credentials
    url = fields.Char(**_of("backend_id", "url"))
    auth = fields.Selection(**_of("backend_id", "auth"))
    auth_username = fields.Char(**_of("backend_id", "auth_username"))
    auth_filler = fields.Char(**_of("backend_id", "auth_filler"))
    auth_header = fields.Char(**_of("backend_id", "auth_header"))
    auth_scheme = fields.Char(**_of("backend_id", "auth_scheme"))
    auth_secret_origin = fields.Char(related="backend_id.auth_secret_origin")
    oauth_token_url = fields.Char(**_of("backend_id", "oauth_token_url"))
    oauth_authorize_url = fields.Char(**_of("backend_id", "oauth_authorize_url"))
    oauth_client_id = fields.Char(**_of("backend_id", "oauth_client_id"))
    oauth_client_secret_origin = fields.Char(
        related="backend_id.oauth_client_secret_origin"
    )
    oauth_scope = fields.Char(**_of("backend_id", "oauth_scope"))
    oauth_page = fields.Char(related="backend_id.oauth_page")
    oauth_status = fields.Char(related="backend_id.oauth_status")
    oauth_refresh_token_origin = fields.Char(
        related="backend_id.oauth_refresh_token_origin"
    )
    db_host = fields.Char(**_of("backend_id", "db_host"))
    db_port = fields.Integer(**_of("backend_id", "db_port"))
    db_name = fields.Char(**_of("backend_id", "db_name"))
    db_user = fields.Char(**_of("backend_id", "db_user"))
    db_password_origin = fields.Char(related="backend_id.db_password_origin")
    db_sslmode = fields.Selection(**_of("backend_id", "db_sslmode"))
    test_state = fields.Selection(
        [
            ("ok", "Works"),
            ("failed", "Does not work"),
            ("untold", "Cannot be told without sending"),
        ],
        readonly=True,
        help="What the last test of the connection found.",
    )
    test_answer = fields.Text(readonly=True, help="What the system answered.")

    # records
    model_id = fields.Many2one(
        **_of("stream_id", "model_id"),
        domain=lambda self: [
            ("model", "in", self.env["sync.stream"]._syncable_models())
        ],
    )
    model_name = fields.Char(related="stream_id.model_name")
    domain = fields.Char(**_of("stream_id", "domain"))
    delete_policy = fields.Selection(**_of("stream_id", "delete_policy"))
    mark_key = fields.Char(**_of("stream_id", "mark_key"))
    endpoint = fields.Char(**_of("stream_id", "endpoint"))
    id_policy = fields.Selection(**_of("stream_id", "id_policy"))
    external_id_key = fields.Char(**_of("stream_id", "external_id_key"))
    update_method = fields.Selection(**_of("stream_id", "update_method"))
    request_ids = fields.One2many(**_of("stream_id", "request_ids"))
    repeats_are_safe = fields.Boolean(**_of("backend_id", "repeats_are_safe"))
    table = fields.Char(**_of("stream_id", "table"))
    tables = fields.Json(readonly=True, help="The tables that the login may fill.")
    key_column = fields.Char(**_of("stream_id", "key_column"))

    # fields
    mapping_ids = fields.One2many(**_of("stream_id", "mapping_ids"))
    columns = fields.Json(related="stream_id.columns")
    columns_unread = fields.Text(
        readonly=True, help="Why the columns of the table could not be read."
    )
    lacking = fields.Html(related="stream_id.lacking")

    # check
    preview_id = fields.Many2one(
        "sync.preview", readonly=True, help="Shows what would be sent of one record."
    )
    preview_res_id = fields.Many2oneReference(
        "Example",
        model_field="model_name",
        help="The record of which it is shown what would be sent.",
    )
    request = fields.Text(related="preview_id.request", related_sudo=False)
    request_problem = fields.Text(
        related="preview_id.request_problem", related_sudo=False
    )
    held_problem = fields.Text(related="preview_id.held_problem", related_sudo=False)
    comparison = fields.Html(related="preview_id.comparison", related_sudo=False)
    start_with = fields.Selection(
        [
            ("all", "Send all existing records now"),
            ("changes", "Send only what is changed from now on"),
            ("draft", "Send nothing yet: keep it as a draft"),
        ],
        required=True,
        default="all",
        help="All existing records are sent in the background, some at a time; edits "
        "go first. A draft goes live later, by a button of the synchronization.",
    )
    summary = fields.Char(
        compute="_compute_summary", help="What will happen, with the number of records."
    )
    health = fields.Json(
        compute="_compute_health", help="What keeps jobs from running well."
    )

    @api.onchange("id_policy")
    def _onchange_id_policy(self):
        if self.id_policy == "none":
            self.delete_policy = "ignore"

    @api.depends("transport")
    def _compute_kind(self):
        over_http = self.env["sync.backend"]._http_transports()
        asked = self._asked_transports()
        for wizard in self:
            wizard.over_http = wizard.transport in over_http
            wizard.asks_all = wizard.transport in asked

    @api.model
    def _asked_transports(self):
        """Return the kinds of system whose settings are fields of the steps, as a set.

        To be extended by an addon that adds its own fields to the places for them.
        """
        return {"rest", "postgresql"}

    @api.model
    def _place_fields(self):
        """Return the names of the fields that say where records go, as a set.

        To be extended: when one is changed, what was tested is another place.
        """
        return PLACE

    @api.depends("step")
    def _compute_recipe_cards(self):
        for wizard in self:
            choosing = wizard.step == "system"
            wizard.recipe_cards = choosing and self.env["sync.recipe"]._cards()

    # the origins of secrets are read anew whenever it is shown
    @api.depends("recipe", "step")
    def _compute_recipe_asks(self):
        for wizard in self:
            wizard.recipe_asks = wizard.recipe_urls = False
            if wizard.recipe and wizard.step == "account":
                recipe = wizard._recipe()
                wizard.recipe_urls = self._addresses_of(recipe["system"])
                wizard.recipe_asks = [
                    {
                        **ask,
                        "origin": wizard.backend_id[f"{ask['secret']}_origin"] or "",
                    }
                    if "secret" in ask
                    else ask
                    for ask in recipe["ask"]
                ]

    def _recipe(self):
        return self.env["sync.recipe"]._recipe(self.recipe)

    def _addresses_of(self, system):
        """Return where a system leads to, as pairs of what goes there and its URL."""
        oauth = system.get("oauth", {})
        found = [
            (self.env._("Requests go to"), system["url"]),
            (self.env._("Access is asked for at"), oauth.get("token_url")),
            (self.env._("A user consents at"), oauth.get("authorize_url")),
        ]
        return [(label, url) for label, url in found if url]

    def _compute_health(self):
        self.health = self.env["sync.health"].banner()

    @api.depends("stream_id", "start_with", "domain", "model_id", "step")
    def _compute_summary(self):
        for wizard in self:
            if wizard.step != "check":
                wizard.summary = False
            elif wizard.start_with == "draft":
                wizard.summary = self.env._(
                    "Nothing is sent. Once live, it will send %s.",
                    wizard.stream_id._count_text(),
                )
            else:
                wizard.summary = self.env["sync.go.live"]._summary_of(
                    wizard.stream_id, wizard.start_with
                )

    # -- writing --------------------------------------------------------------

    def write(self, vals):
        vals = dict(vals)
        if "model_id" in vals:
            model_id = vals.pop("model_id")
            others = self.stream_id.filtered(lambda each: each.model_id.id != model_id)
            # filter and fields of the former model do not fit
            others.mapping_ids.unlink()
            others.write({"model_id": model_id, "domain": vals.get("domain") or "[]"})
        if any(map(self._is_tested, vals)):
            # what was tested is another system, or another place there
            vals.update(test_state=False, test_answer=False)
        return super().write(vals)

    def _is_tested(self, name):
        """Return whether a field says what a test asks, and how."""
        field = self._fields.get(name)
        of_system = field and (field.related or "").startswith("backend_id.")
        return name in self._place_fields() or (
            of_system and name != "repeats_are_safe"
        )

    def unlink(self):
        """Take what was given up on the way along, with its credentials."""
        given_up = self.filtered(lambda each: not each.finished)
        backends = given_up.backend_id.filtered(lambda each: not each.active)
        used = backends._all_streams().filtered(lambda each: each.state != "draft")
        backends -= used.backend_id
        res = super().unlink()
        backends._all_streams().unlink()
        backends.unlink()
        return res

    # -- buttons --------------------------------------------------------------

    def _require_unfinished(self):
        """Raise unless this may be changed: what is in use has forms of its own."""
        self.ensure_one()
        self.check_access("write")
        if self.finished:
            raise UserError(self.env._("This system is connected already."))

    def set_secret(self, name, value):
        """Set a secret of the system, see there; what was tested is another one.

        :return: where it is kept now, as a text for people, or False
        """
        self._require_unfinished()
        origin = self.backend_id.set_secret(name, value)
        self.write({"test_state": False, "test_answer": False})
        return origin

    def action_choose(self, key):
        """Choose a system by its recipe, or another one, and go on.

        :param key: of the recipe; nothing for a system that there is none for
        :raises UserError: there is no such recipe, or it cannot be used
        """
        self._require_unfinished()
        if key:
            self.env["sync.recipe"]._recipe(key)
        if (key or False) != self.recipe:
            self._start_anew()
        self.recipe = key or False
        if self.recipe and not self.backend_id:
            self.name, self.transport = self._recipe()["name"], "rest"
            # there has to be one, for the secrets
            self._make_backend()
        self.step = self._steps()[1]
        return True

    def _start_anew(self):
        """Forget what was made of another choice, with its credentials."""
        stream, backend = self.stream_id, self.backend_id
        made = backend._all_streams()
        self.write(
            {
                "stream_id": False,
                "backend_id": False,
                "preview_id": False,
                "recipe_answers": False,
                "left_out": False,
                "name": False,
                "test_state": False,
                "test_answer": False,
            }
        )
        # they would take this record along
        self.flush_recordset()
        (made | stream).unlink()
        backend.unlink()

    def _steps(self):
        """Return the steps of this set-up: a recipe knows the kind of its system."""
        skipped = "kind" if self.recipe else "account"
        return [step for step in STEPS if step != skipped]

    def action_back(self):
        """Go one step back; what was typed is kept."""
        self._require_unfinished()
        steps = self._steps()
        self.step = steps[max(steps.index(self.step) - 1, 0)]
        return True

    def action_next(self):
        """Go one step on, if this one is complete.

        :raises UserError: it is not, with the reason
        """
        self._require_unfinished()
        getattr(self, f"_leave_{self.step}")()
        steps = self._steps()
        self.step = steps[steps.index(self.step) + 1]
        return True

    def action_test(self):
        """Ask the system whether it works, and keep its answer for the screen.

        From the step on that tells where records go, that place is asked for.
        """
        self.ensure_one()
        self.check_access("write")
        self.backend_id.check_access("write")
        self.backend_id._require_connection()
        tells_place = STEPS.index(self.step) >= STEPS.index("records")
        self._test(self.stream_id if tells_place else self.stream_id.browse())
        return True

    def _test(self, stream):
        """Keep what a test finds out.

        :param stream: the synchronization whose place is asked for; if empty, it is
            only asked for a sign of life
        """
        try:
            answer, found = self.backend_id._test(stream)
        except SyncError as err:
            state, said = "failed", err
        else:
            # what answers at its own address may be anything
            state = "untold" if self.over_http else "ok"
            said = answer
            for finding in found:
                state, said = STATES[finding.outcome], finding.sentence
        answer = storable(words.said(self.env, said))
        self.write({"test_state": state, "test_answer": answer})

    def action_connect(self):
        """Send the user to the page that asks for consent, beside this one."""
        self.ensure_one()
        self.check_access("write")
        self.write({"test_state": False, "test_answer": False})
        return {**self.backend_id.action_connect(), "target": "new"}

    def action_open_backend(self):
        """Open the form of the system, which has all of its settings."""
        self.ensure_one()
        self.check_access("write")
        return self.backend_id.get_formview_action()

    def action_open_stream(self):
        """Open the form of the synchronization, which has all of its settings."""
        self.ensure_one()
        self.check_access("write")
        return self.stream_id.get_formview_action()

    def action_preview(self):
        """Show what would be sent of the chosen record; nothing is sent."""
        self.ensure_one()
        self.check_access("write")
        # job managers make previews, and whoever sets up what is shown
        previews = self.env["sync.preview"].sudo()
        self.preview_id = previews.create({"stream_id": self.stream_id.id})
        record = self.env[self.model_name].browse(self.preview_res_id)
        self.preview_id.sudo()._look(record)
        return True

    def action_finish(self):
        """Let the system be used, and the synchronization send if so chosen."""
        self._require_unfinished()
        self.backend_id.active = True
        self.finished = True
        shown = self.stream_id
        if self.start_with != "draft":
            shown = self.stream_id._go_live(self.start_with == "all") or shown
        return {**shown.get_formview_action(), "target": "main"}

    # -- what each step needs, and what it suggests for the next ---------------

    def _leave_system(self):
        """A card says which one; without one it is another system."""

    def _kind_values(self):
        return {
            "name": self.name,
            "transport": self.transport,
            "company_id": self.company_id.id,
        }

    def _make_backend(self):
        values = {**self._kind_values(), "active": False}
        self.backend_id = self.backend_id.create(values)

    def _require_name(self):
        if not self.name or not self.name.strip():
            raise UserError(self.env._("Give the system a name, such as CRM."))

    def _leave_kind(self):
        self._require_name()
        values = self._kind_values()
        if not self.backend_id:
            self._make_backend()
            return
        if self.backend_id.transport != self.transport:
            # it was a test of something else
            self.write({"test_state": False, "test_answer": False})
        self.backend_id.write(values)

    def _leave_account(self):
        """Copy the recipe, with what is personal, unless that is done."""
        self._require_name()
        self.backend_id.write(self._kind_values())
        answers = {}
        given = self.recipe_answers if isinstance(self.recipe_answers, dict) else {}
        for ask in self._recipe()["ask"]:
            if "secret" in ask:
                is_set = self.backend_id[f"{ask['secret']}_origin"]
                problem = words._lt("It is missing.")
                problem = not (is_set or ask.get("optional")) and problem
            else:
                answers[ask["name"]] = given.get(ask["name"]) or ""
                problem = reader.answer_problem(ask, answers[ask["name"]])
            if problem:
                raise UserError(
                    self.env._(
                        "%(label)s: %(problem)s",
                        label=ask["label"],
                        problem=words.said(self.env, problem),
                    )
                )
        copied = self.backend_id.recipe_values or {}
        recipes = self.env["sync.recipe"]
        if copied.get("answers") == answers and self.stream_id:
            # which are no secrets: of those another one may have been set
            filled = reader.filled(self._recipe(), answers)
            recipes._copy_secrets(self.backend_id, filled["system"]["headers"])
            return
        made = self.backend_id._all_streams()
        self.stream_id = False
        self.flush_recordset()
        made.unlink()
        streams, left_out = recipes._copy_to(self.backend_id, self.recipe, answers)
        self.write(
            {
                "stream_id": streams[0].id,
                "left_out": "\n".join(left_out),
                "test_state": False,
                "test_answer": False,
            }
        )

    def _leave_address(self):
        self.backend_id._require_connection()
        if not self.stream_id:
            name = self.env._("Contacts to %s", self.backend_id.name)
            self.stream_id = self.env["sync.stream"].create(
                {"name": name, "backend_id": self.backend_id.id, "endpoint": "contacts"}
            )
        # the next step tests the place where records go
        self.write({"test_state": False, "test_answer": False})
        try:
            with self.backend_id._open_transport() as transport:
                self.tables = transport.tables()
        except (NotImplementedError, SyncError):
            # its name can be typed
            self.tables = False

    def _leave_records(self):
        stream = self.stream_id
        stream._require_route()
        stream.name = self.env._(
            "%(model)s to %(system)s",
            model=stream.model_id.name,
            system=self.backend_id.name,
        )
        self.columns_unread = stream._renew_columns()
        names = stream._known_columns()
        if names and stream.key_column not in names:
            raise UserError(
                self.env._(
                    "The table %(table)s has no column %(key)s. Which of its "
                    "columns is for Odoo's id? There are: %(columns)s.",
                    table=stream.table,
                    key=stream.key_column,
                    columns=", ".join(names),
                )
            )
        if not stream.mapping_ids:
            stream.mapping_ids = [
                fields.Command.create(
                    {"sequence": sequence, "field_path": path, "target": target}
                )
                for sequence, (path, target) in enumerate(self._suggested())
            ]

    def _suggested(self):
        """Return ``(path in Odoo, name at the destination)`` of fields to send."""
        stream = self.stream_id
        if not stream._known_columns():
            return [usual for usual in USUAL.items() if self._has_value(usual[0])]
        reserved = stream._own_names()
        found = []
        for column in stream._known_columns():
            # a field of the very name goes first
            paths = (column, OTHER_NAMES.get(column, ""))
            path = next(filter(self._has_value, paths), None)
            if path and column not in reserved:
                found.append((path, column))
        return found

    def _has_value(self, path):
        """Return whether a path leads to one plain value of a record."""
        values = {"stream_id": self.stream_id.id, "field_path": path}
        try:
            *links, field = content.path_of(self.env["sync.mapping"].new(values))
        except ValidationError:
            return False
        return (
            all(link.type == "many2one" for link in links)
            and field.type in PLAIN_TYPES
            and bool(field.store or field.related)
        )

    def _leave_fields(self):
        stream = self.stream_id
        if not stream.mapping_ids:
            raise UserError(self.env._("Add at least one field to send."))
        self._test(stream)
        model = self.env[stream.model_name]
        self.preview_id = False
        if model.has_access("read"):
            example = model.search(model._sync_domain(stream), limit=1)
            self.preview_res_id = example.id
            if example:
                self.action_preview()
