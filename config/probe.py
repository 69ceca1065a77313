"""Whether the workers of this machine, or container, do their work: `python -m config.probe`.

Exits with 0 where every process of every worker has lately ended a whole sweep, or looked for due rows in
one, and with 1, and the reasons, where one has not. `--beat` asks whether beat publishes. It reads what they
wrote down (`config.presence`) and asks no server; Django is not imported.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from config import presence
from config.presence import BEAT, Note

#: Seconds within which something must have been done.
MAX_AGE = 60.0


def faults(notes: Sequence[Note], now: float, max_age: float = MAX_AGE, worker: str = "") -> Iterator[str]:
    """What is wrong with the workers, or the one named; nothing is said of one that works.

    A process that has just been put in another's place is spoken for by that one.
    """
    parents = [note for note in notes if note.processes and note.lives and worker in {"", note.worker}]
    if not parents:
        yield f"no worker {worker} runs here" if worker else "no worker runs here"
    for parent in parents:
        own = [note for note in notes if note.parent == parent.pid and note.begun_at >= parent.begun_at]
        yield from (_late(note, now) for note in own if note.lives and not _is_fresh(note, now, max_age))
        good = sum(1 for note in own if note.good_at is not None and now - note.good_at <= max_age)
        if good < (parent.processes or 0):
            yield f"{parent.worker}: {good} of {parent.processes} processes swept within {max_age:g} s"


def faults_of_beat(notes: Sequence[Note], now: float, max_age: float = MAX_AGE) -> Iterator[str]:
    """What is wrong with beat."""
    living = [note for note in notes if note.worker == BEAT and note.lives]
    if not living:
        yield "no beat runs here"
    for note in living:
        if note.good_at is None or now - note.good_at > max_age:
            yield f"beat {note.pid} published nothing for {now - (note.good_at or note.begun_at):.0f} s"


def main(arguments: Sequence[str]) -> int:
    """Ask, say what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m config.probe", allow_abbrev=False)
    parser.add_argument("--max-age", type=float, default=MAX_AGE, help="seconds; 60 by default")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--worker", default="", help="the name of one worker; by default each that runs here")
    asked.add_argument("--beat", action="store_true", help="ask for beat instead")
    given = parser.parse_args(arguments)
    notes = list(presence.read(data_folder()))
    if given.beat:
        found = [*faults_of_beat(notes, monotonic(), given.max_age)]
    else:
        found = [*faults(notes, monotonic(), given.max_age, given.worker)]
    print(*(found or ["ok"]), sep="\n")  # noqa: T201
    return 1 if found else 0


def data_folder() -> Path:
    """As `config.embedded` has it, whose imports take longer than all of this."""
    return Path(
        os.environ.get("PARCELWIRE_DATA") or Path(__file__).resolve().parent.parent / "var"
    ).absolute()


def _is_fresh(note: Note, now: float, max_age: float) -> bool:
    return now - (note.begun_at if note.good_at is None else note.good_at) <= max_age


def _late(note: Note, now: float) -> str:
    age = now - (note.begun_at if note.good_at is None else note.good_at)
    failing = f"; {', '.join(note.failing)} failed" if note.failing else ""
    return f"{note.worker} {note.pid}: no whole sweep for {age:.0f} s{failing}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
