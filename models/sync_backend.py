# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import time
from collections import Counter
from datetime import timedelta
from functools import partial
from math import ceil

from odoo import SUPERUSER_ID, api, fields, models, tools
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.http import STORED_SESSION_BYTES, request
from odoo.tools import SQL, config, format_datetime

from ..actions import success, window
from ..engine import places, secrets, standing, store, tokens, waiting, words
from ..engine.run import BUDGET, budget
from ..exceptions import SyncError, Throttled
from ..transports import (
    PostgresqlConfig,
    PostgresqlTransport,
    RestConfig,
    RestTransport,
)
from ..transports.base import FAILS, UNTOLD, Finding, examine_all
from ..transports.http import (
    KEY_HEADER,
    FurtherHeader,
    certificates,
    header_problem,
    names_problem,
    proxy_problem,
)
from ..transports.http import tokens as token_server
from ..transports.pace import Pace
from ..transports.signing import secret_problem
from ..transports.urls import same_host, url_problem
from . import sync_recipe_copy  # noqa: F401  # it is inherited
from .sync_deletion import Owned

# What a system may want attention for, the worst first.
HEALTH = [
    ("down", "Down"),
    ("paused", "Paused"),
    ("problem", "With a Problem"),
    ("failed", "With Failed Records"),
    ("doubt", "With Records to Be Clarified"),
    ("fine", "Fine"),
]
# What systems are sorted by that is computed.
SORTED_BY = ("health", "waiting_count", "running_count", "failed_count")
SORTED_BY += ("doubt_count", "delivered_count", "oldest_waiting")

# Seconds that a destination may take to begin with a request that has arrived.
GRACE = 5
# Those that sign: the one of now goes first.
SIGNING_SECRETS = ("signing_secret", "signing_secret_previous")
# Texts (PEM) that are secrets too, and what is wrong with one.
CERTIFICATES = {
    "client_certificate": certificates.client_problem,
    "ca_certificate": certificates.authorities_problem,
}
# Before a certificate ends, there is a warning for so long.
WARNED = timedelta(days=30)
# Authentications by OAuth 2, and what they need.
OAUTH = ("oauth_client", "oauth_code")
OAUTH_FIELDS = ("oauth_token_url", "oauth_authorize_url", "oauth_client_id")
OAUTH_FIELDS += ("oauth_client_auth", "oauth_scope", "oauth_scheme", "oauth_parameters")
# What there has to be to reach a system of each kind.
REST_FIELDS = ("url", "auth", "auth_username", "auth_filler", "auth_header")
REST_FIELDS += ("auth_scheme", "key_header", "proxy_url", "proxy_username")
REST_FIELDS += OAUTH_FIELDS
DATABASE_FIELDS = ("db_host", "db_port", "db_name", "db_user")
ANOTHER_DATABASE = DATABASE_FIELDS[:3]
# Seconds for which a test begins to ask something.
TEST_TIME = 20


def is_told_of(record):
    """Return whether the current user may know of what belongs to a company, or to none

    For names: Odoo reads that of what a link leads to with all rights.
    """
    env, company = record.env, record.company_id
    return not company or env.uid == SUPERUSER_ID or company in env.companies


