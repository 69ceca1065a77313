"""One harmless question with a carrier account: is its key accepted?"""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from django.conf import settings
from django.db import connection
from uuid_utils.compat import uuid7

from accounts.errors import ApiError
from carriers import accounts
from carriers.adapter import Credentials, Query
from carriers.budget import Reservation
from carriers.exceptions import CarrierError, NotFoundYet, NotYourParcel, TooLate, Unreachable
from carriers.fetching import Fetched, Fetcher
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from carriers.reserving import give_back
from carriers.taking import Withheld, take
from trackers import tasks, waiting

#: A number that no carrier gives, and that all take for one.
NOBODYS = "PARCELWIRE-TEST"
_NOBODY = uuid5(NAMESPACE_OID, NOBODYS)
#: Seconds beyond the call's own deadline, for its thread to say so.
_BEYOND = 1.0


@dataclass(frozen=True, slots=True)
class Trial:
    """How it ended: `ok` means that the carrier accepted the key. `error` is in words, None where it did."""

    outcome: Outcome
    error: str | None = None


def try_out(account: CarrierAccount) -> Trial:
    """Ask once, outside any transaction. A key that is refused is suspended, as polling would have it.

    Raises ApiError 429 where a quarter of the threads wait for carriers already.
    """
    asked_at = _now()
    usable = accounts.usable([account.id]).get(account.id)
    if usable is None:
        return Trial(Outcome.ACCOUNT_SUSPENDED, "The key cannot be decrypted.")
    with waiting.room.place() as given:
        if not given:
            message = "Too many requests wait for carriers at present."
            raise ApiError(429, "too_many_requests", message, {"Retry-After": "1"})
        try:
            ended = _asked(account.courier, usable.credentials, asked_at, take(account.id, probing=True))
        except Withheld as error:
            return _told(error)
    if not ended.asked:
        return _told(TooLate())
    if heed([Ended(account.id, Call(_NOBODY, asked_at, ended.error))]):
        tasks.nudge_accounts()
    return _told(ended.error)


def _asked(
    courier: str, credentials: Credentials, asked_at: datetime, reserved: Reservation
) -> Fetched[None]:
    query = Query(NOBODYS, credentials, asked_at=asked_at, since=asked_at, tracker_id=uuid7(), follow=False)
    fetcher: Fetcher[None] = Fetcher()
    fetcher.submit(None, courier, query, reserved.start_by)
    ended = fetcher.collect(settings.CARRIER_DEADLINE + _BEYOND)
    give_back((reserved, one.made) for one in ended)
    return ended[0] if ended else Fetched(None, error=Unreachable(), made=reserved.calls)


def _told(error: CarrierError | None) -> Trial:
    """That nobody knows the number is what a carrier says to a key that it knows."""
    if error is None or isinstance(error, NotFoundYet | NotYourParcel):
        return Trial(Outcome.OK)
    return Trial(error.outcome, error.detail)


def _now() -> datetime:
    """The database's clock, as a change of the key is dated by it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
