"""What tests of faults may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stage import Stage, stage


@pytest.fixture
def on(tmp_path: Path, transactional_db: None) -> Iterator[Stage]:
    """The stage."""
    with stage(tmp_path) as made:
        yield made
