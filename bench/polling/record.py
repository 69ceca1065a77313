"""Row `record`: what 500 new scans cost to record, beside one INSERT of the same events."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from subprocess import Popen

from bench.deliveries.figures import Finding, Side, Table, Wish, ratio
from bench.polling.run import Run
from bench.stage import Stage, hear, say_to

#: Answers that are recorded together, and new scans of each.
EACH, NEW = 100, 5
#: What the process that records is started with: everything may be claimed at once, and stays claimed.
SETTINGS = {"POLL_IN_FLIGHT_PER_ACCOUNT": "100000", "POLL_LEASE": "3600"}
_RAW = "INSERT of the same events"
#: Whose account, and how many scans are known, where the INSERT does as much: elsewhere answers are
#: kept, too, or known scans compared.
_GOAL = ("house", 0)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the process that records says of one round: seconds, and processors' seconds of both sides."""

    events: float
    seconds: float
    python: float
    postgresql: float

    @property
    def pace(self) -> float:
        return self.events / self.seconds

    def __str__(self) -> str:
        python, postgresql = (used / self.events * 1e6 for used in (self.python, self.postgresql))
        each = f"{python:.0f} us of Python and {postgresql:.0f} of PostgreSQL each"
        return f"{self.pace:,.0f} events a second, {each}"


def record(run: Run) -> Table:
    """Batches of 100 answers with 5 new scans each, and an INSERT of their events, in turn in one process."""
    tables: dict[str, Side] = {}
    findings: list[Finding] = []
    for whose, known in (("house", 0), ("own", 0), ("house", 5)):
        name = f"{'own account' if whose == 'own' else 'house account'}, {known} scans known"
        with contextlib.ExitStack() as stack:
            process = recorder(run.stage, stack, f"record_{whose}_{known}", whose)
            sides: dict[str, Callable[[], Recorded]] = {
                name: partial(ask, process, f"record {run.sizes.batches} {EACH} {known} {NEW}"),
                f"{_RAW}, {name}": partial(ask, process, "raw"),
            }
            found = run.in_turn(sides)
            process.communicate()
        mine = {side: Side("events/s", [each.pace for each in rounds]) for side, rounds in found.items()}
        ours, raw = mine
        wish = Wish.AT_LEAST if (whose, known) == _GOAL else Wish.NONE
        findings.append(ratio(mine, ours, raw, wish, 0.4, f"{name} / {_RAW}"))
        tables |= mine
    return Table(tables, findings)


def recorder(stage: Stage, stack: contextlib.ExitStack, database: str, whose: str) -> Popen[str]:
    """A process that records, on a database of its own. Its first batches are not timed."""
    on = stack.enter_context(stage.scene(database, **SETTINGS))
    process = stack.enter_context(on.talk("bench_record"))
    say_to(process, f"cast {whose}")
    hear(process)
    ask(process, f"record 3 {EACH} 0 {NEW}")
    ask(process, "raw")
    return process


def ask(process: Popen[str], question: str) -> Recorded:
    """Its answer to one line."""
    say_to(process, question)
    return Recorded(**json.loads(hear(process)))
