"""What ended calls say of the accounts that asked: keys that are refused or used up, circuits and paces."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction

from carriers import accounts, standings
from carriers.exceptions import KeyExhausted, KeyRejected, Throttled, Unreachable
from carriers.health import Call, Circuit, Standing, after
from events.retrying import once_more

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that ended, of this account. `key_from`: since when the key was in use that it was made with.

    A key that was changed after that is not to blame. None: since the call began. By the database's clock.
    """

    account: UUID
    call: Call
    key_from: datetime | None = None


def heed(heard: Sequence[Ended]) -> set[UUID]:
    """Suspend and rest accounts, and keep their health. Returns those that were suspended by this.

    While all is well this is one statement for all of them, which writes nothing.
    """
    suspended = {one.account for one in heard if _judged(one)}
    calls: dict[UUID, list[Call]] = defaultdict(list)
    for one in heard:
        calls[one.account].append(one.call)
    troubled = {account for account, ended in calls.items() if any(map(_complains, ended))}
    well = calls.keys() - troubled
    if well:
        troubled |= standings.changed_by_an_answer(well)
    if troubled:
        once_more(partial(_note, {account: calls[account] for account in troubled}))
    return suspended


def _judged(one: Ended) -> bool:
    """Whether this call was the one that suspended its account."""
    key_from = one.key_from or one.call.asked_at
    match one.call.error:
        case KeyRejected() as error:
            return accounts.suspend(one.account, error.detail, asked_at=key_from)
        case KeyExhausted() as error:
            accounts.rest(one.account, error.resting_until, asked_at=key_from)
    return False


def _complains(call: Call) -> bool:
    return isinstance(call.error, Unreachable | Throttled)


@transaction.atomic
def _note(calls: Mapping[UUID, Sequence[Call]]) -> None:
    """Two statements, however many accounts there are."""
    before, now = standings.locked(calls)
    told = {account: after(standing, calls[account], now) for account, standing in before.items()}
    standings.write({account: standing for account, standing in told.items() if standing != before[account]})
    transaction.on_commit(partial(_alert, before, told))


def _alert(before: Mapping[UUID, Standing], told: Mapping[UUID, Standing]) -> None:
    """Once as it opens, and not each time that its probe fails."""
    for account, now in told.items():
        was = before[account]
        if was.circuit is Circuit.CLOSED and now.circuit is Circuit.OPEN:
            logger.warning(
                "the circuit of carrier account %s is open, its carrier cannot be reached: %s",
                account,
                now.last_failure,
                extra={"carrier_account_id": account},
            )
        elif was.circuit is not Circuit.CLOSED and now.circuit is Circuit.CLOSED:
            logger.info(
                "the circuit of carrier account %s is closed again",
                account,
                extra={"carrier_account_id": account},
            )
        if was.pace is None and now.pace is not None:
            logger.warning(
                "carrier account %s is asked to slow down, to %.3g calls a second",
                account,
                now.pace,
                extra={"carrier_account_id": account},
            )
