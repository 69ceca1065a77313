"""Repeats of a POST: who works on one, and the answer that is kept for the others."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import Error, OperationalError, connection

from accounts.errors import ApiError
from accounts.models import IdempotencyKey

logger = logging.getLogger(__name__)

#: How long an answer is kept, from the first call.
KEPT_FOR = timedelta(hours=24)
#: How long one call may work before another may take its place: longer than any call waits for a carrier.
LEASE = timedelta(seconds=90)
#: Rows that one statement of the sweep deletes.
BATCH = 1000

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOCK_NOT_AVAILABLE = "55P03"

# Taken: by a new key, one whose day is over, or one whose worker died. Who finds it taken changes nothing.
_CLAIM = """
INSERT INTO accounts_idempotencykey AS held (merchant_id, route, key, digest, claim_id, leased_until)
VALUES (%(merchant)s, %(route)s, %(key)s, %(digest)s, %(claim)s,
        clock_timestamp() + make_interval(secs => %(lease)s))
ON CONFLICT (merchant_id, route, key) DO UPDATE
SET digest = excluded.digest, claim_id = excluded.claim_id, leased_until = excluded.leased_until,
    created_at = CASE WHEN held.created_at < now() - make_interval(secs => %(kept)s) THEN now()
                      ELSE held.created_at END,
    status = NULL, headers = NULL, body = NULL, mentions = NULL
WHERE held.created_at < now() - make_interval(secs => %(kept)s)
   OR (held.status IS NULL AND held.leased_until < clock_timestamp() AND held.digest = excluded.digest)
RETURNING id
"""
# Of a call that is under way `mentions` are ids that it may have read before they were erased: see `keep`.
_WARN = """
UPDATE accounts_idempotencykey SET mentions = coalesce(mentions, '{}') || %(mentions)s
WHERE merchant_id = %(merchant)s AND status IS NULL AND route <> %(sparing)s
"""
# Not by `&&`, which compares each of the one with each of the other: a batch of deletions has a thousand ids.
# What an older version kept does not say what it mentions, and may hold any of them.
_ERASE = """
DELETE FROM accounts_idempotencykey
WHERE merchant_id = %(merchant)s AND status IS NOT NULL AND route <> %(sparing)s
  AND (mentions IS NULL OR EXISTS (SELECT FROM unnest(mentions) AS one WHERE one = ANY (%(mentions)s)))
"""
_FORGET = """
DELETE FROM accounts_idempotencykey WHERE id = ANY(ARRAY(
    SELECT id FROM accounts_idempotencykey WHERE created_at < now() - make_interval(secs => %(kept)s)
    ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for under which key, both as digests."""

    merchant_id: UUID
    route: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer, until its lease ends."""

    row: int
    claim_id: UUID


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given."""

    status: int
    headers: Mapping[str, str]
    body: str


def claim(asked: Asked) -> Claim | Kept:
    """The right to answer, or the answer that is there. To be called outside the answer's transaction.

    Raises ApiError: 409 `idempotency_conflict` (the key was used for something else), 409 `request_conflict`
    (the same call is under way).
    """
    claim_id = uuid4()
    row = _inserted(asked, claim_id)
    if row is not None:
        return Claim(row, claim_id)
    found = IdempotencyKey.objects.filter(
        merchant_id=asked.merchant_id, route=asked.route, key=asked.key
    ).first()
    if found is not None and found.digest != asked.digest:
        message = "This Idempotency-Key was used on this route for another request; take a new one."
        raise ApiError(409, "idempotency_conflict", message)
    if found is None or found.status is None:
        raise under_way()
    return Kept(found.status, found.headers or {}, found.body or "")


def under_way() -> ApiError:
    """409 `request_conflict`."""
    message = "A request with this Idempotency-Key is under way."
    return ApiError(409, "request_conflict", message, {"Retry-After": "1"})


def keep(claim: Claim, answer: Kept) -> bool:
    """Keep the answer, in the transaction of its effect. False: it is not kept, and nothing may stand.

    That is so where the claim was lost, and where the answer tells of what was erased meanwhile. The last row
    that a transaction locks: who erases a tracker takes its answers with it.
    """
    mentions = [UUID(text) for text in dict.fromkeys(_ID.findall(answer.body))]
    ours = IdempotencyKey.objects.filter(id=claim.row, claim_id=claim.claim_id, status=None)
    return bool(
        ours.exclude(mentions__overlap=mentions).update(
            status=answer.status, headers=dict(answer.headers), body=answer.body, mentions=mentions
        )
    )


def erase(merchant_id: UUID, mentions: Sequence[UUID], *, sparing: str = "") -> None:
    """Delete the merchant's answers that hold one of these ids; what is under way now keeps none such.

    Within the transaction that erases, and once more after it: a call that began meanwhile may have read what
    was there before. `sparing` is a route whose answers stay. Two statements.
    """
    values: dict[str, Any] = {"merchant": merchant_id, "mentions": list(mentions), "sparing": sparing}
    with connection.cursor() as cursor:
        cursor.execute(_WARN, values)
        cursor.execute(_ERASE, values)


def release(claim: Claim) -> None:
    """Give the right back, so that a repeat starts anew at once. What cannot be released runs out."""
    if not connection.in_atomic_block:  # there it would take a sound one for left behind, and close it
        connection.close_if_unusable_or_obsolete()
    try:
        IdempotencyKey.objects.filter(id=claim.row, claim_id=claim.claim_id, status=None).delete()
    except Error:
        logger.exception("an idempotency key was not released; its lease ends within %s", LEASE)


def forget_expired() -> int:
    """Delete some of the rows whose day is over, oldest first; how many. Locked ones are left for later."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"kept": KEPT_FOR.total_seconds(), "batch": BATCH})
        return int(cursor.rowcount)


def _inserted(asked: Asked, claim_id: UUID) -> int | None:
    values: dict[str, UUID | str | float] = {
        "merchant": asked.merchant_id,
        "route": asked.route,
        "key": asked.key,
        "digest": asked.digest,
        "claim": claim_id,
        "lease": LEASE.total_seconds(),
        "kept": KEPT_FOR.total_seconds(),
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, values)
            found = cursor.fetchone()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise under_way() from error
    return None if found is None else int(found[0])
