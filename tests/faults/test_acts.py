"""Each act of the nemesis does what it says, and heals it: else a run would pass without its faults."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from tests.faults.harness import points
from tests.faults.harness.acts import ACTS, clocks, pids
from tests.faults.harness.grips import PROGRAMS
from tests.faults.harness.history import History, read
from tests.faults.harness.nemesis import Nemesis
from tests.faults.small import Notes, Small, act, state_of
from tests.waiting import eventually


@pytest.mark.parametrize("how", ["whole", "parent", "child"])
def test_killed_is_who_was_meant_and_another_comes(stack: Small, how: str) -> None:
    leader, child = stack.pid_of("worker"), stack.child_of("worker")
    doing, notes = act(stack, "kill_worker", "worker", how)
    with doing:
        eventually(lambda: pids.is_gone(child))
    assert set(notes.pids()) == ({child} if how == "child" else {leader, child})
    if how == "child":
        assert stack.pid_of("worker") == leader
        os.kill(leader, signal.SIGKILL)
    assert pids.successor(stack, "worker", leader, 60)


@pytest.mark.parametrize("kind", ["kill_before_answer", "kill_after_answer"])
def test_killed_at_an_answer_is_who_sent(stack: Small, kind: str) -> None:
    """Here that is a process that we name a worker: it has sent to the fleet."""
    sends = "import socket, time; own = socket.create_connection(('127.0.0.1', %d)); time.sleep(600)"
    sender = subprocess.Popen([sys.executable, "-c", sends % stack.subscribers.port])

    class WithSender:
        subscribers = stack.subscribers

        def pid_of(self, name: str) -> int:
            return sender.pid if name == "worker-late" else 0

    notes = Notes()
    fault = {"kind": kind, "target": "sender", "how": "whole", "for": 60.0}
    with ACTS[kind](WithSender(), fault, notes):
        assert sender.wait(60) == -signal.SIGKILL
    assert notes == [{"what": "killed", "program": "worker-late", "pids": [sender.pid], "signal": "SIGKILL"}]


def test_where_nobody_sends_nobody_is_killed(stack: Small) -> None:
    doing, notes = act(stack, "kill_before_answer", "sender", "whole", 0.05)
    with doing:
        assert [note["what"] for note in notes] == ["missed"]


@pytest.mark.parametrize("how", ["SIGTERM", "SIGQUIT", "twice"])
def test_told_to_end_it_ends_and_another_comes(stack: Small, how: str) -> None:
    old = stack.pid_of("worker")
    doing, notes = act(stack, "end_worker", "worker", how)
    with doing:
        assert pids.is_gone(old)
        assert stack.pid_of("worker") not in {0, old}
    assert old in notes.pids("told")


def test_what_does_not_end_is_killed_and_counts_as_such(
    stack: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.harness.acts.ending.PATIENCE", 0.1)
    old = stack.pid_of("beat")
    os.kill(old, signal.SIGSTOP)
    eventually(lambda: state_of(old) == "T")
    doing, notes = act(stack, "end_worker", "beat", "SIGTERM")
    with doing:
        assert old in notes.pids("killed")


def test_a_rolling_replacement_leaves_nothing_old(stack: Small) -> None:
    old = {name: stack.pid_of(name) for name in PROGRAMS}
    doing, notes = act(stack, "rolling", "everything")
    with doing:
        assert all(stack.pid_of(name) != pid for name, pid in old.items())
    assert set(notes.pids("told")) >= set(old.values())


def test_what_stands_still_goes_on(stack: Small) -> None:
    those = [stack.pid_of("web-0"), stack.child_of("web-0")]
    doing, _ = act(stack, "stand_still", "web-0")
    with doing:
        eventually(lambda: {state_of(pid) for pid in those} == {"T"})
    eventually(lambda: {state_of(pid) for pid in those} == {"S"})


@pytest.mark.skipif(
    not clocks.library() and os.environ.get("PARCELWIRE_TOOLS") != "required",
    reason="libfaketime is not installed",
)
@pytest.mark.parametrize("by", [600, -600])
def test_a_wrong_clock_is_right_again_afterwards(stack: Small, by: int) -> None:
    stack.pid_of("worker")
    doing, notes = act(stack, "clock", "worker", f"{by:+}")
    with doing:
        (pid,) = notes.pids("shifted")
        eventually(lambda: pid in dict(stack.says("worker")))
        assert dict(stack.says("worker"))[pid] - time.time() == pytest.approx(by, abs=120)
    pid = stack.pid_of("worker")
    eventually(lambda: pid in dict(stack.says("worker")))
    assert dict(stack.says("worker"))[pid] == pytest.approx(time.time(), abs=120)
    assert not list(Path("/dev/shm").glob(f"*faketime*_{pid}"))


#: A process of the product that comes by a point whenever it is told to.
COMES_BY = """
import sys
import django
django.setup()
from webhooks import nudging, tasks
nudging.nudge = lambda pace: False
for line in sys.stdin:
    tasks.nudge()
    print("lives", flush=True)
