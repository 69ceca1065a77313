"""What a soak has shown, as Markdown, JSON and a picture, in files beside each other."""

import json
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.soak.capacity import Capacity
from tests.faults.soak.drawing import draw
from tests.faults.soak.findings import Finding
from tests.faults.soak.windows import RECOVERY, Window
from tests.processes import ROOT

_WORDS = {True: "yes", False: "**no**", None: "**too little was seen**"}


@dataclass(frozen=True, slots=True)
class Soak:
    """All that is known in the end. `facts`: seed, seconds, rate, when, counts, how late, how busy."""

    facts: Mapping[str, Any]
    capacity: Capacity | None
    findings: Sequence[Finding]
    verdict: Mapping[str, Any]
    samples: Sequence[Mapping[str, Any]]
    faults: Sequence[Window]

    @property
    def holds(self) -> bool:
        """Whether every finding holds that has seen enough, as all must, and every invariant does."""
        return bool(self.verdict["holds"]) and all(each.holds for each in self.findings)


def write(soak: Soak, file: Path) -> None:
    """`file` is the Markdown; JSON and SVG have its name with other endings."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draw(soak.samples, soak.faults, file.with_suffix(".svg"))
    file.with_suffix(".json").write_text(json.dumps(_as_json(soak), indent=1) + "\n")
    file.write_text("\n".join(_lines(soak, file)) + "\n")


def _as_json(soak: Soak) -> dict[str, Any]:
    return {
        "holds": soak.holds,
        "facts": soak.facts,
        "capacity": asdict(soak.capacity) if soak.capacity else None,
        "findings": [asdict(each) for each in soak.findings],
        "invariants": {
            name: {"looked_at": one["looked_at"], "violations": one["violations"]}
            for name, one in soak.verdict["invariants"].items()
        },
        "faults": Counter(each.name.split()[0] for each in soak.faults),
    }


def _lines(soak: Soak, file: Path) -> Iterable[str]:
    facts = soak.facts
    yield "# A soak: half load with faults\n"
    yield "Written by `make soak`; what each line means is in [README.md](../README.md#the-soak).\n"
    median, most, latest = facts["late"]
    counts = ", ".join(f"{count} {what}" for what, count in facts["counts"].items())
    yield f"- {facts['when']}, seed {facts['seed']}: {facts['seconds']:g} s, {facts['rate']:.1f} news a s"
    yield f"- {machine()}; commit {commit()}; processors {facts['busy']:.0%} busy, by anything that ran there"
    yield f"- calls began late by {median:g} s (median), {most:g} s (99 %), {latest:g} s at most"
    yield f"- {counts}; {facts['unseen']} parcels that nobody saw whole"
    yield f"- verdict: **{'holds' if soak.holds else 'does not hold'}**\n"
    yield from _of_capacity(soak.capacity)
    yield f"## Findings\n\n![memory and ages]({file.with_suffix('.svg').name})\n"
    yield "| what | seen | holds |\n|---|---|---|"
    for each in soak.findings:
        yield f"| {each.name} | {each.says} | {_WORDS[each.holds]} |"
    yield "\n## Invariants\n\n| invariant | looked at | violations |\n|---|---:|---|"
    for name, one in soak.verdict["invariants"].items():
        yield f"| {name} | {one['looked_at']} | {_said(one['violations'])} |"
    yield f"\n## Faults\n\nThe windows that are left out above: each fault, and {RECOVERY:g} s after it.\n"
    yield "| kind | times |\n|---|---:|"
    for kind, times in sorted(Counter(each.name.split()[0] for each in soak.faults).items()):
        yield f"| {kind} | {times} |"


def _of_capacity(capacity: Capacity | None) -> Iterable[str]:
    if capacity is None:
        yield "The rate was given; capacity was not measured.\n"
        return
    least = "at least " if capacity.is_least else ""
    yield f"## Capacity\n\nServed: {least}{capacity.news:.1f} news a second.\n"
    yield "| offered a second | told a second |\n|---:|---:|"
    for step in capacity.steps:
        yield f"| {step.offered:.1f} | {step.told:.1f} |"
    yield ""


def _said(violations: Sequence[str]) -> str:
    return f"{len(violations)}: {violations[0]}" if violations else "none"


def machine() -> str:
    """Processors, system and Python."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    count = Path("/proc/cpuinfo").read_text().count("processor\t")
    return f"{count} x {model}, Linux {platform.release()}, Python {platform.python_version()}"


def commit() -> str:
    """Of the code that runs; "unknown" where there is no repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
