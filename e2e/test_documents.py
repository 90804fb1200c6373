# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What README.rst and docs/ tell people to do works."""

import json
import re
import shlex
import subprocess
from configparser import RawConfigParser
from contextlib import closing

import psycopg2
import pytest

from e2e import documents
from support import scratch_odoo
from support.environment import odoo, paths, postgres, selection

# Which test runs a command, with other values where it names those of the reader.
RUN_BY = (
    (r"git clone REPOSITORY .+|cd queue_job_sync", "test_a_clone_can_be_told_to"),
    (r"\./dev/test( .+)?", "test_the_tests_that_are_named_are_there"),
    (r"\./dev/(test --help|odoo ARGS)", "test_help_is_there"),
    (r"\./dev/demo|\./dev/demo --once", "e2e/test_demo.py"),
    (r"\./dev/screenshots", "test_a_picture_is_taken"),
    (r"\./dev/build( FOLDER)?", "e2e/test_packaging.py"),
    (r"pip install( .*_sync-\*\.whl)?", "e2e/test_packaging.py"),
    (r"pip install odoo-addon-queue_job", "test_the_set_up_installs_queue_job_so"),
    (r"\./dev/readme( --check)?", "test_the_readme_is_made_of_its_fragments"),
    (
        r"\./dev/odoo (-d mine -i|i18n export -d mine) queue_job_sync|odoo neutralize"
        r"|ALTER TABLE queue_job SET .*",
        "test_a_database_of_ones_own",
    ),
    (r"--load=base,web,queue_job|--workers=N", "support/odoo_server.py"),
    (r"odoo --save", "test_odoo_saves_only_its_own_options"),
    (r"\./benchmarks/run( --[\w=, -]+)?( > run\.json)?", "e2e/test_benchmarks.py"),
    (r"\./benchmarks/plot run\.json", "e2e/test_benchmarks.py"),
    (r"\./benchmarks/scale", "e2e/test_benchmarks.py"),
    (r"\./e2e/soak( --.*)?", "e2e/test_soak.py"),
    (r"\./e2e/recipes( --all)?|\./dev/specs", "e2e/test_recipes.py"),
)
# How a program of ours is called in the test that runs it.
SAID = {
    "./dev/demo": '"demo"',
    "./dev/build": '"build"',
    "./benchmarks/run": '"run"',
    "./benchmarks/plot": '"plot"',
    "./benchmarks/scale": '"scale"',
    "./e2e/soak": "= soak(",
    "./e2e/recipes": '"recipes"',
    "./dev/specs": "specs.main(",
    "pip": "install(",
}


def programs():
    """Return the options that the pages name, by our own program."""
    found = {}
    for command in documents.commands():
        if command.startswith("./"):
            program, *words = shlex.split(command.partition(" >")[0])
            options = {word.partition("=")[0] for word in words if word[:2] == "--"}
            found.setdefault(program, set()).update(options)
    return found


def call(*command, **options):
    """Run a command to its end, and return what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400, **options)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def run_by(command):
    """Return the names of the tests that run a command."""
    return [name for pattern, name in RUN_BY if re.fullmatch(pattern, command)]


@pytest.mark.parametrize("command", documents.commands())
def test_every_command_is_run_by_a_test(command):
    names = run_by(command)
    assert names, f"no test runs what {documents.commands()[command]} say"
    for name in names:
        if "/" not in name:
            assert name in globals(), name
            continue
        text = (paths.ROOT / name).read_text()
        program = command.split()[0]
        if program in SAID:
            assert SAID[program] in text, f"{name} runs no {program}"
        else:
            assert program.partition("=")[0] in text, f"{name} has no {program}"


def test_a_command_that_no_test_runs_is_found():
    assert run_by("./dev/demo --twice") == []
    assert run_by("pip install somethingelse") == []


@pytest.mark.parametrize("program", programs())
def test_help_is_there(program):
    """Every option that a page names is one of the program's."""
    text = call(paths.ROOT / program, "--help")
    missing = [option for option in programs()[program] if option not in text]
    assert missing == []


def test_the_tests_that_are_named_are_there():
    names = {
        name
        for command in documents.commands()
        if command.startswith("./dev/test ")
        for name in command.split()[1:]
        if not name.startswith("-")
    }
    assert names
    for name in names:
        selection.Selection([name])  # complains of what is not there


def test_a_clone_can_be_told_to(tmp_path):
    call("git", "clone", "--quiet", paths.ROOT, "queue_job_sync", cwd=tmp_path)
    for program in ("dev/demo", "dev/test"):
        assert "usage" in call(f"./{program}", "--help", cwd=tmp_path / paths.ADDON)


def test_the_set_up_installs_queue_job_so():
    requirements = paths.REQUIREMENTS.read_text()
    assert re.search(r"^odoo-addon-queue_job==19\.0\.", requirements, re.M | re.I)


