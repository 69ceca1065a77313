"""`manage.py demo`, as a newcomer runs it."""

from pathlib import Path

import pytest

from tests.processes import gone, manage


@pytest.mark.journey
def test_the_demo_proves_what_it_shows_and_leaves_nothing_behind(tmp_path: Path) -> None:
    status, told = manage(tmp_path, "demo")
    assert status == 0, told
    assert told.count("✓") == 7
    assert "✗" not in told
    assert gone(tmp_path)
