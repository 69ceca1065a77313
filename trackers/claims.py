"""Which watches are polled by whom: claim, renew, settle. Raw SQL, by the database's clock."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from carriers.budget import Reservation
from events.writing import rendered
from trackers import strays
from trackers.claiming import Places, take
from trackers.dues import Due

# What a claim brings along, in the order of the first fields of `Claim`.
_COLUMNS = """
watch.id, watch.claim_id, watch.tracker_id, watch.merchant_id, watch.courier,
    watch.carrier_account_id, watch.claimed_at, watch.last_digest, watch.failures, watch.absent::text,
    tracker.tracking_number, tracker.created_at, tracker.milestone, tracker.final,
    greatest(tracker.created_at, tracker.restarted_at, tracker.news_at, tracker.milestone_at, (
        SELECT max(askable.assigned_at) FROM trackers_watch AS askable
        WHERE askable.tracker_id = tracker.id AND askable.carrier_account_id IS NOT NULL)),
    tracker.is_subscribed AND tracker.stop_reason IS NULL,
    coalesce(tracker.restarted_at, tracker.created_at), tracker.stalled_at IS NOT NULL, tracker.due_on,
    EXISTS (SELECT FROM trackers_watch AS other WHERE other.tracker_id = tracker.id AND other.id <> watch.id),
    jsonb_strip_nulls(jsonb_build_object(
        'originCountryCode', tracker.origin_country_code,
        'destinationCountryCode', tracker.destination_country_code,
        'destinationPostCode', tracker.destination_post_code,
        'shippingDate', tracker.shipping_date))::text
"""

# Watches are locked by id wherever several are written, so that two writers wait for each other and never
# both.
_RENEW = """
WITH ours AS MATERIALIZED (
    SELECT watch, claim, clock_timestamp() + make_interval(secs => %s) AS until
    FROM jsonb_to_recordset(%s) AS ours (watch uuid, claim uuid)
),
held AS MATERIALIZED (
    SELECT id, until FROM trackers_watch AS watch
    JOIN ours ON watch.id = ours.watch AND watch.claim_id = ours.claim
    ORDER BY id FOR NO KEY UPDATE OF watch
),
stray AS MATERIALIZED (
    SELECT stray.id, until FROM trackers_straycall AS stray
    JOIN ours ON stray.watch_id = ours.watch AND stray.claim_id = ours.claim
    ORDER BY stray.id FOR NO KEY UPDATE OF stray
),
strays AS (
    UPDATE trackers_straycall AS renewed SET counted_until = stray.until
    FROM stray WHERE renewed.id = stray.id
)
UPDATE trackers_watch AS watch SET claimed_until = held.until FROM held WHERE watch.id = held.id
"""

# A poll that was asked for while this one was under way keeps the watch due. Its digest is not taken where
# something was pushed meanwhile: the next answer is to be compared with the log, whatever it says.
_SETTLE = """
WITH done AS MATERIALIZED (
    SELECT told.* FROM trackers_watch AS watch
    JOIN jsonb_to_recordset(%s) AS told (
        watch uuid, claim uuid, asked boolean, outcome text, error text, delay double precision, digest text,
        known text, as_of timestamptz, failures integer, set_aside integer, ignored integer, absent jsonb,
        not_ours boolean, urgency smallint
    ) ON watch.id = told.watch AND watch.claim_id = told.claim
    ORDER BY watch.id FOR NO KEY UPDATE OF watch
)
UPDATE trackers_watch AS watch
SET claim_id = NULL, claimed_until = NULL,
    next_poll_at = CASE
        WHEN watch.poll_requested_at > watch.claimed_at THEN watch.poll_requested_at
        WHEN done.delay IS NULL THEN NULL
        ELSE clock_timestamp() + make_interval(secs => done.delay) END,
    urgency = CASE WHEN watch.poll_requested_at > watch.claimed_at THEN 0
        ELSE coalesce(done.urgency, watch.urgency) END,
    last_polled_at = CASE WHEN done.asked THEN watch.claimed_at ELSE watch.last_polled_at END,
    last_outcome = CASE WHEN done.asked THEN done.outcome ELSE watch.last_outcome END,
    last_error = CASE WHEN done.asked THEN done.error ELSE watch.last_error END,
    last_digest = CASE WHEN watch.last_digest IS DISTINCT FROM done.known OR watch.told_at > done.as_of
        THEN watch.last_digest ELSE coalesce(done.digest, watch.last_digest) END,
    told_at = CASE WHEN done.digest IS NULL THEN watch.told_at
        ELSE greatest(watch.told_at, done.as_of) END,
    failures = done.failures, set_aside = coalesce(done.set_aside, watch.set_aside),
    ignored = watch.ignored + done.ignored,
    absent = done.absent,
    refused_account_ids = CASE WHEN done.not_ours
        THEN array_append(watch.refused_account_ids, watch.carrier_account_id)
        ELSE watch.refused_account_ids END,
    assigned_at = CASE WHEN done.not_ours THEN 'epoch' ELSE watch.assigned_at END,
    carrier_account_id = CASE WHEN done.not_ours THEN NULL ELSE watch.carrier_account_id END
