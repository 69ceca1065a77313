"""docs/settings.md says what the settings declare, and what is read is declared."""

import io
import re
from collections import Counter

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from config import sections, settings_page
from config.environment import Section
from tests.processes import ROOT

_ROOMS = ("accounts", "carriers", "config", "events", "trackers", "webhooks", "manage.py")
#: Set by the project itself or read for others; no settings.
_NO_SETTINGS = {"PARCELWIRE_SUPERVISED", "DJANGO_SETTINGS_MODULE", "RES_OPTIONS"}
_READ = re.compile(r"""os\.environ(?:\.get\(|\.setdefault\(|\[)["'](\w+)["']|getenv\(["'](\w+)["']""")


def _declared() -> list[str]:
    return [name for section in sections.EVERY for name in section.variables]


def test_the_page_is_as_the_settings_are_declared() -> None:
    said = io.StringIO()
    call_command("settings_page", "--check", stdout=said)
    assert "as the settings are declared" in said.getvalue()


def test_the_page_is_written_anew_where_it_is_not(tmp_path, monkeypatch) -> None:
    page = tmp_path / "settings.md"
    right = settings_page.PAGE.read_text()
    page.write_text(right.replace("| `DEBUG` | `False`", "| `DEBUG` | `True`"))
    monkeypatch.setattr("config.management.commands.settings_page.PAGE", page)
    with pytest.raises(CommandError, match="make settings"):
        call_command("settings_page", "--check")
    call_command("settings_page", stdout=io.StringIO())
    assert page.read_text() == right


def test_every_variable_that_is_read_is_declared_once() -> None:
    files = [
        file for room in _ROOMS for file in [ROOT / room, *(ROOT / room).rglob("*.py")] if file.is_file()
    ]
    read = {name for file in files for found in _READ.findall(file.read_text()) for name in found if name}
    assert "PARCELWIRE_DATA" in read
    assert read - _NO_SETTINGS <= {*_declared()}
    assert [name for name, times in Counter(_declared()).items() if times > 1] == []


def test_no_section_is_left_out_of_the_page() -> None:
    assert {each.title for each in vars(sections).values() if isinstance(each, Section)} == {
        section.title for section in sections.EVERY
    }


def test_a_secret_is_shown_with_the_name_of_its_file() -> None:
    section = Section("Doors")
    section.secret("DOOR_KEY", means="opens the door")
    section.number("DOOR_WAIT", 2.5, least=0, means="seconds")
    assert settings_page.tables([section]).splitlines()[-2:] == [
        "| `DOOR_KEY`, `DOOR_KEY_FILE` | empty | opens the door |",
        "| `DOOR_WAIT` | `2.5` | seconds |",
    ]
