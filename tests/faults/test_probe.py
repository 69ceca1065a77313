"""The worker probe on real workers: one that idles, one that hangs, one whose database is away."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from config import presence
from tests.faults.relay import Relay, relay
from tests.faults.stage import Stage, database_url
from tests.processes import ROOT
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def probe(data: Path, *options: str) -> tuple[int, str]:
    """Exit status and words of the probe."""
    run = [sys.executable, "-m", "config.probe", *options]
    own = {**os.environ, "PARCELWIRE_DATA": str(data)}
    done = subprocess.run(run, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def is_well(data: Path, *options: str) -> bool:
    return probe(data, *options) == (0, "ok")


@pytest.fixture
def way(transactional_db: None) -> Iterator[Relay]:
    """The worker's way to the database."""
    at = connection.settings_dict
    with relay(at["HOST"], int(at["PORT"])) as made:
        yield made


@pytest.mark.parametrize("queues", ["parcelwire", "deliveries", "late"])
def test_a_worker_with_nothing_to_do_is_well_as_soon_as_all_of_it_has_swept(
    on: Stage, tmp_path: Path, queues: str
) -> None:
    assert probe(tmp_path) == (1, "no worker runs here")
    on.worker(queues=queues, pool=2, PARCELWIRE_DATA=str(tmp_path))
    eventually(lambda: is_well(tmp_path))
    assert {note.worker for note in presence.read(tmp_path)} == {"worker-0"}
    assert is_well(tmp_path, "--worker", "worker-0")
    assert probe(tmp_path, "--worker", "another")[0] == 1


def test_a_process_that_hangs_is_named_and_well_again_when_it_goes_on(on: Stage, tmp_path: Path) -> None:
    worker = on.worker(pool=2, PARCELWIRE_DATA=str(tmp_path))
    eventually(lambda: is_well(tmp_path))
    hung = worker.pool()[0]
    os.kill(hung, signal.SIGSTOP)
    eventually(lambda: f"worker-0 {hung}: no whole sweep" in probe(tmp_path, "--max-age", "5")[1])
    os.kill(hung, signal.SIGCONT)
    eventually(lambda: is_well(tmp_path))


def test_a_worker_whose_database_is_away_is_not_well_until_it_is_back(
    on: Stage, tmp_path: Path, way: Relay
) -> None:
    on.worker(DATABASE_URL=database_url(way.port), PARCELWIRE_DATA=str(tmp_path))
    eventually(lambda: is_well(tmp_path))
    way.cut()
    eventually(lambda: probe(tmp_path, "--max-age", "5")[0] == 1)
    way.restore()
    eventually(lambda: is_well(tmp_path, "--max-age", "60"))


def test_a_process_that_died_is_spoken_for_by_the_one_in_its_place(on: Stage, tmp_path: Path) -> None:
    worker = on.worker(pool=2, PARCELWIRE_DATA=str(tmp_path))
    eventually(lambda: is_well(tmp_path))
    before = set(worker.pool())
    worker.kill_one_of_the_pool()
    eventually(lambda: len(worker.children()) == 2 and set(worker.children()) != before)
    assert is_well(tmp_path)
    assert worker.stop() == 0
    assert probe(tmp_path) == (1, "no worker runs here")


def test_beat_is_well_while_the_broker_takes_what_it_sends(on: Stage, tmp_path: Path) -> None:
    words = f"-m celery -A config beat --pidfile= --schedule {tmp_path / 'schedule'}"
    own = {**os.environ, "PARCELWIRE_DATA": str(tmp_path), "REDIS_URL": on.broker.url}
    with (tmp_path / "beat.log").open("wb") as log:
        beat = subprocess.Popen(
            [sys.executable, *words.split()],
            cwd=ROOT,
            env=own,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        eventually(lambda: is_well(tmp_path, "--beat"))
        on.broker.hang()
        eventually(lambda: probe(tmp_path, "--beat", "--max-age", "6")[0] == 1)
        on.broker.come_back()
        eventually(lambda: is_well(tmp_path, "--beat"))
    finally:
        os.killpg(beat.pid, signal.SIGKILL)
        beat.wait(60)
