"""Carriers push: what they tell is recorded for the trackers that are watched through the account it came by.

Nothing is settled, and no claim is disturbed: a poll of the same watch goes on as if nothing had been pushed,
and finds what was pushed in the log. So a scan is one scan, whichever way it comes first. After a push the
next poll is compared with the log, though it says what the last one said.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import DataError, Error, IntegrityError
from django.db.models import F
from django.db.models.functions import Now
from structlog.contextvars import bound_contextvars

from accounts.errors import ApiError
from carriers import unmapped
from carriers.accounts import Account
from carriers.adapter import Adapter, Pushed, Query
from carriers.digest import digest
from carriers.exceptions import CarrierError
from events.retrying import apart, once_more
from trackers.learned import Learned, sightings
from trackers.models import Watch
from trackers.recording import record

logger = logging.getLogger(__name__)

Told = tuple[UUID, Learned]


def receive(courier: Adapter, account: Account, pushed: Sequence[Pushed]) -> None:
    """Record what was pushed by way of this account. What speaks of no tracker watched through it is ignored.

    A merchant's news is one transaction. Raises ApiError 503 where nothing at all could be stored, so that
    the carrier calls again; what was stored already is silent then.
    """
    told = sorted(_told(courier, account, pushed), key=lambda one: one[0])
    groups = [
        (merchant, [one for _, one in group]) for merchant, group in groupby(told, key=lambda one: one[0])
    ]
    stored = []
    for merchant, group in groups:
        with bound_contextvars(merchant_id=merchant):
            stored.append(_stored(merchant, group))
    if stored and not any(stored):
        raise ApiError(503, "processing_error", "Nothing could be stored now.", {"Retry-After": "60"})
    apart(partial(unmapped.count, sightings(one for _, one in told)))


def _told(courier: Adapter, account: Account, pushed: Sequence[Pushed]) -> Iterator[Told]:
    """By merchant, what can be read of what is about trackers that are watched so."""
    about = {one.tracker_id: one for one in pushed}
    for watch in _watched(courier.code, account, about):
        query = Query(
            watch["number"],
            account.credentials,
            asked_at=watch["now"],
            since=watch["since"],
            tracker_id=watch["tracker_id"],
        )
        try:
            snapshot = courier.parse_pushed(about[watch["tracker_id"]], query)
        except CarrierError as error:
            ids = {
                "watch_id": watch["id"],
                "tracker_id": watch["tracker_id"],
                "merchant_id": watch["merchant_id"],
            }
            logger.warning("a push for watch %s could not be read: %s", watch["id"], error.detail, extra=ids)
            continue
        yield (
            watch["merchant_id"],
            Learned(
                watch=watch["id"],
                tracker=watch["tracker_id"],
                courier=courier.code,
                asked_at=watch["now"],
                own_account=account.own,
                snapshot=snapshot,
                digest=digest(snapshot, courier.map_version, account.own),
                written_at=about[watch["tracker_id"]].written_at,
            ),
        )


def _watched(courier: str, account: Account, about: Mapping[UUID, Pushed]) -> list[dict[str, Any]]:
    """The watches that this very account asks for, of subscribed trackers; one query."""
    mine = Watch.objects.filter(
        carrier_account=account.credentials.account_id,
        courier=courier,
        tracker__in=about,
        tracker__is_subscribed=True,
    )
    told = mine.values("id", "tracker_id", "merchant_id").annotate(
        number=F("tracker__tracking_number"), since=F("tracker__created_at"), now=Now()
    )
    return [dict(row) for row in told]


def _stored(merchant: UUID, group: Sequence[Learned]) -> bool:
    """Record a merchant's part. What the database cannot hold is left out, and is no reason to call again."""
    try:
        once_more(partial(record, merchant, group))
    except (DataError, IntegrityError):
        if len(group) > 1:
            alone = [_stored(merchant, [one]) for one in group]
            return any(alone)
        ids = {"watch_id": group[0].watch, "tracker_id": group[0].tracker}
        logger.exception("a push for watch %s could not be recorded", group[0].watch, extra=ids)
    except Error:
        logger.exception("the database refused twice; the carrier is to call again")
        return False
    return True
