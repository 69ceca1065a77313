"""`manage.py up`: the real stack, its deaths and its ends."""

import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from config import children, heartbeat, loopback
from tests.processes import PATIENCE, Up, gone, manage, processes_of, record_of

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("up")]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "data")
    try:
        assert running.says("ready http://127.0.0.1:"), running.text
        yield running
    finally:
        running.stop()


def _wait_for_restart(up: Up, child: str) -> bool:
    before = up.pid_of(child)
    up.kill(child)
    return children.wait_until(lambda: up.pid_of(child) not in {0, before}, PATIENCE)


def _says_ready(up: Up, worker: str) -> bool:
    """Whether the log of the worker has Celery's word, however much it has written since."""
    return f"{worker}@{socket.gethostname()} ready" in children.log_file(up.data, worker).read_text()


def test_it_is_ready_when_the_web_answers_and_a_task_went_through(up: Up) -> None:
    assert loopback.http_status(f"{up.url}/healthz") == 200
    assert heartbeat.last_beat(up.url_of("REDIS_URL"))


def test_a_second_one_on_the_same_data_is_told_who_is_there(up: Up) -> None:
    status, text = manage(up.data, "up", "--data", str(up.data), "--port", "0")
    assert status == 1
    assert f"{up.data} is in use by manage.py up (pid {up.process.pid})" in text


def test_a_single_command_uses_the_servers_that_run(up: Up) -> None:
    before = record_of(up.data)
    status, text = manage(up.data, "migrate", "--check")
    assert status == 0, text
    assert record_of(up.data) == before


def test_a_worker_that_was_killed_is_said_and_started_again(up: Up) -> None:
    assert _wait_for_restart(up, "worker")
    assert up.says("worker was killed by SIGKILL; it is started again in")
    assert up.works_again()


def test_what_is_late_and_what_is_not_have_workers_of_their_own(up: Up) -> None:
    for name, queue in (
        ("worker", "parcelwire"),
        ("worker-deliveries", "deliveries"),
        ("worker-late", "late"),
    ):
        assert children.wait_until(partial(_says_ready, up, name), PATIENCE)
        line = processes_of(up.data)[up.pid_of(name)]
        assert line.endswith(f"manage.py worker {queue} ")


def test_a_worker_of_deliveries_that_was_killed_is_started_again(up: Up) -> None:
    assert _wait_for_restart(up, "worker-deliveries")


def test_a_web_that_was_killed_is_started_again(up: Up) -> None:
    assert _wait_for_restart(up, "web")
    assert children.wait_until(lambda: loopback.http_status(f"{up.url}/healthz") == 200, PATIENCE)


def test_a_valkey_that_was_killed_is_started_again_and_the_worker_finds_it(up: Up) -> None:
    assert _wait_for_restart(up, "valkey")
    assert up.works_again()


def test_a_postgresql_that_was_killed_comes_back_at_its_port_with_its_data(up: Up) -> None:
    url = up.url_of("DATABASE_URL")
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (word text)")
    assert _wait_for_restart(up, "postgres")
    assert children.wait_until(lambda: not loopback.postgres_refusal(url), PATIENCE)
    with psycopg.connect(url) as connection:
        assert connection.execute("select to_regclass('kept')").fetchone() == ("kept",)
    assert record_of(up.data)["postgres"]["pid"] == up.pid_of("postgres")


def test_a_killed_launcher_leaves_no_orphan_and_the_next_start_is_quick(tmp_path: Path) -> None:
    data = tmp_path / "data"
    began = time.monotonic()
    first = Up(data)
    assert first.says("ready "), first.text
    lasted = time.monotonic() - began
    assert len(processes_of(data)) > 8
    first.process.kill()
    first.process.wait()
    assert gone(data), processes_of(data)
    began = time.monotonic()
    second = Up(data, prefix=["sh", "-c", 'trap "" INT; exec "$@"', "in the background"])
    assert second.says("ready "), second.text
    assert time.monotonic() - began < 20 + 2 * lasted
    assert second.stop(signal.SIGINT) == 0
    assert gone(data), processes_of(data)


def test_a_stop_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    data = tmp_path / "data"
    up = Up(data)
    assert children.wait_until((data / "run" / "initdb.pid").exists, PATIENCE)
    assert up.stop() == 0
    assert gone(data), processes_of(data)


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        status, text = manage(tmp_path / "data", "up", "--data", str(tmp_path / "data"), "--port", str(port))
    assert status == 1
    assert f"127.0.0.1:{port} is taken by another program" in text
