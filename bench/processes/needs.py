"""`python -m bench.processes.needs`: what a month of parcels needs; into docs/scaling.md.

Pure but for its files: `bench/results.json` is read, and the part of the page between two marks is written.
Nothing here was run at such a size. It is arithmetic: what one piece took, times so many pieces.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from bench.deliveries.figures import shown
from bench.lives import DAY, lives

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS, PAGE = ROOT / "bench" / "results.json", ROOT / "docs" / "scaling.md"
BEGIN, END = "<!-- needs: begin -->", "<!-- needs: end -->"
NOT_YET = "Not measured on this machine yet: `python -m bench`, then `python -m bench.processes.needs`."
#: Parcels a month, a column each.
SIZES = (1_000_000, 100_000_000)

_MONTH = 30 * DAY
#: What `bench.freshness` watched, and where it had as many calls as the schedule wants.
_WATCHED, _FREELY = 100_000, "1,000,000 calls a day"
_LOG, _WATCH, _ANSWER = "events_event", "trackers_watch", "trackers_rawanswer"
_PARCEL = ("trackers_tracker", _WATCH, "trackers_personaldata")
_OWED = ("webhooks_message", "webhooks_delivery", "webhooks_attempt")


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody measured. Change it to what you know of yours."""

    #: Of the busiest hour, times the mean.
    peak: float = 4.0
    #: Endpoints that are told of each scan, and results read of each parcel.
    endpoints: float = 1.0
    reads: float = 5.0
    #: Of a processor that is planned with; the rest is for vacuum, copies, and a machine that fails.
    share: float = 0.5
    #: Seconds that a carrier takes, and polls that one worker process has under way at most.
    carrier: float = 0.5
    places: float = 100.0
    #: For how long what a carrier said and what was delivered are kept, in months.
    answers: float = 3.0
    deliveries: float = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one piece took: microseconds of PostgreSQL and of workers or web; bytes."""

    polls: float
    scans: float
    #: From its tracker to its last scan.
    days: float
    postgres: Mapping[str, float]
    python: Mapping[str, float]
    wal: Mapping[str, float]
    #: Of an event, a parcel, an answer, a delivery.
    disk: Mapping[str, float]


def measured(results: Mapping[str, Any]) -> Measured | None:
    """Of results.json; None where a part of it is missing, or was measured in small."""
    parts = [results.get(name) for name in ("processes", "freshness")]
    if any(part is None or part["quick"] for part in parts):
        return None
    rows, freshness = (part["rows"] for part in parts if part)
    read = _reader(rows)
    one = "1 worker processes"
    names = {"delivery": ("deliveries", one), "changed": ("polls", f"changed, {one}")}
    names["unchanged"] = ("polls", f"unchanged, {one}")
    python = {kind: read(row, f"{side}, workers") for kind, (row, side) in names.items()}
    names["read"] = ("replica", "results of the first")

    def polled(table: str) -> float:
        return read("polls", f"changed, {one}, disk of {table}")

    return Measured(
        _reader(freshness)(_FREELY, "calls, schedule") / _WATCHED,
        *_drawn(),
        {kind: read(row, f"{side}, PostgreSQL") for kind, (row, side) in names.items()},
        python | {"read": read("replica", "results of the first, web")},
        {kind: read(row, f"{side}, WAL") for kind, (row, side) in names.items()},
        {
            "event": polled(_LOG) / (_POLLED + 1),
            "parcel": sum(map(polled, _PARCEL)),
            "answer": polled(_ANSWER),
            "delivery": sum(read("deliveries", f"{one}, disk of {name}") for name in _OWED),
        },
    )


#: Scans of a parcel of the bench; the log has its creation besides.
_POLLED = 5


def _reader(rows: Mapping[str, Any]) -> Callable[[str, str], float]:
    return lambda row, side: float(rows[row]["sides"][side]["median"])


@cache
def _drawn() -> tuple[float, float]:
    """Scans of a parcel, and days until the last of them, as `bench.lives` draws them."""
    drawn = [one for one in lives(20_000, 14, seed=1) if one.scans]
    scans = sum(len(one.scans) for one in drawn) / len(drawn)
    return scans, sum(one.scans[-1].at - one.made for one in drawn) / len(drawn) / DAY


@dataclass(frozen=True, slots=True)
class Need:
    """A line: what is needed, how it is reckoned, and for each of SIZES how much."""

    what: str
    how: str
    values: Sequence[float]


def needs(of: Measured, assumed: Assumed = Assumed()) -> list[Need]:
    """Every line of the table."""
    return [
        Need(what, how, [value(_Month(parcels, of, assumed)) for parcels in SIZES])
        for what, how, value in _LINES
    ]


@dataclass(frozen=True, slots=True)
class _Month:
    parcels: float
    of: Measured
    assumed: Assumed

    def rate(self, each: float) -> float:
        """A second in the busiest hour, of what a parcel has so many."""
        return self.parcels * each / _MONTH * self.assumed.peak

    @property
    def pieces(self) -> dict[str, float]:
        """Of each kind for one parcel. Every scan is counted as a poll of its own that brings news."""
        scans = self.of.scans
        return {
            "unchanged": max(0.0, self.of.polls - scans),
            "changed": scans,
            "delivery": scans * self.assumed.endpoints,
            "read": self.assumed.reads,
        }

    def processors(self, costs: Mapping[str, float], kinds: Sequence[str]) -> float:
        used = sum(self.rate(self.pieces[kind]) * costs[kind] for kind in kinds) / 1e6
        return used / self.assumed.share

    @property
    def under_way(self) -> float:
        """Polls at once in the busiest hour."""
        return self.rate(self.of.polls) * self.assumed.carrier

    @property
    def answers(self) -> float:
        """Of a parcel that are kept, for as long as they are, times months."""
        return self.of.scans * self.assumed.answers

    @property
    def deliveries(self) -> float:
        """The same of deliveries."""
        return self.pieces["delivery"] * self.assumed.deliveries

    @property
    def memory(self) -> float:
        """Gigabytes of parcels that are on their way, and their events: these are read and written again."""
        share = self.of.days / 30
        return self.gigabytes("parcel", share) + self.gigabytes("event", (self.of.scans + 1) * share)

    def gigabytes(self, of: str, each: float) -> float:
        """That a month's parcels leave, with so many of these each."""
        return self.parcels * each * self.of.disk[of] / 1e9

    def bytes_of_wal(self) -> float:
        return sum(self.rate(self.pieces[kind]) * self.of.wal[kind] for kind in self.of.wal)


