"""What follows from tries that have ended: most in one statement, news in a transaction of its merchant."""

import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from accounts.running import Job, to_end
from events.retrying import once_more, once_more_running
from events.writing import written
from webhooks import claims, ending, health, reporting, timing
from webhooks.claims import Claimed
from webhooks.enabling import tested
from webhooks.ending import ExtraSettlement, Settled, Settlement
from webhooks.exchanges import Result
from webhooks.facts import DeliveryExhausted, EndpointDisabled
from webhooks.filters import is_about_parcel
from webhooks.models import Delivery, Trigger
from webhooks.news import News, lock, tell
from webhooks.ordering import Ended, wake
from webhooks.verdicts import judge, judge_extra

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: What no try follows any more.
_OVER = {Delivery.State.DELIVERED, Delivery.State.EXHAUSTED, Delivery.State.CANCELLED}


def settling(landed: Iterable[tuple[Claimed, Result | None]]) -> Job[None]:
    """Settle ended tries. What exhausts a delivery or meets a 410 is told in the same transaction.

    A result of None stands for a try that could not be made, because its endpoint is unreadable: that one is
    disabled, and the try does not count. Safe to repeat after an error; what was settled stays as it is.
    """
    tries, unsent = [], []
    for claimed, result in landed:
        if result is None:
            unsent.append(claimed)
        else:
            tries.append((claimed, result))
    states = yield from _scheduled([each for each in tries if not each[0].is_extra])
    states |= _settle_extra([each for each in tries if each[0].is_extra])
    for merchant_id, claimeds in _by_merchant(unsent, lambda claimed: claimed).items():
        once_more(partial(_disable_unreadable, merchant_id, claimeds))
    timing.note(tries)
    once_more(partial(wake, [_ended(claimed) for claimed, _ in tries if _makes_way(claimed, states)]))
    reporting.note([*tries, *((claimed, None) for claimed in unsent)])


def settle(landed: Iterable[tuple[Claimed, Result | None]]) -> None:
    """`settling`, all of it now."""
    to_end(settling(landed))


def _scheduled(tries: Sequence[tuple[Claimed, Result]]) -> Job[dict[UUID, str]]:
    now = datetime.now(UTC)
    settlements = [_judged(claimed, result, now) for claimed, result in tries]
    plain = [each for each in settlements if not _is_news(each)]
    states: dict[UUID, str] = {}
    if plain:
        settled = yield from once_more_running(partial(ending.settling, plain))
        states |= _disable_the_ill(plain, settled)
    news = [each for each in settlements if _is_news(each)]
    for merchant_id, told in _by_merchant(news, lambda each: each.claimed).items():
        states |= _disable_the_ill(told, once_more(partial(_settle_with_news, merchant_id, told)))
    return states


def _settle_extra(tries: Sequence[tuple[Claimed, Result]]) -> dict[UUID, str]:
    settlements = [
        ExtraSettlement(claimed, result, judge_extra(result, claimed.trigger)) for claimed, result in tries
    ]
    manual = [each for each in settlements if each.claimed.trigger != Trigger.TEST]
    states = once_more(partial(ending.settle_extra, manual)) if manual else {}
    tests = [each for each in settlements if each.claimed.trigger == Trigger.TEST]
    for merchant_id, own in _by_merchant(tests, lambda each: each.claimed).items():
        states |= once_more(partial(_settle_tests, merchant_id, own))
    return states


def _settle_tests(merchant_id: UUID, settlements: Sequence[ExtraSettlement]) -> dict[UUID, str]:
    """Whether a test arrived may decide about its endpoint."""
    with transaction.atomic():
        states = ending.settle_extra(settlements, everyone=True)
        for each in settlements:
            claimed = each.claimed
            if claimed.delivery_id in states:
                arrived = each.state == Delivery.State.DELIVERED
                tested(merchant_id, claimed.endpoint.id, claimed.delivery_id, arrived)
    return states


def _by_merchant(items: Iterable[T], claimed: Callable[[T], Claimed]) -> dict[UUID, list[T]]:
    """A transaction appends for one merchant."""
    grouped = defaultdict(list)
    for item in items:
        grouped[claimed(item).endpoint.merchant_id].append(item)
    return grouped


def _makes_way(claimed: Claimed, states: Mapping[UUID, str]) -> bool:
    """Whether what comes after it in its stream may go now."""
    return claimed.endpoint.ordered and states.get(claimed.delivery_id) in _OVER


def _ended(claimed: Claimed) -> Ended:
    return Ended(claimed.endpoint.id, claimed.stream, claimed.sequence)


def _is_news(settlement: Settlement) -> bool:
    return settlement.verdict.gone or settlement.verdict.state == Delivery.State.EXHAUSTED


def _judged(claimed: Claimed, result: Result, now: datetime) -> Settlement:
    chance = random.random()  # noqa: S311 - it spreads load and guards nothing
    verdict = judge(result, claimed.endpoint.retry_schedule, claimed.step, chance=chance, now=now)
    return Settlement(claimed, result, verdict)


def _settle_with_news(merchant_id: UUID, settlements: Sequence[Settlement]) -> Settled:
    with transaction.atomic():
        settled = ending.settle(settlements, everyone=True)
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


def _disable_the_ill(settlements: Sequence[Settlement], settled: Settled) -> dict[UUID, str]:
    last = {each.claimed.endpoint.id: each.claimed for each in settlements}
    for endpoint_id, run in settled.failing.items():
        if settled.at and health.is_ill(run, settled.at):
            once_more(partial(_disable_failing, last[endpoint_id], run))
    return settled.states


def _disable_failing(claimed: Claimed, run: health.Run) -> None:
    with transaction.atomic():
        lock({claimed.endpoint.id})
        if health.disable(claimed.endpoint.id, health.Reason.FAILING):
            news = _disabled(claimed, health.Reason.FAILING, failing_since=written(run.since))
            tell(claimed.endpoint.merchant_id, [news])


def _disable_unreadable(merchant_id: UUID, unsent: Sequence[Claimed]) -> None:
    first = {each.endpoint.id: each for each in reversed(unsent)}
    with transaction.atomic():
        claims.give_back([each for each in unsent if not each.is_extra])
        extras = [each for each in unsent if each.is_extra]
        given_up = ending.give_up(extras)
        lock(first)
        for each in extras:
            if each.trigger == Trigger.TEST and each.delivery_id in given_up:
                tested(merchant_id, each.endpoint.id, each.delivery_id, arrived=False)
        reason = health.Reason.SECRET_UNREADABLE
        stopped = [each for id_, each in first.items() if health.disable(id_, reason)]
        tell(merchant_id, [_disabled(each, reason, tries=each.number - 1) for each in stopped])
    for each in stopped:
        logger.error(
            "endpoint %s is disabled: its secret or headers are unreadable",
            each.endpoint.id,
            extra={"endpoint_id": each.endpoint.id, "merchant_id": merchant_id},
        )


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
