"""Many runs: each seed in a process and a folder of its own, so many at a time, and what came of each."""

import shutil
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.faults.harness.judging import judge
from tests.faults.harness.kinds import KINDS, named
from tests.faults.harness.plan import Plan, digest, plan_of
from tests.faults.harness.run import carry_out


@dataclass(frozen=True, slots=True)
class Wish:
    """How the runs are to be."""

    seconds: float = 30.0
    #: Kinds of faults, by name; None: all of them. Empty: a run without faults.
    faults: Sequence[str] | None = None
    #: A broken build by its name, or "".
    broken: str = ""

    def plan(self, seed: int) -> Plan:
        """What this seed is under these wishes. Raises KeyError for a kind that there is not."""
        if self.faults is None:
            return plan_of(seed, self.seconds, kinds=KINDS)
        return plan_of(seed, self.seconds, kinds=named(self.faults) or None)

    def command(self, seed: int) -> str:
        """What repeats the run of this seed."""
        words = ["python -m tests.faults", f"--seeds {seed}", f"--seconds {self.seconds:g}"]
        words += [] if self.faults is None else [f"--faults {','.join(self.faults) or 'none'}"]
        words += [f"--broken {self.broken}"] if self.broken else []
        return " ".join(words)


@dataclass(slots=True)
class Came:
    """What came of a seed."""

    seed: int
    plan_digest: str
    faults: list[str]
    #: Whether all invariants held; None: the run could not be carried out.
    holds: bool | None = None
    digest: str = ""
    parcels: int = 0
    events: int = 0
    deliveries: int = 0
    attempts: int = 0
    #: Seconds that it took, and seconds from the last fault until nothing was due or owed.
    took: float = 0.0
    drained: float = 0.0
    #: By name of an invariant: what violates it.
    violations: dict[str, list[Any]] = field(default_factory=dict)
    error: str = ""
    #: Where what remains of it is kept; "": nowhere.
    kept: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def run_all(seeds: Sequence[int], wish: Wish, template: Path, folder: Path, jobs: int) -> Iterator[Came]:
    """What came of each, as each ends. Folders of those that hold are removed."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        running = [pool.submit(run_one, seed, wish, template, folder / str(seed)) for seed in seeds]
        for each in as_completed(running):
            yield each.result()


def run_one(seed: int, wish: Wish, template: Path, folder: Path) -> Came:
    """Run this seed in this folder, which is removed first, and afterwards where all holds."""
    plan = wish.plan(seed)
    came = Came(seed, digest(plan), [fault["kind"] for fault in plan["faults"]])
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    broken = {"BROKEN": wish.broken} if wish.broken else {}
    try:
        done = carry_out(plan, folder, template, judge, **broken)
    except Exception:  # noqa: BLE001 (the report says so, and the other seeds go on)
        came.error = traceback.format_exc()
    else:
        came.holds = bool(done["verdict"]["holds"])
        for name, value in done["outcome"].items():
            setattr(came, name, value)
        came.drained = done["drained"]
        came.violations = {
            name: found["violations"]
            for name, found in done["verdict"]["invariants"].items()
            if found["violations"]
        }
    came.took = time.monotonic() - began
    if came.holds:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        came.kept = str(folder)
    return came
