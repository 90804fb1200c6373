# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Vendors' own OpenAPI files, served by Prism, which checks each request against them.

It keeps nothing: what is created, changed and removed is judged by its form alone.
"""

import json

from support import processes
from support.environment import judges, paths, specs
from support.judges.judge import SPECIFICATION
from support.judges.real import Running


class Prism(Running):
    """Prism with the files of one vendor.

    :param vendor: name of the recipe
    :param files: names of the files
    :param before: what stands before the file's own paths in the recipe's addresses
    :param cases: those that its examples allow
    :param scheme: which it asks for instead of Bearer: Prism knows no other, so that
        nothing is asked for
    """

    kind = SPECIFICATION
    heavy = True
    health = "/"
    cases = ("create", "update", "remove")

    def __init__(self, vendor, files, before="", cases=cases, scheme=""):
        super().__init__()
        self.vendor = vendor
        self.name = f"{vendor}'s OpenAPI file, by Prism"
        self.cases = cases
        self._files = files
        self._before = before
        self._scheme = scheme
        self.folder = paths.WORK / "judges-run" / f"prism-{files[0]}"

    def is_there(self):
        """Tell whether the vendor's files are there."""
        return all((specs.folder() / name).is_file() for name in self._files)

    def command(self, port):
        file = specs.folder() / self._files[0]
        if file.suffix == ".json":
            file = self._together()
        program = judges.NODE_MODULES / "@stoplight/prism-cli/dist/index.js"
        options = ("--host", processes.LOOPBACK, "--port", port)
        return ["node", program, "mock", *options, file], {}

    def _together(self):
        """Return one file of those that describe parts of the same system."""
        whole = {}
        for name in self._files:
            part = json.loads((specs.folder() / name).read_text())
            whole = whole or part
            whole["paths"].update(part["paths"])
            for kind, named in part.get("components", {}).items():
                whole["components"].setdefault(kind, {}).update(named)
        file = self.folder / "together.json"
        if self._scheme:
            whole["components"].pop("securitySchemes", None)
            for path in whole["paths"].values():
                for operation in path.values():
                    if isinstance(operation, dict):
                        operation.pop("security", None)
            whole.pop("security", None)
        file.write_text(json.dumps(_standing_alone(whole)))
        return file

    def answer(self, call):
        path = call.path.removeprefix(self._before)
        return super().answer(call._replace(path=path))

    def held(self, email):
        """Return nothing: it keeps nothing."""
        return {}


def _standing_alone(value):
    """Return a specification in which what it only names is anything: other files of
    the vendor's, which are not here.
    """
    if isinstance(value, list):
        return [_standing_alone(each) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        return {}
    return {
        name: _standing_alone(each)
        for name, each in value.items()
        # an example that is null is none
        if name != "example" or each is not None
    }
