"""The deliveries that are due: claiming, renewing and settling them. Times and leases are the database's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from webhooks.excerpts import excerpt
from webhooks.exchanges import Result
from webhooks.health import Run
from webhooks.loading import load
from webhooks.models import Endpoint
from webhooks.verdicts import Verdict

#: Tries cut off by the sender's own death that cost no step of the schedule.
FORGIVEN = 3

# A skip scan finds each endpoint that is owed something (a lane); of each lane the first `max_in_flight` due
# rows count, those in flight among them, so that the cap holds and a lane of a million rows costs no more
# than one of ten.
_DUE = """
WITH RECURSIVE lane AS (
    (SELECT endpoint_id FROM webhooks_delivery WHERE state = 'pending' ORDER BY endpoint_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT d.endpoint_id FROM webhooks_delivery d
        WHERE d.state = 'pending' AND d.endpoint_id > lane.endpoint_id
        ORDER BY d.endpoint_id LIMIT 1
    )
    FROM lane WHERE lane.endpoint_id IS NOT NULL
),
due AS (
    SELECT slot.id, slot.next_attempt_at
    FROM lane
    JOIN webhooks_endpoint e ON e.id = lane.endpoint_id AND e.state = 'active' AND e.deleted_at IS NULL
    CROSS JOIN LATERAL (
        SELECT d.id, d.next_attempt_at, d.claimed_until FROM webhooks_delivery d
        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_attempt_at <= statement_timestamp()
        ORDER BY d.next_attempt_at, d.id LIMIT e.max_in_flight
    ) AS slot
    WHERE slot.claimed_until IS NULL OR slot.claimed_until < statement_timestamp()
)
"""

#: Records the claimed tries of the deliveries that follow after it, which were cut off.
ABANDON = """
    INSERT INTO webhooks_attempt
        (id, delivery_id, number, trigger, started_at, error, response_body, response_headers, address)
    SELECT gen_random_uuid(), id, attempt_count, trigger, started_at, 'abandoned', '', '{}', ''
"""

# `spent`: cut off once too often, so that it is settled as a failed try instead of being sent again.
_TAKE = (
    _DUE  # noqa: S608 - constants only
    + """,
locked AS MATERIALIZED (
    SELECT d.id, d.next_attempt_at, d.attempt_count, d.trigger, d.started_at,
           d.claim_id IS NOT NULL AS cut_off,
           d.claim_id IS NOT NULL AND d.abandoned_count >= %(forgiven)s AS spent
    FROM webhooks_delivery d
    WHERE d.id = ANY (ARRAY(SELECT id FROM due ORDER BY next_attempt_at, id LIMIT %(limit)s))
      AND d.state = 'pending' AND (d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED
),
abandoned AS ("""
    + ABANDON
    + """ FROM locked WHERE cut_off AND NOT spent
),
taken AS (
    UPDATE webhooks_delivery d
    SET claim_id = %(claim)s, claimed_until = clock_timestamp() + %(lease)s * interval '1 second',
        started_at = CASE WHEN l.spent THEN d.started_at ELSE clock_timestamp() END,
        attempt_count = d.attempt_count + CASE WHEN l.spent THEN 0 ELSE 1 END,
        abandoned_count = d.abandoned_count + CASE WHEN l.cut_off THEN 1 ELSE 0 END
    FROM locked l WHERE d.id = l.id
    RETURNING d.id, d.endpoint_id, d.message_id, d.attempt_count, d.step, d.started_at, l.spent,
              d.next_attempt_at
)
SELECT t.endpoint_id, t.id, t.message_id, t.attempt_count, t.step, t.started_at, t.spent,
       m.type, m.stream, m.sequence, m.body
FROM taken t JOIN webhooks_message m ON m.id = t.message_id
ORDER BY t.next_attempt_at, t.id
"""
)

_OLDEST = _DUE + "SELECT min(next_attempt_at) FROM due"  # noqa: S608 - constants only

_RENEW = """
UPDATE webhooks_delivery d SET claimed_until = clock_timestamp() + %(lease)s * interval '1 second'
FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[]) AS ours (delivery, claim)
WHERE d.id = ours.delivery AND d.claim_id = ours.claim
RETURNING d.id
"""

_GIVE_BACK = """
UPDATE webhooks_delivery d SET claim_id = NULL, claimed_until = NULL, attempt_count = d.attempt_count - 1
FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[]) AS ours (delivery, claim)
WHERE d.id = ours.delivery AND d.claim_id = ours.claim
"""

# A delivery whose claim was lost matches nothing. One that was held or cancelled in the meantime stays so,
# unless it arrived. The endpoints' rows are locked in order of their ids, as everywhere.
_SETTLE = """
WITH heard AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s) AS (
        delivery uuid, claim uuid, attempt uuid, number integer, started_at timestamptz, duration_ms integer,
        status_code integer, error text, body text, headers jsonb, address text,
        state text, step integer, delay double precision
    )
),
settled AS (
    UPDATE webhooks_delivery d
    SET state = CASE
            WHEN h.state = 'delivered' OR d.state = 'pending' THEN h.state
            WHEN h.state = 'exhausted' AND d.state = 'held' THEN h.state
            ELSE d.state
        END,
        next_attempt_at = CASE
            WHEN h.state = 'pending' AND d.state = 'pending'
            THEN clock_timestamp() + h.delay * interval '1 second'
        END,
        delivered_at = CASE WHEN h.state = 'delivered' THEN clock_timestamp() END,
        step = h.step, claim_id = NULL, claimed_until = NULL
    FROM heard h WHERE d.id = h.delivery AND d.claim_id = h.claim
    RETURNING d.id, d.endpoint_id, d.state, d.trigger, h.state = 'delivered' AS arrived, h.error, h.started_at
),
written AS (
    INSERT INTO webhooks_attempt (id, delivery_id, number, trigger, started_at, duration_ms, status_code,
                                  error, response_body, response_headers, address)
    SELECT h.attempt, h.delivery, h.number, s.trigger, h.started_at, h.duration_ms, h.status_code,
           h.error, h.body, h.headers, h.address
    FROM heard h JOIN settled s ON s.id = h.delivery
),
tally AS (
    SELECT endpoint_id, bool_or(arrived) AS any_arrived, count(*) AS tries,
           min(started_at) AS since, max(started_at) AS last
    FROM settled WHERE error <> 'abandoned' GROUP BY endpoint_id
),
locked AS MATERIALIZED (
    SELECT e.id FROM webhooks_endpoint e JOIN tally ON tally.endpoint_id = e.id
    WHERE NOT tally.any_arrived OR e.failing_since IS NOT NULL
    ORDER BY e.id FOR NO KEY UPDATE OF e
),
health AS (
    UPDATE webhooks_endpoint e
    SET failing_since = CASE WHEN NOT tally.any_arrived THEN coalesce(e.failing_since, tally.since) END,
        failing_tries = CASE WHEN tally.any_arrived THEN 0 ELSE e.failing_tries + tally.tries END
    FROM locked JOIN tally ON tally.endpoint_id = locked.id WHERE e.id = locked.id
    RETURNING e.id, e.failing_since, e.failing_tries, tally.last
)
SELECT s.id, s.state, health.id, health.failing_since, health.failing_tries, health.last, clock_timestamp()
FROM settled s LEFT JOIN health ON health.id = s.endpoint_id AND health.failing_since IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send, try `number`, until the lease ends.

    The endpoint comes without its secrets where they do not decrypt (`webhooks.loading`).
    `spent`: do not send it, its last try was cut off once too often; settle it as abandoned.
    """

    claim_id: UUID
    endpoint: Endpoint
    delivery_id: UUID
    message_id: UUID
    number: int
    step: int
    started_at: datetime
    spent: bool
    type: str
    stream: UUID
    sequence: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Settlement:
    """A claimed delivery, how its try ended, and what follows."""

    claimed: Claimed
    result: Result
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Settled:
    """The state of each delivery that was still ours, and the endpoints' runs of failures, as of `at`."""

    states: dict[UUID, str]
    failing: dict[UUID, Run]
    at: datetime | None


