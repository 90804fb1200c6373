# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What docs/develop.md tells developers works: every block of it, in its order."""

import os
import re
import shlex
import subprocess
import time
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import processes, scratch_odoo
from support.environment import odoo, paths

PAGE = paths.ROOT / "docs" / "develop.md"
PATIENCE = 300  # seconds to wait at most for one script
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"# (output of )?([\w./-]+)(:.*)?\n")
NEWCOMER = "newcomer.sh"
# Run by another script, with a command.
HELPER = "serving.sh"


@dataclass(frozen=True)
class Block:
    """A block of the page: what it is, the name in its first line, and its text."""

    kind: str  # file, script or output
    name: str
    text: str


def blocks():
    """Return the blocks of the page.

    :raises ValueError: one is of no known kind, or names no file
    """
    text = PAGE.read_text()
    found = [_block(*parts) for parts in FENCE.findall(text)]
    if text.count("```") != 2 * len(found):
        raise ValueError("a block of the page is not read")
    return found


def _block(language, text):
    title = TITLE.match(text)
    name = title and Path(title[2])
    is_output = title and bool(title[1])
    if not title or is_output != (language == "text"):
        raise ValueError(f"this block does not say what it is:\n{text}")
    if is_output:
        return Block("output", str(name), text[title.end() :])
    if {"python": ".py", "sh": ".sh"}.get(language) != name.suffix:
        raise ValueError(f"{name} is no {language or 'named language'}")
    kind = "script" if name.suffix == ".sh" and str(name) != HELPER else "file"
    return Block(kind, str(name), text)


class Developer:
    """Somebody in an empty folder who does what the page says."""

    def __init__(self, folder, database):
        self.folder, self.addons = folder / "work", folder / "addons"
        self.seconds, self.output = {}, {}
        for made in (self.folder, self.addons, folder / "bin"):
            made.mkdir()
        environment = scratch_odoo.environment()
        self._write_command(folder / "bin" / "odoo")
        self._environment = {
            **environment,
            "ODOO_RC": str(self._write_config(environment["ODOO_RC"], folder)),
            "PATH": f"{folder / 'bin'}{os.pathsep}{environment['PATH']}",
            "ADDONS": str(self.addons),
            "DB": database,
            "DEST_PORT": str(processes.free_port()),
        }

    def _write_command(self, path):
        path.write_text(f'#!/bin/sh\nexec {shlex.join(odoo.command_line())} "$@"\n')
        path.chmod(0o755)

    def _write_config(self, original, folder):
        """Add the developer's addons to Odoo's configuration, on ports of its own."""
        config = RawConfigParser()
        config.read(original)
        options = config["options"]
        options["addons_path"] += f",{self.addons}"
        port = str(processes.free_port())
        options.update({"http_interface": processes.LOOPBACK, "http_port": port})
        options["gevent_port"] = str(processes.free_port())
        path = folder / "odoo.conf"
        with path.open("w") as file:
            config.write(file)
        return path

    def put(self, block):
        """Write a block where its first line says."""
        path = Path(block.name)
        target = (self.addons if len(path.parts) > 1 else self.folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text)

    def run(self, name):
        """Run a script of the page, and keep what it printed."""
        log = self.folder / f"{name}.log"
        with log.open("w") as errors:
            process = processes.start(
                ["bash", name],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                self.output[name], _errors = process.communicate(timeout=PATIENCE)
            finally:
                processes.stop(process)
        assert process.returncode == 0, log.read_text() + self.output[name]


@pytest.fixture
def developer(tmp_path):
    """A developer with a database in which only Odoo's own modules are installed."""
    with scratch_odoo.database("develop", samples=True) as database:
        yield Developer(tmp_path, database)


def test_every_block_does_what_the_page_says(developer, capsys):
    start = time.monotonic()
    for block in blocks():
        if block.kind == "output":
            shown = developer.output.pop(block.name)
            for line in block.text.splitlines():
                assert line.strip() in shown
            continue
        developer.put(block)
        if block.kind == "script":
            developer.run(block.name)
            if block.name == NEWCOMER:
                delivered = time.monotonic() - start
    assert developer.output == {}, "the page does not show what these print"
    with capsys.disabled():
        print(f"\nFrom nothing to a new model delivered: {delivered:.0f} s.")


@pytest.mark.parametrize(
    "text", ["x = 1\n", "# a.txt\nx\n", "# output of a.sh\nx\n", ""]
)
def test_a_block_of_no_known_kind_is_refused(text):
    with pytest.raises(ValueError, match="what it is|is no python"):
        _block("python", text)