"""


@contextmanager
def coming_by(folder: Path, program: str) -> Iterator[subprocess.Popen[str]]:
    own = {"DJANGO_SETTINGS_MODULE": "tests.faults.harness.settings"}
    own |= {"FAULT_POINTS": str(folder), "FAULT_PROGRAM": program}
    with subprocess.Popen(
        [sys.executable, "-c", COMES_BY],
        env=os.environ | own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield process
        process.kill()


def test_a_point_kills_the_process_that_comes_by_and_only_where_it_is_armed(stack: Small) -> None:
    folder = stack.folder / "points"
    with coming_by(folder, "web-1") as process:
        points.arm(folder, "before_nudge", "web-0")
        process.stdin.write("come by\n")
        assert process.stdout.readline() == "lives\n"
        assert points.disarm(folder, "before_nudge", "web-0") == 0
        doing, notes = act(stack, "die_before_nudge", "web-1", "before_nudge", 60.0)
        with ThreadPoolExecutor() as beside:
            entered = beside.submit(doing.__enter__)
            eventually((folder / "before_nudge@web-1").exists)
            process.stdin.write("come by\n")
            entered.result()
        assert process.wait(60) == -signal.SIGKILL
        assert process.stdout.read() == ""
    assert notes.pids() == [process.pid]
    assert notes[0]["point"] == "before_nudge"


@pytest.mark.parametrize("place", [place for places in points.POINTS.values() for place in places])
def test_every_point_is_before_a_function_of_the_product(place: tuple[str, str]) -> None:
    assert callable(getattr(import_module(place[0]), place[1]))


def test_the_nemesis_notes_what_it_did_and_heals_what_it_is_stopped_in(stack: Small, tmp_path: Path) -> None:
    faults = [
        {"at": 0.0, "kind": "stand_still", "target": "worker", "how": "", "for": 600.0},
        {"at": 600.0, "kind": "kill_worker", "target": "worker", "how": "whole", "for": 0.0},
    ]
    nemesis = Nemesis(faults, stack, History(tmp_path / "nemesis.jsonl"))
    pid = stack.pid_of("worker")
    nemesis.start(time.monotonic())
    eventually(lambda: state_of(pid) == "T")
    nemesis.stop()
    eventually(lambda: state_of(pid) == "S")
    noted = read(tmp_path / "nemesis.jsonl")
    assert [note["what"] for note in noted] == ["began", "stopped", "ended"]
    assert {(note["fault"], note["kind"], note["target"]) for note in noted} == {(0, "stand_still", "worker")}


def test_a_fault_that_cannot_be_brought_voids_the_run(stack: Small, tmp_path: Path) -> None:
    faults = [{"at": 0.0, "kind": "net_cut", "target": "nobody", "how": "postgres", "for": 0.0}]
    nemesis = Nemesis(faults, stack, History(tmp_path / "nemesis.jsonl"))
    nemesis.start(time.monotonic())
    with pytest.raises(RuntimeError, match="there is no way"):
        nemesis.join()
    assert "failed" in [note["what"] for note in read(tmp_path / "nemesis.jsonl")]
