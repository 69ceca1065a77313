"""Which couriers a number is looked for at when the merchant names none."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.db.models.functions import Now

from carriers import accounts, fingerprinting, standings
from carriers.detecting import candidates
from carriers.registry import adapter
from trackers.assignment import assign, assign_waiting, release
from trackers.models import Tracker, Watch

#: Couriers that one number is looked for at.
MOST = 3
#: Trackers that one step of `detect_again` looks at.
BATCH = 200

# Driven by the accounts, as in trackers.assignment and for the same reasons.
_UNDETECTED = """
SELECT id FROM trackers_tracker WHERE id = ANY(ARRAY(
    SELECT waiting.id FROM carriers_carrieraccount account
    CROSS JOIN LATERAL (
        (SELECT id FROM trackers_tracker
         WHERE account.merchant_id IS NOT NULL AND merchant_id = account.merchant_id
           AND undetected_at < least(account.changed_at + interval '30 seconds', %(before)s)
         ORDER BY undetected_at LIMIT %(batch)s)
        UNION ALL
        (SELECT id FROM trackers_tracker
         WHERE account.merchant_id IS NULL
           AND undetected_at < least(account.changed_at + interval '30 seconds', %(before)s)
         ORDER BY undetected_at LIMIT %(batch)s)
    ) AS waiting
    WHERE account.state = 'active' LIMIT %(batch)s
))
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""


def couriers_for(number: str, given: Sequence[str], reachable: set[str]) -> list[str]:
    """The couriers given; else those reachable whose own numbers look like it, the surest first."""
    if given:
        return list(given)
    return [one.courier for one in candidates(number, reachable)[:MOST]]


def watch(trackers: Sequence[tuple[Tracker, Sequence[str]]]) -> None:
    """Watch these trackers at these couriers, due at once, each with the best account there is."""
    for code in {code for _, couriers in trackers for code in couriers if not adapter(code).needs_account}:
        accounts.house_account_without_key(code)
    watches = [
        Watch(
            tracker=tracker,
            merchant_id=tracker.merchant_id,
            courier=code,
            next_poll_at=Now(),
            assigned_at="1970-01-01T00:00:00Z",
            last_outcome="no_carrier_account",
        )
        for tracker, couriers in trackers
        for code in couriers
    ]
    if watches:
        Watch.objects.bulk_create(watches)
        assign([one.id for one in watches])


def detect_again(before: datetime) -> int:
    """Look anew for couriers of trackers that had none, after accounts of theirs changed.

    Takes a batch of those that were not looked at since `before`. Returns how many.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_UNDETECTED, {"batch": BATCH, "before": before})
            ids = [row[0] for row in cursor.fetchall()]
        trackers = list(Tracker.objects.filter(id__in=ids, is_subscribed=True))
        reachable = accounts.reachable({tracker.merchant_id for tracker in trackers})
        found = [
            (tracker, couriers)
            for tracker in trackers
            if (couriers := couriers_for(tracker.tracking_number, [], reachable[tracker.merchant_id]))
        ]
        watch(found)
        Tracker.objects.filter(id__in=ids).update(undetected_at=Now())
        Tracker.objects.filter(id__in=[tracker.id for tracker, _ in found]).update(undetected_at=None)
    return len(ids)


def settle_accounts() -> None:
    """Bring watches and trackers in line with the accounts there are; each is looked at once."""
    standings.complete()
    fingerprinting.complete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        before = cursor.fetchone()[0]
    for step in (release, partial(assign_waiting, before), partial(detect_again, before)):
        while step():
            pass
