"""The plan of a soak: parcels at an even rate, each with a short life, and those who are told."""

from collections.abc import Sequence
from random import Random

from tests.faults.harness.grips import WORKERS
from tests.faults.harness.kinds import KINDS, placed
from tests.faults.harness.plan import MERCHANTS, POLLED, PUSHED, SCHEDULE, Plan

#: What subscribers are like: nobody who is gone for good, or hangs of himself: what is due there is nobody's
#: fault, and the soak wants to know how late we are.
_BEHAVIOURS = ("slow", "refusing", "throttling", "resetting", "ordered", "slow")
#: Scans of a parcel, and seconds between two of them.
SCANS, BETWEEN = (2, 5), (4.0, 30.0)
#: News of a parcel on an average: each scan.
NEWS = sum(SCANS) / 2
#: The share of parcels that the carrier pushes.
BY_PUSH = 0.3
_FIRST, _ON_THE_WAY, _LAST = "050000", ("100000", "200000", "300000"), "500000"
#: Seconds between two faults, at the beginning without any, and at the end.
EVERY, _BEFORE, _AFTER = 60.0, 30.0, 30.0
#: The share of the soak after which no fault ends a process any more, so that the memory of each is seen for
#: longer than it takes to warm up.
ROUGH = 1 / 3
#: Seconds for which each worker then stands still, one after the other: more waits for it in the end than any
#: later fault holds up, so that it has met its largest batches before its memory is looked at.
_STILL = 15.0
#: After these the same processes go on as before.
_SPARING = frozenset(
    {
        "stand_still",
        "valkey_stop",
        "valkey_flush",
        "postgres_terminate",
        "postgres_hold",
        "net_cut",
        "net_slow",
        "net_tear",
        "carrier_ill",
        "carrier_net",
        "subscribers_hang",
    }
)


def plan_of(
    seed: int, rates: Sequence[tuple[float, float]], *, faults: bool, between: tuple[float, float] = BETWEEN
) -> Plan:
    """All that happens. `rates`: one after the other, for so many seconds so many news a second.

    `between`: seconds from one scan of a parcel to its next. No parcel is made at the end whose scans might
    come after it.
    """
    random = Random(seed)
    seconds = sum(lasts for lasts, _ in rates)
    return {
        "seed": seed,
        "seconds": seconds,
        "merchants": MERCHANTS,
        "parcels": _parcels(random, rates, between),
        "endpoints": _endpoints(),
        "faults": faults_of(random, seconds) if faults else [],
    }


def faults_of(random: Random, seconds: float, every: float = EVERY) -> list[Plan]:
    """One about every so many seconds, by the weights of the kinds; those after ROUGH spare processes."""
    found: list[Plan] = []
    workers = iter(WORKERS)
    for nth in range(int((seconds - _BEFORE - _AFTER) / every)):
        begin = _BEFORE + nth * every
        if begin >= seconds * ROUGH and (worker := next(workers, None)):
            found.append({"at": begin, "kind": "stand_still", "target": worker, "how": "", "for": _STILL})
            continue
        kinds = [kind for kind in KINDS if begin < seconds * ROUGH or kind.name in _SPARING]
        (kind,) = random.choices(kinds, [each.weight for each in kinds])
        found += [fault | {"at": round(begin + fault["at"], 1)} for fault in placed(random, every, [kind])]
    return found


def _parcels(
    random: Random, rates: Sequence[tuple[float, float]], between: tuple[float, float]
) -> list[Plan]:
    parcels: list[Plan] = []
    begin, end = 0.0, sum(lasts for lasts, _ in rates) - (SCANS[1] - 1) * between[1]
    for lasts, rate in rates:
        moment = begin
        while moment < min(begin + lasts, end):
            parcels.append(_parcel(random, len(parcels), moment, between))
            moment += NEWS / rate
        begin += lasts
    return parcels


def _parcel(random: Random, nth: int, made: float, between: tuple[float, float]) -> Plan:
    by_push = random.random() < BY_PUSH
    count = random.randint(*SCANS)
    moments = [made]
    for _ in range(count - 1):
        moments.append(moments[-1] + random.uniform(*between))
    codes = [_FIRST, *(random.choice(_ON_THE_WAY) for _ in range(count - 2)), _LAST]
    return {
        "n": nth,
        "number": f"FR{random.randrange(10**8):08}{nth:06}" if by_push else f"HS{_letters(nth)}",
        "courier": PUSHED if by_push else POLLED,
        "by": "push" if by_push else "poll",
        "merchant": nth % MERCHANTS,
        "made": round(made, 3),
        "key": f"make-{random.getrandbits(64):016x}",
        "gives_up": False,
        "scans": [
            {"n": place, "after": round(moment, 3), "code": code, "text": f"Parcel {nth} scan {place}"}
            for place, (moment, code) in enumerate(zip(moments, codes, strict=True))
        ],
    }


def _endpoints() -> list[Plan]:
    """A quick one of each merchant and two others, who all hear everything."""
    told = [(merchant, "quick") for merchant in range(MERCHANTS)]
    told += [(nth % MERCHANTS, behaviour) for nth, behaviour in enumerate(_BEHAVIOURS)]
    return [
        {
            "n": nth,
            "merchant": merchant,
            "behaviour": behaviour,
            "ordered": behaviour == "ordered",
            "types": ["*"],
            "schedule": list(SCHEDULE),
        }
        for nth, (merchant, behaviour) in enumerate(told)
    ]


def _letters(nth: int) -> str:
    """Six letters, as all24's numbers have them."""
    return "".join(chr(ord("A") + nth // 26**place % 26) for place in range(5, -1, -1))
