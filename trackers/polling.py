"""Poll what is due: claim, ask the carriers, record, until nothing is due or the time is up."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import DataError, IntegrityError

from carriers import accounts
from carriers.adapter import Query
from carriers.digest import digest
from carriers.exceptions import CarrierError, KeyExhausted, KeyRejected, NotYourParcel
from carriers.fetching import Fetched, Fetcher
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from carriers.registry import adapter
from trackers.claims import Claim, Settled, claim, renew, settle
from trackers.deciding import next_poll, seconds
from trackers.learned import Learned
from trackers.recording import record
from trackers.schedule import BACKOFF, Decision, Situation, decide
from webhooks.retrying import once_more

logger = logging.getLogger(__name__)

#: Calls that one process has under way at once, over all accounts.
MOST_IN_FLIGHT = 100
#: Seconds to wait for answers before looking for more that is due.
TICK = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """A claimed watch, and whether the account that asks for it is the merchant's own."""

    claim: Claim
    own_account: bool


class Poller:
    """One run of polling in one process. What answered is recorded while slow carriers are waited for."""

    def __init__(self) -> None:
        self._fetcher: Fetcher[Asked] = Fetcher()
        self._renew_at = monotonic() + settings.POLL_LEASE / 3

    def run(self, budget: float) -> int:
        """Poll for `budget` seconds, and as long as calls are under way. Returns how many polls ended."""
        until = monotonic() + budget
        ended = 0
        while True:
            started = self._start() if monotonic() < until else 0
            finished = self._fetcher.collect(timeout=TICK)
            conclude(finished)
            ended += len(finished)
            self._renew()
            if not (started or finished or self._fetcher.in_flight):
                return ended

    def _start(self) -> int:
        room = MOST_IN_FLIGHT - len(self._fetcher.in_flight)
        claims = claim(room) if room > 0 else []
        by_id = CarrierAccount.objects.in_bulk({one.account for one in claims}) if claims else {}
        for one in claims:
            account = by_id[one.account]
            query = Query(one.number, accounts.credentials(account), asked_at=one.claimed_at, since=one.since)
            self._fetcher.submit(Asked(one, account.merchant_id is not None), one.courier, query)
        return len(claims)

    def _renew(self) -> None:
        if monotonic() >= self._renew_at:
            renew(asked.claim for asked in self._fetcher.in_flight)
            self._renew_at = monotonic() + settings.POLL_LEASE / 3


def conclude(finished: Sequence[Fetched[Asked]]) -> None:
    """Record and settle answers. What only says "nothing new" is one UPDATE for all of them."""
    _heed(finished)
    learned = [_learned(one) for one in finished]
    settle([one.settled for one in learned if not _worth_recording(one)])
    telling = [one for one in learned if _worth_recording(one)]
    telling.sort(key=lambda one: one.settled.claim.merchant)
    for merchant, group in groupby(telling, key=lambda one: one.settled.claim.merchant):
        _record(merchant, list(group))


def _record(merchant: UUID, group: Sequence[Learned]) -> None:
    """Record a merchant's batch. What the database cannot hold is set apart from its neighbours."""
    try:
        once_more(partial(record, merchant, group))
    except (DataError, IntegrityError):
        if len(group) > 1:
            for one in group:
                _record(merchant, [one])
        else:
            claim = group[0].settled.claim
            logger.exception("the answer for watch %s could not be recorded", claim.watch)
            settle([_failed(claim, Outcome.BAD_RESPONSE, "The answer could not be recorded.")])


def _heed(finished: Iterable[Fetched[Asked]]) -> None:
    """Suspend or rest the accounts that an answer speaks of."""
    for one in finished:
        claim = one.context.claim
        match one.error:
            case KeyRejected():
                accounts.suspend(claim.account, one.error.detail, asked_at=claim.claimed_at)
            case KeyExhausted():
                accounts.rest(claim.account, one.error.resting_until)


def _worth_recording(one: Learned) -> bool:
    if one.stop_reason:
        return True
    claim = one.settled.claim
    return one.snapshot is not None and (one.settled.digest != claim.last_digest or bool(claim.absent))


def _learned(one: Fetched[Asked]) -> Learned:
    claim = one.context.claim
    if one.snapshot is None:
        return _without_answer(one)
    seen = digest(one.snapshot, adapter(claim.courier).map_version, one.context.own_account)
    outcome = Outcome.UNCHANGED if seen == claim.last_digest else Outcome.OK
    decision = next_poll(claim, Situation(outcome=outcome))
    settled = Settled(
        claim,
        outcome.value,
        seconds(decision),
        digest=seen,
        set_aside=len(one.snapshot.set_aside),
        absent=claim.absent,
    )
    return Learned(settled, one.snapshot, one.context.own_account, decision.stop_reason)


def _without_answer(one: Fetched[Asked]) -> Learned:
    claim, error = one.context.claim, one.error
    if error is None or not one.asked:
        unasked = Settled(claim, "", 0.0, asked=False, failures=claim.failures, absent=claim.absent)
        return Learned(unasked)
    settled, decision = _refused(claim, error)
    return Learned(settled, stop_reason=decision.stop_reason)


def _refused(claim: Claim, error: CarrierError) -> tuple[Settled, Decision]:
    failed = error.outcome in BACKOFF
    situation = Situation(
        outcome=error.outcome,
        failures=claim.failures + 1 if failed else 0,
        retry_after=error.retry_after,
    )
    decision = next_poll(claim, situation)
    not_ours = isinstance(error, NotYourParcel)
    settled = _failed(claim, error.outcome, None if error.outcome is Outcome.NOT_FOUND else error.detail)
    return replace(
        settled,
        delay=0.0 if not_ours and decision.delay else seconds(decision),
        failures=situation.failures,
        not_ours=not_ours,
    ), decision


def _failed(claim: Claim, outcome: Outcome, error: str | None) -> Settled:
    slow = seconds(decide(Situation(outcome=outcome, failures=claim.failures + 1)))
    return Settled(claim, outcome.value, slow, error=error, failures=claim.failures + 1, absent=claim.absent)