class SyncBackend(models.Model):
    """One external system: where it is, how to talk to it, with which credentials."""

    _name = "sync.backend"
    _description = "External System"
    _inherit = ["mail.thread", "sync.deletion", "sync.recipe.copy"]
    _order = "name, id"

    # -- fields ---------------------------------------------------------------

    name = fields.Char(
        required=True,
        tracking=True,
        help="What people here call this system, such as CRM or Web Shop.",
    )
    active = fields.Boolean(
        default=True,
        tracking=True,
        help="Archived: edits are no longer recorded for this system, and changes "
        "that are waiting stay where they are until it is unarchived.",
    )
    company_id = fields.Many2one(
        "res.company",
        tracking=True,
        # without its company it would send the records of all of them
        ondelete="restrict",
        help="Only records of this company, or of none, are sent. "
        "Empty: records of every company.",
    )
    transport = fields.Selection(
        [("rest", "REST"), ("postgresql", "PostgreSQL")],
        required=True,
        default="rest",
        tracking=True,
        help="How this system is reached: a REST interface with JSON, "
        "or rows written into a PostgreSQL database.",
    )
    over_http = fields.Boolean(
        "Over HTTP",
        compute="_compute_over_http",
        help="Whether it is reached by HTTP, and has the settings for that.",
    )
    stream_ids = fields.One2many(
        "sync.stream",
        "backend_id",
        string="Synchronizations",
        help="What is sent to this system.",
    )
    stream_count = fields.Integer(
        compute="_compute_stream_count",
        help="How many kinds of record are sent to this system.",
    )
    connect_timeout = fields.Integer(
        "Connection timeout (s)",
        required=True,
        default=5,
        help="Seconds to wait for a connection before the system counts as "
        "unreachable.",
    )
    read_timeout = fields.Integer(
        "Response timeout (s)",
        required=True,
        default=30,
        help="Seconds to wait for an answer, or for an SQL statement to end.",
    )

    timeout_text = fields.Char(
        compute="_compute_timeout_text",
        help="Why its timeouts do not fit into the time that a worker has.",
    )

    # -- fields of a REST interface -------------------------------------------

    url = fields.Char(
        "Address",
        tracking=True,
        help="Base address of the interface; each synchronization adds its endpoint.",
    )
    auth = fields.Selection(
        [
            ("none", "None"),
            ("bearer", "Bearer Token"),
            ("basic", "User and Password"),
            ("key", "Key as User Name"),
            ("header", "Key in a Header"),
            ("oauth_client", "OAuth 2: Client Credentials"),
            ("oauth_code", "OAuth 2: Consent of a User"),
        ],
        "Authentication",
        required=True,
        default="none",
        help="How this system knows that a request comes from Odoo.",
    )
    auth_username = fields.Char("Username", help="User name for the basic scheme.")
    auth_filler = fields.Char(
        "Password beside It",
        default="X",
        help="Where the key is the user name, most systems take anything for the "
        "password, such as X, or want nothing there.",
    )
    auth_header = fields.Char(
        "Header", default="X-API-Key", help="Name of the header that carries the key."
    )
    auth_scheme = fields.Char(
        "Word before the Key",
        help="For systems that want one, such as ApiKey in the header Authorization. "
        "Usually empty.",
    )

    # -- fields of HTTP that few systems need ----------------------------------

    shows_more = fields.Boolean(
        "More Settings",
        compute="_compute_shows_more",
        readonly=False,
        help="The format of bodies, further headers, the header of the key, a proxy, "
        "certificates: for systems that ask for them.",
    )
    body_format = fields.Selection(
        [("json", "JSON"), ("form", "Form (URL-encoded)")],
        "Format",
        required=True,
        default="json",
        help="How the bodies of requests are written. Nearly every system takes JSON.",
    )

    header_ids = fields.One2many(
        "sync.header",
        "backend_id",
        "Further Headers",
        copy=True,
        help="What the system wants with every request besides the authentication, "
        "such as a version or a tenant. Accept and Content-Type may be replaced.",
    )
    key_header = fields.Char(
        "Header of the Key",
        default=KEY_HEADER,
        help="The header in which the system looks for the key that is the same "
        "whenever a request is repeated. Usually Idempotency-Key.",
    )
    proxy_url = fields.Char(
        "Proxy",
        tracking=True,
        help="Requests go through it, such as http://proxy.example.com:3128. Empty: "
        "directly, whatever the server is set up with.",
    )
    proxy_username = fields.Char("Proxy User", help="Empty if it asks for none.")
    proxy_password_origin = fields.Char(
        "Proxy Password",
        compute="_compute_secret_origins",
        help="Password of the proxy. Nobody can read it, only set another one.",
    )
    client_certificate_origin = fields.Char(
        "Client Certificate",
        compute="_compute_secret_origins",
        help="Proves to the system that a request comes from Odoo: the certificate and "
        "its private key, one below the other, as PEM (-----BEGIN ...).",
    )
    client_certificate_text = fields.Char(
        compute="_compute_certificate_texts",
        help="Whom the client certificate is for, and when it ends.",
    )
    ca_certificate_origin = fields.Char(
        "Certificate Authority",
        compute="_compute_secret_origins",
        help="For a system whose certificate is not from a public authority: that of "
        "its authority, as PEM (-----BEGIN CERTIFICATE-----). No other is trusted "
        "then.",
    )
    ca_certificate_text = fields.Char(
        compute="_compute_certificate_texts",
        help="Which authority it is, and when its certificate ends.",
    )
    certificate_warning = fields.Char(
        compute="_compute_certificate_texts",
        help="That a certificate has ended, or ends soon.",
    )

    # -- fields of OAuth 2 ----------------------------------------------------

    oauth_token_url = fields.Char(
        "Token Address",
        tracking=True,
        help="Where access is asked for: the token endpoint, or token URL, in the "
        "documentation of the system.",
    )
    oauth_authorize_url = fields.Char(
        "Consent Address",
        tracking=True,
        help="The page at which a user consents: the authorization endpoint in the "
        "documentation. It may need a query, such as ?access_type=offline. Empty: "
        "nobody can press Connect, and a refresh token has to be set.",
    )
    oauth_client_id = fields.Char(
        "Client ID",
        help="What the system calls Odoo: you get it where you register Odoo there as "
        "an app, with the client secret.",
    )
    oauth_client_auth = fields.Selection(
        [("basic", "In the Header (Basic)"), ("body", "In the Body")],
        "Client Secret Goes",
        required=True,
        default="basic",
        help="How the client secret is sent to the token address. Ask the "
        "documentation; most take both.",
    )
    oauth_scope = fields.Char(
        "Scope",
        help="What access is asked for, with blanks between the parts. Often "
        "offline_access is one of them: else access ends after an hour or so.",
    )
    oauth_parameters = fields.Text(
        "Further Parameters",
        help="What else the token address wants to be told, one a line, such as "
        "audience=https://api.example.com. No secrets.",
    )
    oauth_scheme = fields.Char(
        "Scheme",
        default="Bearer",
        help="The word before the token in each request. Almost always Bearer; Zoho "
        "has Zoho-oauthtoken.",
    )
    oauth_page = fields.Char(
        "Redirect Address",
        compute="_compute_oauth_page",
        help="Where the system sends a user back to. Register it there, exactly so.",
    )
    oauth_status = fields.Char(
        "Access",
        compute="_compute_oauth_status",
        help="Whether the system lets Odoo in, as far as is known.",
    )
    oauth_connected = fields.Boolean(
        compute="_compute_oauth_status",
        help="Whether somebody has consented, or a refresh token was set.",
    )

    # -- fields of a database -------------------------------------------------

    db_host = fields.Char(
        "Host", tracking=True, help="Name or address of the database server."
    )
    db_port = fields.Integer("Port", default=5432, help="Usually 5432.")
    db_name = fields.Char(
        "Database", tracking=True, help="Name of the database that holds the tables."
    )
    db_user = fields.Char(
        "Login",
        help="Database role. Give it no more than select, insert, update and, where "
        "records are deleted, delete on the tables it fills.",
    )
    db_sslmode = fields.Selection(
        [
            ("disable", "Never encrypted"),
            ("allow", "Encrypted if the server insists"),
            ("prefer", "Encrypted if the server can"),
            ("require", "Encrypted"),
            ("verify-ca", "Encrypted, certificate verified"),
            ("verify-full", "Encrypted, certificate and host name verified"),
        ],
        "Encryption",
        required=True,
        default="prefer",
        help="The sslmode of the connection. Over a network that is not yours, "
        "choose one that verifies the certificate.",
    )

    # -- fields that tell of secrets ------------------------------------------

    auth_secret_origin = fields.Char(
        "Secret",
        compute="_compute_secret_origins",
        help="Token, password or key. Nobody can read it, only set another one.",
    )
    db_password_origin = fields.Char(
        "Password",
        compute="_compute_secret_origins",
        help="Password of the role. Nobody can read it, only set another one.",
    )
    signing_secret_origin = fields.Char(
        "Signing Secret",
        compute="_compute_secret_origins",
        help="Signs each request as Standard Webhooks describes it. The system needs "
        "it too, to verify the signatures. Not set: requests are not signed.",
    )
    signing_secret_previous_origin = fields.Char(
        "Previous Secret",
        compute="_compute_secret_origins",
        help="Signs as well, so that the system can change to the new secret at any "
        "time. Remove it once the system has changed.",
    )

    oauth_client_secret_origin = fields.Char(
        "Client Secret",
        compute="_compute_secret_origins",
        help="Nobody can read it, only set another one. Not set: for a client "
        "without one.",
    )
    oauth_refresh_token_origin = fields.Char(
        "Refresh Token",
        compute="_compute_secret_origins",
        help="What access is renewed with. Connect sets it, and the system may give "
        "another one at any time. Set it yourself where there is no page for consent.",
    )

    # -- fields of pace and pauses --------------------------------------------

    repeats_are_safe = fields.Boolean(
        "Repeats with One Key Are Safe",
        help="The system carries out a request once, however often it comes with the "
        "same Idempotency-Key. Ask its documentation. If it does not, a creation that "
        "was not answered is left to a person, rather than risk a second record.",
    )
    concurrency = fields.Integer(
        "Requests at Once",
        required=True,
        default=8,
        help="How many requests a job sends at the same time, from 1 to 64. "
        "Jobs that run at the same time send as many each.",
    )
    rate_limit = fields.Float(
        "Requests per Second",
        default=0,
        help="The most that all jobs of all servers together send to this system: "
        "requests, or statements of a database. Empty: unlimited.",
    )
    pause_on_outage = fields.Boolean(
        "Pause in an Outage",
        default=True,
        help="When several records in a row get no answer, or are kept out, its jobs "
        "wait without using up their tries, and it is asked from time to time whether "
        "it is back. Without this, every job goes through its own tries.",
    )
    outage_threshold = fields.Integer(
        "After",
        default=5,
        required=True,
        help="So many different records in a row that the system does not answer, or "
        "keeps out in the same way, count as an outage.",
    )
    incident_ids = fields.One2many(
        "sync.incident",
        "backend_id",
        "Incidents",
        help="The times at which this system was paused or down.",
    )
    incident_id = fields.Many2one(
        "sync.incident",
        "Open Incident",
        compute="_compute_incident_id",
        search="_search_incident_id",
        help="Why nothing is sent now: it does not answer, or somebody has paused it.",
    )
    incident_kind = fields.Selection(
        related="incident_id.kind",
        help="Whether it does not answer, somebody has paused it, or this database "
        "looks like a copy.",
    )
    incident_text = fields.Char(
        compute="_compute_incident_id", help="Why nothing is sent now, and since when."
    )
    quiet_until = fields.Datetime(
        compute="_compute_quiet_until",
        help="The system has asked not to be sent anything before.",
    )

    jobs_at_once = fields.Integer(
        "Jobs at Once",
        default=0,
        help="How many jobs may send to this system at the same time. 0: as many as "
        "leave a slot of the job queue to the other systems.",
    )

    # -- fields of the dashboard ----------------------------------------------

    status = fields.Selection(
        [("up", "Up"), ("paused", "Paused"), ("down", "Down")],
        compute="_compute_status",
        help="Down: it does not answer. Paused: manually. In both cases changes are "
        "kept and wait.",
    )
    status_since = fields.Datetime(
        "Since",
        compute="_compute_status",
        help="Since when it has been paused or down.",
    )
    status_text = fields.Char(
        compute="_compute_status", help="The status, and for how long."
    )
    status_reason = fields.Char(
        compute="_compute_status", help="Why nothing is sent now."
    )
    health = fields.Selection(
        HEALTH,
        compute="_compute_health",
        search="_search_health",
        help="What wants attention most: that nothing is sent, that a synchronization "
        "does not work as it is set up, or records that somebody has to decide about.",
    )
    waiting_count = fields.Integer(
        "Waiting",
        compute="_compute_figures",
        help="Records whose change is not delivered yet.",
    )
    running_count = fields.Integer(
        "Running", compute="_compute_figures", help="Jobs that are being run."
    )
    failed_count = fields.Integer(
        "Failed",
        compute="_compute_figures",
        help="Records that somebody has to decide about.",
    )
    doubt_count = fields.Integer(
        "To Be Clarified",
        compute="_compute_figures",
        help="Records of which somebody has to say whether the system has them "
        "already, or under which ID.",
    )
    oldest_waiting = fields.Datetime(
        compute="_compute_figures", help="When the oldest waiting job was made."
    )
    oldest_text = fields.Char(
        "Oldest Change",
        compute="_compute_figures",
        help="For how long the oldest change has been waiting.",
    )
    delivered_hourly = fields.Json(
        "Delivered",
        compute="_compute_figures",
        help="Records delivered in each of the last 24 hours, the current one last.",
    )
    delivered_count = fields.Integer(
        "Delivered in 24 Hours",
        compute="_compute_figures",
        help="Records delivered in the last 24 hours.",
    )
    open_backfills = fields.Json(
        compute="_compute_open_backfills", help="Those that run or are stopped."
    )
    problems = fields.Json(
        compute="_compute_problems",
        compute_sudo=True,
        help="Synchronizations that do not work as they are set up, or are held, and "
        "why.",
    )

    # -- constraints ----------------------------------------------------------

    _positive_timeouts = models.Constraint(
        "CHECK (connect_timeout > 0 AND read_timeout > 0)",
        "Timeouts must be at least one second.",
    )
    _concurrency_range = models.Constraint(
        "CHECK (concurrency BETWEEN 1 AND 64)",
        "The number of requests at once is from 1 to 64.",
    )
    _rate_limit_positive = models.Constraint(
        "CHECK (rate_limit >= 0)", "The requests per second cannot be fewer than 0."
    )
    _positive_pace = models.Constraint(
        "CHECK (outage_threshold > 0 AND jobs_at_once >= 0)",
        "The number of attempts must be at least one, that of jobs at least none.",
    )

    @api.constrains("transport")
    def _check_streams(self):
        streams = self._all_streams()
        streams._check_live()
        streams._check_mapping()

    @api.constrains("body_format")
    def _check_requests(self):
        self._all_streams().request_ids._check_lines()

    @api.constrains("auth", "auth_header", "key_header")
    def _check_versions(self):
        """Raise if a header of these systems takes the place of a record's version.

        What a system wants with each request counts most.
        """
        live = self._all_streams().filtered(
            lambda each: each.state == "live" and each.transport == "rest"
        )
        for stream in live:
            for problem in stream._version_problems():
                raise ValidationError(
                    self.env._(
                        "%(target)s: %(problem)s", target=stream.name, problem=problem
                    )
                )

    @api.constrains("active", "transport", *REST_FIELDS, *DATABASE_FIELDS)
    def _check_connection(self):
        # one that is archived may lack what is not known yet
        self.filtered("active")._require_connection()

    def _require_connection(self):
        """Raise unless all is there to reach these systems.

        :raises ValidationError: something is missing or wrong, with the reason
        """
        for backend in self:
            problem = backend._connection_problem()
            if problem:
                raise ValidationError(problem)

    def _connection_problem(self):
        """Return what is missing or wrong, ``None`` if nothing is. To be extended.

        An addon that adds a transport says here what its own settings lack, and has a
        constraint on them that calls :meth:`_check_connection`: while a system is being
        connected, step by step, it is archived and may lack something.
        """
        self.ensure_one()
        if self.over_http:
            return self._rest_problem()
        if self.transport == "postgresql":
            return self._database_problem()
        return None

    def _rest_problem(self):
        """Return what is missing or wrong, ``None`` if nothing is."""
        problem = url_problem(self.url or "")
        if problem:
            return self.env._(
                "The address of %(system)s cannot be used: %(problem)s",
                system=self.name,
                problem=words.said(self.env, problem),
            )
        if self.auth == "basic" and not self.auth_username:
            return self.env._("%s needs a username.", self.name)
        if self.auth == "header" and not self.auth_header:
            return self.env._(
                "%s needs the name of the header that carries its key.", self.name
            )
        if self.auth in OAUTH:
            problem = self._oauth_problem()
            return problem or self._more_problem()
        problem = self.auth == "header" and header_problem(self.auth_header.strip())
        if problem:
            return self.env._(
                "%(system)s cannot carry its key there: %(problem)s",
                system=self.name,
                problem=words.said(self.env, problem),
            )
        return self._more_problem()

    def _more_problem(self):
        """Return what is wrong with the rarer settings, ``None`` if nothing is."""
        # no value is looked at: those of secrets are checked where they are set
        headers = [FurtherHeader(each.name, "") for each in self.header_ids]
        settings = RestConfig(
            url=self.url,
            auth=self.auth,
            header=self.auth_header or "",
            headers=tuple(headers),
            key_header=self._key_header(),
            **self._proxy(),
        )
        problem = names_problem(settings)
        if problem:
            return self.env._(
                "The headers of %(system)s cannot be sent: %(problem)s",
                system=self.name,
                problem=words.said(self.env, problem),
            )
        problem = proxy_problem(settings)
        return problem and self.env._(
            "The proxy of %(system)s cannot be used: %(problem)s",
            system=self.name,
            problem=words.said(self.env, problem),
        )

    def _header_names(self):
        """Return the names of the headers that are set, in small letters."""
        names = [self._key_header(), *self.sudo().header_ids.mapped("name")]
        if self.auth == "header":
            names.append((self.auth_header or "").strip())
        return {name.lower() for name in names if name}

    def _key_header(self):
        return (self.key_header or KEY_HEADER).strip()

    def _proxy(self):
        """Return what an ``HttpConfig`` says of the proxy, but for its password."""
        return {
            "proxy": (self.proxy_url or "").strip(),
            "proxy_username": self.proxy_username or "",
        }

    def _network(self, kept, url=None):
        """Return what an ``HttpConfig`` says of how requests leave, as a dict.

        Who has a host of his own need not be of a private authority, and is not told by
        a certificate who we are.

        :param kept: what :func:`secrets.kept` returns
        :param url: where they go, if not to the system
        :raises SecretMissing: a secret is kept beside the database, and not there
        """
        password = self._secret("proxy_password", kept) if self.proxy_url else ""
        elsewhere = url is not None and not same_host(url, self.url or "")
        names = CERTIFICATES.keys() - ({"client_certificate"} if elsewhere else set())
        return {
            **self._proxy(),
            "proxy_password": password,
            "trusts_public": elsewhere,
            **{name: self._secret(name, kept) for name in names},
        }

    def _oauth_problem(self):
        """Return what is missing or wrong, ``None`` if nothing is."""
        problem = url_problem(self.oauth_token_url or "")
        if problem:
            return self.env._(
                "The token address of %(system)s cannot be used: %(problem)s",
                system=self.name,
                problem=words.said(self.env, problem),
            )
        if not self.oauth_client_id:
            return self.env._("%s needs a client ID.", self.name)
        problem = self.oauth_authorize_url and token_server.page_problem(
            self.oauth_authorize_url
        )
        if problem:
            return self.env._(
                "The consent address of %(system)s cannot be used: %(problem)s",
                system=self.name,
                problem=words.said(self.env, problem),
            )
        problem = token_server.scheme_problem(self.oauth_scheme or "")
        problem = problem or token_server.parameters_problem(
            self.oauth_parameters or ""
        )
        return problem and self.env._(
            "%(system)s cannot ask for access: %(problem)s",
            system=self.name,
            problem=words.said(self.env, problem),
        )

    def _database_problem(self):
        """Return what is missing or wrong, ``None`` if nothing is."""
        if not (self.db_host and self.db_name and self.db_user):
            return self.env._("%s needs a host, a database and a login.", self.name)
        if not 0 < self.db_port < 65536:
            return self.env._(
                "%(port)s is not a port: %(system)s needs one between 1 and 65535.",
                port=self.db_port,
                system=self.name,
            )
        return None

    # -- computes -------------------------------------------------------------

    @api.depends("transport")
    def _compute_over_http(self):
        kinds = self._http_transports()
        for backend in self:
            backend.over_http = backend.transport in kinds

    @api.depends("name", "company_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_display_name(self):
        hidden = self.env._("System of another company")
        for backend in self:
            backend.display_name = backend.name if is_told_of(backend) else hidden

    def _compute_stream_count(self):
        for backend in self:
            backend.stream_count = len(backend.stream_ids)

    @api.depends(
        "auth",
        "connect_timeout",
        "read_timeout",
        "stream_ids.already_there",
        "stream_ids.version_where",
    )
    @api.depends_context("lang")
    def _compute_timeout_text(self):
        limit, least = config["limit_time_real"], budget(self.env)
        for backend in self:
            longest = backend.connect_timeout + backend.read_timeout
            streams = backend.stream_ids
            asks = any(each.already_there or each.version_where for each in streams)
            delay = tokens.DELAY if backend.auth in OAUTH else 0
            # a further request of a record, see RestTransport._require_time(): none is
            # begun after one that has waited for its token
            longest += max(longest if asks else 0, delay)
            backend.timeout_text = False
            if limit <= 0 or least + longest < limit:
                continue
            values = {"limit": limit, "least": round(least), "longest": longest}
            if asks:
                backend.timeout_text = self.env._(
                    "The server ends a job after %(limit)s s (limit_time_real). One "
                    "that begins with a record after %(least)s s, and waits "
                    "%(longest)s s for two answers about it, would not live to see the "
                    "second: shorten the timeouts here, or raise the limit.",
                    **values,
                )
                continue
            backend.timeout_text = self.env._(
                "The server ends a job after %(limit)s s (limit_time_real). One that "
                "starts a request after %(least)s s, and waits %(longest)s s for its "
                "answer, would not live to see it: shorten the timeouts here, or raise "
                "the limit.",
                **values,
            )

    # the secrets among them as they were when it was opened: a box is ticked by hand
    @api.depends("body_format", "header_ids", "key_header", "proxy_url")
    def _compute_shows_more(self):
        names = {"proxy_password", *CERTIFICATES}
        kept = secrets.get(self.env.cr, *self._origin.ids)
        for backend in self:
            mine = {name for id_, name in kept if id_ == backend._origin.id}
            backend.shows_more = bool(
                backend.header_ids
                or backend.body_format == "form"
                or backend.proxy_url
                or (backend.key_header or KEY_HEADER) != KEY_HEADER
                or mine & names
            )

    @api.depends_context("lang", "tz")
    def _compute_certificate_texts(self):
        soon = fields.Datetime.now() + WARNED
        labels = self.fields_get([f"{name}_origin" for name in CERTIFICATES])
        for backend in self:
            warnings = []
            kept = secrets.kept(self.env, backend._origin.id or -1)
            for name, problem_of in CERTIFICATES.items():
                try:
                    pem = backend._secret(name, kept)
                    problem = pem and problem_of(pem)
                except SyncError as err:
                    pem, problem = "", err
                text = warning = problem and words.said(self.env, problem)
                if pem and not problem:
                    whom, end = certificates.end_of(pem)
                    time_text = format_datetime(self.env, end, dt_format="short")
                    text = self.env._(
                        "For %(whom)s, until %(time)s", whom=whom, time=time_text
                    )
                    warning = end < soon and self.env._(
                        "It ends at %s: ask for a new one in time.", time_text
                    )
                backend[f"{name}_text"] = text or False
                if warning:
                    label = labels[f"{name}_origin"]["string"]
                    warnings.append(f"{label}: {warning}")
            backend.certificate_warning = " ".join(warnings) or False

    # -- records --------------------------------------------------------------

    def init(self):
        secrets.create_table(self.env.cr)
        tokens.create_tables(self.env.cr)
        return super().init()

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.keys() & self._secret_names() for vals in vals_list):
            raise UserError(
                self.env._(
                    "Secrets are no values of a system: set them by its method "
                    "set_secret."
                )
            )
        return super().create(vals_list)

    def write(self, vals):
        res = super().write(vals)
        if {"active", "company_id", "jobs_at_once", "name", "transport"} & vals.keys():
            # what edits and jobs have to know of the streams is cached
            self.env.registry.clear_cache()
        if vals.get("active") is False:
            self.sudo()._all_streams()._open_backfills()._stop_resting()
        elif vals.get("active"):
            self._all_streams()._wake()
        if vals.keys() & {"auth", *OAUTH_FIELDS}:
            tokens.forget(self.env, self.ids)
        if vals.keys() & {*REST_FIELDS, *DATABASE_FIELDS, "body_format", "transport"}:
            self._settings_changed()
        if vals.keys() & {*ANOTHER_DATABASE, "transport"}:
            self._all_streams()._forget_columns()
        if vals.get("repeats_are_safe"):
            waiting.ask_again_later(self.env, self._all_streams().ids)
        return res

    def _settings_changed(self):
        """Try whether what these have been held for is mended."""
        for backend in self:
            streams = backend._all_streams()
            self.env["sync.incident"]._settings_changed(streams, backend)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if "name" not in (default or {}):
            for backend, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", backend.name)
        return vals_list

    def _all_streams(self):
        return self.with_context(active_test=False).stream_ids

    def _values_of_recipe(self, recipes, recipe):
        return recipes._system_values(self._filled_recipe(recipe, self)["system"])

    # -- transport ------------------------------------------------------------

    @tools.ormcache("self.id")
    def _streams_by_channel(self):
        """Return the ids of the synchronizations of each channel, as tuples."""
        mine = [("backend_id", "=", self.id)]
        streams = self.env["sync.stream"].sudo().with_context(active_test=False)
        grouped = streams.search(mine).grouped(lambda each: each._facts().channel)
        return tuple(tuple(each.ids) for each in grouped.values())

    def _open_transport(self, end=None):
        """Return the transport that talks to this system.

        Another addon adds a kind of system by extending the ``transport`` selection
        and defining ``_transport_<name>()`` here and ``_route_<name>()`` on
        ``sync.stream``.

        :param end: until when it may start requests, and wait for its turns, by the
            clock of ``time.monotonic()``
        :return: a :class:`..transports.base.Transport`
        :raises SecretMissing: a secret is kept beside the database, and not there: a
            system that cannot be reached
        """
        self.ensure_one()
        transport = getattr(self, f"_transport_{self.transport}")()
        transport.at_once, transport.end = self.concurrency, end
        if self.rate_limit:
            reserve = partial(store.reserve, self.env.registry, self.id)
            transport.pace = Pace(reserve, end)
        return transport

    @api.model
    def _http_transports(self):
        """Return the kinds of system that are reached by HTTP, as a set.

        To be extended: such a kind gets the fields and the checks for that, and an
        ``HttpConfig`` of them by :meth:`_rest_config`.
        """
        return {"rest"}

    def _transport_rest(self):
        return RestTransport(self._rest_config())

    def _rest_config(self):
        """Return how this system is reached over HTTP, by all its settings.

        :return: a :class:`..transports.http.HttpConfig`
        :raises SecretMissing: a secret is kept beside the database, and not there
        """
        kept = secrets.kept(self.env, self.id)
        return RestConfig(
            url=self.url,
            auth="none" if self.auth in OAUTH else self.auth,
            username=(self.auth_filler if self.auth == "key" else self.auth_username)
            or "",
            header=self.auth_header or "",
            scheme=self.auth_scheme or "",
            # one that is not used need not be there
            secret=self._secret("auth_secret", kept)
            if self.auth not in ("none", *OAUTH)
            else "",
            token=tokens.Token(self) if self.auth in OAUTH else None,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            concurrency=self.concurrency,
            repeats_are_safe=self.repeats_are_safe,
            signing_secrets=self._signing_secrets(kept),
            headers=self._headers_sent(kept),
            key_header=self._key_header(),
            **self._network(kept),
        )

    @tools.ormcache("self.id")
    def _header_facts(self):
        """Return of each further header its name, its value, and the name of its secret
        if it is one, as a tuple of tuples."""
        return tuple(
            (each.name, each.value or "", each.secret and each._kept_as())
            for each in self.sudo().header_ids
        )

    def _headers_sent(self, kept):
        """Return the further headers, as an ``HttpConfig`` has them.

        :param kept: what :func:`secrets.kept` returns
        :raises SecretMissing: a value is kept beside the database, and not there
        """
        return tuple(
            FurtherHeader(
                name,
                secrets.resolved(self.env, kept.get(secret)) if secret else value,
                bool(secret),
            )
            for name, value, secret in self._header_facts()
        )

    def _transport_postgresql(self):
        return PostgresqlTransport(self._postgresql_config())

    def _postgresql_config(self):
        return PostgresqlConfig(
            host=self.db_host,
            port=self.db_port,
            dbname=self.db_name,
            user=self.db_user,
            password=self._secret("db_password"),
            sslmode=self.db_sslmode,
            connect_timeout=self.connect_timeout,
            statement_timeout=self.read_timeout,
        )

    def _seconds_in_flight(self, count, in_turn=1):
        """Return after how many seconds as many requests that leave now are over.

        However slowly each is answered, and whatever became of the worker: Odoo ends
        one that works for longer than its limit.

        :param in_turn: how many follow each of them at most, itself among them
        """
        each = (self.connect_timeout + self.read_timeout + GRACE) * in_turn
        seconds = each * ceil(count / self.concurrency)
        if self.rate_limit:
            seconds += BUDGET
        if self.auth in OAUTH:
            seconds += tokens.DELAY
        limit = config["limit_time_real"]
        return max(each, min(seconds, limit + each)) if limit > 0 else seconds

    # -- secrets --------------------------------------------------------------

    # Set by a method, kept where no field is, read at use. Of each there is a field
    # ``<name>_origin`` that tells whether it is set, where it is kept and since when.
    # That is no secret: whoever may read the system may read it.

    @api.model
    def _secret_names(self):
        """Return the names of the secrets that a system may have.

        To be extended for a kind of system that has others; each needs a field
        ``<name>_origin`` like those above.
        """
        oauth = {tokens.CLIENT_SECRET, tokens.REFRESH}
        rare = {"proxy_password", *CERTIFICATES}
        return {"auth_secret", "db_password", *SIGNING_SECRETS, *oauth, *rare}

    # nothing tells when another one has been set: read anew in each transaction
    @api.depends_context("lang", "tz")
    def _compute_secret_origins(self):
        origins = secrets.origins(self.env, *self._origin.ids)
        for backend in self:
            for name in self._secret_names():
                origin = origins.get((backend._origin.id, name), False)
                backend[f"{name}_origin"] = origin

    def set_secret(self, name, value):
        """Set a secret of this system.

        The value passes through no field, and nothing logs it.

        :param name: which one, ``auth_secret`` or another of :meth:`_secret_names`
        :param value: the secret; ``env:NAME`` or ``config:key`` to have it read at
            each use from where the server keeps it; nothing to forget it
        :return: where it is kept now, as a text for people, or False
        :raises AccessError: the user is no system administrator
        :raises UserError: there is no such secret, or it cannot be used; no error
            repeats what was given, not even the name: the two may have changed places
        """
        self.ensure_one()
        self._check_secret_access()
        if not isinstance(name, str) or name not in self._secret_names():
            raise UserError(
                self.env._(
                    "There is no such secret. There are: %s.",
                    ", ".join(sorted(self._secret_names())),
                )
            )
        text = secrets.checked(self.env, value)
        self._check_secret(name, text)
        before = secrets.kept(self.env, self.id)
        if name in (tokens.CLIENT_SECRET, tokens.REFRESH):
            # first, as who renews the access locks it first
            tokens.forget(self.env, self.ids, disconnect=name == tokens.REFRESH)
        origin = secrets.keep(self.env, name, text, self.id)
        if text and name in (tokens.CLIENT_SECRET, tokens.REFRESH):
            self._reconnected()
        else:
            self._settings_changed()
        if name in before:
            # a header that a recipe has given the same secret, or that has lost it
            for header in self.header_ids.filtered("secret"):
                if before.get(header._kept_as()) == before[name]:
                    header.set_secret("value", text)
        self.modified([f"{name}_origin"])
        self.invalidate_recordset([f"{name}_origin"])
        return origin

    def rotate_signing_secret(self, value):
        """Set another signing secret; the one before it goes on signing as well.

        The one before that signs no more.

        :param value: as for :meth:`set_secret`
        :return: where the new one is kept, as a text for people
        :raises AccessError: the user is no system administrator
        :raises UserError: the secret cannot be used
        """
        self.ensure_one()
        self._check_secret_access()
        before = secrets.kept(self.env, self.id).get("signing_secret")
        origin = self.set_secret("signing_secret", value)
        if before:
            self.set_secret("signing_secret_previous", before)
        return origin

    def _check_secret(self, name, text):
        """Raise unless a secret can be used. To be extended.

        :param text: the secret, a reference to one, or empty
        :raises ValidationError: the reason, without a word of the secret
        """
        # what a reference leads to is checked when it is used
        if not text or secrets.parse_reference(text):
            return
        problem = name in SIGNING_SECRETS and secret_problem(text)
        if problem:
            raise ValidationError(
                self.env._(
                    "The signing secret of %(system)s cannot be used: %(problem)s",
                    system=self.name,
                    problem=words.said(self.env, problem),
                )
            )
        problem = name in CERTIFICATES and CERTIFICATES[name](text)
        if problem:
            raise ValidationError(
                self.env._(
                    "This certificate of %(system)s cannot be used: %(problem)s",
                    system=self.name,
                    problem=words.said(self.env, problem),
                )
            )

    def _check_secret_access(self):
        """Raise unless the user may set secrets: to write the rest is not enough."""
        self.check_access("write")
        if not self.env.is_system():
            raise AccessError(
                self.env._("Only system administrators may set the secrets of systems.")
            )

    def _secret(self, name, kept=None):
        """Return a secret itself, wherever it is kept, ``""`` when there is none.

        :param name: one of :meth:`_secret_names`
        :param kept: what :func:`secrets.kept` returns, by who asks for several
        :raises SecretMissing: it is kept beside the database, and not there
        """
        self.ensure_one()
        if kept is None:
            kept = secrets.kept(self.env, self.id)
        return secrets.resolved(self.env, kept.get(name))

    def _signing_secrets(self, kept=None):
        """Return the secrets that sign, as a tuple: the current one first.

        :param kept: as for :meth:`_secret`
        :raises SecretMissing: one is kept beside the database, and not there
        """
        found = [self._secret(name, kept) for name in SIGNING_SECRETS]
        return tuple(secret for secret in found if secret)

    # -- access by OAuth 2 ----------------------------------------------------

    def _token_client(self, kept):
        """Return what its token server knows of us.

        :param kept: what :func:`secrets.kept` returns
        :raises SecretMissing: the secret is kept beside the database, and not there
        """
        return token_server.Client(
            url=self.oauth_token_url or "",
            id=self.oauth_client_id or "",
            secret=self._secret(tokens.CLIENT_SECRET, kept),
            in_body=self.oauth_client_auth == "body",
            scope=self.oauth_scope or "",
            more=token_server.parameters(self.oauth_parameters or ""),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            network=self._network(kept, self.oauth_token_url or ""),
        )

    def _token_server(self, kept):
        """Return the :class:`..transports.http.tokens.TokenServer` of this system.

        :param kept, raises: see :meth:`_token_client`
        """
        return token_server.TokenServer(self._token_client(kept))

    def _compute_oauth_page(self):
        for backend in self:
            backend.oauth_page = backend.get_base_url() + tokens.PATH

    @api.depends("auth", "oauth_refresh_token_origin")
    @api.depends_context("lang", "tz")
    def _compute_oauth_status(self):
        held = tokens.held_of(self.env.cr, self._origin.ids)
        for backend in self:
            known = held.get(backend._origin.id, tokens.Held())
            can_renew = bool(backend.oauth_refresh_token_origin)
            backend.oauth_connected = can_renew or bool(known.access)
            backend.oauth_status = backend.auth in OAUTH and backend._oauth_text(known)

    def _oauth_text(self, held):
        """Return how its access stands, for people.

        :param held: a :class:`..engine.tokens.Held`
        """
        if held.failure:
            return words.read(self.env, held.failure)
        can_renew = self.auth == "oauth_client" or self.oauth_refresh_token_origin
        if held.access and not can_renew and held.ends:
            return self.env._(
                "Connected until %s: the system has given nothing to renew it with. "
                "The scope may lack offline_access.",
                words.moment(self.env, held.ends),
            )
        if held.connected:
            moment = words.moment(self.env, held.connected)
            return self.env._("Connected since %s", moment)
        if held.granted:
            return self.env._("Renewed at %s", words.moment(self.env, held.granted))
        if can_renew:
            return self.env._("Not asked for yet")
        return self.env._("Not connected")

    def action_connect(self):
        """Send the user to the page of the system that asks for consent.

        :raises UserError: something is missing for that
        """
        self.ensure_one()
        self._check_secret_access()
        problem = self._oauth_problem()
        if not problem and not self.oauth_authorize_url:
            problem = self.env._("%s needs a consent address.", self.name)
        if not problem and not request:
            problem = self.env._("Press Connect in a browser.")
        if problem:
            raise UserError(problem)
        session = request.session.sid[:STORED_SESSION_BYTES]
        page = self.oauth_page
        state, verifier = tokens.await_consent(self.env, self.id, session, page)
        try:
            client = self._token_client(secrets.kept(self.env, self.id))
        except SyncError as err:
            raise UserError(words.said(self.env, err)) from None
        return {
            "type": "ir.actions.act_url",
            "target": "self",
            "url": token_server.consent_page(
                self.oauth_authorize_url, client, page, state, verifier
            ),
        }

    def _connect(self, code, consent):
        """Have the access that the user has consented to.

        :param consent: the :class:`..engine.tokens.Consent`
        :return: how the access stands then, for people
        :raises AccessError: the user may not, any more
        :raises SyncError: the token server gives none
        """
        self.ensure_one()
        self._check_secret_access()
        registry, verifier = self.env.registry, consent.verifier
        tokens.connect(registry, self.id, code, verifier, consent.page)
        # nobody comes back twice: nothing may go wrong for who works on the incidents
        with store.read_committed(registry) as cr:
            own = self.with_env(self.env(cr=cr))
            own._reconnected()
            return own.oauth_status

    def _reconnected(self):
        """Go on with what was held for want of access."""
        self._settings_changed()
        self.sudo()._open_incident()._end_disconnected()

    def action_disconnect(self):
        """Forget the access to this system; what the system has granted stays there."""
        self.ensure_one()
        self._check_secret_access()
        self.set_secret(tokens.REFRESH, False)
        return True

    # -- its share of the job queue -------------------------------------------

    @tools.ormcache("self.id")
    def _share(self):
        """Return its :class:`..engine.places.Share` of the slots of the job queue."""
        if self.jobs_at_once:
            return places.Share(self.jobs_at_once, False)
        channels = self._channels_in_use() or {places.ROOT}
        others = self.search([("id", "!=", self.id)])._channels_in_use()
        shares = []
        for slots, level in map(places.slots_of, channels):
            alone = not any(f"{each}.".startswith(f"{level}.") for each in others)
            shares.append(places.share(slots, alone, level))
        return max(shares)

    def _channels_in_use(self):
        """Return the complete names of the channels that these systems' jobs are in."""
        live = self.stream_ids.filtered(lambda stream: stream.state == "live")
        return set(live.channel_id.mapped("complete_name"))

    # -- pauses ---------------------------------------------------------------

    @api.depends_context("lang", "tz")
    def _compute_incident_id(self):
        by_backend = self._open_incident().grouped("backend_id")
        for backend in self:
            incident = by_backend.get(backend)
            backend.incident_id = incident
            text = incident and incident._waiting_text()
            backend.incident_text = text and words.said(self.env, text)

    def _search_incident_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        is_open = Domain("closed", "=", False)
        is_open &= Domain("stream_id", "=", False)
        found = Domain("incident_ids", "any", is_open & Domain("id", "in", value))
        if False in value:
            found |= ~Domain("incident_ids", "any", is_open)
        return found

    def _open_incident(self):
        """Return the open incidents of these systems, one each at most.

        Those of synchronizations that are held are others.
        """
        return self.env["sync.incident"].search(
            [
                ("backend_id", "in", self.ids),
                ("stream_id", "=", False),
                ("closed", "=", False),
            ]
        )

    def _hold(self):
        """Return why jobs do not send now, a sentence for people; ``None`` if they do.

        An incident is opened now if this database looks like a copy of the one that has
        sent so far: before anything is sent, rather than when the cron comes by.
        """
        held = self._held_text()
        if held:
            return held
        incidents = self.env["sync.incident"]
        doubt = incidents._doubt()
        if doubt:
            incidents._open(self, "copy", doubt)
            return incidents._copy_text(doubt)
        return None

    def _held_text(self, for_all=False):
        """Return what keeps jobs from sending, as it is known; ``None`` if nothing.

        :param bool for_all: for people who look after no jobs too: without a reason
        :return: a sentence for people
        """
        incident = self._open_incident()
        if incident:
            return incident._told_text() if for_all else incident._waiting_text()
        if store.is_quiet(self.env.cr, self.id):
            return words.Sentence(
                words._lt("%(system)s takes no more requests for the moment."),
                system=self.name,
            )
        return None

    def action_pause(self):
        """Let the jobs of these systems wait until somebody resumes them."""
        self.check_access("read")
        user = self.env.user.name
        reason = words.Sentence(words._lt("Paused by %(user)s"), user=user)
        for backend in self:
            self.env["sync.incident"].sudo()._insert(backend.id, "manual", reason)
        return True

    def action_resume(self):
        """Send again: waiting jobs go on, by priority."""
        self.check_access("read")
        self.sudo()._open_incident()._close(by_person=True)
        return True

    def _compute_quiet_until(self):
        until = store.quiet_until(self.env, self.ids)
        for backend in self:
            backend.quiet_until = until.get(backend.id, False)

    def action_send_now(self):
        """Send again, although these systems have asked to be left alone for longer."""
        self.check_access("read")
        for backend in self:
            store.end_quiet(self.env, backend.id)
            waiting.look_later(self.env, waiting.for_system(backend.id))
        self.invalidate_recordset(["quiet_until"])
        return True

    # -- dashboard ------------------------------------------------------------

    @api.depends_context("lang")
    def _compute_status(self):
        closed = [
            ("backend_id", "in", self.ids),
            ("stream_id", "=", False),
            ("closed", "!=", False),
        ]
        incidents = self.env["sync.incident"]
        ended = dict(incidents._read_group(closed, ["backend_id"], ["closed:max"]))
        status = {False: "up", "outage": "down"}
        for backend in self:
            incident = backend.incident_id
            backend.status = status.get(incident.kind, "paused")
            backend.status_since = incident.opened or ended.get(backend, False)
            backend.status_reason = incident.reason
            backend.status_text = backend._status_text()

    def _status_text(self):
        if not self.status_since:
            return self.env._("Up")
        duration = self._time_since(self.status_since)
        return {
            "up": self.env._("Up for %s", duration),
            "paused": self.env._("Paused for %s", duration),
            "down": self.env._("Down for %s", duration),
        }[self.status]

    def _time_since(self, moment):
        """Return how long ago a moment was, such as "12 minutes"."""
        seconds = (fields.Datetime.now() - moment).total_seconds()
        return self.env["sync.backfill"]._duration_text(seconds)

    def _compute_figures(self):
        figures = self._queue_figures()
        for backend in self:
            # none of a system that has not been saved
            mine = figures.get(backend.id, {})
            oldest = mine.get("oldest") or False
            backend.waiting_count = mine.get("waiting", 0)
            backend.running_count = mine.get("running", 0)
            backend.failed_count = mine.get("failed", 0)
            backend.doubt_count = mine.get("doubt", 0)
            backend.oldest_waiting = oldest
            backend.oldest_text = oldest and backend._time_since(oldest)
            backend.delivered_hourly = mine.get("delivered", [])
            backend.delivered_count = sum(backend.delivered_hourly)

    @api.depends("status", "problems", "failed_count", "doubt_count")
    def _compute_health(self):
        for backend in self:
            wants = {
                backend.status: True,
                "problem": backend.problems,
                "failed": backend.failed_count,
                "doubt": backend.doubt_count,
                "fine": True,
            }
            backend.health = next(key for key, _label in HEALTH if wants.get(key))

    def _search_health(self, operator, value):
        if operator != "in":
            return NotImplemented
        systems = self._all_systems()
        return Domain("id", "in", systems.filtered(lambda s: s.health in value).ids)

    def _all_systems(self):
        """Return the systems that the user may see, archived ones too: they are few."""
        everything = self.env["sync.backend"].with_context(active_test=False)
        return everything.search(Domain.TRUE, order="id")

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if field_name not in SORTED_BY:
            return super()._order_field_to_sql(
                alias, field_name, direction, nulls, query
            )
        systems = self._all_systems()
        return SQL(
            "(SELECT place FROM unnest(%s::int[], %s::float8[]) AS sorted (id, place)"
            " WHERE sorted.id = %s) %s %s",
            systems.ids,
            [each._place_by(field_name) for each in systems],
            SQL.identifier(alias, "id"),
            direction,
            nulls,
        )

    def _place_by(self, field_name):
        """Return a number that this system is sorted by, ``None`` for none."""
        if field_name == "oldest_waiting":
            return self.oldest_waiting and self.oldest_waiting.timestamp() or None
        if field_name != "health":
            return self[field_name]
        # of those that want attention for the same, the one with the most failures
        rank = [key for key, _label in HEALTH].index(self.health)
        return rank - self.failed_count / (self.failed_count + 1)

    @api.model
    @api.readonly
    def dashboard(self):
        """Return what stands above the cards of the dashboard.

        :return: dict with ``problems`` of the servers, as the method ``banner`` of
            ``sync.health`` tells them, and ``summary``: a ``title`` with the number of
            systems, and ``parts``, a list of dicts with ``health`` and ``text``
        """
        count = Counter(self.search(Domain.TRUE).mapped("health"))
        texts = self._health_texts()
        total = count.total()
        return {
            "problems": self.env["sync.health"].banner(),
            "summary": {
                "title": self.env._("1 system")
                if total == 1
                else self.env._("%s systems", total),
                "parts": [
                    {"health": key, "text": texts[key] % count[key]}
                    for key, _label in HEALTH
                    if count[key]
                ],
            },
        }

    def _health_texts(self):
        return {
            "down": self.env._("%s down"),
            "paused": self.env._("%s paused"),
            "problem": self.env._("%s with a problem"),
            "failed": self.env._("%s with failed records"),
            "doubt": self.env._("%s with records to be clarified"),
            "fine": self.env._("%s fine"),
        }

    def _queue_figures(self):
        """Return how these queues stand, as :func:`..engine.standing.queue_figures`.

        It asks with nobody's rights: the caller shows it to whom it may be shown.
        """
        return standing.queue_figures(self.env, self.ids)

    def _compute_open_backfills(self):
        backfills = self._all_streams()._open_backfills().grouped("backend_id")
        for backend in self:
            mine = backfills.get(backend, ())
            backend.open_backfills = [backend._backfill_card(each) for each in mine]

    def _backfill_card(self, backfill):
        """Return what the dashboard shows of a backfill of this system."""
        self.ensure_one()
        number = self.env["ir.qweb.field.integer"].value_to_html
        if backfill.state == "stopped":
            title = self.env._("Stopped backfill: %s", backfill.stream_id.name)
            note = backfill.note
        else:
            title = self.env._("Backfill: %s", backfill.stream_id.name)
            note = backfill.hint
            if self.incident_id:
                # the card says already what it waits for
                note = False
            elif not note and backfill.time_left:
                note = self.env._("%s left", backfill.time_left)
        return {
            "id": backfill.id,
            "title": title,
            "stopped": backfill.state == "stopped",
            "progress": int(backfill.progress),
            "count": self.env._(
                "%(done)s of %(total)s",
                done=number(backfill._settled(), {}),
                total=number(backfill.total, {}),
            ),
            "note": note or "",
        }

    def _compute_problems(self):
        found = self._streams_with_problems().grouped("backend_id")
        for backend in self:
            backend.problems = [
                {
                    "id": stream.id,
                    "name": stream.name,
                    "reason": stream.incident_id.reason or stream.problem,
                }
                for stream in found.get(backend._origin, ())
            ]

    def _streams_with_problems(self):
        """Return the synchronizations in use of these systems that do not work."""
        streams = self._origin._all_streams()
        # at once: what tries the settings of one reads that of one
        self._origin.mapped("transport")
        return streams.filtered(
            lambda s: s.active and s.state == "live" and (s.incident_id or s.problem)
        )

    # -- deletion in the background -------------------------------------------

    # few rows, which the cron finds also when the system is gone
    _owned = (
        Owned("sync_incident", "backend_id", "id"),
        Owned("sync_rate", "backend_id", "id"),
    )
    _owned_jobs = Owned("queue_job", "sync_backend_id", "date_created")

    def _owns_rows(self):
        return bool(self._all_streams()) or super()._owns_rows()

    def _in_use_text(self):
        streams = self._all_streams()
        if not streams:
            return super()._in_use_text()
        return self.env._(
            "%(system)s still has synchronizations (%(streams)s). Press Delete at the "
            "top of its form: that archives it, cancels its jobs and deletes it with "
            "them in the background.",
            system=self.name,
            streams=", ".join(streams.mapped("name")),
        )

    def _begin_deletion(self):
        begun = super()._begin_deletion()
        self._all_streams().sudo()._begin_deletion()
        return begun

    # -- actions --------------------------------------------------------------

    def action_test_connection(self):
        """Ask the system whether it works, and what each synchronization needs of it.

        Nothing is written at the destination.

        :return: an action that shows what is known of each
        :raises UserError: the system does not answer, with the reason
        """
        self.ensure_one()
        self.check_access("write")
        streams = self.stream_ids
        try:
            answer, findings = self._test(streams)
        except SyncError as err:
            raise UserError(
                self.env._(
                    "%(system)s does not answer as it should.\n\n%(reason)s",
                    system=self.name,
                    reason=words.said(self.env, err),
                )
            ) from None
        if streams:
            tests = self.env["sync.connection.test"]
            return tests._show(self, answer, zip(streams, findings, strict=True))
        answered = words.said(self.env, answer)
        title = self.env._("%s answers", self.name)
        if not self.over_http:
            return success(answered, title=title)
        # at its address, which is that of no record, whatever the answer is
        more = self.env._(
            "Whether address and credentials are right shows once it has a "
            "synchronization."
        )
        return success(f"{answered}. {more}", title=title, type="info")

    def _test(self, streams):
        """Ask the system for a sign of life, and what is known of some streams.

        :return: what it has answered, a sentence or the error that it is; a
            :class:`..transports.base.Finding` for each stream
        :raises SyncError: it does not answer, or tells nothing about streams
        """
        self.ensure_one()
        lacking = {each: next(each._route_problems(), None) for each in streams}
        ready = streams.filtered(lambda each: not lacking[each])
        # it has asked to be left alone
        quiet = store.is_quiet(self.env.cr, self.id)
        with self._open_transport(time.monotonic() + TEST_TIME) as transport:
            try:
                answer = transport.check()
            except SyncError as err:
                # what is at its own address need not work
                waits = isinstance(err, Throttled)
                if err.reason != "answered" or waits or not ready:
                    raise
                answer = err
            if quiet:
                held = words.Sentence(
                    words._lt("%(system)s takes no more requests for the moment."),
                    system=self.name,
                )
                found = [Finding(UNTOLD, held)] * len(ready)
            else:
                found = examine_all(transport, [each._use() for each in ready])
        known = dict(zip(ready, found, strict=True))
        return answer, [
            known.get(each) or Finding(FAILS, lacking[each]) for each in streams
        ]

    def action_open_streams(self):
        """Return an action that lists the synchronizations of this system."""
        return window(
            self,
            "queue_job_sync.action_sync_stream",
            domain=[("backend_id", "=", self.id)],
            context={"default_backend_id": self.id, "active_test": False},
        )

    def action_open_waiting(self):
        """Open the jobs of this system that are to be run."""
        action = self._action_open_jobs("pending", "enqueued")
        # those that wait for a person are not counted either
        asleep = ["!", ("sync_wait_key", "=like", "doubt:%")]
        return {**action, "domain": [*action["domain"], *asleep]}

    def action_open_running(self):
        """Open the jobs of this system that are being run."""
        return self._action_open_jobs("started")

    def action_open_failed(self):
        """Open the jobs of this system that have failed."""
        return self._action_open_jobs("failed")

    def action_open_doubts(self):
        """Open the records of this system that somebody has to clarify."""
        return self._all_streams()._action_open_doubts(self)

    def _action_open_jobs(self, *states):
        """Open the jobs of this system in some states, as filters to be taken off."""
        return window(
            self,
            "queue_job.action_queue_job",
            domain=[("sync_backend_id", "=", self.id)],
            context={f"search_default_{state}": 1 for state in states},
        )

    def action_open_backfills(self):
        """Open the backfill of this system that is under way, or the list of them."""
        return self._action_open(
            self._all_streams()._open_backfills(), "queue_job_sync.action_sync_backfill"
        )

    def action_open_problems(self):
        """Open the synchronizations of this system that do not work."""
        return self._action_open(
            self._streams_with_problems(), "queue_job_sync.action_sync_stream"
        )

    def _action_open(self, records, xmlid):
        """Open the one record of this system that there is, or the list of them."""
        action = window(self, xmlid, domain=[("id", "in", records.ids)])
        return records.get_formview_action() if len(records) == 1 else action
