"""`manage.py doctor` as a program: beside a stack that runs, and where servers say nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import ROOT, Up, environment, manage
from tests.waiting import eventually

pytestmark = pytest.mark.journey


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


def doctor(data: Path) -> tuple[int, set[str]]:
    """The status with --strict, and the checks that found something bad."""
    status, written = manage(data, "doctor", "--strict", "--json")
    return status, {one["check"] for one in json.loads(written)["findings"] if one["level"] == "bad"}


def test_beside_a_stack_that_runs_all_is_well_and_a_beat_that_stops_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    up = Up(data)
    try:
        assert up.url
        eventually(lambda: doctor(data) == (0, set()))
        beat = up.pid_of("beat")
        os.kill(beat, signal.SIGSTOP)
        eventually(lambda: doctor(data) == (2, {"beat"}))
        os.kill(beat, signal.SIGCONT)
    finally:
        up.stop()


def test_servers_that_say_nothing_are_told_with_what_needs_none_and_without_a_password(
    tmp_path: Path,
) -> None:
    with silent() as postgres, silent() as valkey:
        own = {
            "DATABASE_URL": f"postgres://app:word-of-app@127.0.0.1:{postgres}/parcelwire",
            "REDIS_URL": f"redis://:word-of-redis@127.0.0.1:{valkey}/0",
        }
        run = [sys.executable, "manage.py", "doctor"]
        done = subprocess.run(
            run, cwd=ROOT, env=environment(tmp_path, **own), capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    said = done.stdout
    assert "ok   versions" in said
    assert "bad  PostgreSQL       does not answer" in said
    assert "warn migrations       not asked: PostgreSQL is out of reach" in said
    assert "bad  Redis            does not answer" in said
    assert "warn beat             not asked: Redis is out of reach" in said
    assert "word-of" not in said + done.stderr


def test_what_waits_for_ever_ends_with_what_was_found_by_then(tmp_path: Path) -> None:
    program = """
import sys, threading
import django
django.setup()
from config.doctor.findings import Check, ok
from config.management.commands import doctor
doctor.PATIENCE = 0.5
doctor.CHECKS = (
    Check("one", lambda: [ok("it is there")]),
    Check("two", lambda: threading.Event().wait(), frozenset({"PostgreSQL"})),
    Check("three", lambda: [ok("it is there too")]),
)
doctor.Command().run_from_argv(["manage.py", "doctor"])
"""
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "PARCELWIRE_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "ok   one              it is there",
        "bad  two              no answer within 0.5 s",
        "                      -> look at PostgreSQL",
        "warn three            not asked: two took too long",
        "                      -> mend two first",
        "1 ok, 1 warn, 1 bad",
    ]