def test_the_readme_is_made_of_its_fragments():
    call(paths.DEV / "readme", "--check")
    text = (paths.ROOT / "README.rst").read_text()
    assert len(text.splitlines()) < 250
    beginning = text[: text.index("Read on")]
    assert beginning.index("./dev/demo") < beginning.index("./dev/test")


def test_every_page_is_named_and_every_link_leads_somewhere():
    named = set()
    for page in documents.PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            # fragments of README.rst are read from the root
            folder = paths.ROOT if page.parent.name == "readme" else page.parent
            file = folder / target.removeprefix("../") if folder == paths.ROOT else None
            assert (file or folder / target).exists(), f"{page.name}: {target}"
            if page.parent.name == "readme":
                named.add(target)
    pages = {f"docs/{page.name}" for page in (paths.ROOT / "docs").glob("*.md")}
    assert pages - named == set()


def test_a_picture_is_taken(tmp_path):
    call(paths.DEV / "screenshots", "dashboard", "--into", tmp_path)
    (picture,) = tmp_path.iterdir()
    assert picture.name == "dashboard.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_database_of_ones_own(tmp_path):
    """Install, export the texts, tune and neutralize, by the commands of the pages."""
    with scratch_odoo.database("documents") as name:
        ending = ("--stop-after-init", "--no-http", "--max-cron-threads=0")
        program = paths.DEV / "odoo"
        call(program, "-d", name, "-i", paths.ADDON, *ending)
        (tune,) = (each for each in documents.commands() if each.startswith("ALTER"))
        postgres.sql(tune, name)
        catalog = tmp_path / "queue_job_sync.pot"
        call(program, "i18n", "export", "-d", name, paths.ADDON, "-o", catalog)
        assert "Undelivered Change" in catalog.read_text()
        call(program, "neutralize", "-d", name)
        ((said,),) = postgres.sql(
            "SELECT value FROM ir_config_parameter"
            " WHERE key = 'database.is_neutralized'",
            name,
        )
        assert said == "true"


def test_odoo_saves_only_its_own_options(tmp_path):
    config = tmp_path / "odoo.conf"
    config.write_text("[options]\nlog_level = warn\n\n[queue_job_sync]\na = b\n")
    options = ("--save", "--stop-after-init", "--no-http", "--max-cron-threads=0")
    env = {**scratch_odoo.environment(), "ODOO_RC": str(config)}
    subprocess.run([*odoo.command_line(), *options], env=env, capture_output=True)
    assert "log_level = warn" in config.read_text()
    assert "queue_job_sync" not in config.read_text()


def _of(language):
    return [block for block in documents.blocks() if block.language == language]


@pytest.fixture(scope="module")
def known():
    """All options of Odoo's server, as it tells them."""
    return call(*odoo.command_line("server", "--help"))


@pytest.mark.parametrize("block", _of("ini"), ids=lambda block: block.page)
def test_configuration_is_read_by_odoo_and_queue_job(block, known):
    parser = RawConfigParser()
    has_sections = "[" in block.text
    parser.read_string(block.text if has_sections else f"[environment]\n{block.text}")
    for name in parser["options"] if parser.has_section("options") else ():
        words = {
            name,
            name.replace("_", "-"),
            {"server_wide_modules": "load"}.get(name),
        }
        assert any(f"--{word}" in known for word in words if word), name
    channels = [
        value
        for section in parser.sections()
        for key, value in parser[section].items()
        if key.endswith("channels")
    ]
    for value in channels:
        _read_channels(value)


def _read_channels(text):
    code = (
        "import sys\n"
        "from odoo.addons.queue_job.jobrunner.channels import ChannelManager\n"
        "print(ChannelManager.parse_simple_config(sys.argv[1]))\n"
    )
    answer = call(paths.PYTHON, "-c", code, text)
    assert "'name': 'root'" in answer


@pytest.mark.parametrize("block", _of("json"), ids=lambda block: block.page)
def test_json_is_json(block):
    assert json.loads(block.text)


@pytest.fixture(scope="module")
def database():
    """A database with the dependencies, in which nothing is committed."""
    with scratch_odoo.database("documents_sql") as name:
        yield name


@pytest.mark.parametrize("block", _of("sql"), ids=lambda block: block.page)
def test_sql_can_be_run(block, database):
    # rolled back at the end: a role belongs to the whole server
    with closing(psycopg2.connect(dbname=database)) as connection:
        connection.cursor().execute(block.text)


def test_no_block_is_of_an_unknown_language():
    known = {"sh", "ini", "json", "sql", "yaml", "python", "text", "http", "xml"}
    strange = [
        block
        for block in documents.blocks()
        if block.language not in known and block.page != documents.DEVELOP
    ]
    assert strange == []
