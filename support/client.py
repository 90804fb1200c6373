# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo from outside: its external API (JSON-2) and its web client's session."""

import requests

TIMEOUT = 60  # seconds; the first call of a fresh worker loads the whole registry


class OdooError(Exception):
    """Odoo refused a call; the text is Odoo's own.

    :param name: full name of the exception on the server, where it is known
    """

    def __init__(self, text, name=None):
        super().__init__(text)
        self.name = name


class WebSession:
    """A user logged in to the web client.

    :param url: address of the server, for example ``http://127.0.0.1:8069``
    :param timeout: how long an answer may take, in seconds
    :raises OdooError: when the login is refused
    """

    def __init__(self, url, database, login, password, timeout=TIMEOUT):
        self.url = url
        self._timeout = timeout
        self.login = login
        self._password = password
        self._http = requests.Session()
        credentials = {"db": database, "login": login, "password": password}
        self._post("/web/session/authenticate", credentials)

    @property
    def session_id(self):
        """With which a browser is logged in as well."""
        return self._http.cookies["session_id"]

    def call(self, model, method, *args, **kwargs):
        """Call a model's method as the web client does and return its answer."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self._post(f"/web/dataset/call_kw/{model}/{method}", params)

    def make_api_key(self):
        """Make a key for the external API as a user does in the preferences.

        :return: the key, valid for a day
        """
        description = {"name": "external API", "duration": "1"}
        model = "res.users.apikeys.description"
        (record_id,) = self.call(model, "create", [description])
        check = self.call(model, "make_key", [record_id])
        # Odoo asks for the password again before it shows a key.
        shown = self.call(
            check["res_model"],
            "run_check",
            [check["res_id"]],
            context={"password": self._password},
        )
        return shown["context"]["default_key"]

    def get(self, link):
        """Follow a link as a browser with this session would.

        :return: the ``requests.Response`` after all redirects
        """
        return self._http.get(link, timeout=self._timeout)

    def _post(self, path, params):
        response = self._http.post(
            self.url + path, json={"params": params}, timeout=self._timeout
        )
        response.raise_for_status()
        answer = response.json()
        if "error" in answer:
            error = answer["error"]
            raise OdooError(error.get("data", {}).get("message") or error["message"])
        return answer["result"]


class OdooClient:
    """The external API as one user.

    :param url: address of the server, for example ``http://127.0.0.1:8069``
    :param api_key: a key of the user, from :meth:`WebSession.make_api_key`
    :param timeout: how long an answer may take, in seconds
    """

    def __init__(self, url, database, api_key, timeout=TIMEOUT):
        self._url = url
        self._timeout = timeout
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {api_key}"
        self._http.headers["X-Odoo-Database"] = database

    @classmethod
    def from_password(cls, url, database, login, password, timeout=TIMEOUT):
        """Return a client for a user of whom only the password is known."""
        session = WebSession(url, database, login, password)
        return cls(url, database, session.make_api_key(), timeout)

    def call(self, model, method, ids=(), **arguments):
        """Call a method, on records when ``ids`` are given.

        :raises OdooError: when Odoo answers with an error
        """
        response = self._http.post(
            f"{self._url}/json/2/{model}/{method}",
            json={"ids": list(ids), **arguments},
            timeout=self._timeout,
        )
        answer = response.json()
        if not response.ok:
            raise OdooError(
                f"{model}.{method}: {answer.get('message')}", answer.get("name")
            )
        return answer

    def create(self, model, values, **context):
        """Create one record, with these context keys, and return its id."""
        (record_id,) = self.call(model, "create", vals_list=[values], context=context)
        return record_id

    def write(self, model, record_id, values):
        """Change one record."""
        self.call(model, "write", [record_id], vals=values)

    def search_read(self, model, domain, fields, **options):
        """Return the records of a domain as dicts with these fields."""
        return self.call(model, "search_read", domain=domain, fields=fields, **options)

    def search_one(self, model, domain):
        """Return the id of the only record of a domain.

        :raises OdooError: when there is none or more than one
        """
        found = self.call(model, "search", domain=domain)
        if len(found) != 1:
            raise OdooError(f"{model} {domain}: {len(found)} records instead of 1")
        return found[0]