_ALL = ("unchanged", "changed", "delivery", "read")
_LINES: Sequence[tuple[str, str, Callable[[_Month], float]]] = (
    ("polls a second, busiest hour", "polls of a parcel", lambda m: m.rate(m.of.polls)),
    ("of these under way at once", "that, times a carrier's seconds", lambda m: m.under_way),
    ("calls a day to carriers, in millions", "polls, by days", lambda m: m.parcels * m.of.polls / 30e6),
    ("events a second, busiest hour", "scans, and a creation", lambda m: m.rate(m.of.scans + 1)),
    ("deliveries a second, busiest hour", "scans, by endpoints", lambda m: m.rate(m.pieces["delivery"])),
    ("processors of PostgreSQL", "all four, by the share", lambda m: m.processors(m.of.postgres, _ALL)),
    ("processors that poll", "polls, by the share", lambda m: m.processors(m.of.python, _ALL[:2])),
    ("worker processes that poll", "under way, by places", lambda m: m.under_way / m.assumed.places),
    ("processors that deliver", "the same", lambda m: m.processors(m.of.python, ("delivery",))),
    ("processors of web", "results read", lambda m: m.processors(m.of.python, ("read",))),
    ("WAL, MB a second, busiest hour", "bytes of all four", lambda m: m.bytes_of_wal() / 1e6),
    ("log, GB more each month", "bytes of an event", lambda m: m.gigabytes("event", m.of.scans + 1)),
    ("parcels, GB more each month", "bytes of a parcel", lambda m: m.gigabytes("parcel", 1)),
    ("carriers' answers, GB in all", "one for each scan", lambda m: m.gigabytes("answer", m.answers)),
    ("deliveries, GB in all", "bytes of a delivery", lambda m: m.gigabytes("delivery", m.deliveries)),
    ("memory for what is under way, GB", "parcels and events, by days of 30", lambda m: m.memory),
)


def block(results: Mapping[str, Any]) -> str:
    """What stands between the marks."""
    of = measured(results)
    if of is None:
        return NOT_YET
    return "\n".join([*_pieces(of), "", *_table(needs(of))])


def _pieces(of: Measured) -> Iterator[str]:
    yield f"A parcel is polled {shown(of.polls)} times, has {shown(of.scans)} scans, and is on its way for"
    yield f"{shown(of.days)} days. One piece takes:"
    yield ""
    yield "| of | PostgreSQL | worker or web | WAL |"
    yield "|---|---|---|---|"
    words = {"unchanged": "a poll with nothing new", "changed": "a poll with five new scans"}
    words |= {"delivery": "a delivery", "read": "results read"}
    for kind, word in words.items():
        figures = f"{shown(of.postgres[kind])} µs | {shown(of.python[kind])} µs | {shown(of.wal[kind])} bytes"
        yield f"| {word} | {figures} |"
    yield ""
    kept = ", ".join(f"{name} {shown(size)}" for name, size in of.disk.items())
    yield f"Bytes on disk, with indexes: {kept}."


def _table(lines: Sequence[Need]) -> Iterator[str]:
    yield "| of parcels a month | reckoned of | " + " | ".join(f"{size:,}" for size in SIZES) + " |"
    yield "|---|---|" + "---|" * len(SIZES)
    for one in lines:
        yield f"| {one.what} | {one.how} | {' | '.join(map(shown, one.values))} |"


def written(page: str, results: Mapping[str, Any]) -> str:
    """The page with the block as it should be. Raises ValueError where the marks are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{block(results)}\n\n{END}{after}"


def read() -> dict[str, Any]:
    """results.json, empty where there is none yet."""
    return dict(orjson.loads(RESULTS.read_bytes())) if RESULTS.exists() else {}


def main() -> int:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(), read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
