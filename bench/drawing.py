"""Plots of what was measured, as SVG: the same figures give the same file."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.curves import SHARES, Curve, Spread
from bench.deliveries.figures import Table, Wish, shown
from bench.keeping import table

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "parcelwire",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}
_COLOURS = ("#1f5fa8", "#c2571a", "#3a7d44", "#7a4b94", "#8a6d00", "#a3324a")
_QUIET = "#777777"
#: Shares that the axis of a distribution names.
_NAMED = (0.5, 0.9, 0.99, 0.999)
_COLUMNS = 4
#: A size that grows so many times is drawn by its logarithm, and costs beside the first.
_GROWS = 10
#: What such a cost may come to; a dotted line.
_GOAL = 1.3


def draw(results: Mapping[str, Any], into: Path) -> dict[str, dict[str, str]]:
    """Write the plots of each part: by part, the title of each file."""
    drawn: dict[str, dict[str, str]] = {}
    into.mkdir(exist_ok=True)
    with mpl.rc_context(_STYLE):
        for part, measured in results.items():
            rows = {name: table(row) for name, row in measured["rows"].items()}
            drawn[part] = _of_part(part, rows, into)
    return drawn


def _of_part(part: str, rows: Mapping[str, Table], into: Path) -> dict[str, str]:
    """A plot of all latencies; one of all that grows with the same thing."""
    drawn: dict[str, str] = {}
    if any(row.spreads for row in rows.values()):
        drawn[f"{part}-latency.svg"] = "How latencies were distributed"
        _save(_latencies(rows.values()), into / f"{part}-latency.svg")
    curves = {name: curve for row in rows.values() for name, curve in row.curves.items()}
    for nth, x in enumerate(dict.fromkeys(curve.x for curve in curves.values())):
        file = f"{part}-by-{x.split()[-1]}.svg" if nth else f"{part}.svg"
        drawn[file] = f"What changes with the number of {x}"
        _save(_panels({name: curve for name, curve in curves.items() if curve.x == x}), into / file)
    return drawn


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _latencies(rows: Iterable[Table]) -> Figure:
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    lines = 0
    for row in rows:
        for name, spread in row.spreads.items():
            axes.plot(*_nines(spread), label=name, color=_COLOURS[lines % len(_COLOURS)])
            lines += 1
        if row.spreads:
            _mark_goals(axes, row)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xticks([_nine(share) for share in _NAMED], [f"p{share * 100:g}" for share in _NAMED])
    axes.set_xlim(0, 4)
    axes.set_ylabel("milliseconds")
    axes.set_xlabel("share that took at most so long")
    axes.legend(loc="upper left")
    return figure


def _mark_goals(axes: Axes, row: Table) -> None:
    """A cross for each goal that a share has."""
    for found in row.findings:
        if found.this in {"p50", "p99"} and found.wish is Wish.AT_MOST:
            share = int(found.this[1:]) / 100
            axes.plot([_nine(share)], [found.limit], "x", color=_QUIET)
            at = (_nine(share), found.limit)
            axes.annotate("goal", at, (4, 4), textcoords="offset points", color=_QUIET)


def _nines(spread: Spread) -> tuple[list[float], list[float]]:
    """What is slower than any share of so many: the last one is drawn where its own share ends."""
    last = 1 - 1 / max(spread.count, 10)
    shares = [(share, ms) for share, ms in zip(SHARES, spread.values, strict=True) if share <= last]
    return [_nine(share) for share, _ in shares], [ms for _, ms in shares]


def _nine(share: float) -> float:
    """One for each nine: 0.9 is 1, 0.99 is 2."""
    return -math.log10(1 - share)


def _panels(curves: Mapping[str, Curve]) -> Figure:
    """A small plot for each; costs that are drawn beside the first have one scale."""
    columns = min(_COLUMNS, len(curves))
    lines = math.ceil(len(curves) / columns)
    figure = Figure(figsize=(0.6 + 2.1 * columns, 0.4 + 1.7 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(curves) :]:
        axes.set_axis_off()
    top = max((max(_times(curve)) for curve in curves.values() if _grows(curve)), default=1.0)
    for axes, (name, curve) in zip(grid.flat, curves.items(), strict=False):
        axes.set_title(name, fontsize=8, loc="left")
        x = [point[0] for point in curve.points]
        if _grows(curve):
            _beside_the_first(axes, x, curve, top)
        else:
            axes.plot(x, [point[1] for point in curve.points], marker="o", markersize=3.5, color=_COLOURS[0])
            axes.set_ylabel(curve.y, fontsize=8)
            axes.set_ylim(0, max(*(point[1] for point in curve.points), 1e-9) * 1.25)
        axes.set_xticks(x, [_short(each) for each in x])
    figure.supxlabel(next(iter(curves.values())).x, fontsize=9)
    if any(map(_grows, curves.values())):
        figure.supylabel("times the first", fontsize=9)
    return figure


def _beside_the_first(axes: Axes, x: Sequence[float], curve: Curve, top: float) -> None:
    """How many times the first; what it is in its own unit stands at both ends."""
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.axhline(_GOAL, color=_QUIET, linewidth=0.8, linestyle=":")
    y = _times(curve)
    axes.plot(x, y, marker="o", markersize=3.5, color=_COLOURS[0])
    for nth, way in ((0, "left"), (-1, "right")):
        words = f"{shown(curve.points[nth][1])} {curve.y}"
        axes.annotate(words, (x[nth], 0.08), ha=way, fontsize=7, color=_QUIET)
    axes.set_ylim(0, max(top, _GOAL) * 1.15)


def _grows(curve: Curve) -> bool:
    return curve.points[-1][0] >= _GROWS * curve.points[0][0]


def _times(curve: Curve) -> list[float]:
    return [y / (curve.points[0][1] or 1.0) for _, y in curve.points]


def _short(value: float) -> str:
    """10,000 as 10k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
