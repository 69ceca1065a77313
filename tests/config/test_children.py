"""Child processes: their ends, whoever ends first."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from config import children, living, supervisor
from tests.processes import python

_STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(99)
"""
_WAITS_FOR_THE_OTHER = """
import signal, sys, time
from pathlib import Path
mine, other = map(Path, sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: mine.touch())
print("ready", flush=True)
while not (mine.exists() and other.exists()):
    time.sleep(0.02)
"""
_PARENT = """
import sys, time
from pathlib import Path
from config import children
print(children.spawn(children.Command("child", ["sleep", "99"]), Path(sys.argv[1])).pid, flush=True)
time.sleep(99)
"""


@pytest.mark.parametrize(("failures", "pause"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (2000, 30)])
def test_the_pause_before_a_restart_doubles_up_to_a_limit(failures: int, pause: float) -> None:
    assert supervisor.pause_before_restart(failures) == pause


def test_a_child_that_lived_long_starts_again_with_the_shortest_pause(tmp_path: Path) -> None:
    command = children.Command("child", ["true"])
    process = children.spawn(command, tmp_path)
    process.wait()
    child = supervisor.Child(command, process, since=time.monotonic(), failures=5)
    assert child.note_death() == 16
    child.since -= 61
    assert child.note_death() == 0.5


def test_a_child_that_will_not_end_is_killed_at_the_deadline(tmp_path: Path) -> None:
    command = children.Command("deaf", [sys.executable, "-c", _STUBBORN])
    process = children.spawn(command, tmp_path)
    assert children.wait_until(lambda: "deaf" in children.log_tail(tmp_path, "deaf"), 60)
    children.stop([(process, command)], tmp_path, time.monotonic() + 0.1)
    assert process.returncode == -signal.SIGKILL


def test_a_child_that_can_end_faster_is_hurried_before_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_HURRY", 60.0)
    command = children.Command("deaf", [sys.executable, "-c", _STUBBORN], hurry_signal=signal.SIGUSR1)
    process = children.spawn(command, tmp_path)
    assert children.wait_until(lambda: "deaf" in children.log_tail(tmp_path, "deaf"), 60)
    children.stop([(process, command)], tmp_path, time.monotonic() + 60.1)
    assert process.returncode == -signal.SIGUSR1


def test_children_are_stopped_side_by_side(tmp_path: Path) -> None:
    """Each of them ends once the other is asked to, too."""
    files = [str(tmp_path / "one"), str(tmp_path / "two")]
    commands = [
        children.Command(f"child-{nth}", [sys.executable, "-c", _WAITS_FOR_THE_OTHER, *order])
        for nth, order in enumerate((files, files[::-1]))
    ]
    those = [(children.spawn(command, tmp_path), command) for command in commands]
    for command in commands:
        name = command.name
        assert children.wait_until(lambda name=name: "ready" in children.log_tail(tmp_path, name), 60)
    children.stop(those, tmp_path, time.monotonic() + 60)
    assert {process.returncode for process, _ in those} == {0}


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = python(tmp_path, "-c", _PARENT, str(tmp_path))
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert children.wait_until(lambda: not living.started(child), 60)


def test_a_child_left_behind_is_reaped_at_the_next_start(tmp_path: Path) -> None:
    command = children.Command("child", ["sleep", "99"])
    process = children.spawn(command, tmp_path)
    assert children.reap(command, tmp_path, 60)
    assert process.wait() == -signal.SIGTERM
    assert not children.reap(command, tmp_path)


def test_a_stranger_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    command = children.Command("child", ["sleep", "99"])
    process = children.spawn(command, tmp_path)
    (tmp_path / "run" / "child.pid").write_text(f"{process.pid} 1")
    assert not children.reap(command, tmp_path)
    assert living.started(process.pid)
    children.stop([(process, command)], tmp_path, time.monotonic() + 5)


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    children.log_file(tmp_path, "web").write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    assert not children.log_file(tmp_path, "web").exists()
    assert (tmp_path / "log" / "web.log.1").exists()


def test_no_child_sees_our_locks(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        process = children.spawn(children.Command("child", ["sleep", "99"]), tmp_path)
        open_there = {path.readlink() for path in Path(f"/proc/{process.pid}/fd").iterdir()}
        assert Path(lock.name) not in open_there
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
