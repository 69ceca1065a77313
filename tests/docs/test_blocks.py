"""Every fenced block of every page is executed or checked by a test."""

import configparser
import importlib
import inspect
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from tests.docs.blocks import EXECUTED, MADE, RUNS, Block, every_block
from tests.docs.documents import EVERY
from tests.processes import ROOT

#: What a line of a command looks like; blocks of these may not pass as plain text.
_COMMAND = re.compile(
    r"^\s*(\$ |# |sudo |make \w|curl |docker |psql |pip |git |systemctl |\.venv/|python3? |export \w+=)"
)
_MAKE = re.compile(r"^(?:\w+=\S+ )*make (\w+)", re.MULTILINE)


def _ini(text: str) -> None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)


def _plain(text: str) -> None:
    commands = [line for line in text.splitlines() if _COMMAND.match(line)]
    assert not commands, f"commands belong into a block of sh, which is executed: {commands}"


#: How a block is checked that is read and not executed.
CHECKS: dict[str, Callable[[str], Any]] = {
    "ini": _ini,
    "json": json.loads,
    "text": _plain,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}


@pytest.mark.parametrize("block", every_block(), ids=str)
def test_every_block_is_executed_or_checked(block: Block) -> None:
    if block.language in CHECKS:
        CHECKS[block.language](block.text)
    else:
        assert block.language in EXECUTED, f"of these languages: {[*EXECUTED, *CHECKS]}"
        assert block.runner, "no row of RUNS says which tests execute it"


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.relative_to(ROOT).as_posix())
def test_no_block_is_written_so_that_it_is_overlooked(document: Path) -> None:
    """Indented, or fenced otherwise: a Markdown reader finds as many as the tests execute and check."""
    found = [
        token for token in MarkdownIt().parse(document.read_text()) if token.type in {"fence", "code_block"}
    ]
    page = document.relative_to(ROOT).as_posix()
    assert [block.line for block in every_block() if block.page == page] == [
        token.map[0] + 1 for token in found if token.map
    ]


def test_every_row_gives_blocks_to_tests_that_take_them() -> None:
    given = {(block.page, block.language): block for block in every_block()}
    for (page, language), runner in RUNS.items():
        assert (page.partition("#")[0], language) in given, f"{page} has no block of {language}"
        assert "blocks_for(__name__" in inspect.getsource(importlib.import_module(runner)), runner


def test_every_target_of_make_in_a_block_is_run_by_somebody() -> None:
    named = {
        target for block in every_block() if block.language == "sh" for target in _MAKE.findall(block.text)
    }
    assert named <= set(MADE)
    for target in named:
        assert target in (ROOT / MADE[target]).read_text()
        printed = subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert printed.returncode == 0, printed.stderr
