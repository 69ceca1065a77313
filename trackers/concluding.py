"""What polls come to: recorded where they tell something, settled where they do not."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import DataError, Error, IntegrityError
from structlog.contextvars import bound_contextvars

from accounts.measuring import Timing
from carriers import tallying, unmapped
from carriers.digest import digest
from carriers.exceptions import BadResponse, CarrierError, NotYourParcel
from carriers.outcome import Outcome
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from events.retrying import apart
from trackers.claims import Claim, Settled, settle
from trackers.deciding import next_poll, seconds
from trackers.keeping import keep_useless
from trackers.learned import Polled, polled, sightings
from trackers.outliving import close_outlived
from trackers.recording import record
from trackers.schedule import BACKOFF, Situation

logger = logging.getLogger(__name__)

POLLS = Timing(
    "poll_duration_seconds",
    "How long carriers took to answer a poll, by what came of it",
    ("courier", "outcome"),
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0),
)


class Claimed(Protocol):
    """Which watch was asked about, and with whose account."""

    @property
    def claim(self) -> Claim: ...

    @property
    def own_account(self) -> bool: ...


class Ended(Protocol):
    """How asking ended: one of the two is there."""

    @property
    def snapshot(self) -> Snapshot | None: ...

    @property
    def error(self) -> CarrierError | None: ...

    @property
    def took(self) -> float: ...


class Concluding:
    """Answers that are concluded: what says nothing new at once, the others a merchant at a time.

    What the database refuses twice stays claimed until its lease ends, and is asked again then; it holds up
    nobody else.
    """

    def __init__(self) -> None:
        #: What tells something, by merchant; who has waited longest comes first.
        self._telling: dict[UUID, list[Polled]] = {}

    def __len__(self) -> int:
        """How many merchants wait."""
        return len(self._telling)

    def take(self, ended: Sequence[tuple[Claimed, Ended]]) -> list[Claim]:
        """Settle those that only say "nothing new": one UPDATE for all of them. Returns their claims."""
        learned = [_judged(asked, answer) for asked, answer in ended]
        tallying.note(
            (one.settled.claim.account, one.settled.outcome, answer.took)
            for one, (_, answer) in zip(learned, ended, strict=True)
        )
        POLLS.note(
            ((one.settled.claim.courier, one.settled.outcome), answer.took)
            for one, (_, answer) in zip(learned, ended, strict=True)
        )
        quiet: list[Polled] = []
        for one in learned:
            if _worth_recording(one):
                self._telling.setdefault(one.settled.claim.merchant, []).append(one)
            else:
                quiet.append(one)
        apart(partial(settle, [one.settled for one in quiet]))
        apart(partial(keep_useless, quiet))
        return _concluded(quiet)

    def record_next(self) -> list[Claim]:
        """Record what waits longest, with all of its merchant. Returns the claims; none where all is done."""
        if not self._telling:
            return []
        merchant = next(iter(self._telling))
        telling = self._telling.pop(merchant)
        with bound_contextvars(merchant_id=merchant):
            apart(partial(_record, merchant, telling))
            apart(partial(unmapped.count, sightings(telling)))
        return _concluded(telling)


def conclude(ended: Sequence[tuple[Claimed, Ended]]) -> None:
    """Record and settle answers, all of them."""
    concluding = Concluding()
    concluding.take(ended)
    while concluding.record_next():
        pass


def _concluded(ended: Sequence[Polled]) -> list[Claim]:
    claims = [one.settled.claim for one in ended]
    apart(partial(close_outlived, claims))
    return claims


def _record(merchant: UUID, group: Sequence[Polled]) -> None:
    """Record a merchant's batch. What cannot be recorded, whyever, is set apart from the others."""
    try:
        record(merchant, group)
    except Exception as error:
        if isinstance(error, Error) and not isinstance(error, DataError | IntegrityError):
            raise
        if len(group) > 1:
            for one in group:
                _record(merchant, [one])
            return
        claim = group[0].settled.claim
        logger.exception("the answer for watch %s could not be recorded", claim.watch, extra=claim.ids)
        settle([_failed(claim, Outcome.BAD_RESPONSE, "The answer could not be recorded.")[0]])


def _worth_recording(one: Polled) -> bool:
    if one.tells:
        return True
    claim = one.settled.claim
    return one.snapshot is not None and (one.settled.digest != claim.last_digest or bool(claim.absent))


def _judged(asked: Claimed, answer: Ended) -> Polled:
    """A fault of our own with one answer is that one's bad answer, and holds up no other."""
    try:
        return _learned(asked, answer)
    except Exception:
        logger.exception(
            "the answer for watch %s could not be judged", asked.claim.watch, extra=asked.claim.ids
        )
        return _without_answer(asked, BadResponse("The answer could not be recorded."))


def _learned(asked: Claimed, answer: Ended) -> Polled:
    claim = asked.claim
    if answer.snapshot is None:
        return _without_answer(asked, answer.error or CarrierError())
    seen = digest(answer.snapshot, adapter(claim.courier).map_version, asked.own_account)
    situation = Situation(outcome=Outcome.UNCHANGED if seen == claim.last_digest else Outcome.OK)
    decision = next_poll(claim, situation)
    settled = Settled(
        claim,
        situation.outcome.value,
        seconds(decision),
        digest=seen,
        set_aside=len(answer.snapshot.set_aside),
        ignored=answer.snapshot.ignored,
        absent=claim.absent,
        urgency=decision.urgency,
    )
    return polled(
        settled,
        situation,
        own_account=asked.own_account,
        snapshot=answer.snapshot,
        tells=decision.tells,
    )


def _without_answer(asked: Claimed, error: CarrierError) -> Polled:
    told = None if error.outcome is Outcome.NOT_FOUND else error.detail
    settled, situation, tells = _failed(
        asked.claim,
        error.outcome,
        told,
        retry_after=error.retry_after,
        not_ours=isinstance(error, NotYourParcel),
    )
    return polled(
        settled,
        situation,
        own_account=asked.own_account,
        tells=tells,
        excerpt=error.excerpt,
    )


def _failed(
    claim: Claim,
    outcome: Outcome,
    error: str | None,
    *,
    retry_after: float | None = None,
    not_ours: bool = False,
) -> tuple[Settled, Situation, bool]:
    """A poll without an answer: what settles it, and whether the schedule tells something of it.

    A parcel that is not this account's is due at once, by the next account.
    """
    failures = claim.failures + 1 if outcome in BACKOFF else 0
    situation = Situation(outcome=outcome, failures=failures, retry_after=retry_after)
    decision = next_poll(claim, situation)
    delay = seconds(decision)
    settled = Settled(
        claim,
        outcome.value,
        0.0 if not_ours and delay else delay,
        error=error,
        failures=failures,
        absent=claim.absent,
        not_ours=not_ours,
        urgency=None if not_ours else decision.urgency,
    )
    return settled, situation, decision.tells
