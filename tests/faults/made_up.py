"""A made-up history in which all holds: a merchant, a parcel with scans, a quick and an ordered subscriber.

Tests of the checker change one thing of it, and look whether that is found out.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tests.faults.harness.judging import INVARIANTS
from tests.faults.harness.judging.evidence import Evidence, Row

NUMBER, TRACKER, MERCHANT = "ALICES", "tracker", "merchant"
_SCHEDULE = [1, 1]
_TEXTS = [f"Parcel 0 scan {n}" for n in range(3)]
#: What the files are called that are a list of notes.
_NOTES = ("callers", "carrier", "subscribers", "nemesis", "samples", "projections", "feed", "feed-whole")


def _events() -> list[Row]:
    made = {"type": "tracker.created", "key": None, "data": {}}
    scans = [
        {
            "type": "tracking.scanned",
            "key": f"scan {n}",
            "data": {
                "status": text,
                "scanKey": f"scan {n}",
                "placedAt": f"2026-03-0{n + 1}",
                "statusMilestone": "in_transit",
            },
        }
        for n, text in enumerate(_TEXTS)
    ]
    of_all = {"merchant": MERCHANT, "stream": TRACKER}
    return [
        {"position": n, "id": f"event {n}", "version": n, "recorded_at": n, **of_all, **one}
        for n, one in enumerate((made, *scans), 1)
    ]


def _message(sequence: int) -> Row:
    metadata = {"sequence": sequence, "previousSequence": sequence - 1 or None}
    return {
        "id": f"message {sequence}",
        "merchant": MERCHANT,
        "type": "tracking.updated",
        "stream": TRACKER,
        "sequence": sequence,
        "body": json.dumps({"trackings": [{"metadata": metadata}]}),
        "digest": f"digest {sequence}",
    }


def _endpoints() -> list[Row]:
    own = {"merchant": 0, "types": ["*"], "schedule": list(_SCHEDULE), "secret": "whsec_never"}
    return [
        {"n": n, "id": f"endpoint {n}", "behaviour": ("quick", "ordered")[n], "ordered": bool(n), **own}
        for n in range(2)
    ]


def _rows() -> dict[str, list[Row]]:
    scans = [[f"scan {n}"] for n in range(3)]
    tracker = {"id": TRACKER, "merchant": MERCHANT, "number": NUMBER, "version": 4}
    owed = [(message, endpoint) for message in range(1, 5) for endpoint in range(2)]
    return {
        "events": _events(),
        "trackers": [{**tracker, "milestone": "in_transit", "state": {"scans": scans}}],
        "messages": [_message(sequence) for sequence in range(1, 5)],
        "deliveries": [
            {
                "id": f"delivery {message} {endpoint}",
                "message": f"message {message}",
                "endpoint": f"endpoint {endpoint}",
                "state": "delivered",
                "claimed": False,
                "attempt_count": 1,
            }
            for message, endpoint in owed
        ],
        "attempts": [
            {
                "delivery": f"delivery {message} {endpoint}",
                "number": 1,
                "status": 200,
                "error": None,
            }
            for message, endpoint in owed
        ],
        "endpoints": [
            {"id": f"endpoint {n}", "state": "active", "max_in_flight": 2, "disabled_at": None}
            for n in range(2)
        ],
    }


@dataclass
class MadeUp:
    """A run that never was. What a test changes of it is written when it is judged."""

    folder: Path
    rows: dict[str, list[Row]] = field(default_factory=_rows)
    notes: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _NOTES})
    plan: Row = field(default_factory=dict)
    run: Row = field(default_factory=dict)
    database: Any = None
    _told: int = 0

    def __post_init__(self) -> None:
        scans = [{"n": n, "text": text} for n, text in enumerate(_TEXTS)]
        parcel = {"number": NUMBER, "merchant": 0, "courier": "all24", "scans": scans}
        self.plan |= {"parcels": [parcel], "endpoints": _endpoints(), "faults": []}
        self.run |= {
            "environment": {"DELIVERY_DEADLINE": "3", "CARRIER_DEADLINE": "3"},
            "merchants": [{"id": MERCHANT, "key": "key never told"}],
            "accounts": [],
            "endpoints": _endpoints(),
            "left": {"watches": 0, "deliveries": 0},
            "exits": {"worker": 0},
            "ending": {"worker": 1.0},
            "rebuild": 0,
            "rebuild_said": "",
        }
        creation = {"merchant": 0, "key": "once", "number": NUMBER, "tracker": TRACKER}
        self.notes["callers"].append({"what": "answered", "status": 201, **creation})
        asked = {"n": 1, "mono": 101.0, "account": "key-of-0-at-all24", "number": NUMBER}
        self.notes["carrier"] += [{"what": "asked", **asked}, {"what": "answered", **asked}]
        ids = [event["id"] for event in self.rows["events"]]
        for file in ("feed", "feed-whole"):
            self.notes[file].append({"merchant": 0, "ids": ids})
        self.notes["projections"].append({"compared": 1, "astray": []})
        for sequence in range(1, 5):
            for endpoint in range(2):
                self.tell(endpoint, sequence, 100.0 + sequence)

    def tell(
        self, endpoint: int, sequence: int, at: float, status: int = 200, lasts: float = 0.01, **answer: Any
    ) -> None:
        """A request arrives `at` this moment, and is answered."""
        self._told += 1
        named = {
            "n": self._told,
            "endpoint": endpoint,
            "id": f"message {sequence}",
        }
        arrived = {
            "timestamp": at,
            "digest": f"digest {sequence}",
            "signature": "ok",
            "scans": _TEXTS[sequence - 2 : sequence - 1] if sequence > 1 else [],
        }
        when = {"at": at, "mono": at}
        self.notes["subscribers"].append({"what": "arrived", **when, **named, **arrived})
        over = {"at": at + lasts, "mono": at + lasts}
        self.notes["subscribers"].append({"what": "answered", "status": status, **over, **answer, **named})

    def retell(self, sequence: int, *tries: tuple[float, int], endpoint: int = 0, **answer: Any) -> None:
        """Instead of its one arrival at this subscriber: these, each a moment and a status; 0: torn."""
        self.notes["subscribers"] = [
            note
            for note in self.notes["subscribers"]
            if (note["endpoint"], note["id"]) != (endpoint, f"message {sequence}")
        ]
        for moment, status in tries:
            self.tell(endpoint, sequence, moment, status, **answer)

    def on_record(self, sequence: int, *tries: int | str, endpoint: int = 0) -> None:
        """Instead of its one try to this subscriber: these, each a status or an error."""
        delivery = f"delivery {sequence} {endpoint}"
        others = [row for row in self.rows["attempts"] if row["delivery"] != delivery]
        self.rows["attempts"] = others + [
            {
                "delivery": delivery,
                "number": number,
                "status": None if isinstance(each, str) else each,
                "error": each if isinstance(each, str) else None,
            }
            for number, each in enumerate(tries, 1)
        ]

    def fault(self, kind: str, begin: float, end: float | None) -> None:
        """One comes, and is healed, or not."""
        fault = {"fault": len(self.plan["faults"]), "kind": kind, "target": "worker", "how": "postgres"}
        self.plan["faults"].append(fault)
        self.notes["nemesis"].append({"what": "began", "mono": begin, **fault})
        if end is not None:
            self.notes["nemesis"].append({"what": "ended", "mono": end, **fault})

    def violated(self) -> set[str]:
        """The names of all invariants that do not hold, those aside that look into a database."""
        return {name for name in INVARIANTS if name not in {"I3", "S3"} and self.found(name)}

    def found(self, name: str) -> list[str]:
        """What violates this invariant."""
        violations: list[str] = INVARIANTS[name](self.evidence()).as_json()["violations"]
        return violations

    def evidence(self) -> Evidence:
        """All of it, as the checker reads it."""
        (self.folder / "plan.json").write_text(json.dumps(self.plan))
        (self.folder / "run.json").write_text(json.dumps(self.run))
        (self.folder / "began.json").write_text(json.dumps({"mono": 100.0, "at": 100.0}))
        for name, notes in self.notes.items():
            lines = "".join(json.dumps({"mono": 0.0, "at": 0.0, **note}) + "\n" for note in notes)
            (self.folder / f"{name}.jsonl").write_text(lines)
        seen = Evidence(self.folder, cast("Any", self.database))
        seen.__dict__["rows"] = self.rows
        return seen
