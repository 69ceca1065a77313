"""Polls in the log: sums by how they ended, and of failures the first few, with their ids."""

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from accounts.reporting import Report
from carriers.exceptions import CarrierError
from carriers.outcome import Outcome
from trackers.claims import Claim

logger = logging.getLogger(__name__)

_report = Report(logger, "polls ended", "a poll failed")
#: A number that the carrier does not know yet is an answer.
_ANSWERS = frozenset({"answered", Outcome.NOT_FOUND.value})


class Asked(Protocol):
    """Which watch was asked about."""

    @property
    def claim(self) -> Claim: ...


class Ended(Protocol):
    """How asking ended; whether it was asked at all."""

    @property
    def context(self) -> Asked: ...

    @property
    def error(self) -> CarrierError | None: ...

    @property
    def asked(self) -> bool: ...


def note(ended: Sequence[Ended]) -> None:
    """Calls that ended. Nothing of what the carrier said is told."""
    asked = [one for one in ended if one.asked]
    _report.note(map(_outcome, asked))
    for one, outcome in _failed(asked):
        _report.tell(one.context.claim.ids, outcome)


leave = _report.leave


def _failed(asked: Iterable[Ended]) -> Iterable[tuple[Ended, str]]:
    return (
        (one, outcome)
        for one in asked
        if one.error and (outcome := _outcome(one)) not in _ANSWERS and _report.wants_examples
    )


def _outcome(one: Ended) -> str:
    return one.error.outcome.value if one.error else "answered"
