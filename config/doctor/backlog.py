"""What waits too long, which sweeps are behind, and what needs a person."""

from collections import defaultdict
from collections.abc import Iterator

from django.utils import timezone
from django.utils.timesince import timesince

from accounts.alerts import Alert, Kind
from config import alerts, lags
from config.doctor.findings import Finding, bad, ok, warn

#: What other checks tell, and in more words.
_TOLD = {Kind.REDIS_AWAY, Kind.BEAT_SILENT, Kind.OVERDUE, Kind.SWEEP_STALE}
#: How many of a kind are named.
NAMED = 5


def queues() -> Iterator[Finding]:
    """What is due is done within the time that is usual for it."""
    now = timezone.now()
    waiting = alerts.queues()
    late = [one for one in waiting if one.is_overdue(now)]
    for one in late:
        yield bad(
            f"{one.name}: the first has been due for {timesince(now - one.waits(now), now)}",
            "start more workers, or look at their logs",
        )
    if not late:
        names = ", ".join(one.name for one in waiting)
        yield ok(f"nothing waits for longer than usual: {names}")


def attention() -> Iterator[Finding]:
    """A line for each kind of alert. What is not ours to mend is no fault of this installation."""
    by_kind: dict[Kind, list[Alert]] = defaultdict(list)
    for one in alerts.alerts(()):
        if one.kind not in _TOLD:
            by_kind[one.kind].append(one)
    for kind, those in by_kind.items():
        more = f" and {len(those) - NAMED} more" if len(those) > NAMED else ""
        named = "; ".join(one.about for one in those[:NAMED])
        yield warn(
            f"{kind.label}: {named}{more}", "open /admin/alerts/; docs/operations.md says what each means"
        )
    if not by_kind:
        yield ok("nothing needs a person")


def sweeps() -> Iterator[Finding]:
    """Each sweep of beat's schedule has ended lately, if it ever has: a new one waits for some."""
    now = timezone.now()
    every = lags.lags()
    behind = [one for one in every if one.is_stale(now)]
    for one in behind:
        yield bad(
            f"{one.name} ended last {one.seconds(now):.0f} s ago, and comes every {one.every:.0f} s",
            "look at the workers' logs for its name",
        )
    if not behind:
        ended = sum(one.ended_at is not None for one in every)
        yield ok(f"{ended} of {len(every)} have ended, and none of them too long ago")
