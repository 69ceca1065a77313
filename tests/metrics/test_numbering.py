"""The ports of figures that `manage.py up` gives its programs."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config import supervisor


@pytest.fixture
def stack(tmp_path: Path) -> supervisor.Stack:
    return supervisor.Stack(tmp_path, "127.0.0.1", 8000, lambda _: None)


def test_up_numbers_the_ports_from_the_exporters_on(stack: supervisor.Stack, settings: Settings) -> None:
    settings.METRICS_PORT = 9100
    ports = {one.name: (one.environment or {})["METRICS_PORT"] for one in stack._commands()}
    assert ports == {
        "metrics": "9100",
        "web": "9101",
        "worker": "9102",
        "worker-deliveries": "9103",
        "worker-late": "9104",
        "beat": "9105",
    }


def test_up_runs_no_exporter_unless_it_is_asked_to(stack: supervisor.Stack, settings: Settings) -> None:
    settings.METRICS_PORT = 0
    assert "metrics" not in {one.name for one in stack._commands()}
