"""Commands that the pages name are there, with the options that they are named with."""

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.docs.documents import EVERY, blocks, prose
from tests.processes import ROOT

_COMMAND = re.compile(r"manage\.py (?P<name>\w+)(?P<rest>[^`\n|]*)")
_UP = re.compile(r"`(?P<name>up)(?P<rest> --[^`]*)`")


def _named(document: Path) -> list[tuple[str, list[str]]]:
    """Each command of manage.py in a page, with its options."""
    text = prose(document) + "\n".join(blocks(document, "sh"))
    found = [*_COMMAND.finditer(text), *_UP.finditer(text)]
    return [(one["name"], re.findall(r"--[\w-]+", one["rest"])) for one in found]


def test_every_command_of_manage_py_is_there_with_its_options() -> None:
    named = [one for document in EVERY for one in _named(document)]
    assert {"up", "create_merchant", "add_carrier_account", "rebuild_trackers"} <= {name for name, _ in named}
    for name, options in named:
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        for option in options:
            assert option in parser._option_string_actions, f"manage.py {name} {option}"


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.stem)
def test_every_target_of_make_is_listed_by_make_help(document: Path) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"`make (\w+)", prose(document))
    named += re.findall(r"^(?:\w+=\S+ )?make (\w+)", "\n".join(blocks(document, "sh")), re.MULTILINE)
    assert set(named) <= set(re.findall(r"make (\w+)", listed))
