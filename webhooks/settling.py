"""What follows from tries that have ended: most in one statement, news in a transaction of its merchant."""

import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from events.retrying import once_more
from events.writing import written
from webhooks import claims, health
from webhooks.claims import Claimed, Settled, Settlement
from webhooks.exchanges import Result
from webhooks.facts import DeliveryExhausted, EndpointDisabled
from webhooks.filters import is_about_parcel
from webhooks.models import Delivery, Endpoint
from webhooks.news import News, tell
from webhooks.verdicts import judge

logger = logging.getLogger(__name__)


def settle(landed: Iterable[tuple[Claimed, Result | None]]) -> None:
    """Settle ended tries. What exhausts a delivery or meets a 410 is told in the same transaction.

    A result of None stands for a try that could not be made, because its endpoint is unreadable: that one is
    disabled, and the try does not count. Safe to repeat after an error; what was settled stays as it is.
    """
    now = datetime.now(UTC)
    plain, news, unsent = [], defaultdict(list), defaultdict(list)
    for claimed, result in landed:
        if result is None:
            unsent[claimed.endpoint.merchant_id].append(claimed)
            continue
        settlement = _judged(claimed, result, now)
        if settlement.verdict.gone or settlement.verdict.state == Delivery.State.EXHAUSTED:
            news[claimed.endpoint.merchant_id].append(settlement)
        else:
            plain.append(settlement)
    if plain:
        _disable_the_ill(plain, once_more(partial(claims.settle, plain)))
    for merchant_id, settlements in news.items():
        settled = once_more(partial(_settle_with_news, merchant_id, settlements))
        _disable_the_ill(settlements, settled)
    for merchant_id, claimeds in unsent.items():
        once_more(partial(_disable_unreadable, merchant_id, claimeds))


def _judged(claimed: Claimed, result: Result, now: datetime) -> Settlement:
    chance = random.random()  # noqa: S311 - it spreads load and guards nothing
    verdict = judge(result, claimed.endpoint.retry_schedule, claimed.step, chance=chance, now=now)
    return Settlement(claimed, result, verdict)


def _settle_with_news(merchant_id: UUID, settlements: Sequence[Settlement]) -> Settled:
    with transaction.atomic():
        _lock({each.claimed.endpoint.id for each in settlements})
        settled = claims.settle(settlements)
        ours = [each for each in settlements if each.claimed.delivery_id in settled.states]
        news = [
            _exhausted(each)
            for each in ours
            if settled.states[each.claimed.delivery_id] == Delivery.State.EXHAUSTED
        ]
        news += [
            _disabled(each.claimed, health.Reason.GONE)
            for each in ours
            if each.verdict.gone and health.disable(each.claimed.endpoint.id, health.Reason.GONE)
        ]
        tell(merchant_id, news)
    return settled


def _disable_the_ill(settlements: Sequence[Settlement], settled: Settled) -> None:
    last = {each.claimed.endpoint.id: each.claimed for each in settlements}
    for endpoint_id, run in settled.failing.items():
        if settled.at and health.is_ill(run, settled.at):
            once_more(partial(_disable_failing, last[endpoint_id], run))


def _disable_failing(claimed: Claimed, run: health.Run) -> None:
    with transaction.atomic():
        _lock({claimed.endpoint.id})
        if health.disable(claimed.endpoint.id, health.Reason.FAILING):
            news = _disabled(claimed, health.Reason.FAILING, failing_since=written(run.since))
            tell(claimed.endpoint.merchant_id, [news])


def _disable_unreadable(merchant_id: UUID, unsent: Sequence[Claimed]) -> None:
    first = {each.endpoint.id: each for each in reversed(unsent)}
    with transaction.atomic():
        _lock(first)
        claims.give_back(unsent)
        reason = health.Reason.SECRET_UNREADABLE
        stopped = [each for id_, each in first.items() if health.disable(id_, reason)]
        tell(merchant_id, [_disabled(each, reason, tries=each.number - 1) for each in stopped])
    for each in stopped:
        logger.error("endpoint %s is disabled: its secret or headers are unreadable", each.endpoint.id)


def _lock(endpoint_ids: Iterable[UUID]) -> None:
    """Their rows come before the merchant's advisory lock, in order of id."""
    found = Endpoint.objects.select_for_update(no_key=True).filter(id__in=endpoint_ids).order_by("id")
    list(found.values_list("id"))


def _exhausted(settlement: Settlement) -> News:
    claimed, result = settlement.claimed, settlement.result
    fact = DeliveryExhausted(
        webhook_id=str(claimed.endpoint.id),
        delivery_id=str(claimed.delivery_id),
        message_id=str(claimed.message_id),
        message_type=claimed.type,
        tracker_id=str(claimed.stream) if is_about_parcel(claimed.type) else None,
        sequence=claimed.sequence,
        attempt_count=claimed.number,
        error=result.failure or "",
        status_code=result.status_code,
    )
    # Two dead endpoints would otherwise tell each other for ever that they cannot be told.
    return News(claimed.endpoint.id, fact, silent=claimed.type == DeliveryExhausted.type)


def _disabled(
    claimed: Claimed, reason: health.Reason, *, failing_since: str | None = None, tries: int | None = None
) -> News:
    fact = EndpointDisabled(
        webhook_id=str(claimed.endpoint.id),
        reason=reason,
        failing_since=failing_since,
        delivery_id=str(claimed.delivery_id),
        attempt=claimed.number if tries is None else tries,
        _claim_id=str(claimed.claim_id),
    )
    return News(claimed.endpoint.id, fact)
