"""What is said of runs: a line for each as it ends, a table of all, and the same as JSON and Markdown."""

import json
import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.faults.harness.finding_out import Build
from tests.faults.harness.seeds import Came, Wish

#: Of a digest, so many digits are shown.
_SHOWN = 12
#: Of what violates one invariant, so many cases are printed.
_CASES = 3
_HEAD = "| seed | history | parcels | events | deliveries | tries | drained after | faults | verdict |"


def line(came: Came) -> str:
    """One run, for the terminal."""
    said = f"seed {came.seed:>4}  {verdict(came):<10} {came.digest[:_SHOWN]:<{_SHOWN}}"
    said += f"  {came.took:5.1f} s, calm after {came.drained:4.1f} s"
    return f"{said}  {came.parcels:>3} parcels  {came.deliveries:>4} deliveries  {', '.join(came.faults)}"


def failure(came: Came, wish: Wish) -> str:
    """Why a run does not pass, what repeats it, and where what it left behind is."""
    told = [f"seed {came.seed} fails; again: {wish.command(came.seed)}", f"kept in {came.kept}"]
    for name, cases in came.violations.items():
        told += [f"  {name}: {len(cases)} violations", *(f"    {case}" for case in cases[:_CASES])]
    return "\n".join([*told, came.error.rstrip()]).rstrip()


def verdict(came: Came) -> str:
    """In a word or two."""
    if came.holds is None:
        return "broke off"
    return "holds" if came.holds else " ".join(sorted(came.violations)) or "fails"


def write(
    file: Path, every: Sequence[Came], builds: Sequence[Build], wish: Wish, about: dict[str, Any]
) -> None:
    """As Markdown into `file`, as JSON beside it. `about`: more to say of the whole, by its name."""
    whole = {**machine(), **about, "seconds of load": wish.seconds}
    runs = [came.as_json() for came in sorted(every, key=lambda one: one.seed)]
    told = {"about": whole, "runs": runs, "broken builds": [asdict(build) for build in builds]}
    file.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n")
    file.write_text(markdown(every, builds, wish, whole))


def markdown(every: Sequence[Came], builds: Sequence[Build], wish: Wish, whole: dict[str, Any]) -> str:
    """The whole page."""
    faults = Counter(kind for came in every for kind in came.faults)
    passed = sum(came.holds is True for came in every)
    parts = [
        "# Runs with faults\n",
        f"{passed} of {len(every)} seeds pass. Written by `python -m tests.faults`; see README.md.\n",
        "| | |\n|---|---|",
        *(f"| {name} | {value} |" for name, value in whole.items()),
        "\n## Seeds\n",
        _HEAD,
        "|---|---|--:|--:|--:|--:|--:|---|---|",
        *(_row(came) for came in sorted(every, key=lambda one: one.seed)),
        "\n## Faults\n",
        "| fault | runs |\n|---|--:|",
        *(f"| {name} | {count} |" for name, count in sorted(faults.items())),
        *(["\n## Builds that are broken on purpose\n"] if builds else []),
        *(f"- {build}" for build in builds),
        *(["\n## Failures\n"] if passed < len(every) else []),
        *(f"```\n{failure(came, wish)}\n```\n" for came in every if not came.holds),
    ]
    return "\n".join(parts).rstrip() + "\n"


def machine() -> dict[str, Any]:
    """What the runs ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processors": os.cpu_count(),
        "memory": f"{memory:.0f} GiB",
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
    }


def _row(came: Came) -> str:
    figures = f"{came.parcels} | {came.events} | {came.deliveries} | {came.attempts} | {came.drained:.1f} s"
    faults = ", ".join(came.faults) or "none"
    return f"| {came.seed} | `{came.digest[:_SHOWN]}` | {figures} | {faults} | {verdict(came)} |"
