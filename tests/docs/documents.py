"""README.md and the pages under docs, taken apart: blocks, tables, headings, links."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.processes import ROOT

README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
EVERY = [README, ROOT / "CHANGELOG.md", *PAGES]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WRITTEN = re.compile(r"^`(?P<path>[\w/.]+)`\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def page(name: str) -> Path:
    """A page of docs by its name."""
    return ROOT / "docs" / f"{name}.md"


def blocks(document: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in their order."""
    return [text for found, text in _FENCE.findall(document.read_text()) if found == language]


def prose(document: Path) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", document.read_text())


def sections(document: Path) -> dict[str, str]:
    """The text below each heading, up to the next one."""
    _, *parts = re.split(r"^#{1,4} ", document.read_text(), flags=re.MULTILINE)
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


def answers(text: str) -> list[dict[str, Any]]:
    """The JSON examples in a section."""
    return [json.loads(block) for language, block in _FENCE.findall(text) if language == "json"]


def table(document: Path, *columns: str) -> list[list[str]]:
    """The rows of the one table with this head; cells as written, without backticks around them."""
    found = [rows for head, *rows in _tables(document) if head == list(columns)]
    assert len(found) == 1, f"{document.name} has {len(found)} tables headed {columns}"
    return found[0]


def files_of(document: Path) -> dict[str, str]:
    """Files that a page has its reader write: a path alone on its line, and the block below it."""
    return {found["path"]: found["text"] for found in _WRITTEN.finditer(document.read_text())}


def anchors(document: Path) -> set[str]:
    """What a link can follow a # with, as GitHub makes it of the headings."""
    headings = re.findall(r"^#{1,4} (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def duration(written: str) -> timedelta:
    """`30 min`, `12 h`; `ever` is the longest there is."""
    if written == "ever":
        return timedelta.max
    number, unit = written.split()
    return timedelta(**{_UNITS[unit]: int(number)})


def assert_like(example: Any, answer: Any, at: str = "") -> None:
    """The example has the answer's fields, of the same types; an object that holds "…" may leave some out.

    An empty object stands for any: its names are data, not fields.
    """
    if isinstance(example, dict) and isinstance(answer, dict):
        if not example:
            return
        assert set(example) <= set(answer), at
        assert set(example) == set(answer) or "…" in example.values(), at
        for name, value in example.items():
            assert_like(value, answer[name], f"{at}.{name}")
    elif isinstance(example, list) and isinstance(answer, list):
        for one in answer[:1]:
            assert_like(example[0], one, f"{at}[0]")
    elif example is not None and answer is not None:
        assert type(example) is type(answer), at


def _tables(document: Path) -> Iterator[list[list[str]]]:
    for lines in re.findall(r"(?:^\|.*\|\n)+", document.read_text(), re.MULTILINE):
        head, _, *rows = lines.splitlines()
        yield [[cell.strip().strip("`") for cell in row.strip("|").split(" | ")] for row in (head, *rows)]
