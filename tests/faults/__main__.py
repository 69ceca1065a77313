"""`python -m tests.faults`: seeded runs with faults on the real stack, each judged by the checker.

The exit status is 0 where every seed passes. A seed that fails is printed with what repeats it, and what its
run left behind is kept.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.harness import report, template
from tests.faults.harness.seeds import Came, Wish, run_all
from tests.processes import ROOT

#: Where failing runs are kept.
KEPT = ROOT / "var" / "faults"


def main(words: Sequence[str]) -> int:
    asked = _parser().parse_args(words)
    wish = Wish(asked.seconds, asked.faults, asked.broken)
    began = time.monotonic()
    every = _run(asked.seeds, wish, asked.keep, asked.jobs)
    if asked.report:
        took = f"{time.monotonic() - began:.0f} s, {asked.jobs} at a time"
        report.write(
            asked.report, every, wish, {"when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "took": took}
        )
    failed = sorted(came.seed for came in every if not came.holds)
    print(
        f"{len(every) - len(failed)} of {len(every)} seeds pass" + (f"; failed: {failed}" if failed else "")
    )
    return 1 if failed else 0


def _run(seeds: Sequence[int], wish: Wish, keep: Path, jobs: int) -> list[Came]:
    """Print each as it ends, and those that fail with all there is to say."""
    keep.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="parcelwire-faults-"))
    every = []
    try:
        template.make(made / "template")
        for came in run_all(seeds, wish, made / "template", keep, jobs):
            print(report.line(came), flush=True)
            if not came.holds:
                print(report.failure(came, wish), flush=True)
            every.append(came)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return every


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=[*range(1, 51)], help="such as 7, 1-50 or 3,5,8-9")
    parser.add_argument("--seconds", type=float, default=30.0, help="of load and faults in each run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--faults", type=_kinds, help="kinds, separated by commas; none: a run without")
    parser.add_argument("--broken", default="", help="run a build that is broken on purpose, by its name")
    parser.add_argument("--keep", type=Path, default=KEPT, help="folder for the runs that fail")
    parser.add_argument("--report", type=Path, help="a Markdown file to write; JSON is written beside it")
    return parser


def _seeds(text: str) -> list[int]:
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def _kinds(text: str) -> list[str]:
    return [] if text == "none" else text.split(",")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
