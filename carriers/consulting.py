"""Ask several couriers about one number, once and at once, without a tracker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from uuid import NAMESPACE_OID, uuid4, uuid5

from django.utils import timezone

from carriers.adapter import Query
from carriers.choosing import Choice
from carriers.exceptions import CarrierError, KeyExhausted, KeyRejected, NotYourParcel
from carriers.fetching import Fetched, Fetcher
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.snapshot import Snapshot

#: Seconds between two looks at what was answered, while a slower courier is waited for.
TICK = 0.05


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
        so too where the parcel is another account's. Every courier needs an account.
        """
        heard: dict[str, Heard] = {}
        for courier, (first, *others) in choices.items():
            self._ask(courier, first, tuple(others))
        while self._fetcher.in_flight and (left := self.ends - monotonic()) > 0:
            for answer in self._fetcher.collect(min(TICK, left)):
                heed([_ended(self.number, answer)])
                asked = answer.context
                if isinstance(answer.error, KeyRejected | KeyExhausted | NotYourParcel) and asked.left:
                    self._ask(asked.courier, asked.left[0], asked.left[1:])
                else:
                    heard[asked.courier] = _heard(answer)
        return [heard.get(courier, Heard(courier)) for courier in choices]

    def _ask(self, courier: str, choice: Choice, left: tuple[Choice, ...]) -> None:
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
        self._fetcher.submit(_Asking(courier, choice, left, now), courier, query)


def _heard(answer: Fetched[_Asking]) -> Heard:
    asked = answer.context
    return Heard(asked.courier, asked.choice.account.own, answer.snapshot, answer.error)


def _ended(number: str, answer: Fetched[_Asking]) -> Ended:
    """What it says of the account that asked; of a key that was changed since it says nothing."""
    choice = answer.context.choice
    call = Call(uuid5(NAMESPACE_OID, number), answer.context.asked_at, answer.error)
    return Ended(choice.account.credentials.account_id, call, key_from=choice.changed_at)
