"""The watches of trackers that their merchant stops, takes up again, or has looked for elsewhere.

A poll that is under way loses its claim: what it was asked before the decision is not recorded after it.
"""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db import connection

from carriers import accounts
from carriers.closing import close_later
from trackers import strays
from trackers.assignment import assign
from trackers.detection import couriers_for, watch
from trackers.models import Tracker, Watch

_QUIET = f"""
{strays.NOTE}
UPDATE trackers_watch
SET next_poll_at = NULL, poll_requested_at = NULL, claim_id = NULL, claimed_until = NULL
WHERE id = ANY(%(watches)s)
"""  # noqa: S608 (constants only)
# An account is looked for anew: from then on silence counts.
_WAKE = f"""
{strays.NOTE}
UPDATE trackers_watch
SET next_poll_at = clock_timestamp(), urgency = 0, claim_id = NULL, claimed_until = NULL,
    carrier_account_id = NULL, assigned_at = 'epoch', refused_account_ids = '{{}}'
WHERE id = ANY(%(watches)s)
"""  # noqa: S608 (constants only)
_WAITING = """
UPDATE trackers_watch SET last_outcome = 'no_carrier_account'
WHERE id = ANY(%(watches)s) AND carrier_account_id IS NULL
"""
# What the next answer says is compared with the log, though it may say the same as the last one.
_AGAIN = f"""
{strays.NOTE}
UPDATE trackers_watch
SET last_digest = NULL, claim_id = NULL, claimed_until = NULL, urgency = 0,
    next_poll_at = CASE WHEN next_poll_at IS NOT NULL THEN least(next_poll_at, clock_timestamp()) END
WHERE id = ANY(%(watches)s)
"""  # noqa: S608 (constants only)


def locked(tracker_ids: Collection[UUID]) -> list[Watch]:
    """The watches of these trackers, by id, as everybody locks them. The caller holds the trackers' locks."""
    watches = Watch.objects.select_for_update(no_key=True).filter(tracker_id__in=tracker_ids)
    return list(watches.only("id", "tracker_id", "courier", "carrier_account_id").order_by("id"))


def quiet(watches: Sequence[Watch]) -> None:
    """Ask no more, and end what carriers keep open for it; two statements at most."""
    _run(_QUIET, watches)
    close(watches)


def wake(watches: Sequence[Watch]) -> None:
    """Ask again, at once, each with the best account there is; what that one keeps open is not ended."""
    _run(_WAKE, watches)
    assign([one.id for one in watches])
    _run(_WAITING, watches)


def look_again(watches: Sequence[Watch]) -> None:
    """Judge what is known by the next answer, asked for at once where anybody asks; one statement."""
    _run(_AGAIN, watches)


def look_at(tracker: Tracker, watches: Sequence[Watch], *, due: bool) -> list[str]:
    """Watch the tracker where its merchant wishes, else where it may be; at once where that is `due`.

    Returns the couriers that it should have; those it has beside are left to `leave`.
    """
    reachable = accounts.reachable({tracker.merchant_id})[tracker.merchant_id]
    wanted = couriers_for(tracker.tracking_number, tracker.courier_codes, reachable)
    there = {one.courier for one in watches}
    if new := [code for code in wanted if code not in there]:
        watch([(tracker, new)])
        if not due:
            Watch.objects.filter(tracker=tracker, courier__in=new).update(next_poll_at=None)
    return wanted


def leave(watches: Sequence[Watch]) -> None:
    """Take these watches away, with what their couriers answered."""
    if watches:
        close(watches)
        strays.note([one.id for one in watches])
        Watch.objects.filter(id__in=[one.id for one in watches]).delete()


def close(watches: Sequence[Watch]) -> None:
    """Owe the end of what carriers keep open for these watches; one statement at most."""
    close_later(
        [
            (one.carrier_account_id, one.courier, one.tracker_id)
            for one in watches
            if one.carrier_account_id is not None
        ]
    )


def couriers_by_tracker(watches: Iterable[Watch]) -> dict[UUID, set[str]]:
    """The couriers of these watches, by their trackers."""
    found: dict[UUID, set[str]] = {}
    for one in watches:
        found.setdefault(one.tracker_id, set()).add(one.courier)
    return found


def _run(statement: str, watches: Sequence[Watch]) -> None:
    if watches:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"watches": [one.id for one in watches]})
