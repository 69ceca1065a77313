"""Which faults there are, and which of them a seed brings upon its run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.harness.grips import PROGRAMS, WORKERS

#: What a run may have, at least and at most; a short one has as many as fit.
FEWEST, MOST = 4, 8
#: Seconds at the beginning of a run without faults, and before its end: whatever was done has ended by then.
CALM_BEFORE, CALM_AFTER = 2.0, 1.0
#: Seconds between two faults that do not go together.
_BETWEEN = 1.0
#: Places that are tried for a fault before a run goes without it.
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault."""

    name: str
    #: What it may befall, and in what ways.
    targets: Sequence[str]
    hows: Sequence[str] = ("",)
    #: Seconds that it lasts, or in which it finds its moment.
    lasts: tuple[float, float] = (0.0, 0.0)
    #: Two of one group are never there at the same time; "" is none.
    group: str = ""
    #: How often an hour of half load has it, beside the others: what stops everything for long is seldom.
    weight: int = 2


_WEB = ("web-0", "web-1")
_OPEN = (1.5, 4.0)
_LONG = (2.0, 9.0)

KINDS = (
    # Killed by SIGKILL: whole programs, and one of a pool.
    Kind("kill_worker", WORKERS, ("whole", "parent", "child")),
    Kind("kill_web", _WEB, ("whole", "child")),
    Kind("kill_beat", ("beat",)),
    # Killed at a moment: while a subscriber has not answered yet, right after it has.
    Kind("kill_before_answer", ("sender",), ("whole", "child"), (2.0, 4.0), "subscribers"),
    Kind("kill_after_answer", ("sender",), ("whole", "child"), (2.0, 4.0), "subscribers"),
    # Killed where `tests.faults.harness.points` says, by themselves.
    Kind("die_after_append", ("worker",), ("after_append",), (2.0, 5.0)),
    Kind("die_in_creation", _WEB, ("in_creation",), (2.0, 5.0)),
    Kind("die_before_nudge", ("web-0", "web-1", "worker"), ("before_nudge",), (2.0, 5.0)),
    Kind("die_before_save", WORKERS, ("before_save",), (2.0, 5.0)),
    # Told to end, replaced, stopped for a while.
    Kind("end_worker", WORKERS, ("SIGTERM", "SIGQUIT", "twice"), (8.0, 8.0)),
    Kind("end_web", _WEB, ("SIGTERM", "SIGINT"), (5.0, 5.0)),
    Kind("rolling", ("everything",), ("",), (14.0, 14.0), "rolling"),
    Kind("stand_still", PROGRAMS, ("",), _LONG),
    # A clock that is wrong by ten minutes.
    Kind("clock", (*WORKERS, "beat"), ("+600", "-600"), (6.0, 10.0), "clock"),
    # Redis goes away and comes back empty, hangs, forgets.
    Kind("valkey_kill", ("valkey",), ("",), (0.5, 5.0), "valkey"),
    Kind("valkey_stop", ("valkey",), ("",), (1.0, 6.0), "valkey"),
    Kind("valkey_flush", ("valkey",), ("",), (0.0, 0.0), "valkey"),
    # PostgreSQL is stopped at once, loses its postmaster, recovers from the loss of a session.
    Kind("postgres_stop", ("postgres",), ("",), (0.5, 4.0), "postgres", 1),
    Kind("postgres_kill", ("postgres",), ("",), (0.5, 4.0), "postgres", 1),
    Kind("postgres_crash", ("postgres",), ("",), (2.0, 2.0), "postgres", 1),
    # Its sessions are ended, taken by others, made to wait.
    Kind("postgres_terminate", ("postgres",), ("all", "some"), (0.0, 4.0), "postgres"),
    Kind("postgres_exhaust", ("postgres",), ("",), _OPEN, "postgres", 1),
    Kind("postgres_hold", ("postgres",), ("snapshot", "rows"), _LONG, "postgres"),
    # The network between a program, or all of them, and a server.
    Kind("net_cut", (*PROGRAMS, "all"), ("postgres", "valkey"), _OPEN, "net"),
    Kind("net_freeze", (*PROGRAMS, "all"), ("postgres", "valkey"), _LONG, "net"),
    Kind("net_slow", (*PROGRAMS, "all"), ("postgres", "valkey"), _LONG, "net"),
    Kind("net_tear", (*PROGRAMS, "all"), ("postgres", "valkey"), _OPEN, "net"),
    # The others: carriers and subscribers.
    Kind("carrier_ill", ("carrier",), ("500", "slow", "hang", "cut"), _LONG, "carrier"),
    Kind("carrier_net", ("carrier",), ("cut", "frozen", "trickle", "torn"), _OPEN, "carrier"),
    Kind("subscribers_hang", ("fleet",), ("",), (1.0, 3.0), "subscribers"),
)
_BY_NAME = {kind.name: kind for kind in KINDS}


def named(names: Iterable[str]) -> list[Kind]:
    """Raises KeyError where there is none of a name."""
    return [_BY_NAME[name] for name in names]


def faults_of(random: Random, seconds: float, kinds: Sequence[Kind] = KINDS) -> list[dict[str, Any]]:
    """What befalls a run of so many seconds, by when it begins. Each kind at most once, if there are enough.

    `at` is counted from the run's start, and `for`, both in seconds, is how long the fault lasts, or may take
    to find its moment.
    """
    count = random.randint(FEWEST, MOST)
    drawn = random.sample(kinds, count) if len(kinds) >= count else random.choices(kinds, k=count)
    return placed(random, seconds, drawn)


def faults_every(random: Random, seconds: float, every: float) -> list[dict[str, Any]]:
    """One about every so many seconds, by the weights of the kinds: for long runs."""
    faults: list[dict[str, Any]] = []
    for nth in range(int(seconds / every)):
        (kind,) = random.choices(KINDS, [kind.weight for kind in KINDS])
        faults += [
            fault | {"at": round(nth * every + fault["at"], 1)} for fault in placed(random, every, [kind])
        ]
    return faults


def placed(random: Random, seconds: float, kinds: Iterable[Kind]) -> list[dict[str, Any]]:
    """Each of these at a moment of so many seconds; those that fit nowhere are left out."""
    faults: list[dict[str, Any]] = []
    for kind in kinds:
        target, how = random.choice(kind.targets), random.choice(kind.hows)
        for _ in range(_TRIES):
            lasts = random.uniform(*kind.lasts)
            latest = seconds - CALM_AFTER - lasts
            at = random.uniform(CALM_BEFORE, max(CALM_BEFORE, latest))
            if at <= latest and not _meets_its_group(faults, kind, at, at + lasts):
                told = {"kind": kind.name, "target": target, "how": how}
                faults.append({"at": round(at, 1), **told, "for": round(lasts, 1)})
                break
    return sorted(faults, key=lambda fault: (fault["at"], fault["kind"]))


def _meets_its_group(faults: Iterable[dict[str, Any]], kind: Kind, begin: float, end: float) -> bool:
    return any(
        kind.group
        and _BY_NAME[other["kind"]].group == kind.group
        and begin < other["at"] + other["for"] + _BETWEEN
        and other["at"] < end + _BETWEEN
        for other in faults
    )
