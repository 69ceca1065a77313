"""The end of tries: attempts, states, health and tallies of a whole batch, written by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from uuid_utils.compat import uuid7

from accounts.binary import moment, number, text, uuid
from accounts.running import Job, Row, running, to_end
from webhooks.claims import Claimed
from webhooks.excerpts import excerpt
from webhooks.exchanges import Result
from webhooks.health import Run
from webhooks.models import Delivery
from webhooks.paces import TIMED_OUT, TIMEOUTS_SLOW, is_late
from webhooks.tallying import counting
from webhooks.verdicts import Verdict

_HEARD = """
WITH heard AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS (
        delivery uuid, claim uuid, attempt uuid, number integer, trigger text, started_at timestamptz,
        duration_ms integer, status_code integer, error text, body text, headers jsonb, address text,
        state text, step integer, late boolean, delay double precision
    )
),"""

_WRITTEN = """
written AS (
    INSERT INTO webhooks_attempt (id, delivery_id, number, trigger, started_at, duration_ms, status_code,
                                  error, response_body, response_headers, address)
    SELECT h.attempt, h.delivery, h.number, h.trigger, h.started_at, h.duration_ms, h.status_code,
           h.error, CASE WHEN s.answers_kept THEN h.body ELSE '' END,
           CASE WHEN s.answers_kept THEN h.headers ELSE '{}' END, h.address
    FROM heard h JOIN settled s ON s.id = h.delivery AND s.claim = h.claim
),"""

# By their ids through the index, however few rows the table had when this was planned.
_OURS = "WHERE d.id = ANY (ARRAY(SELECT delivery FROM heard)) AND d.id = h.delivery AND d.claim_id = h.claim"

_SLOWLY = "(" + ", ".join(f"'{failure}'" for failure in TIMED_OUT) + ")"
_CHANGES = "(NOT runs.any_arrived OR e.failing_since IS NOT NULL OR e.timeouts > 0)"

# A delivery whose claim was lost matches nothing. One that was held or cancelled in the meantime stays so,
# unless it arrived. The endpoints' rows are locked in order of their ids, as everywhere: those whose run of
# failures may change, and with `everyone` the others too; the tallies' rows come after all of them.
_SETTLE = f"""{_HEARD}
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
        step = h.step, late = d.late OR h.late, claim_id = NULL, claimed_until = NULL
    FROM heard h {_OURS}
    RETURNING d.id, d.endpoint_id, d.state, h.claim, h.state = 'delivered' AS arrived, h.error,
              h.started_at, h.duration_ms, d.answers_kept
),{_WRITTEN}
runs AS MATERIALIZED (
    SELECT endpoint_id, bool_or(arrived) AS any_arrived,
           count(*) FILTER (WHERE error <> 'abandoned') AS tries,
           count(*) FILTER (WHERE error IN {_SLOWLY}) AS timeouts,
           bool_or(error NOT IN {_SLOWLY} AND error <> 'abandoned') AS any_in_time,
           min(started_at) FILTER (WHERE error <> 'abandoned') AS since,
           max(started_at) FILTER (WHERE error <> 'abandoned') AS last
    FROM settled GROUP BY endpoint_id
),
locked AS MATERIALIZED (
    SELECT e.id FROM webhooks_endpoint e JOIN runs ON runs.endpoint_id = e.id
    WHERE e.id = ANY (ARRAY(SELECT endpoint_id FROM runs))
      AND (%(everyone)s::boolean OR (runs.tries > 0 AND {_CHANGES}))
    ORDER BY e.id FOR NO KEY UPDATE OF e
),
health AS (
    UPDATE webhooks_endpoint e
    SET failing_since = CASE WHEN NOT runs.any_arrived THEN coalesce(e.failing_since, runs.since) END,
        failing_tries = CASE WHEN runs.any_arrived THEN 0 ELSE e.failing_tries + runs.tries END,
        timeouts = CASE WHEN runs.any_in_time THEN 0 ELSE least(e.timeouts + runs.timeouts, 10000) END,
        slow_since = CASE
            WHEN runs.any_in_time THEN NULL
            WHEN e.timeouts + runs.timeouts >= {TIMEOUTS_SLOW} THEN coalesce(e.slow_since, clock_timestamp())
        END
    FROM locked JOIN runs ON runs.endpoint_id = locked.id
    WHERE e.id = locked.id AND runs.tries > 0 AND {_CHANGES}
    RETURNING e.id, e.failing_since, e.failing_tries, runs.last
),
counted AS ({counting("settled WHERE (SELECT count(*) FROM locked) >= 0")})
SELECT s.id, s.state, health.id, health.failing_since, health.failing_tries, health.last, clock_timestamp()
FROM settled s LEFT JOIN health ON health.id = s.endpoint_id AND health.failing_since IS NOT NULL
"""  # noqa: S608 - constants only

# Only an arrival changes what the schedule makes of a delivery; a test has none, and ends with its one try.
_SETTLE_EXTRA = f"""{_HEARD}
settled AS (
    UPDATE webhooks_delivery d
    SET state = CASE
            WHEN h.state = 'delivered' OR (h.state = 'exhausted' AND d.state = 'held') THEN h.state
            ELSE d.state
        END,
        next_attempt_at = CASE WHEN h.state = 'delivered' THEN NULL ELSE d.next_attempt_at END,
        delivered_at = CASE WHEN h.state = 'delivered' THEN clock_timestamp() ELSE d.delivered_at END,
        claim_id = NULL, claimed_until = NULL
    FROM heard h {_OURS}
    RETURNING d.id, d.endpoint_id, d.state, h.claim, h.error, h.duration_ms, d.answers_kept
),{_WRITTEN}
done AS (
    DELETE FROM webhooks_extratry x USING settled s WHERE x.delivery_id = s.id AND x.claim_id = s.claim
),
locked AS MATERIALIZED (
    SELECT e.id FROM webhooks_endpoint e
    WHERE %(everyone)s::boolean AND e.id IN (SELECT endpoint_id FROM settled)
    ORDER BY e.id FOR NO KEY UPDATE
),
counted AS ({counting("settled WHERE (SELECT count(*) FROM locked) >= 0")})
SELECT id, state FROM settled
"""  # noqa: S608 - constants only

_GIVE_UP = """
WITH ours AS (
    SELECT * FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[], %(numbers)s::integer[])
        AS ours (delivery, claim, number)
),
given_back AS (
    UPDATE webhooks_delivery d
    SET claim_id = NULL, claimed_until = NULL,
        attempt_count = CASE WHEN d.attempt_count = o.number THEN o.number - 1 ELSE d.attempt_count END,
        state = CASE WHEN d.trigger = 'test' AND d.state = 'held' THEN 'exhausted' ELSE d.state END
    FROM ours o WHERE d.id = o.delivery AND d.claim_id = o.claim
    RETURNING d.id, o.claim
),
done AS (
    DELETE FROM webhooks_extratry x USING given_back g WHERE x.delivery_id = g.id AND x.claim_id = g.claim
)
SELECT id FROM given_back
"""


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


@dataclass(frozen=True, slots=True)
class ExtraSettlement:
    """An extra try, how it ended, and the state that its delivery goes to; None: it stays as it is."""

    claimed: Claimed
    result: Result
    state: Delivery.State | None


def settling(settlements: Sequence[Settlement], *, everyone: bool = False) -> Job[Settled]:
    """Record these tries, move the deliveries on, and reckon their endpoints' health: one statement.

    A delivery whose claim was lost changes nothing and is not in the answer. With `everyone` the rows of all
    endpoints concerned stay locked, for what the caller's transaction does next.
    """
    rows = [
        _row(each.claimed, each.result)
        | {
            "state": each.verdict.state,
            "step": each.verdict.step,
            "late": is_late(each.verdict.step),
            "delay": each.verdict.delay,
        }
        for each in settlements
    ]
    found = yield from running(_SETTLE, {"rows": orjson.dumps(rows), "everyone": everyone})
    return Settled(
        states={uuid(row[0]): text(row[1]) for row in found},
        failing={uuid(row[2]): _run(row) for row in found if row[2]},
        at=moment(found[0][6]) if found else None,
    )


def settle(settlements: Sequence[Settlement], *, everyone: bool = False) -> Settled:
    """`settling`, all of it now."""
    return to_end(settling(settlements, everyone=everyone))


def settle_extra(settlements: Sequence[ExtraSettlement], *, everyone: bool = False) -> dict[UUID, str]:
    """Record these extra tries and be done with them: one statement. The endpoints' health stays.

    Returns the state of each delivery that was still ours. `everyone` as in `settle`.
    """
    rows = [_row(each.claimed, each.result) | {"state": each.state} for each in settlements]
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE_EXTRA, {"rows": orjson.dumps(rows).decode(), "everyone": everyone})
        return dict(cursor.fetchall())


def give_up(claimed: Sequence[Claimed]) -> set[UUID]:
    """Undo the claims of these extra tries, which could not be sent, and make none of them again.

    Returns the deliveries that were still ours.
    """
    values: dict[str, Any] = {
        "deliveries": [each.delivery_id for each in claimed],
        "claims": [each.claim_id for each in claimed],
        "numbers": [each.number for each in claimed],
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_UP, values)
        return {row[0] for row in cursor.fetchall()}


def _run(row: Row) -> Run:
    return Run(since=moment(row[3]), tries=number(row[4]), last=moment(row[5]))


def _row(claimed: Claimed, result: Result) -> dict[str, object]:
    body, headers = excerpt(result, claimed.endpoint)
    return {
        "delivery": claimed.delivery_id,
        "claim": claimed.claim_id,
        "attempt": uuid7(),
        "number": claimed.number,
        "trigger": claimed.trigger,
        "started_at": claimed.started_at,
        "duration_ms": result.duration_ms,
        "status_code": result.status_code,
        "error": result.failure or "",
        "body": body,
        "headers": headers,
        "address": result.address,
    }
