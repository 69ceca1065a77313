"""One seed on the real stack, without faults and with some: nothing is violated, and the same comes of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import template
from tests.faults.harness.report import failure
from tests.faults.harness.seeds import Came, Wish, run_all

pytestmark = pytest.mark.journey

SEED, SECONDS = 4, 10.0
CALM = Wish(SECONDS, ())
FAULTS = Wish(SECONDS, ("kill_worker", "kill_web", "valkey_kill", "postgres_terminate"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data = tmp_path_factory.mktemp("template") / "data"
    template.make(data)
    yield data
    shutil.rmtree(data)


def test_with_faults_the_same_comes_of_a_seed_as_without(made: Path, tmp_path: Path) -> None:
    (calm,) = run_all([SEED], CALM, made, tmp_path / "calm", 1)
    assert calm.holds, failure(calm, CALM)
    (came,) = run_all([SEED], FAULTS, made, tmp_path / "faults", 1)
    assert came.holds, failure(came, FAULTS)
    assert calm.faults == []
    assert came.faults
    assert came.digest == calm.digest


def test_what_fails_is_told_with_what_repeats_it() -> None:
    came = Came(7, "0f", ["kill_beat"], holds=False, violations={"I4": ["a hole"]}, kept="/kept/7")
    told = failure(came, Wish(20.0, ("kill_beat",), "naive_cursor"))
    assert "python -m tests.faults --seeds 7 --seconds 20 --faults kill_beat --broken naive_cursor" in told
    assert "/kept/7" in told
    assert "a hole" in told
