"""A program whose clock is wrong, from its start to its end. It waits as long as others do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import children
from tests.faults.harness.acts import pids
from tests.faults.harness.acts.act import Fault, Note
from tests.faults.harness.acts.ending import replace
from tests.faults.harness.grips import Grips

#: Seconds that a worker may take to begin its work.
_START = 20.0
_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib")


def library() -> Path | None:
    """libfaketime, of the package faketime; None where it is not installed."""
    found = (file for folder in _FOLDERS for file in Path(folder).glob("**/faketime/libfaketimeMT.so.1"))
    return next(found, None)


def shifted(seconds: int, by: Path) -> dict[str, str]:
    """What has a process believe that it is so many seconds later. Its monotonic clock is as even as ever."""
    return {"LD_PRELOAD": str(by), "FAKETIME": f"{seconds:+}s"}


@contextmanager
def wrong(grips: Grips, fault: Fault, note: Note) -> Iterator[None]:
    """`how`: by how many seconds. Without libfaketime nothing happens, unless tools are required."""
    found = library()
    if found is None:
        assert os.environ.get("PARCELWIRE_TOOLS") != "required", "libfaketime is missing"
        note("left_out", why="libfaketime is not installed")
        yield
        return
    program = fault["target"]
    grips.give(program, shifted(int(fault["how"]), found))
    try:
        pid = replace(grips, program, note)
        # A worker works once it has a pool; beat has none.
        children.wait_until(lambda: program == "beat" or bool(pids.children_of(pid)), _START)
        note("shifted", program=program, pids=[pid], seconds=int(fault["how"]))
        yield
    finally:
        grips.give(program, {})
        replace(grips, program, note)
        _sweep()


def _sweep() -> None:
    """What the library leaves in shared memory for processes that did not end in order."""
    for file in Path("/dev/shm").glob("*faketime_s*_*"):
        if not Path(f"/proc/{file.name.rpartition('_')[2]}").exists():
            file.unlink(missing_ok=True)
