# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real systems, each in a process of its own on loopback."""

import base64
import json
import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import requests

from support import processes, scratch_odoo
from support.client import OdooClient, WebSession
from support.databases import query
from support.environment import judges, paths
from support.judges.judge import REAL, Forwarding, Odd

HERE = Path(__file__).parent
PATIENCE = 90  # seconds that one may take to start
LOOK_EVERY = 0.2  # seconds


class Running(Forwarding):
    """A program that listens on a port of its own.

    :cvar health: path that it answers when it is ready
    """

    kind = REAL
    health = "/"

    def __init__(self):
        super().__init__()
        self.folder = paths.WORK / "judges-run" / type(self).__name__.lower()

    def command(self, port):
        """Return program and arguments, and the environment's further variables."""
        raise NotImplementedError

    def start(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        port = processes.free_port()
        self.origin = f"http://{processes.LOOPBACK}:{port}"
        command, variables = self.command(port)
        log = paths.LOGS / f"judge-{type(self).__name__.lower()}.log"
        with log.open("wb") as output:
            process = processes.start(
                [str(part) for part in command],
                cwd=self.folder,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._open.callback(processes.stop, process, 5)
        processes.wait_until(
            lambda: self._is_up(process, log), PATIENCE, f"{self.name}", LOOK_EVERY
        )
        super().start()

    def _is_up(self, process, log):
        if process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: see {log}")
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.origin}{self.health}", timeout=5).status_code
        return False

    def ask(self, method, path, **options):
        """Ask it as its owner does.

        :return: its answer, from JSON
        """
        headers = {**self.credentials(), **options.pop("headers", {})}
        url = f"{self.origin}{path}"
        answer = requests.request(method, url, headers=headers, timeout=30, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def credentials(self):
        """Return the headers that let one in."""
        return {"Authorization": f"Bearer {self.secret}"}


class JsonServer(Running):
    """json-server: plain REST, and nothing is refused there."""

    name = "json-server"
    cases = ("create", "update", "noop", "remove")
    form = ({}, {"endpoint": "contacts", "update_method": "put"})

    def command(self, port):
        data = self.folder / "db.json"
        data.write_text(json.dumps({"contacts": []}))
        program = paths.NODE / "node_modules/json-server/lib/cli/bin.js"
        options = ("--host", processes.LOOPBACK, "--port", port, "--quiet")
        return ["node", program, *options, data], {}

    def held(self, email):
        rows = self.ask("GET", "/contacts")
        texts = {str(row["id"]): json.dumps(row) for row in rows}
        return {key: text for key, text in texts.items() if email in text}


class Kinto(Running):
    """Kinto in memory, with a schema for addresses; it knows versions of records."""

    name = "Kinto"
    health = "/v1/__heartbeat__"
    cases = ("create", "update", "noop", "remove", "adopt", "refuse")
    odd = Odd({"email": "nobody"}, "'nobody' does not match")
    place = "/v1/buckets/crm/collections/contacts"
    form = (
        {"auth": "basic", "auth_username": "odoo"},
        {
            "request_ids": [
                (0, 0, {"kind": kind, "line": line, "body": body})
                for kind, line, body in (
                    ("find", "GET records?email={email}&_limit=2", ""),
                    ("create", "POST records", '{"data": "{record}"}'),
                    ("update", "PATCH records/{id}", '{"data": "{record}"}'),
                    ("remove", "DELETE records/{id}", ""),
                    ("read", "GET records/{id}", ""),
                )
            ],
            "external_id_key": "data.id",
            "already_there": "find",
            "found_where": "data[*].id",
            "version_where": "headers.ETag",
            "version_header": "If-Match",
        },
    )
    settings = """\
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s

[app:main]
use = egg:kinto
kinto.userid_hmac_secret = of-this-test
kinto.storage_backend = kinto.core.storage.memory
kinto.cache_backend = kinto.core.cache.memory
kinto.permission_backend = kinto.core.permission.memory
kinto.experimental_collection_schema_validation = true
multiauth.policies = basicauth
"""

    def command(self, port):
        settings = self.folder / "kinto.ini"
        settings.write_text(self.settings)
        program = paths.VENV / "bin" / "kinto"
        return [program, "start", "--ini", settings, "--port", port], {}

    def start(self):
        super().start()
        self.ask("PUT", "/v1/buckets/crm")
        email = {"type": "string", "pattern": "@"}
        schema = {"type": "object", "properties": {"email": email}}
        self.ask("PUT", self.place, json={"data": {"schema": schema}})
        self.url += self.place

    def credentials(self):
        pair = base64.b64encode(f"odoo:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def held(self, email):
        rows = self.ask("GET", f"{self.place}/records")["data"]
        texts = {row["id"]: json.dumps(row) for row in rows}
        return {key: text for key, text in texts.items() if email in text}

    def plant(self, email, name):
        data = {"data": {"email": email, "name": name}}
        return self.ask("POST", f"{self.place}/records", json=data)["data"]["id"]

    def touch(self, record_id):
        data = {"data": {"touched": True}}
        self.ask("PATCH", f"{self.place}/records/{record_id}", json=data)


class GraphQl(Running):
    """A GraphQL server with what Shopify documents of customers."""

    name = "graphql-http, with Shopify's schema of customers"
    health = "/"
    odd = Odd({"email": "nobody"}, "Email is invalid")
    cases = ("create", "update", "noop", "remove", "adopt", "refuse")
    path = "/admin/api/2026-10/graphql.json"

    def command(self, port):
        variables = {"TOKEN": self.secret}
        variables["NODE_PATH"] = str(paths.NODE / "node_modules")
        return ["node", HERE / "graphql.cjs", port], variables

    def credentials(self):
        return {"X-Shopify-Access-Token": self.secret}

    def _query(self, text, **variables):
        body = {"query": text, "variables": variables}
        return self.ask("POST", self.path, json=body)["data"]

    def held(self, email):
        text = "{ customers(first: 250) { nodes { id email firstName lastName } } }"
        rows = self._query(text)["customers"]["nodes"]
        texts = {row["id"]: json.dumps(row) for row in rows}
        return {key: each for key, each in texts.items() if email in each}

    def plant(self, email, name):
        text = (
            "mutation($i: CustomerInput!) "
            "{ customerCreate(input: $i) { customer { id } } }"
        )
        made = self._query(text, i={"email": email, "lastName": name})
        return made["customerCreate"]["customer"]["id"]


class LocalStripe(Running):
    """localstripe, a stateful Stripe of others that checks what it is sent."""

    name = "localstripe"
    health = "/js.stripe.com/v3/"
    cases = ("create", "update", "noop", "remove", "adopt")

    def __init__(self):
        super().__init__()
        self.secret = "sk_test_1234567890"

    def command(self, port):
        program = paths.VENV / "bin" / "localstripe"
        return [program, "--port", port, "--from-scratch"], {}

    def held(self, email):
        rows = self.ask("GET", "/v1/customers?limit=100")["data"]
        texts = {row["id"]: json.dumps(row) for row in rows}
        return {key: text for key, text in texts.items() if email in text}

    def plant(self, email, name):
        values = {"email": email, "name": name}
        return self.ask("POST", "/v1/customers", data=values)["id"]


class Strapi(Running):
    """Strapi 5 on SQLite, with a collection of contacts whose addresses are unique."""

    name = "Strapi 5"
    heavy = True
    health = "/_health"
    odd = Odd({"email": "nobody"}, "must be a valid email")
    cases = ("create", "update", "noop", "remove", "adopt", "refuse")

    def __init__(self):
        super().__init__()
        self.secret = secrets.token_hex(32)
        self.answers["collection"] = "contacts"

    def command(self, port):
        shutil.copytree(HERE / "strapi", self.folder, dirs_exist_ok=True)
        manifest = {"name": "judge", "dependencies": {"@strapi/strapi": "*"}}
        (self.folder / "package.json").write_text(json.dumps(manifest))
        (self.folder / "public" / "uploads").mkdir(parents=True)
        modules = self.folder / "node_modules"
        modules.symlink_to(judges.NODE_MODULES)
        variables = {
            "PORT": str(port),
            "SECRET": secrets.token_hex(16),
            "TOKEN": self.secret,
            "DATABASE": str(self.folder / "data.sqlite"),
            "NODE_ENV": "production",
            "STRAPI_TELEMETRY_DISABLED": "true",
        }
        program = judges.NODE_MODULES / "@strapi/strapi/bin/strapi.js"
        return ["node", program, "start"], variables

    def held(self, email):
        path = "/api/contacts?pagination[pageSize]=100"
        rows = self.ask("GET", path)["data"]
        texts = {row["documentId"]: json.dumps(row) for row in rows}
        return {key: text for key, text in texts.items() if email in text}

    def plant(self, email, name):
        values = {"email": email, "name": name}
        made = self.ask("POST", "/api/contacts", json={"data": values})
        return made["data"]["documentId"]


class OtherOdoo(Forwarding):
    """A second Odoo 19 without the addon, asked over JSON-2 with an API key."""

    name = "Odoo 19"
    # which tells more than its own rules do: a check in its database
    odd = Odd({"vat": "REFUSED"}, "refused_vat")
    check = (
        "ALTER TABLE res_partner ADD CONSTRAINT refused_vat CHECK (vat <> 'REFUSED')"
    )

    def start(self):
        name = self._open.enter_context(scratch_odoo.database("recipes_other"))
        query(name, self.check)
        log = paths.LOGS / "judge-odoo.log"
        server = self._open.enter_context(
            scratch_odoo.serving(name, log, keep_log=False, workers=2)
        )
        self.origin = server.url
        session = WebSession(server.url, name, "admin", "admin")
        self.secret = session.make_api_key()
        self._admin = OdooClient(server.url, name, self.secret)
        self.answers["database"] = name
        super().start()

    def held(self, email):
        rows = self._admin.search_read(
            "res.partner",
            ["|", ("email", "ilike", email), ("name", "ilike", email)],
            ["name", "email", "phone", "city"],
        )
        return {str(row["id"]): json.dumps(row) for row in rows}

    def plant(self, email, name):
        made = self._admin.create("res.partner", {"email": email, "name": name})
        return str(made)
