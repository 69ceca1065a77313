"""What worker processes and beat write down of themselves, for `config.probe`: files in `data`/run/workers.

Each is replaced whole. A moment is time.monotonic(), the same for every process of a machine, which no clock
that is set changes. Imports the standard library only: the probe starts in milliseconds.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic

from config.living import started

#: What beat is called among the workers.
BEAT = "beat"
#: Seconds that the notes of processes that ended are kept.
_KEPT = 600.0


@dataclass(frozen=True, slots=True)
class Note:
    """One process at one moment.

    `worker`: the name of the worker that it belongs to. `processes`: how many the worker keeps; None in the
    note of one that does the work. `good_at`: when the last whole sweep ended, or beat published; None: never
    yet. `failing`: what failed in the sweep since.
    """

    worker: str
    processes: int | None = None
    good_at: float | None = None
    failing: list[str] = field(default_factory=list)
    begun_at: float = field(default_factory=monotonic)
    pid: int = field(default_factory=os.getpid)
    parent: int = field(default_factory=os.getppid)
    host: str = field(default_factory=lambda: os.uname().nodename)
    started: str = field(default_factory=lambda: started(os.getpid()))

    @property
    def lives(self) -> bool:
        """Whether the process that wrote it is there: a stranger may have its number by now."""
        return bool(self.started) and started(self.pid) == self.started


def write(data: Path, note: Note) -> None:
    """Replace what this process wrote before. Raises OSError."""
    file = _file(data, note)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(note)))
    draft.replace(file)


def read(data: Path) -> Iterator[Note]:
    """What the processes of this machine wrote, those that ended included. Raises OSError."""
    for file in sorted(_folder(data).glob("*.json")):
        # It went meanwhile, or another version wrote it.
        with suppress(FileNotFoundError, ValueError, TypeError):
            note = Note(**json.loads(file.read_text()))
            if note.host == os.uname().nodename:
                yield note


def tidy(data: Path) -> None:
    """Take away what processes left that ended a while ago. Raises OSError.

    Until then they speak for those that take their places, which have not swept yet.
    """
    for note in read(data):
        if not note.lives and abs(monotonic() - (note.good_at or note.begun_at)) > _KEPT:
            _file(data, note).unlink(missing_ok=True)


def _file(data: Path, note: Note) -> Path:
    """Containers that share a folder have processes of the same numbers."""
    return _folder(data) / f"{note.host}-{note.pid}.json"


def _folder(data: Path) -> Path:
    return data / "run" / "workers"
