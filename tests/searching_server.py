# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A destination that can be searched, that knows no keys, and has versions."""

from urllib.parse import parse_qsl

from .servers import Answer, HttpDestination


class SearchingDestination(HttpDestination):
    """``GET /contacts?email=ada@example.com`` shows the records with that value.

    It carries out twice what comes twice with one key, unless it ``honours`` them.

    :ivar hidden: paths of records that a search does not show yet
    :ivar refusal: a function that makes the answer to a second record with an e-mail
        address, of the id of the first; ``None`` where they may have the same
    :ivar versions: by path: the version of each record, which changes have to name
    """

    def __init__(self):
        super().__init__()
        self.honours = False
        self.hidden = set()
        self.refusal = None
        self.versions = None

    def put(self, record_id, **content):
        """Have a record that nobody here knows of."""
        self.records[f"/contacts/{record_id}"] = content
        if self.versions is not None:
            self.versions[f"/contacts/{record_id}"] = 1

    def sent(self, *methods):
        """Return what has arrived, as ``POST /contacts``."""
        return [
            f"{request.method} {request.path}"
            for request in self.requests
            if not methods or request.method in methods
        ]

    def _obey(self, request):
        return super()._obey(request) if self.honours else self._crud(request)

    def _crud(self, request):
        path, _mark, query = request.path.partition("?")
        if request.method == "GET" and query:
            wanted = dict(parse_qsl(query)).items()
            return Answer(200, {"results": [*self._search(wanted)]})
        if request.method == "POST" and self.refusal:
            email = request.json.get("email")
            there = email and [*self._search([("email", email)], hidden=True)]
            if there:
                return self.refusal(there[0]["id"])
        if self._is_stale(path, request):
            return Answer(412, {"message": "another version"})
        answer = super()._crud(request)
        if self.versions is not None:
            self._tell_version(path, request, answer)
        return answer

    def _search(self, wanted, hidden=False):
        for path, record in self.records.items():
            if path in self.hidden and not hidden:
                continue
            if all(
                str(record.get(key)).lower() == text.lower() for key, text in wanted
            ):
                yield {**record, "id": path.rpartition("/")[2]}

    def _is_stale(self, path, request):
        if self.versions is None or request.method == "GET" or path not in self.records:
            return False
        return request.headers["If-Match"] != f'"{self.versions[path]}"'

    def _tell_version(self, path, request, answer):
        if request.method == "POST":
            path = f"{path}/{answer.body['id']}"
        if path in self.records:
            changes = request.method != "GET"
            self.versions[path] = self.versions.get(path, 0) + changes
            answer.headers = {"ETag": f'"{self.versions[path]}"'}
