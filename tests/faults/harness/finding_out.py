"""Whether the checker finds out builds that are broken on purpose, and by what."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.harness.builds import NAMES
from tests.faults.harness.seeds import Wish, run_all

#: Seconds of load in each run, without faults: what is broken is broken on a good day too.
SECONDS = 15.0
#: So many runs a build has until it is found out.
RUNS = 5


@dataclass(frozen=True, slots=True)
class Build:
    """A broken build. `by`: the invariants that it was found to violate, none where it was not found out."""

    name: str
    by: Sequence[str]
    seed: int
    runs: int

    def __str__(self) -> str:
        if not self.by:
            return f"{self.name}: NOT FOUND OUT in {self.runs} runs"
        return f"{self.name}: found out by {', '.join(self.by)} with seed {self.seed}, run {self.runs}"


def find_out(template: Path, folder: Path) -> Iterator[Build]:
    """Run each build with one seed after the other, until it is found out or had all its runs."""
    for name in NAMES:
        wish = Wish(SECONDS, (), name)
        by: list[str] = []
        seed = 0
        while not by and seed < RUNS:
            seed += 1
            (came,) = run_all([seed], wish, template, folder / name, 1)
            by = sorted(came.violations)
        shutil.rmtree(folder / name, ignore_errors=True)
        yield Build(name, by, seed, seed)
