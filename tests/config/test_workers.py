"""What becomes of a worker's tasks when its process dies, and when the broker goes away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery

from config import servers
from tests.processes import ROOT
from tests.waiting import eventually

pytestmark = pytest.mark.journey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[servers.Running]:
    (tmp_path / "data").mkdir()
    server = servers.Valkey(tmp_path / "data", durable=False)
    running = servers.start(server, tmp_path / "data")
    yield running
    servers.stop([running], tmp_path / "data", time.monotonic() + 60)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def worker(log: Path, valkey: servers.Running) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of one process, with tasks of the tests'."""
    words = (
        "celery -A tests.config.acts worker -Q parcelwire --concurrency 1 --without-mingle --without-gossip"
    )
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *words.split()],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": valkey.server.url(valkey.port), "SWEEP_INTERVAL": "600"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def ask(valkey: servers.Running) -> Iterator[Callable[..., None]]:
    """Publish a task: its name and arguments."""
    app = Celery(broker=valkey.server.url(valkey.port), set_as_current=False)

    def publish(name: str, *arguments: str) -> None:
        app.send_task(f"tests.{name}", arguments, queue="parcelwire", ignore_result=True)

    yield publish
    app.close()


@pytest.mark.usefixtures("worker")
def test_a_task_that_kills_its_process_is_not_given_out_again(ask, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    ask("die", str(notes))
    for word in ("one", "two", "three"):
        ask("note", str(notes), word)
        eventually(lambda word=word: notes.exists() and word in notes.read_text())
    assert notes.read_text().split() == ["died", "one", "two", "three"]


@pytest.mark.usefixtures("worker")
def test_a_broker_that_goes_away_ends_no_task(
    ask, tmp_path: Path, log: Path, valkey: servers.Running
) -> None:
    notes, until = tmp_path / "notes", tmp_path / "until"
    ask("last", str(notes), str(until))
    eventually(notes.exists)
    valkey.process.kill()
    valkey.process.wait()
    eventually(lambda: "Connection to broker lost" in log.read_text())
    back = servers.launch(valkey.server, tmp_path / "data", valkey.port)
    try:
        eventually(lambda: not valkey.server.refusal(valkey.port))
        until.touch()
        eventually(lambda: "ended" in notes.read_text())
    finally:
        servers.stop([back], tmp_path / "data", time.monotonic() + 60)
    began, ended, *_ = notes.read_text().split("\n")
    assert began.split()[-1] == ended.split()[-1]
