"""The claims of deliveries: taking what is due, renewing leases, giving back. Times are the database's."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from uuid_utils.compat import uuid7

from accounts.binary import TRUE, float8, moment, number, text, uuid
from accounts.running import Job, Row, running, to_end
from events.retrying import once_more
from webhooks import extra, lanes
from webhooks.loading import Kept
from webhooks.models import Endpoint
from webhooks.paces import Pace

logger = logging.getLogger(__name__)

#: Tries cut off by the sender's own death that cost no step of the schedule.
FORGIVEN = 3

# A lease that has run out is not renewed, though nobody took it over: its place in the lane may be taken.
# By their ids through the index, however few rows the table had when this was planned.
_RENEW = """
UPDATE webhooks_delivery d SET claimed_until = clock_timestamp() + %(lease)s::float8 * interval '1 second'
FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[]) AS ours (delivery, claim)
WHERE d.id = ANY (%(deliveries)s::uuid[])
  AND d.id = ours.delivery AND d.claim_id = ours.claim AND d.claimed_until >= clock_timestamp()
RETURNING d.id
"""

# A number that somebody has gone past is not used again.
_GIVE_BACK = """
UPDATE webhooks_delivery d
SET claim_id = NULL, claimed_until = NULL,
    attempt_count = CASE WHEN d.attempt_count = ours.number THEN ours.number - 1 ELSE d.attempt_count END
FROM unnest(%(deliveries)s::uuid[], %(claims)s::uuid[], %(numbers)s::integer[])
    AS ours (delivery, claim, number)
WHERE d.id = ours.delivery AND d.claim_id = ours.claim
"""


_of_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send, try `number`, until the lease ends.

    The endpoint comes without its secrets where they do not decrypt (`webhooks.loading`).
    `spent`: do not send it, its last try was cut off once too often; settle it as abandoned.
    `trigger` is one of `Trigger`; `is_extra`: the try is none of the schedule (`webhooks.extra`).
    """

    claim_id: UUID
    endpoint: Endpoint
    is_extra: bool
    delivery_id: UUID
    message_id: UUID
    number: int
    step: int
    started_at: datetime
    spent: bool
    trigger: str
    type: str
    stream: UUID
    sequence: int
    body: bytes


class Taken(NamedTuple):
    """What a claim took. `overdue`: seconds for which the first try that could start first had been due."""

    claims: list[Claimed]
    overdue: float


