"""Ask several couriers about one number, once and at once, without a tracker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import NAMESPACE_OID, uuid4, uuid5

from django.utils import timezone

from carriers.adapter import Query
from carriers.budget import Reservation
from carriers.choosing import Choice
from carriers.exceptions import CarrierError, KeyExhausted, KeyRejected, NotYourParcel
from carriers.fetching import Fetched, Fetcher
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.reserving import give_back
from carriers.snapshot import Snapshot
from carriers.taking import Withheld, take

#: Seconds between two looks at what was answered, while a slower courier is waited for.
TICK = 0.05
#: What another account may do better.
_OF_THE_ACCOUNT = (KeyRejected, KeyExhausted, NotYourParcel)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one courier said at last: a snapshot, or an error; neither where no answer came in time."""

    courier: str
    own_account: bool = False
    snapshot: Snapshot | None = None
    error: CarrierError | None = None


@dataclass(frozen=True, slots=True)
class _Asking:
    """A question under way, and the accounts that are left if this one's answer is about the account."""

    courier: str
    choice: Choice
    left: tuple[Choice, ...]
    asked_at: datetime
    reserved: Reservation


@dataclass(slots=True)
class Consultation:
    """One number, asked about until `ends` (of time.monotonic()). `hints` are those of `adapter.Query`."""

    number: str
    hints: Mapping[str, str]
    ends: float
    _fetcher: Fetcher[_Asking] = field(default_factory=Fetcher)

    def hold(self, choices: Mapping[str, Sequence[Choice]]) -> list[Heard]:
        """Ask each courier with the first of its accounts; what was heard, in the order of the couriers.

        Where a key is refused or used up, its account is suspended or rests, and the next one is asked with;
        so too where the parcel is another account's, or an account may not be asked with at this moment.
        Every courier needs an account.
        """
        heard: dict[str, Heard] = {}
        for courier, accounts in choices.items():
            if refused := self._ask(courier, accounts):
                heard[courier] = Heard(courier, error=refused)
        while self._fetcher.in_flight and (left := self.ends - monotonic()) > 0:
            for answer in self._fetcher.collect(min(TICK, left)):
                give_back([(answer.context.reserved, answer.made)])
                heed([_ended(self.number, answer)] if answer.asked else [])
                asked = answer.context
                others = isinstance(answer.error, _OF_THE_ACCOUNT) and asked.left
                if not others or self._ask(asked.courier, others):
                    heard[asked.courier] = _heard(answer)
        return [heard.get(courier, Heard(courier)) for courier in choices]

    def _ask(self, courier: str, choices: Sequence[Choice]) -> CarrierError | None:
        """Start asking with the first of these accounts that may be asked with; else why none may."""
        refused: CarrierError | None = None
        for nth, choice in enumerate(choices, start=1):
            try:
                reserved = take(choice.account.credentials.account_id)
            except Withheld as error:
                refused = refused or error
            else:
                self._submit(courier, choice, tuple(choices[nth:]), reserved)
                return None
        return refused

    def _submit(self, courier: str, choice: Choice, left: tuple[Choice, ...], reserved: Reservation) -> None:
        now = timezone.now()
        query = Query(
            self.number,
            choice.account.credentials,
            asked_at=now,
            since=now,
            tracker_id=uuid4(),
            hints=self.hints,
            follow=False,
        )
        asking = _Asking(courier, choice, left, now, reserved)
        self._fetcher.submit(asking, courier, query, reserved.start_by)


def _heard(answer: Fetched[_Asking]) -> Heard:
    asked = answer.context
    return Heard(asked.courier, asked.choice.account.own, answer.snapshot, answer.error)


def _ended(number: str, answer: Fetched[_Asking]) -> Ended:
    """What it says of the account that asked; of a key that was changed since it says nothing."""
    choice = answer.context.choice
    call = Call(uuid5(NAMESPACE_OID, number), answer.context.asked_at, answer.error)
    return Ended(choice.account.credentials.account_id, call, key_from=choice.changed_at)
