"""How many threads the web has, and how long they may wait: one setting each, whoever starts the web."""

from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from config import serving
from tests.config.test_settings import STRONG, start


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRACK_WAIT", "61"),
        ("TRACK_WAIT", "0"),
        ("TRACK_WAIT", "soon"),
        ("WEB_THREADS", "0"),
        ("WEB_PROCESSES", "0"),
        ("DRAIN_SECONDS", "21"),
    ],
)
def test_numbers_that_make_no_sense_stop_the_start(name: str, value: str) -> None:
    done = start(**STRONG, **{name: value})
    assert done.returncode != 0
    assert f"{name} is" in done.stderr


def test_the_web_has_as_many_threads_and_processes_as_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(serving, "serve", lambda host, port, **more: asked.update(more, at=(host, port)))
    settings.WEB_THREADS, settings.WEB_PROCESSES = 5, 3
    call_command("web", "--port", "8001")
    assert asked == {"at": ("127.0.0.1", 8001), "processes": 3, "threads": 5}
