"""The fenced blocks of the pages, and which test executes which: `RUNS` has a row for each page and language.

A page whose blocks nobody executes fails tests/docs/test_blocks.py. To add one, write its row here, and a
module of tests that executes what the row gives it, in this order:

    for block in blocks_for(__name__):
        terminal.paste(block.text)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.documents import EVERY
from tests.processes import ROOT

_WALK = "tests.docs.test_readme"
_RUNBOOK = "tests.docs.test_runbook"
_SNIPPETS = "tests.docs.test_snippets"

#: By page and language, the module of tests that executes these blocks. With a heading behind the page, as in
#: `docs/production.md#Upgrades`, a row is for the blocks below that heading alone.
RUNS: dict[tuple[str, str], str] = {
    ("README.md", "sh"): _WALK,
    ("docs/api.md", "sh"): _WALK,
    ("docs/api.md", "python"): _WALK,
    ("docs/architecture.md", "sh"): _WALK,
    ("docs/backups.md", "sh"): "tests.docs.test_backups",
    ("docs/carriers.md", "sh"): _WALK,
    ("docs/adding-a-carrier.md", "python"): "tests.docs.test_adding_a_carrier",
    ("docs/adding-a-carrier.md", "sh"): "tests.docs.test_adding_a_carrier",
    ("docs/operations.md", "sh"): _WALK,
    ("docs/quick-start.md", "sh"): "tests.docs.test_quick_start",
    ("docs/production.md", "sh"): "tests.deploy.following",
    ("docs/production.md#Without containers", "sh"): "tests.deploy.test_production_units",
    ("docs/logs.md", "sql"): "tests.docs.test_logs_page",
    ("docs/runbook.md", "sh"): _WALK,
    ("docs/runbook.md", "sql"): _RUNBOOK,
    ("docs/settings.md", "sh"): _WALK,
    ("docs/tracking-page.md", "sh"): _WALK,
    ("docs/webhooks.md", "sh"): _WALK,
    ("docs/webhooks.md", "python"): _SNIPPETS,
    ("docs/webhooks.md", "js"): _SNIPPETS,
    ("docs/webhooks.md", "php"): _SNIPPETS,
    ("docs/webhooks.md", "ruby"): _SNIPPETS,
    ("docs/webhooks.md", "go"): _SNIPPETS,
}
#: Languages whose blocks are executed, or given to the program that reads such files.
EXECUTED = ("sh", "python", "sql", "js", "php", "ruby", "go", "nginx")
#: The file in which each target of make that a block names is run; terminals leave such lines out.
MADE = {
    "demo": "tests/config/test_demo.py",
    "docs": "tests/docs/test_site.py",
    "test": ".ci/run",
    "up": "tests/docs/walking.py",
}

_FENCE = re.compile(r"^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,4} (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: the page's path in the project, the heading above it, the line of its fence."""

    page: str
    heading: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language}"

    @property
    def runner(self) -> str | None:
        """The module of tests that executes it; None where no row does."""
        page = RUNS.get((self.page, self.language))
        return RUNS.get((f"{self.page}#{self.heading}", self.language), page)


def blocks_for(module: str) -> list[Block]:
    """What a module of tests executes, page by page in the order of RUNS; within a page as it is read."""
    order = list(dict.fromkeys(page.partition("#")[0] for page, _ in RUNS))
    found = [block for block in every_block() if block.runner == module]
    return sorted(found, key=lambda block: order.index(block.page))


def every_block() -> list[Block]:
    return [block for document in EVERY for block in _blocks(document)]


def _blocks(document: Path) -> Iterator[Block]:
    text = document.read_text()
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        heading = _HEADING.findall(_FENCE.sub("", before))[-1:]
        page = document.relative_to(ROOT).as_posix()
        yield Block(page, "".join(heading), before.count("\n") + 1, found["language"], found["text"])
