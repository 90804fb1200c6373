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
    """

    kind = SPECIFICATION
    heavy = True
    health = "/"
    cases = ("create", "update", "remove")

    def __init__(self, vendor, files, before="", cases=cases):
        super().__init__()
        self.vendor = vendor
        self.name = f"{vendor}'s OpenAPI file, by Prism"
        self.cases = cases
        self._files = files
        self._before = before
        self.folder = paths.WORK / "judges-run" / f"prism-{files[0]}"

    def is_there(self):
        """Tell whether the vendor's files are there."""
        return all((specs.folder() / name).is_file() for name in self._files)

    def command(self, port):
        file = specs.folder() / self._files[0]
        if self._files[1:]:
            file = self._together()
        program = judges.NODE_MODULES / "@stoplight/prism-cli/dist/index.js"
        options = ("--host", processes.LOOPBACK, "--port", port)
        return ["node", program, "mock", *options, file], {}

    def _together(self):
        """Return one file of several that describe parts of the same system."""
        whole = {}
        for name in self._files:
            part = json.loads((specs.folder() / name).read_text())
            whole = whole or part
            whole["paths"].update(part["paths"])
            for kind, named in part.get("components", {}).items():
                whole["components"].setdefault(kind, {}).update(named)
        file = self.folder / "together.json"
        file.write_text(json.dumps(whole))
        return file

    def answer(self, call):
        path = call.path.removeprefix(self._before)
        return super().answer(call._replace(path=path))

    def held(self, email):
        """Return nothing: it keeps nothing."""
        return {}
