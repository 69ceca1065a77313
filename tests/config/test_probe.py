"""`python -m config.probe`: what it makes of the notes that workers and beat leave."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import presence, probe
from config.presence import Note
from tests.processes import ROOT

NOW = 1_000.0
#: A number that no process has.
GONE = 2**22 + 1


def worker(name: str = "worker", *, pid: int = 0, processes: int = 2, **more: object) -> Note:
    """A worker's parent: this very process."""
    return Note(name, processes, begun_at=500.0, pid=pid or os.getpid(), **more)


def process(good: float | None, *, begun: float = 400.0, lives: bool = True, **more: object) -> Note:
    """One that does the work; `good` and `begun` in seconds before NOW."""
    pid = os.getpid() if lives else GONE
    moment = None if good is None else NOW - good
    return Note("worker", good_at=moment, begun_at=NOW - begun, pid=pid, parent=os.getpid(), **more)


def faults(*notes: Note, worker: str = "") -> list[str]:
    return [*probe.faults(notes, NOW, 60, worker)]


def test_all_is_well_where_every_process_has_swept() -> None:
    assert faults(worker(), process(3), process(59)) == []


def test_one_that_has_not_for_long_is_named_with_what_fails() -> None:
    late = f"worker {os.getpid()}: no whole sweep for 61 s; trackers.sweep failed"
    one_of_two = "worker: 1 of 2 processes swept within 60 s"
    assert faults(worker(), process(3), process(61, failing=["trackers.sweep"])) == [late, one_of_two]


def test_a_worker_that_has_just_begun_has_done_nothing_yet() -> None:
    begun = worker(), process(None, begun=1), process(None, begun=1)
    assert faults(*begun) == ["worker: 0 of 2 processes swept within 60 s"]


def test_who_went_a_moment_ago_speaks_for_the_next_one() -> None:
    assert faults(worker(), process(3), process(10, lives=False), process(None, begun=2)) == []


def test_a_place_that_nobody_took_is_told() -> None:
    left = faults(worker(), process(3), process(100, lives=False))
    assert left == ["worker: 1 of 2 processes swept within 60 s"]


def test_processes_of_a_parent_that_had_the_same_number_do_not_count() -> None:
    assert faults(worker(processes=1), process(3, begun=501)) == [
        "worker: 0 of 1 processes swept within 60 s"
    ]


def test_no_worker_is_a_fault_and_so_is_one_that_ended() -> None:
    assert faults() == ["no worker runs here"]
    assert faults(worker(pid=GONE, started="1"), process(3)) == ["no worker runs here"]


def test_one_worker_can_be_asked_for() -> None:
    notes = worker(processes=1), process(3)
    assert faults(*notes, worker="worker") == []
    assert faults(*notes, worker="late") == ["no worker late runs here"]


@pytest.mark.parametrize(
    ("good", "told"), [(NOW - 60, ""), (NOW - 61, "for 61 s"), (None, "for 500 s")], ids=str
)
def test_beat_is_well_while_it_publishes(good: float | None, told: str) -> None:
    found = [*probe.faults_of_beat([Note("beat", good_at=good, begun_at=500.0)], NOW, 60)]
    assert [told in one for one in found] == ([True] if told else [])
    assert [*probe.faults_of_beat([], NOW, 60)] == ["no beat runs here"]


def test_notes_of_other_machines_are_passed_over(tmp_path: Path) -> None:
    presence.write(tmp_path, Note("worker", 2, host="elsewhere", pid=1))
    assert [*presence.read(tmp_path)] == []


def test_what_another_version_wrote_is_passed_over(tmp_path: Path) -> None:
    presence.write(tmp_path, Note("worker", 2))
    folder = tmp_path / "run" / "workers"
    (folder / "one.json").write_text('{"written_by": "another version"}')
    (folder / "two.json").write_text("not JSON")
    assert [note.worker for note in presence.read(tmp_path)] == ["worker"]


def test_notes_of_the_long_gone_are_taken_away(tmp_path: Path) -> None:
    for note in (Note("worker", 2), Note("worker", pid=GONE), Note("worker", pid=GONE + 1, begun_at=-9e9)):
        presence.write(tmp_path, note)
    presence.tidy(tmp_path)
    assert {note.pid for note in presence.read(tmp_path)} == {os.getpid(), GONE}


def test_it_answers_in_words_and_by_its_status_without_django(tmp_path: Path) -> None:
    program = """
import runpy, sys
sys.argv = ["probe", "--beat"]
try:
    runpy.run_module("config.probe", run_name="__main__")
except SystemExit as end:
    print(end.code, *{"django", "celery", "redis"} & set(sys.modules))
"""
    presence.write(tmp_path, Note("beat", good_at=None))
    own = {**os.environ, "PARCELWIRE_DATA": str(tmp_path)}
    run = [sys.executable, "-c", program]
    said = subprocess.run(run, cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1].strip() == "1"
    assert said.startswith(f"beat {os.getpid()} published nothing")
