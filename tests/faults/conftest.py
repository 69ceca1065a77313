"""What tests of faults may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.small import Small, small_stack
from tests.faults.stage import Stage, stage


@pytest.fixture
def on(tmp_path: Path, transactional_db: None) -> Iterator[Stage]:
    """The stage."""
    with stage(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """A small stack, for the tests of one file."""
    with small_stack(tmp_path_factory.mktemp("small")) as made:
        yield made
