# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Makes README.rst in the environment that dev/setup has made."""

import ast
import re
import sys
from textwrap import indent

import mistune
from docutils import nodes
from docutils.core import publish_doctree
from docutils.utils import SystemMessage
from mistune.renderers.rst import RSTRenderer

from support.environment import console, paths

README = paths.ROOT / "README.rst"
# Fragments in their order, and the sections they make.
FRAGMENTS = {
    "DESCRIPTION": None,
    "INSTALL": "Install it in your Odoo",
    "USAGE": "Read on",
    "CONTEXT": "What it promises, and where that ends",
    "ROADMAP": "Known issues / Roadmap",
    "CONTRIBUTORS": "Contributors",
}
HEAD = """\
.. Made by dev/readme from the fragments in readme/: edit those.

{line}
{name}
{line}

*{summary}.* Odoo {series}, licence {license}.

"""
# What reStructuredText would read as markup; an underscore only at the end of a word.
MARKUP = re.compile(r"([\\`*|]|_(?!\w))")
WARNING = 2  # docutils' level


class Renderer(RSTRenderer):
    """Writes reStructuredText that reads like its source.

    :param markers: the characters that underline headings, by their level
    """

    def __init__(self, markers):
        super().__init__()
        self.HEADING_MARKERS = markers

    def text(self, token, state):
        return MARKUP.sub(r"\\\1", token["raw"])

    def softbreak(self, token, state):
        return "\n"

    def paragraph(self, token, state):
        children = token["children"]
        if len(children) != 1 or children[0]["type"] != "image":
            return super().paragraph(token, state)
        # fragments lie one folder deeper than README.rst
        path = children[0]["attrs"]["url"].removeprefix("../")
        caption = self.render_children(children[0], state)
        return f".. figure:: {path}\n   :alt: {caption}\n\n{indent(caption, '   ')}\n\n"

    def table(self, token, state):
        """As a list-table: cells of any width, and one line for each in a diff."""
        head, body = token["children"]
        rows = [head["children"], *(row["children"] for row in body["children"])]
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in rows:
            for number, cell in enumerate(row):
                mark = " " if number else "*"
                lines.append(
                    f"   {mark} - {self.render_children(cell, state)}".rstrip()
                )
        return "\n".join([*lines, "\n"])


def make():
    """Return the text of README.rst.

    :raises Failure: when a fragment is not what it should be
    """
    manifest = ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())
    text = HEAD.format(
        line="=" * len(manifest["name"]),
        name=manifest["name"],
        summary=manifest["summary"],
        series=".".join(manifest["version"].split(".")[:2]),
        license=manifest["license"],
    )
    for name, title in FRAGMENTS.items():
        fragment = (paths.ROOT / "readme" / f"{name}.md").read_text()
        if re.search(r"^#\s", re.sub(r"```.*?```", "", fragment, flags=re.S), re.M):
            raise console.Failure(f"readme/{name}.md: headings begin with ##.")
        if title:
            text += f"{title}\n{'=' * len(title)}\n\n"
        # Without a section around them, headings make sections themselves.
        markers = {2: "-", 3: "~"} if title else {2: "=", 3: "-"}
        convert = mistune.create_markdown(renderer=Renderer(markers), plugins=["table"])
        text += f"{convert(fragment).strip()}\n\n"
    text = text.rstrip() + "\n"
    validate(text)
    return text


def validate(text):
    """Have docutils read the text, and look for its pictures.

    :raises Failure: when something is wrong with it
    """
    settings = {"halt_level": WARNING, "report_level": 5, "syntax_highlight": "short"}
    try:
        document = publish_doctree(text, settings_overrides=settings)
    except SystemMessage as error:
        raise console.Failure(f"README.rst: {error}") from None
    for image in document.findall(nodes.image):
        if not (paths.ROOT / image["uri"]).is_file():
            raise console.Failure(f"README.rst: there is no {image['uri']}.")


def main():
    text = make()
    if "--check" not in sys.argv:
        README.write_text(text)
    elif not README.is_file() or README.read_text() != text:
        raise console.Failure("README.rst is not up to date: run dev/readme.")


if __name__ == "__main__":
    console.main(main)