def take(limit: int) -> list[Claimed]:
    """Claim up to `limit` due deliveries, the longest due first; two statements in a short transaction.

    No endpoint gets more than its `max_in_flight` at once. The try counts from here on. A delivery whose
    lease has run out is taken over: its cut-off try is recorded as abandoned. Raises InvalidToken, and claims
    nothing, where our keys open no endpoint's secrets.
    """
    claim = uuid7()
    values: dict[str, Any] = {
        "limit": limit,
        "claim": claim,
        "lease": settings.DELIVERY_LEASE,
        "forgiven": FORGIVEN,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        rows = cursor.fetchall()
        # Read within the claim: wrong keys undo it, and no try is spent on them.
        endpoints = load({row[0] for row in rows}) if rows else {}
    return [Claimed(claim, endpoints[row[0]], *row[1:]) for row in rows]


def oldest_due() -> datetime | None:
    """Since when the longest-due delivery that nobody is sending has been waiting; None: nothing is due."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST)
        found: datetime | None = cursor.fetchone()[0]
    return found


def renew(claimed: Sequence[Claimed]) -> set[UUID]:
    """Prolong these leases. Returns the deliveries that are still ours."""
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, _named(claimed) | {"lease": settings.DELIVERY_LEASE})
        return {row[0] for row in cursor.fetchall()}


def give_back(claimed: Sequence[Claimed]) -> None:
    """Undo these claims, except that a cut-off try before them stays recorded: they were not sent."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, _named(claimed))


def settle(settlements: Sequence[Settlement]) -> Settled:
    """Record these tries, move their deliveries on, and keep their endpoints' health: one statement.

    A delivery whose claim was lost changes nothing and is not in the answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"rows": json.dumps([_row(each) for each in settlements])})
        rows = cursor.fetchall()
    failing = {row[2]: Run(since=row[3], tries=row[4], last=row[5]) for row in rows if row[2]}
    return Settled({row[0]: row[1] for row in rows}, failing, at=rows[0][6] if rows else None)


def _named(claimed: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "deliveries": [each.delivery_id for each in claimed],
        "claims": [each.claim_id for each in claimed],
    }


def _row(settlement: Settlement) -> dict[str, object]:
    claimed, result, verdict = settlement.claimed, settlement.result, settlement.verdict
    body, headers = excerpt(result, claimed.endpoint)
    return {
        "delivery": str(claimed.delivery_id),
        "claim": str(claimed.claim_id),
        "attempt": str(uuid7()),
        "number": claimed.number,
        "started_at": claimed.started_at.isoformat(),
        "duration_ms": result.duration_ms,
        "status_code": result.status_code,
        "error": result.failure or "",
        "body": body,
        "headers": headers,
        "address": result.address,
        "state": verdict.state,
        "step": verdict.step,
        "delay": verdict.delay,
    }
