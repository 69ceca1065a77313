"""Row `claim`: the claim of 100 deliveries, however many are due, and whoever they belong to."""

import contextlib
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from subprocess import Popen
from typing import Any

from bench.deliveries import backlog
from bench.deliveries.figures import Side, Table, Wish, ratio
from bench.deliveries.run import Run
from bench.stage import Stage, hear, say_to

#: 200 endpoints.
_MERCHANTS, _EACH = 4, 50
#: Of the share of one endpoint where that has most of what is due.
_HEAVY = 0.9
#: What nobody reaches: claims do not send.
_URL = "http://127.0.0.1:1"
_LEASE = "3600"


@dataclass(frozen=True, slots=True)
class _Claims:
    """Median of the milliseconds of the claims of a round."""

    ms: float

    def __str__(self) -> str:
        return f"{self.ms:.2f} ms"


def claim(run: Run) -> Table:
    """Claims of 100 are timed and given back, in turn; a database for each side; a median for each round."""
    few, many = run.sizes.few_due, run.sizes.many_due
    reference, much, heavy = (
        f"{few:,} due",
        f"{many:,} due",
        f"{_HEAVY:.0%} of {few:,} one endpoint's, at its cap",
    )
    with contextlib.ExitStack() as scenes:
        sides: dict[str, Callable[[], _Claims]] = {}
        for name, database, prepare in (
            (reference, "few", partial(_spread, few)),
            (much, "many", partial(_spread, many)),
            (heavy, "heavy", partial(_mostly_of_one, few)),
        ):
            on = scenes.enter_context(run.stage.scene(database, DELIVERY_LEASE=_LEASE))
            process = scenes.enter_context(_claimer(on, prepare))
            sides[name] = partial(_time, process, run.sizes.claims)
        found = run.in_turn(sides)
    tables = {name: Side("ms", [each.ms for each in rounds]) for name, rounds in found.items()}
    findings = [ratio(tables, name, reference, Wish.AT_MOST, 1.3) for name in (much, heavy)]
    return Table(tables, findings)


def _spread(count: int, on: Stage, _claimer: Popen[str]) -> None:
    _endpoints(on, "spread")
    backlog.owe(on, count // (_MERCHANTS * _EACH))


def _mostly_of_one(count: int, on: Stage, claimer: Popen[str]) -> None:
    """One endpoint has most, and as much under way as it may."""
    on.command("bench_owe", f"{_URL}/heavy", "0", "--merchants", "1", "--each", "1")
    backlog.owe(on, round(count * _HEAVY))
    if _ask(claimer, "hold") != 10:
        raise RuntimeError("one endpoint is not at its cap")
    _endpoints(on, "spread")
    backlog.owe(on, round(count * (1 - _HEAVY)) // (_MERCHANTS * _EACH), to="%/spread/%")


def _endpoints(on: Stage, path: str) -> None:
    many = ("--merchants", str(_MERCHANTS), "--each", str(_EACH))
    on.command("bench_owe", f"{_URL}/{path}/{{}}", "0", *many)


@contextlib.contextmanager
def _claimer(on: Stage, prepare: Callable[[Stage, Popen[str]], None]) -> Iterator[Popen[str]]:
    """A process that claims; its first claims, after which lanes and plans are there, are not timed."""
    with on.talk("bench_claim") as process:
        prepare(on, process)
        _ask(process, "time 10")
        yield process
        process.communicate()


def _time(claimer: Popen[str], count: int) -> _Claims:
    return _Claims(statistics.median(_ask(claimer, f"time {count}")) * 1000)


def _ask(claimer: Popen[str], question: str) -> Any:
    say_to(claimer, question)
    return json.loads(hear(claimer))
