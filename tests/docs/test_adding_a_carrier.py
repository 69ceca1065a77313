"""docs/adding-a-carrier.md: its files, written where it says, make a carrier that keeps the contract."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_for
from tests.docs.documents import files_of, page
from tests.processes import PATIENCE, ROOT

_ROOMS = ("accounts", "carriers", "config", "events", "trackers", "webhooks", "tests")
FILES = files_of(page("adding-a-carrier"))
ADAPTER = "carriers/adapters/examplepost.py"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, with the page's files in it."""
    leave = shutil.ignore_patterns("__pycache__", "node_modules")
    for room in _ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=leave)
    for name in ("pyproject.toml", "manage.py"):
        shutil.copy(ROOT / name, tmp_path)
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def contract(copy: Path) -> tuple[int, str]:
    """What the page's command comes to."""
    (block,) = [one for one in blocks_for(__name__) if one.language == "sh"]
    python, *words = shlex.split(block.text)
    assert python == ".venv/bin/python"
    unset = {name for name in os.environ if name.startswith(("PYTEST_", "COV_"))}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-P", *words, "-q", "-p", "no:cacheprovider"],
        cwd=copy,
        env=environment | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_block_of_a_file_is_written(copy: Path) -> None:
    python = [block.text for block in blocks_for(__name__) if block.language == "python"]
    assert python == [FILES[ADAPTER]]
    assert len(FILES) == 11


def test_the_page_s_carrier_keeps_the_contract(copy: Path) -> None:
    code, written = contract(copy)
    assert code == 0, written
    assert re.search(r"^\d{2} passed", written, re.MULTILINE), written


def test_without_one_of_its_answers_it_does_not_and_is_told_which(copy: Path) -> None:
    (copy / "tests/carriers/data/examplepost/exception.json").unlink()
    code, written = contract(copy)
    assert code == 1, written
    assert "tests/carriers/data/examplepost/exception.json is missing" in written


def test_one_that_reads_otherwise_than_it_is_told_does_not(copy: Path) -> None:
    adapter = copy / ADAPTER
    adapter.write_text(
        adapter.read_text().replace("[::-1]", "").replace("sorted(ordering.placed(read)", "list((read)")
    )
    assert contract(copy)[0] == 1


def test_the_adapter_is_as_short_and_as_strict_as_ours(copy: Path) -> None:
    lines = [
        line
        for line in FILES[ADAPTER].splitlines()
        if line.strip() and not line.startswith(("from", "import"))
    ]
    assert len(lines) <= 60
    for words in ("ruff check", "ruff format --check --diff", "mypy --follow-imports silent"):
        tool, *options = words.split()
        done = subprocess.run(
            [sys.executable, "-P", "-m", tool, *options, ADAPTER],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
