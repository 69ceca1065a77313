"""What a seed makes of a run: its parcels and what carriers say of them when, its endpoints, its faults.

All is drawn from `Random(seed)`, in one order, and from nothing else: a seed is the same plan anywhere.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.harness.kinds import KINDS, Kind, faults_of

Plan = dict[str, Any]

#: Merchants, each with an account of its own at both carriers.
MERCHANTS = 3
#: all24 is polled, and says one scan more each time that it has one; Ship24 pushes too.
POLLED, PUSHED = "all24", "ship24"
#: What a subscriber is like. Each merchant has a `quick` one, and one of each two of the others.
BEHAVIOURS = ("slow", "refusing", "throttling", "resetting", "hanging", "gone", "redirecting", "ordered")
#: Waits before further tries, in seconds: enough of them to outlast any fault of a run.
SCHEDULE = (1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)
#: Of an endpoint that never answers with success: it is soon over.
_SOON_OVER = (1, 1, 2)
#: The last words of a run's parcels, and what they go through before. No two scans of a parcel are alike.
_FIRST, _BETWEEN, _LAST = "050000", ("100000", "200000", "300000"), "500000"
#: Parcels are made in this part of a run, and the last scans come in the rest.
_MAKING = 0.7
#: Seconds without parcels at the beginning.
_QUIET = 0.5


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to do."""

    #: Parcels made in each second of `_MAKING`.
    parcels: float = 2.5
    #: Scans of a parcel, at least and at most.
    scans: tuple[int, int] = (2, 5)
    #: The share of parcels that the carrier pushes.
    pushed: float = 0.3
    #: The share of callers who never ask again after a creation that was not answered.
    giving_up: float = 0.1


USUAL = Size()


def plan_of(
    seed: int, seconds: float = 30.0, *, size: Size = USUAL, kinds: Sequence[Kind] | None = KINDS
) -> Plan:
    """All that a run of so many seconds is to be. `kinds`: of faults; None is no fault at all."""
    random = Random(seed)
    return {
        "seed": seed,
        "seconds": seconds,
        "merchants": MERCHANTS,
        "parcels": _parcels(random, seconds, size),
        "endpoints": _endpoints(random),
        "faults": [] if kinds is None else faults_of(Random(seed), seconds, kinds),
    }


def digest(plan: Plan) -> str:
    """The SHA-256 of the plan, as hexadecimal digits; equal for equal plans."""
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def _parcels(random: Random, seconds: float, size: Size) -> list[Plan]:
    count = max(MERCHANTS, int(seconds * _MAKING * size.parcels))
    made = sorted(round(random.uniform(_QUIET, seconds * _MAKING), 2) for _ in range(count))
    return [_parcel(random, nth, moment, seconds, size) for nth, moment in enumerate(made)]


def _parcel(random: Random, nth: int, made: float, seconds: float, size: Size) -> Plan:
    by_push = random.random() < size.pushed
    number = f"FR{random.randrange(10**8):08}{nth:04}" if by_push else f"HS{_letters(nth)}"
    return {
        "n": nth,
        "number": number,
        "merchant": nth % MERCHANTS,
        "courier": PUSHED if by_push else POLLED,
        "by": "push" if by_push else "poll",
        "made": made,
        "key": f"make-{random.getrandbits(64):016x}",
        "gives_up": random.random() < size.giving_up,
        "scans": _scans(random, nth, made, seconds, size),
    }


def _scans(random: Random, nth: int, made: float, seconds: float, size: Size) -> list[Plan]:
    """In the order in which they happen. `after` counts from the run's start."""
    count = random.randint(*size.scans)
    moments = sorted(round(random.uniform(max(0.0, made - 2.0), seconds), 2) for _ in range(count))
    codes = [_FIRST, *(random.choice(_BETWEEN) for _ in range(count - 2)), random.choice((_LAST, "200000"))]
    return [
        {"n": place, "after": moment, "code": code, "text": f"Parcel {nth} scan {place}"}
        for place, (moment, code) in enumerate(zip(moments, codes, strict=True))
    ]


def _endpoints(random: Random) -> list[Plan]:
    """A quick one of each merchant, who hears everything, and others with ways of their own."""
    others = random.sample(BEHAVIOURS, k=2 * MERCHANTS)
    told = [(merchant, "quick") for merchant in range(MERCHANTS)]
    told += [(nth % MERCHANTS, behaviour) for nth, behaviour in enumerate(others)]
    return [
        {
            "n": nth,
            "merchant": merchant,
            "behaviour": behaviour,
            "ordered": behaviour == "ordered",
            "types": ["*"] if behaviour == "quick" else random.choice((["*"], ["tracking.*"])),
            "schedule": list(_SOON_OVER if behaviour == "redirecting" else SCHEDULE),
        }
        for nth, (merchant, behaviour) in enumerate(told)
    ]


def _letters(nth: int) -> str:
    """Six letters, as all24's numbers have them."""
    return "".join(chr(ord("A") + nth // 26**place % 26) for place in range(5, -1, -1))
