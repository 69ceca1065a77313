"""How many threads the web has, and how long they may wait: one setting each, whoever starts the web."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.supervisor import Stack
from tests.config.test_settings import STRONG, start
from tests.processes import ROOT


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRACK_WAIT", "61"), ("TRACK_WAIT", "0"), ("TRACK_WAIT", "soon"), ("WEB_THREADS", "0")],
)
def test_numbers_that_make_no_sense_stop_the_start(name: str, value: str) -> None:
    done = start(**STRONG, **{name: value})
    assert done.returncode != 0
    assert f"{name} is" in done.stderr


def test_the_stack_starts_the_web_with_as_many_threads_as_the_setting_says(
    tmp_path: Path, settings: Settings
) -> None:
    settings.WEB_THREADS = 5
    (web,) = [one for one in Stack(tmp_path, "127.0.0.1", 1, print)._commands() if one.name == "web"]
    words = list(web.words)
    assert words[words.index("--blocking-threads") + 1] == "5"


def test_so_does_the_image(settings: Settings) -> None:
    assert (
        f"--blocking-threads ${{WEB_THREADS:-{settings.WEB_THREADS}}} " in (ROOT / "Dockerfile").read_text()
    )
