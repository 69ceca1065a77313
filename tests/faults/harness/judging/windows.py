"""When faults were about that excuse something: a try that was cut off, a clock that was wrong."""

from collections.abc import Callable, Iterable, Sequence

from tests.faults.harness.judging.evidence import Evidence, Row

#: Kinds after which a sender may be gone, or has lost what it held, with a subscriber's answer unrecorded.
_CUTTING = frozenset(
    {
        "kill_worker",
        "kill_before_answer",
        "kill_after_answer",
        "die_before_save",
        "die_before_nudge",
        "die_after_append",
        "stand_still",
        "end_worker",
        "clock",
    }
)
#: So many seconds after a fault its trace may still be seen: a lease that runs out, a server that recovers.
AFTER = 8.0
#: Seconds by which a request may be noted later than its sender began to count its deadline.
NOTED = 0.5


Windows = Sequence[tuple[float, float]]


def cutting(seen: Evidence) -> Windows:
    """Of faults that may cut a try off: from when to when, by time.monotonic()."""
    return _windows(seen, _cuts)


def clocked(seen: Evidence) -> Windows:
    """The same of clocks that were wrong."""
    return _windows(seen, lambda note: note["kind"] == "clock")


def overlaps(windows: Windows, begin: float, end: float) -> bool:
    """Whether one of them was open at a moment from `begin` to `end`."""
    return any(first <= end and begin <= last for first, last in windows)


def most_at_once(every: Iterable[tuple[float, float]], windows: Windows, cap: int) -> tuple[int, int]:
    """Of what lasts from one moment to another: the most at once, and how many that was above what may be.

    That is the cap, and within a window twice as many: of what was cut off nobody here knows, and it goes on.
    """
    moments = sorted(moment for begin, end in every for moment in ((begin, 1), (end, -1)))
    most = now = above = 0
    for at, change in moments:
        now += change
        most = max(most, now)
        above = max(above, now - cap * (2 if overlaps(windows, at, at) else 1))
    return most, above


def _windows(seen: Evidence, wanted: Callable[[Row], bool]) -> Windows:
    begun: dict[int, Row] = {}
    found = []
    for note in seen.nemesis:
        if note["what"] == "began" and wanted(note):
            begun[note["fault"]] = note
        elif note["what"] == "ended" and note["fault"] in begun:
            found.append((begun.pop(note["fault"])["mono"], note["mono"] + AFTER))
    return found


def _cuts(note: Row) -> bool:
    kind = note["kind"]
    return (
        kind in _CUTTING
        or kind.startswith("postgres_")
        or (kind.startswith("net_") and note.get("how") == "postgres")
    )
