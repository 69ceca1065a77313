"""When faults were about that may cut a try off, so that a message arrives once more."""

from collections.abc import Sequence

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


def cutting(seen: Evidence) -> list[tuple[float, float]]:
    """From when to when, by time.monotonic()."""
    begun: dict[int, Row] = {}
    found = []
    for note in seen.nemesis:
        if note["what"] == "began" and _cuts(note):
            begun[note["fault"]] = note
        elif note["what"] == "ended" and note["fault"] in begun:
            found.append((begun.pop(note["fault"])["mono"], note["mono"] + AFTER))
    return found


def overlaps(windows: Sequence[tuple[float, float]], begin: float, end: float) -> bool:
    """Whether one of them was open at a moment from `begin` to `end`."""
    return any(first <= end and begin <= last for first, last in windows)


def _cuts(note: Row) -> bool:
    kind = note["kind"]
    return (
        kind in _CUTTING
        or kind.startswith("postgres_")
        or (kind.startswith("net_") and note.get("how") == "postgres")
    )