def taking(limit: int, paces: Sequence[Pace] = tuple(Pace), *, of_slow: bool = True) -> Job[Taken]:
    """Claim up to `limit` deliveries: what was asked for first, up to half of them, then the longest due.

    Those of the first of `paces` come first; what was asked for goes at the pace of first tries. With
    `of_slow` false, first tries of slow endpoints are left to another claim. Every statement is a transaction
    of its own; a constant number of them, and more where something is rare.

    No endpoint gets more than its `max_in_flight` at once and its `rate_limit` in a second, extra tries
    aside. The try counts from here on. A delivery whose lease has run out is taken over: its cut-off try is
    recorded as abandoned. Raises InvalidToken, and gives back what it claimed, where our keys open no
    endpoint's secrets.
    """
    claim = uuid7()
    values = {"claim": claim, "lease": settings.DELIVERY_LEASE, "forgiven": FORGIVEN}
    began = time.monotonic()
    asked = extra.take(-(-limit // 2), values) if Pace.FIRST in paces else []
    due: list[tuple[Any, ...]] = []
    overdue = 0.0
    try:
        for pace, statement in ((one, each) for one in paces for each in lanes.TAKE[one]):
            left = limit - len(asked) - len(due)
            if left > 0 and (of_slow or statement != lanes.OF_SLOW):
                answer = yield from running(statement, lanes.asking(left, values))
                found = _found(answer)
                if pace is Pace.FIRST:
                    overdue = found.overdue or 0.0
                due += found.rows
                if found.wants_another_round(left):
                    due += lanes.go_on(statement, left, values, found)
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block or not asked + due:
            raise
        # Those before would otherwise wait for the end of their leases, and count as abandoned.
        logger.warning("fewer deliveries claimed: %s", error)
    claimed = _claimed(claim, asked, due)
    if claimed and time.monotonic() - began >= settings.DELIVERY_LEASE:
        # This process stood still meanwhile: another may send them by now.
        give_back([each for each in claimed if not each.spent])
        return Taken([each for each in claimed if each.spent], 0.0)
    return Taken(claimed, overdue)


def take(limit: int, paces: Sequence[Pace] = tuple(Pace)) -> list[Claimed]:
    """`taking`, all of it now."""
    return to_end(taking(limit, paces)).claims


def oldest_due(paces: Sequence[Pace] = tuple(Pace)) -> datetime | None:
    """Since when the first of what a claim would find now has been waiting; None: it would find nothing."""
    asked = extra.oldest_asked(FORGIVEN) if Pace.FIRST in paces else None
    moments = (lanes.oldest_due(paces), asked)
    return min((moment for moment in moments if moment), default=None)


def renewing(claimed: Sequence[Claimed]) -> Job[set[UUID]]:
    """Prolong those of these leases that still hold. Returns their deliveries."""
    found = yield from running(_RENEW, _named(claimed) | {"lease": settings.DELIVERY_LEASE})
    return {uuid(row[0]) for row in found}


def give_back(claimed: Sequence[Claimed]) -> None:
    """Undo these claims, except that a cut-off try before them stays recorded: they were not sent."""
    _give_back([(each.delivery_id, each.claim_id, each.number) for each in claimed])


def _give_back(tries: Sequence[tuple[UUID, UUID, int]]) -> None:
    if tries:
        deliveries, claims, numbers = map(list, zip(*tries, strict=True))
        values = {"deliveries": deliveries, "claims": claims, "numbers": numbers}
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, values)


def _named(claimed: Sequence[Claimed]) -> dict[str, Any]:
    return {
        "deliveries": [each.delivery_id for each in claimed],
        "claims": [each.claim_id for each in claimed],
    }


def _claimed(claim: UUID, asked: list[tuple[Any, ...]], due: list[tuple[Any, ...]]) -> list[Claimed]:
    rows = asked + due
    try:
        versions = {row[0]: row[-1] for row in rows}
        endpoints = once_more(partial(_kept().load, versions)) if rows else {}
    except InvalidToken:
        # Wrong keys: no try is spent on them. What is spent has its cut-off try still to be recorded.
        _give_back([(row[1], claim, row[3]) for row in rows if not row[6]])
        raise
    return [Claimed(claim, endpoints[row[0]], nth < len(asked), *row[1:12]) for nth, row in enumerate(rows)]


def _kept() -> Kept:
    kept: Kept | None = getattr(_of_thread, "kept", None)
    if kept is None:
        kept = _of_thread.kept = Kept()
    return kept


def _found(answer: Sequence[Row]) -> lanes.Found:
    """What a statement of `lanes.TAKE` answered, from its binary form."""
    first = answer[0]
    overdue = None if first[2] is None else float8(first[2])
    rows = [_row(row) for row in answer if row[3]]
    return lanes.Found(rows, number(first[0]), number(first[1]), overdue)


def _row(row: Row) -> tuple[Any, ...]:
    return (
        _endpoint_id(row[3]),
        uuid(row[4]),
        uuid(row[5]),
        number(row[6]),
        number(row[7]),
        moment(row[8]),
        row[9] == TRUE,
        text(row[10]),
        text(row[11]),
        uuid(row[12]),
        number(row[13]),
        row[14],
        text(row[15]),
    )


#: A few ids come again and again.
_endpoint_id = lru_cache(maxsize=10_000)(uuid)
