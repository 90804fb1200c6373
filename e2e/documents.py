# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the documents tell people to type.

A block of shell lines whose fence says ``sh example`` is an example: it names something
that only the reader has. Everything else is to be run by a test.
"""

import re
from dataclasses import dataclass

from support.environment import paths

# docs/develop.md has a test of its own that runs all of its blocks in their order.
PAGES = (
    *sorted((paths.ROOT / "readme").glob("*.md")),
    *sorted((paths.ROOT / "docs").glob("*.md")),
    paths.ROOT / "benchmarks" / "README.md",
)
DEVELOP = "develop.md"
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
# How a code span within a sentence begins that is a command.
COMMAND = re.compile(r"(\./|(pip3?|git|odoo|bash|python3?|psql|cd) |ALTER |--\w+=)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    :param page: name of the file
    :param language: first word of the fence, may be empty
    :param example: whether the fence says that it is an example
    :param text: what is in it, without the indentation of the fence
    """

    page: str
    language: str
    example: bool
    text: str


def blocks():
    """Return every fenced :class:`Block` of the pages.

    :raises ValueError: a fence is not closed, or says what this does not know
    """
    found = []
    for page in PAGES:
        text = page.read_text()
        fences = FENCE.findall(text)
        if text.count("```") != 2 * len(fences):
            raise ValueError(f"{page.name}: a fence is not closed")
        for indent, title, body in fences:
            language, _blank, mark = title.partition(" ")
            if mark not in ("", "example"):
                raise ValueError(f"{page.name}: {title}")
            lines = [line.removeprefix(indent) for line in body.splitlines()]
            found.append(Block(page.name, language, bool(mark), "\n".join(lines)))
    return found


def commands():
    """Return each line that a reader may type, with the names of its pages.

    :return: dict of sets of file names by command, blanks made one, without comments
    """
    found = {}
    for block in blocks():
        if block.language == "sh" and not block.example and block.page != DEVELOP:
            for line in block.text.splitlines():
                command = " ".join(line.partition(" #")[0].split())
                if command:
                    found.setdefault(command, set()).add(block.page)
    for page in PAGES:
        for span in SPAN.findall(FENCE.sub("", page.read_text())):
            command = " ".join(span.split())
            if COMMAND.match(command) and page.name != DEVELOP:
                found.setdefault(command, set()).add(page.name)
    return found
