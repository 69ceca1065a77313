"""bench/RESULTS.md: everything that was measured, of the figures in results.json and the texts in notes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import drawing
from bench.deliveries.figures import Finding, Table, Wish, shown
from bench.keeping import table
from bench.parts import PARTS, Part

_NOTES = Path(__file__).resolve().parent / "notes"
_YES, _NO = "yes", "**no**"
_SHARES = (0.5, 0.95, 0.99, 0.999, 1.0)
_HEAD = ("row", "measure", "this", "reference", "ratio", "goal", "holds")


@dataclass(frozen=True, slots=True)
class Overview:
    """Every finding in one table: a line each of the cells of _HEAD."""

    lines: Sequence[Sequence[str]]

    @property
    def holds(self) -> bool:
        return not self._missed

    def __str__(self) -> str:
        lines = [_HEAD, *self.lines]
        widths = [max(len(line[nth]) for line in lines) for nth in range(len(_HEAD))]
        told = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        ]
        return "\n".join([*map(str.rstrip, told), "", self.verdict])

    @property
    def markdown(self) -> str:
        return "\n".join(_table(_HEAD, ([_code(line[0]), *line[1:]] for line in self.lines)))

    @property
    def verdict(self) -> str:
        missed = ", ".join(dict.fromkeys(f"`{line[0]}`" for line in self._missed))
        goals = sum(bool(line[-1]) for line in self.lines)
        return f"{goals - len(self._missed)} of {goals} goals hold" + (
            f"; missed: {missed}." if missed else "."
        )

    @property
    def _missed(self) -> list[Sequence[str]]:
        return [line for line in self.lines if line[-1] == _NO]


def overview(results: Mapping[str, Any], parts: Iterable[str]) -> Overview:
    """Of these parts."""
    lines = []
    for part in parts:
        for row, measured in results.get(part, {"rows": {}})["rows"].items():
            found = table(measured)
            lines += [_line(f"{part} {row}", found, each) for each in found.findings]
    return Overview(lines)


def write(results: Mapping[str, Any], into: Path) -> None:
    """RESULTS.md and its plots, in this folder."""
    plots = drawing.draw(results, into / "plots")
    lines: list[str] = ["# What was measured", "", *_about(results)]
    found = overview(results, results)
    lines += ["## Every goal", "", found.verdict, "", found.markdown, ""]
    for part in PARTS:
        if part.name in results:
            lines += _section(part, results[part.name], plots.get(part.name, {}))
    lines += _text("also")
    (into / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n")


def _about(results: Mapping[str, Any]) -> Iterator[str]:
    """The machine of the last run, and what holds for all."""
    yield from _text("head")
    if results:
        last = max(results.values(), key=lambda one: str(one["began"]))
        yield from _table(("machine", ""), last["machine"].items())
        yield ""


def _section(part: Part, measured: Mapping[str, Any], plots: Mapping[str, str]) -> Iterator[str]:
    yield from (f"## {part.title}", "")
    yield (
        f"`{measured['command']}`, {measured['began']}, commit {measured['commit']}, "
        f"{measured['seconds']} s; load before it: {measured['load']}."
    )
    if measured["quick"]:
        yield "**Quick: it shows that the bench works, and none of these figures counts.**"
    yield ""
    for name, title in plots.items():
        yield from (f"![{title}](plots/{name})", "")
    rows = {name: table(row) for name, row in measured["rows"].items()}
    yield from _sides(rows)
    yield from _spreads(rows)
    yield from _text(part.name)


def _sides(rows: Mapping[str, Table]) -> Iterator[str]:
    lines = [
        (_code(row), name, shown(side.median), side.unit, side.shown_rounds)
        for row, found in rows.items()
        if not found.grid
        for name, side in found.sides.items()
    ]
    if lines:
        yield from _table(("row", "side", "median", "of", "rounds"), lines)
        yield ""
    for row, found in rows.items():
        if found.grid:
            yield from (f"{_code(row)}. {found.caption}".strip(), "")
            yield from _table(found.grid[0], found.grid[1:])
            yield ""


def _spreads(rows: Mapping[str, Table]) -> Iterator[str]:
    lines = [
        (
            _code(row),
            name,
            *(shown(spread.at(share)) for share in _SHARES),
            f"{spread.count:,}",
        )
        for row, found in rows.items()
        for name, spread in found.spreads.items()
    ]
    if lines:
        yield from _table(("row", "milliseconds", "p50", "p95", "p99", "p99.9", "most", "of"), lines)
        yield ""


def _line(row: str, found: Table, finding: Finding) -> tuple[str, ...]:
    """A ratio has two sides; another figure is its own."""
    goal, verdict = f"{finding.wish.value} {finding.limit:g}", _YES if finding.holds else _NO
    if finding.wish is Wish.NONE:
        goal = verdict = ""
    if not finding.reference:
        return row, finding.words, shown(finding.value), "", "", goal, verdict
    this, reference = (
        f"{shown(found.sides[name].median)} {found.sides[name].unit}"
        for name in (finding.this, finding.reference)
    )
    return row, finding.words, this, reference, f"{finding.value:.2f}", goal, verdict


def _text(name: str) -> Iterator[str]:
    """What somebody wrote about it; it is kept however often figures are measured."""
    file = _NOTES / f"{name}.md"
    if file.exists():
        yield from (file.read_text().strip(), "")


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (head, ["---"] * len(head), *lines):
        yield f"| {' | '.join(line)} |"


def _code(word: str) -> str:
    return f"`{word}`"
