"""What the samples of a soak say, each as one finding with its limit. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.faults.soak.slopes import Point, slope
from tests.faults.soak.windows import Window, at

Sample = Mapping[str, Any]

#: Growth of a program's memory in an hour, as a share of it, that counts as none.
FLAT = 0.02
#: Bytes an hour that count as none, however small the process: what its allocator holds in reserve.
NOISE = 2 * 2**20
#: Seconds of a process's life that are not looked at: it imports, connects, fills its caches, and meets its
#: largest batches for the first time. docs/decisions has what was seen within them (0148).
WARM_UP = 1200.0
#: One point of a series for so many seconds, the median of its samples: neighbours say the same.
_POINT = 30.0
#: Seconds for which something may be due outside the windows of faults.
OLDEST = 10.0
#: Of a table's rows, at most so many may be dead, and so many whatever its size: small ones are written all
#: the time, and PostgreSQL looks once a minute.
DEAD_SHARE, DEAD_ROWS = 0.5, 20_000
_WORTH_SAYING = 1_000
#: The least share of the samples that must lie outside the windows, or nothing is said about OLDEST.
_JUDGED = 0.25
#: Sessions, and seconds of the longest transaction, that nobody may ever need outside the windows.
SESSIONS, TRANSACTION = 150, 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` is a sentence without its end; `holds` None: too little was seen to say."""

    name: str
    says: str
    holds: bool | None
    figures: Mapping[str, Any]


def memory(samples: Sequence[Sample], warm_up: float = WARM_UP) -> list[Finding]:
    """Of each program's leader and children, and of Valkey: whether they grow.

    PostgreSQL fills its shared buffers as long as there is something new to read: told, not judged.
    """
    return [_grown(name, those) for name, those in sorted(lives(samples, warm_up).items())]


def lives(samples: Iterable[Sample], warm_up: float = WARM_UP) -> dict[str, list[list[Point]]]:
    """By program and part: the series of each life once it was warm; moments in seconds, values in bytes.

    A part of which no life was warm is there too, without any.
    """
    seen: dict[str, dict[tuple[int, int], list[Point]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        for one in sample["processes"]:
            of_part = seen[f"{one['program']} {one['part']}"]
            if one["age"] >= warm_up:
                of_part[one["pid"], one["began"]].append((sample["mono"], one["rss"]))
    return {name: [_thinned(life) for life in every.values()] for name, every in seen.items()}


def oldest_due(samples: Sequence[Sample], faults: Sequence[Window]) -> Finding:
    """The longest that a poll or a delivery was due while no fault was about."""
    ages = [(_oldest(each), at(faults, each["mono"])) for each in samples if each["database"]]
    outside = [age for age, window in ages if window is None]
    inside = [(age, window.name) for age, window in ages if window is not None]
    worst, fault = max(inside, default=(0.0, "none"))
    most = max(outside, default=0.0)
    share = len(outside) / max(1, len(samples))
    return Finding(
        "oldest due row",
        f"at most {most:.1f} s in the {share:.0%} of samples outside the windows (limit {OLDEST:g} s);"
        f" inside them at most {worst:.1f} s ({fault})",
        most < OLDEST if share >= _JUDGED else None,
        {"outside": most, "inside": worst, "fault": fault, "share": share, "limit": OLDEST},
    )


def dead_tuples(samples: Sequence[Sample]) -> list[Finding]:
    """Of each table that ever had _WORTH_SAYING dead rows, or too many: how many it had at the worst.

    The first is of all the others together.
    """
    seen: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for sample in samples:
        for table in (sample["database"] or {}).get("tables", ()):
            seen[table["name"]].append(table)
    every = [_vacuumed(name, rows) for name, rows in sorted(seen.items())]
    said = [each for each in every if not each.holds or each.figures["most"] >= _WORTH_SAYING]
    others = f"in {len(every) - len(said)} tables never {_WORTH_SAYING:,}"
    return [Finding("dead tuples", others, True if every else None, {"tables": len(every)}), *said]


def sessions(samples: Sequence[Sample], faults: Sequence[Window]) -> Finding:
    """Connections, and the longest transaction, while no fault was about."""
    calm = [
        each["database"]["sessions"] for each in samples if each["database"] and not at(faults, each["mono"])
    ]
    most = max((each["sessions"] for each in calm), default=0)
    longest = max((each["longest"] for each in calm), default=0.0)
    xmin = max((each["xmin_age"] for each in calm), default=0)
    return Finding(
        "sessions",
        f"at most {most} (limit {SESSIONS}), the longest transaction {longest:.1f} s (limit {TRANSACTION:g}),"
        f" the oldest snapshot {xmin} transactions old",
        most <= SESSIONS and longest <= TRANSACTION if calm else None,
        {"sessions": most, "longest": longest, "xmin_age": xmin},
    )


def _oldest(sample: Sample) -> float:
    due = sample["database"]["due"]
    return max(due["poll"] or 0.0, due["delivery"] or 0.0)


def _thinned(life: Sequence[Point]) -> list[Point]:
    """One point for each _POINT seconds."""
    parts: dict[int, list[Point]] = defaultdict(list)
    for moment, value in life:
        parts[int(moment // _POINT)].append((moment, value))
    return [(median(m for m, _ in part), median(v for _, v in part)) for part in parts.values()]


def _grown(name: str, series: Sequence[Sequence[Point]]) -> Finding:
    """It grows where even the least that the slope may be is more than FLAT, and than NOISE."""
    found = slope(series)
    level = median([value for one in series for _, value in one] or [0.0]) / 2**20
    if found is None:
        return Finding(f"memory of {name}", f"{level:.0f} MiB; no life was long enough", None, {})
    is_judged = not name.startswith("postgres")
    return Finding(
        f"memory of {name}",
        f"{level:.0f} MiB, {found.an_hour:+.1%} an hour (95 %: {found.lowest:+.1%} to {found.highest:+.1%};"
        f" {len(series)} lives, {found.hours:.2f} h after their warm-up)"
        + ("" if is_judged else "; not judged"),
        found.lowest <= max(FLAT, NOISE / (level * 2**20)) if is_judged else True,
        {
            "mib": level,
            "an_hour": found.an_hour,
            "lowest": found.lowest,
            "highest": found.highest,
            "hours": found.hours,
            "lives": len(series),
        },
    )


def _vacuumed(name: str, rows: Sequence[Mapping[str, Any]]) -> Finding:
    """Bounded: never beyond both limits."""
    worst = max(rows, key=lambda row: row["dead"] - max(DEAD_ROWS, DEAD_SHARE * row["live"]))
    most = max(row["dead"] for row in rows)
    limit = max(DEAD_ROWS, DEAD_SHARE * worst["live"])
    vacuums = max(row["vacuums"] for row in rows)
    return Finding(
        f"dead tuples of {name}",
        f"at most {most} beside {rows[-1]['live']} live ones in the end, {rows[-1]['bytes'] / 2**20:.1f} MiB,"
        f" {vacuums} vacuums",
        worst["dead"] <= limit,
        {"most": most, "live": rows[-1]["live"], "bytes": rows[-1]["bytes"], "vacuums": vacuums},
    )
