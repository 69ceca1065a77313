"""The picture of a soak: memory of each process, and how long the oldest row was due, over time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.faults.soak.findings import OLDEST
from tests.faults.soak.windows import Window

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "parcelwire",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
}
_COLOURS = ("#1f5fa8", "#c2571a", "#3a7d44", "#7a4b94", "#8a6d00", "#a3324a", "#00797c", "#666666")
_FAULT = "#eeeeee"
#: A row that is due for less is drawn as so many seconds, since the scale is logarithmic.
_LEAST = 0.05


def draw(samples: Sequence[Mapping[str, Any]], faults: Sequence[Window], file: Path) -> None:
    """Write it as SVG: the same samples give the same file. Grey: a fault, and what it may leave behind."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        start = samples[0]["mono"]
        for axes in (above, below):
            for window in faults:
                last = min(window.end, samples[-1]["mono"])
                axes.axvspan((window.begin - start) / 60, (last - start) / 60, color=_FAULT, lw=0)
        _draw_memory(above, samples, start)
        _draw_ages(below, samples, start)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _draw_memory(axes: Axes, samples: Sequence[Mapping[str, Any]], start: float) -> None:
    every: dict[str, dict[tuple[int, int], list[tuple[float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for sample in samples:
        for one in sample["processes"]:
            point = ((sample["mono"] - start) / 60, one["rss"] / 2**20)
            every[one["program"]][one["pid"], one["began"]].append(point)
    for nth, (program, those) in enumerate(sorted(every.items())):
        for turn, life in enumerate(those.values()):
            label = {} if turn else {"label": program}
            axes.plot(*zip(*life, strict=True), color=_COLOURS[nth % len(_COLOURS)], **label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("MiB of each process")
    axes.legend(loc="lower left", ncols=4)


def _draw_ages(axes: Axes, samples: Sequence[Mapping[str, Any]], start: float) -> None:
    for nth, what in enumerate(("poll", "delivery")):
        points = [
            ((each["mono"] - start) / 60, max(each["database"]["due"][what] or 0.0, _LEAST))
            for each in samples
            if each["database"]
        ]
        axes.plot(*zip(*points, strict=True), ".", markersize=3, color=_COLOURS[nth], label=what)
    axes.axhline(OLDEST, color=_COLOURS[7], linestyle=":")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_ylabel("oldest due, seconds")
    axes.set_xlabel("minutes")
    axes.legend(loc="upper left", ncols=2)
