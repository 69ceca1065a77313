"""One run of a soak: the plan's load on a stack of its own, with samples, until all has calmed down."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.harness import clock
from tests.faults.harness.feed import Tail, read_whole
from tests.faults.harness.history import History
from tests.faults.harness.judging.sampling import Sampler
from tests.faults.harness.nemesis import Nemesis
from tests.faults.harness.plan import Plan
from tests.faults.harness.run import Run, callers_of, calm, drain, started
from tests.faults.soak.asking import Asking
from tests.faults.soak.sampling import Sampling

#: Seconds between two fingerprints of the whole log, which is long in the end.
_FINGERPRINTS = 60.0
#: Seconds for what is left when the load ends.
PATIENCE = 180.0
#: No process of a worker has done enough: one that is replaced meanwhile would take its leak with it.
_LIVES: Mapping[str, str] = {"WORKER_TASKS": "10000000"}


@dataclass(frozen=True, slots=True)
class Offered:
    """How the load was offered: the share of calls that began late, and parcels that nobody saw whole."""

    #: Seconds by which calls began late: the median, 99 % of them, the latest.
    late: tuple[float, float, float]
    unseen: int


@contextmanager
def soaked(
    plan: Plan, folder: Path, template: Path, patience: float = PATIENCE
) -> Iterator[tuple[Run, Offered]]:
    """Carry out the plan; the run with its database still there, and its programs ended.

    `patience`: seconds for what is left when the load ends, and again until nothing is owed.
    """
    with started(plan, folder, template, **_LIVES) as run:
        callers = callers_of(run, History(folder / "callers.jsonl"))
        asking = Asking(plan, callers)
        others = [
            Sampling(run.stack, History(folder / "soak.jsonl")),
            Sampler(folder, run.stack.url_of("postgres"), _FINGERPRINTS),
            Tail(folder, callers_of(run, None)),
        ]
        began = clock.begin(folder)
        nemesis = Nemesis(plan["faults"], run.stack, History(folder / "nemesis.jsonl"))
        for each in (asking, *others, nemesis):
            each.start(began.mono) if isinstance(each, (Asking, Nemesis)) else each.start()
        nemesis.join()
        time.sleep(max(0.0, began.mono + plan["seconds"] - time.monotonic()))
        run.stack.wait_until_ready()
        unseen = asking.finish(patience)
        run.tell(calm_mono=time.monotonic())
        drain(run, patience)
        for each in others:
            each.stop()
        read_whole(folder, callers_of(run, None))
        calm(run)
        yield run, Offered(_late(asking.late), unseen)


def _late(every: list[float]) -> tuple[float, float, float]:
    ordered = sorted(every) or [0.0]
    last = len(ordered) - 1
    return round(ordered[last // 2], 3), round(ordered[int(last * 0.99)], 3), round(ordered[last], 3)
