"""Files of figures: added up over processes, kept when those end, and gone when nobody serves them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.metrics.processes import Processes, empty, open_port
from tests.metrics.scraping import Scrape, awaited
from tests.processes import ROOT
from tests.waiting import eventually

_NOTE = """
from accounts.measuring import Timing, give_to
from config.metrics import noting
give_to(noting.take)
noting.note_start()
calls = Timing("calls_seconds", "Calls", ("route",), (0.1, 1.0))
calls.note([(("a",), 0.05), (("a",), 0.1), (("a",), 0.5), (("a",), 7.0), (("b",), 0.2)])
Timing("waits_seconds", "Waits", (), (1.0,)).note([((), 0.5), ((), 2.0)])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "machine-1"
    empty(found)
    return found


def a_process_notes(folder: Path) -> None:
    """And ends."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run([sys.executable, "-c", _NOTE], cwd=ROOT, env=environment, check=True)


def look(folder: Path) -> Scrape:
    return Scrape(Processes(folder, "worker", "1").collect())


def test_a_batch_is_noted_as_one_by_one_would_be(folder: Path) -> None:
    a_process_notes(folder)
    found = look(folder)
    assert [found.of("calls_seconds_bucket", route="a", le=le) for le in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
    assert found.of("calls_seconds_sum", route="a") == pytest.approx(7.65)
    assert found.of("calls_seconds_count", route="b") == 1
    assert found["waits_seconds_count"] == 2


def test_what_ended_processes_counted_stays_in_one_file(folder: Path) -> None:
    for times in (1, 2, 3):
        a_process_notes(folder)
        found = look(folder)
        assert found.of("calls_seconds_count", route="a") == 4 * times
        assert found["processes_started_total"] == times
        assert found["processes"] == 0
        assert sorted(path.name for path in folder.iterdir()) == ["counter_ended.db", "histogram_ended.db"]


def test_files_of_the_living_are_left_alone(folder: Path) -> None:
    a_process_notes(folder)
    (mine,) = [path for path in folder.iterdir() if path.name.startswith("counter_")]
    mine.rename(folder / f"counter_{os.getpid()}.db")
    found = look(folder)
    assert (found["processes"], found["processes_started_total"]) == (1, 1)
    assert (folder / f"counter_{os.getpid()}.db").exists()


def test_a_file_that_is_only_being_made_is_passed_by(folder: Path) -> None:
    (folder / f"counter_{os.getpid()}.db").touch()
    assert look(folder)["processes"] == 1


def test_folders_whose_process_has_ended_go(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    gone, other, mine = (tmp_path / name for name in (f"host-{process.pid}", "elsewhere-1", "host-7"))
    alive = tmp_path / f"host-{os.getpid()}"
    for path in (gone, other, alive, mine):
        path.mkdir()
    (mine / "counter_1.db").write_bytes(b"of one that had the number before")
    empty(mine)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in (other, alive, mine))
    assert not list(mine.iterdir())


def test_a_port_that_is_taken_is_opened_once_it_is_free(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        open_port(folder, "worker", "1", "127.0.0.1", port)
        eventually(lambda: f"not served on 127.0.0.1:{port} yet" in caplog.text)
    assert awaited(port).of("process_info", program="worker", version="1") == 1
