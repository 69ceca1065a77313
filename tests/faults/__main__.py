"""`python -m tests.faults`: seeded runs with faults on the real stack, each judged by the checker.

The exit status is 0 where every seed passes. A seed that fails is printed with what repeats it, and what its
run left behind is kept.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.harness import report, template
from tests.faults.harness.finding_out import Build, find_out
from tests.faults.harness.seeds import Came, Wish, run_all
from tests.processes import ROOT

#: Where failing runs are kept.
KEPT = ROOT / "var" / "faults"


def main(words: Sequence[str]) -> int:
    asked = _parser().parse_args(words)
    asked.keep.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="parcelwire-faults-"))
    try:
        template.make(made / "template")
        return _run(asked, made / "template")
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _run(asked: argparse.Namespace, made: Path) -> int:
    began = time.monotonic()
    wish = Wish(asked.seconds, asked.faults, "" if asked.broken == "all" else asked.broken)
    every = [] if asked.broken == "all" else [_told(came, wish) for came in _seeds_run(asked, wish, made)]
    builds = [_told_build(build) for build in find_out(made, asked.keep)] if _finds_out(asked) else []
    failed = sorted(came.seed for came in every if not came.holds)
    if every:
        told = f"; failed: {failed}" if failed else ""
        print(f"{len(every) - len(failed)} of {len(every)} seeds pass{told}")
    if asked.report:
        took = f"{time.monotonic() - began:.0f} s, {asked.jobs} seeds at a time"
        about = {"when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "took": took}
        report.write(asked.report, every, builds, wish, about)
    return 1 if failed or not all(build.by for build in builds) else 0


def _seeds_run(asked: argparse.Namespace, wish: Wish, made: Path) -> Iterator[Came]:
    return run_all(asked.seeds, wish, made, asked.keep, asked.jobs)


def _finds_out(asked: argparse.Namespace) -> bool:
    return bool(asked.broken == "all" or asked.then_broken)


def _told(came: Came, wish: Wish) -> Came:
    """Print it, and where it fails all there is to say."""
    print(report.line(came), flush=True)
    if not came.holds:
        print(report.failure(came, wish), flush=True)
    return came


def _told_build(build: Build) -> Build:
    print(build, flush=True)
    return build


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=[*range(1, 51)], help="such as 7, 1-50 or 3,5,8-9")
    parser.add_argument("--seconds", type=float, default=30.0, help="of load and faults in each run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--faults", type=_kinds, help="kinds, separated by commas; none: a run without")
    help_of_broken = "a build that is broken on purpose, by its name; all: each, until it is found out"
    parser.add_argument("--broken", default="", help=help_of_broken)
    parser.add_argument("--then-broken", action="store_true", help="the same as `all` after the seeds")
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
