"""Figures of one process, in files that the process which serves them reads: see config.metrics.processes.

Loaded where figures are wanted only, and after PROMETHEUS_MULTIPROC_DIR is set: prometheus-client decides by
that, when it is loaded, whether figures are files.
"""

from bisect import bisect_left
from collections.abc import Sequence
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram

from accounts.measuring import Ended, Timing

#: Nobody reads figures here: the process that serves them reads the files.
_registry = CollectorRegistry(auto_describe=False)
_histograms: dict[str, "Batched"] = {}
_children: dict[tuple[str, tuple[str, ...]], "Batched"] = {}
_lock = Lock()


class Batched(Histogram):
    """A histogram that takes many at once: one by one, each would cost a lock and two writes."""

    def add(self, counts: Sequence[int], seconds: float) -> None:
        """So many of each of its buckets, and the sum of all."""
        self._sum.inc(seconds)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


def take(timing: Timing, ended: Ended) -> None:
    """Add what has ended to the figures of this process."""
    bounds = timing.bounds
    sums: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
    for labels, seconds in ended:
        known = sums.get(labels)
        if known is None:
            known = sums[labels] = ([0] * (len(bounds) + 1), [])
        known[0][bisect_left(bounds, seconds)] += 1
        known[1].append(seconds)
    for labels, (counts, all_seconds) in sums.items():
        child = _children.get((timing.name, labels)) or _child(timing, labels)
        child.add(counts, sum(all_seconds))


def note_start() -> None:
    """Count this process among those that were started."""
    Counter(
        "parcelwire_processes_started",
        "Processes that were started since the first of them",
        registry=_registry,
    ).inc()


def _child(timing: Timing, labels: tuple[str, ...]) -> Batched:
    """The histogram of these labels; made once, since finding it costs more than adding to it."""
    with _lock:
        whole = _histograms.get(timing.name)
        if whole is None:
            name = f"parcelwire_{timing.name}"
            whole = Batched(name, timing.says, timing.labels, buckets=timing.bounds, registry=_registry)
            _histograms[timing.name] = whole
        child = _children[timing.name, labels] = whole.labels(*labels) if labels else whole
        return child
