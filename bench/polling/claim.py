"""Row `claim`: the claim of 100 polls that are due, however many trackers there are."""

import contextlib
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from subprocess import Popen
from typing import Any

from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.polling.run import Run
from bench.stage import hear, say_to

_LEASE = "3600"
#: Claims after which plans are made and pages are read, and that are not timed.
_FIRST = 10


@dataclass(frozen=True, slots=True)
class _Claims:
    """Median of the milliseconds of the claims of a round."""

    ms: float

    def __str__(self) -> str:
        return f"{self.ms:.2f} ms"


def claim(run: Run) -> Table:
    """Of 50 accounts, one tracker in ten due, and each claim given back."""
    few, many = run.sizes.few_trackers, run.sizes.many_trackers
    with contextlib.ExitStack() as scenes:
        sides: dict[str, Callable[[], _Claims]] = {}
        for count in (few, many):
            claimer = scenes.enter_context(_claimer(run, count))
            sides[_name(count)] = partial(_time, claimer, run.sizes.claims)
        found = run.in_turn(sides)
    tables = {name: Side("ms", [each.ms for each in rounds]) for name, rounds in found.items()}
    return Table(tables, [ratio(tables, _name(many), _name(few), Wish.AT_MOST, 1.3)])


def _name(count: int) -> str:
    return f"{count:,} trackers"


@contextlib.contextmanager
def _claimer(run: Run, count: int) -> Iterator[Popen[str]]:
    """A process that claims, on a database of its own."""
    with (
        run.stage.scene(f"claim_{count}", POLL_LEASE=_LEASE) as on,
        on.talk("bench_claim_polls", str(count)) as process,
    ):
        hear(process)
        _ask(process, _FIRST)
        yield process
        process.communicate()


def _time(claimer: Popen[str], count: int) -> _Claims:
    return _Claims(statistics.median(_ask(claimer, count)) * 1000)


def _ask(claimer: Popen[str], count: int) -> Any:
    say_to(claimer, str(count))
    return json.loads(hear(claimer))