FROM done WHERE watch.id = done.watch
"""

# The last answer's digest goes where the log has moved away from that answer, never back to one it had.
_HEAR = """
UPDATE trackers_watch AS watch
SET told_at = greatest(watch.told_at, heard.as_of),
    last_digest = CASE WHEN heard.changed THEN 'pushed ' || gen_random_uuid() ELSE watch.last_digest END
FROM jsonb_to_recordset(%s) AS heard (watch uuid, as_of timestamptz, changed boolean)
WHERE watch.id = heard.watch AND (heard.changed OR watch.told_at IS NULL OR watch.told_at < heard.as_of)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A watch that this process may ask about until its lease ends, and what asking needs to know."""

    watch: UUID
    claim: UUID
    tracker: UUID
    merchant: UUID
    courier: str
    account: UUID
    claimed_at: datetime
    last_digest: str | None
    failures: int
    absent: dict[str, str]
    number: str
    since: datetime
    milestone: str
    final: bool
    #: Since when nothing new was heard, while each of the tracker's couriers could be asked.
    silent_since: datetime
    tracked: bool
    #: Since when it is followed, without a pause.
    followed_since: datetime
    #: Whether subscribers know of this silence.
    stalled: bool
    #: The day, at the destination, on which carriers expect to deliver.
    due_on: date | None
    #: Whether the tracker has other watches.
    others: bool
    #: What helps a carrier to find the parcel: see `carriers.adapter.Query`.
    hints: dict[str, str] = field(default_factory=dict, repr=False)
    #: The calls that are counted for this poll; None where nobody can be called.
    reserved: Reservation | None = None
    #: The account as it was then (`changed_at`): one that was changed since is not asked with, since another
    #: key's calls are counted.
    account_version: datetime | None = None

    @property
    def name(self) -> tuple[UUID, UUID]:
        """What no other claim has."""
        return self.watch, self.claim

    @property
    def ids(self) -> dict[str, object]:
        """What a line of the log about it is found by."""
        return {
            "tracker_id": self.tracker,
            "watch_id": self.watch,
            "merchant_id": self.merchant,
            "carrier_account_id": self.account,
            "courier": self.courier,
        }


@dataclass(frozen=True, slots=True)
class Settled:
    """What a poll left behind. `delay` in seconds, None for never again; `absent` replaces what was noted.

    `urgency`: of the next poll, see `trackers.schedule.Urgency`; None leaves what it was.
    """

    claim: Claim
    outcome: str
    delay: float | None
    error: str | None = None
    asked: bool = True
    digest: str | None = None
    failures: int = 0
    set_aside: int | None = None
    ignored: int = 0
    absent: dict[str, str] = field(default_factory=dict)
    not_ours: bool = False
    urgency: int | None = None


def claim(most: int, places: Places | None = None) -> list[Claim]:
    """Take at most this many due watches, within the places and the day's calls of each account.

    `places`: the calls that this process has room for, by account; None: as many as it takes.
    """
    return [_claimed(due, row) for due, row in take(most, _COLUMNS, places)]


def renew(claims: Iterable[Claim]) -> None:
    """Lengthen the leases of what is still in flight. Those lost already stay lost, and go on counting."""
    held = [{"watch": str(one.watch), "claim": str(one.claim)} for one in claims]
    if held:
        with connection.cursor() as cursor:
            cursor.execute(_RENEW, [settings.POLL_LEASE, json.dumps(held)])


def settle(done: Sequence[Settled]) -> int:
    """Write how polls ended. Returns how many still held their claim: the others change nothing."""
    if not done:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [rendered([_row(one) for one in done]).decode()])
        written: int = cursor.rowcount
    if written < len(done):
        strays.end(one.claim for one in done)
    return written


def hear(pushed: Iterable[tuple[UUID, datetime, bool]]) -> None:
    """Note what was pushed: the watch, as of when, and whether it told news. The caller holds the locks."""
    heard = [
        {"watch": str(watch), "as_of": as_of.isoformat(), "changed": changed}
        for watch, as_of, changed in pushed
    ]
    if heard:
        with connection.cursor() as cursor:
            cursor.execute(_HEAR, [json.dumps(heard)])


def _claimed(due: Due, row: Sequence[Any]) -> Claim:
    absent, hints = json.loads(row[9]), json.loads(row[-1])
    return Claim(*[*row[:9], absent, *row[10:-1], hints, due.reservation(), due.changed_at])


def _row(one: Settled) -> dict[str, Any]:
    return {
        "watch": one.claim.watch,
        "claim": one.claim.claim,
        "asked": one.asked,
        "outcome": one.outcome,
        "error": one.error,
        "delay": one.delay,
        "digest": one.digest,
        "known": one.claim.last_digest,
        "as_of": one.claim.claimed_at,
        "failures": one.failures,
        "set_aside": one.set_aside,
        "ignored": one.ignored,
        "absent": one.absent,
        "not_ours": one.not_ours,
        "urgency": one.urgency,
    }
