"""`python -m tests.faults.soak`: an hour at half of what the machine bears, with a fault every minute.

The exit status is 0 where memory is flat, dead tuples are bounded, nothing is due for long, and every
invariant holds. What a soak that does not hold left behind is kept.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.harness import template
from tests.faults.harness.history import read
from tests.faults.harness.judging import judge
from tests.faults.soak import capacity, findings, load, report, running, windows
from tests.processes import ROOT

#: The share of the capacity that is offered.
SHARE = 0.5
#: The share of the soak in which a process may still be warming up, at most.
_WARMING = 1 / 3


def main(words: Sequence[str]) -> int:
    asked = _parser().parse_args(words)
    kept = asked.keep / f"{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}"
    made = kept / "template"
    template.make(made)
    found = None if asked.rate else capacity.measure(kept / "capacity", made, asked.seed)
    if found:
        print(f"capacity: {found.news:.1f} news a second", flush=True)
    rate = SHARE * found.news if found else asked.rate
    soak = carry_out(kept / "run", made, asked, rate, found)
    file = asked.report or kept / "REPORT.md"
    report.write(soak, file)
    print(file.read_text())
    for each in (made, kept / "capacity", *([] if not soak.holds else [kept / "run"])):
        shutil.rmtree(each, ignore_errors=True)
    return 0 if soak.holds else 1


def carry_out(
    folder: Path, made: Path, asked: argparse.Namespace, rate: float, found: capacity.Capacity | None
) -> report.Soak:
    """Soak, and judge what was seen."""
    plan = load.plan_of(asked.seed, [(asked.seconds, rate)], faults=not asked.without_faults)
    began, when = time.monotonic(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    with running.soaked(plan, folder, made) as (run, offered):
        verdict = judge(folder, run.stack.url_of("postgres"))
        calm = run.facts["calm_mono"]
    samples = [each for each in read(folder / "soak.jsonl") if each["mono"] <= calm]
    faults = windows.windows(read(folder / "nemesis.jsonl"))
    spent = (samples[-1]["busy"] - samples[0]["busy"]) / (samples[-1]["mono"] - samples[0]["mono"])
    lengths = next(each["database"]["lengths"] for each in reversed(samples) if each["database"])
    facts = {
        "when": when,
        "seed": asked.seed,
        "seconds": asked.seconds,
        "rate": rate,
        "busy": spent / (os.cpu_count() or 1),
        "late": offered.late,
        "unseen": offered.unseen,
        "counts": {"parcels": len(plan["parcels"]), **lengths},
        "took": time.monotonic() - began,
    }
    warm_up = min(findings.WARM_UP, asked.seconds * _WARMING)
    every = [
        findings.oldest_due(samples, faults),
        *findings.memory(samples, warm_up),
        *findings.dead_tuples(samples),
        findings.sessions(samples, faults),
    ]
    return report.Soak(facts, found, every, verdict, samples, faults)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=3600.0, help="of load, without what comes before and after"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0, help="news a second, instead of half the capacity")
    parser.add_argument("--without-faults", action="store_true")
    parser.add_argument("--keep", type=Path, default=ROOT / "var" / "soak", help="folder for what is kept")
    parser.add_argument("--report", type=Path, help="a Markdown file; JSON and SVG are written beside it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
