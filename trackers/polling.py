"""Poll what is due: claim, ask the carriers, record, until nothing is due or the time is up.

A call that hangs holds up nobody: it gives its place back (`trackers.places`), and a run whose time is up
leaves it to the next one of the process.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from uuid import UUID

from django.conf import settings

from accounts import progress
from carriers import accounts, tallying
from carriers.accounts import Account
from carriers.adapter import Query
from carriers.exceptions import Unreachable
from carriers.fetching import Fetched, Fetcher
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.reserving import give_back
from events.retrying import apart, once_more
from trackers import reporting
from trackers.books import Books
from trackers.carrier_accounts.telling import tell
from trackers.claiming import oldest_due, pace_allows_in
from trackers.claims import Claim, Settled, claim, renew, settle
from trackers.places import Place, places
from webhooks.stopping import stop

#: Ended calls that are concluded at once, and places for which more is claimed at once: both cost nearly as
#: much for one as for many. Seconds that fewer wait for more.
ENOUGH, GATHER = 40, 0.05
#: After a look that found nothing so many times as long as it took passes before the next, unless a call ends
#: meanwhile: where there are many accounts, a look is not cheap.
REST = 4
#: Seconds until a watch is looked at again whose account turned out not to be asked.
UNASKED_DELAY = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A claimed watch, and whether the account that asks for it is the merchant's own."""

    claim: Claim
    own_account: bool
    #: That of its call in this process; None where none is made.
    place: Place | None = None


class _Asking(Fetcher[Asked]):
    """Calls that give their places back as they end, whenever that is collected."""

    def is_wanted(self) -> bool:
        return not stop.is_set()

    def begun(self, context: Asked) -> None:
        if context.place:
            context.place.began = monotonic()

    def ended(self, fetched: Fetched[Asked]) -> None:
        if place := fetched.context.place:
            answered = fetched.asked and not isinstance(fetched.error, Unreachable)
            places.give_back(place, monotonic(), answered=answered)


#: What earlier runs of this process left under way.
_left: deque[_Asking] = deque()


class Poller:
    """One run of polling in one process. What answered is recorded while others are asked."""

    def __init__(self) -> None:
        try:
            self._fetcher = _left.popleft()
        except IndexError:
            self._fetcher = _Asking()
        self._fetcher.begin_anew()
        self._books = Books()
        self._accounts: dict[UUID, Account] = {}
        self._renew_at = self._claim_at = self._rests_until = monotonic()

    def run(self, budget: float) -> int:
        """Poll for `budget` seconds, and until no call is under way but what hangs.

        A worker that is to stop waits for that too. Returns how many polls ended.
        """
        try:
            ended = self._run(monotonic() + budget)
        finally:
            if self._fetcher.in_flight:
                _left.append(self._fetcher)
            self._books.close()
            tallying.leave(0)
            reporting.leave()
        return ended

    def _run(self, until: float) -> int:
        ended = 0
        while True:
            going_on = monotonic() < until and not stop.is_set()
            started = self._start() if going_on else 0
            finished = self._fetcher.collect(GATHER, ENOUGH)
            self._conclude(finished)
            if self._books.have_moved():
                self._rests_until = 0.0
            ended += len(finished)
            tallying.leave()
            self._renew()
            if not (started or finished or self._is_waiting(until if going_on else 0.0)):
                return ended

    def _is_waiting(self, until: float) -> bool:
        """Whether there is something to wait for: an answer, its record, or a pace that allows more soon."""
        now = monotonic()
        if in_flight := self._fetcher.in_flight:
            hangs = all(_hangs(asked, now) for asked in in_flight)
            # Leases of what is not recorded yet are renewed as long as the run goes on.
            return now < until or stop.is_set() or not hangs or len(self._books) > 0
        if self._books:
            if self._books.have_moved(GATHER):
                self._rests_until = 0.0
            return True
        wait = pace_allows_in() if now < until else None
        return wait is not None and now + wait < until and not stop.wait(max(wait, GATHER))

    def _start(self) -> int:
        now = monotonic()
        room = places.free(now) - len(self._books)
        # Where there is room for a few only, not at once: a claim costs them nearly as much as many.
        few = room < ENOUGH and (now < self._claim_at or len(self._books) >= ENOUGH)
        if room <= 0 or now < self._rests_until or few:
            return 0
        self._claim_at = now + GATHER
        free = places.free_for(now, settings.POLL_IN_FLIGHT_PER_ACCOUNT)
        claims = once_more(partial(claim, room, free))
        progress.made()
        if not claims:
            self._rests_until = monotonic() + REST * (monotonic() - now)
        self._look_up(claims)
        asking, left = _parted(claims, self._is_as_counted)
        unasked(left)
        give_back((one.reserved, 0) for one in left)
        # Those of an account together, so that they end, and are recorded, together.
        for one in sorted(asking, key=lambda one: one.account):
            self._ask(one, self._accounts[one.account])
        return len(asking)

    def _ask(self, one: Claim, account: Account) -> None:
        query = Query(
            one.number,
            account.credentials,
            asked_at=one.claimed_at,
            since=one.since,
            tracker_id=one.tracker,
            hints=one.hints,
            follow=one.tracked,
        )
        start_by = one.reserved.start_by if one.reserved else None
        asked = Asked(one, account.own, places.take(one.account))
        self._fetcher.submit(asked, one.courier, query, start_by)

    def _look_up(self, claims: Iterable[Claim]) -> None:
        """Accounts are looked up once a run, and again where they were changed since."""
        unknown = {one.account for one in claims if not self._is_as_counted(one)}
        if unknown:
            found = once_more(partial(accounts.usable, unknown))
            self._accounts = {id_: one for id_, one in self._accounts.items() if id_ not in unknown} | found

    def _is_as_counted(self, one: Claim) -> bool:
        """Whether the account is as it was when the calls were reserved: another key has its own day."""
        account = self._accounts.get(one.account)
        return account is not None and one.account_version == account.version

    def _conclude(self, finished: Sequence[Fetched[Asked]]) -> None:
        if finished:
            reporting.note(finished)
            apart(partial(heed_all, finished))
            give_back((one.context.claim.reserved, one.made) for one in finished)
            unasked([one.context.claim for one in finished if not one.asked])
        self._books.take([(one.context, one) for one in finished if one.asked], len(self._fetcher))

    def _renew(self) -> None:
        if monotonic() >= self._renew_at:
            held = [asked.claim for asked in self._fetcher.in_flight] + self._books.waiting
            apart(partial(renew, held))
            self._renew_at = monotonic() + settings.POLL_LEASE / 3


def _hangs(asked: Asked, now: float) -> bool:
    return asked.place is not None and asked.place.is_held_long(now)


def finish() -> None:
    """See to its end what hung when this process was told to stop, and conclude it: nobody else will."""
    while _left:
        Poller().run(0)


def is_more_to_do() -> bool:
    """Whether a run that follows would find something: what is due, what may be soon, what hangs."""
    return bool(_left) or oldest_due() is not None or pace_allows_in() is not None


def _parted(claims: Iterable[Claim], are: Callable[[Claim], bool]) -> tuple[list[Claim], list[Claim]]:
    """Those that are, and the others."""
    found: tuple[list[Claim], list[Claim]] = ([], [])
    for one in claims:
        found[0 if are(one) else 1].append(one)
    return found


def heed_all(finished: Iterable[Fetched[Asked]]) -> None:
    """Heed what answers say of the accounts that asked, and tell merchants whose accounts they suspend."""
    calls = [(one.context.claim, one.error) for one in finished if one.asked]
    if heed([Ended(one.account, Call(one.tracker, one.claimed_at, error)) for one, error in calls]):
        tell()


def unasked(claims: Iterable[Claim]) -> None:
    """Give back watches that nobody was asked about; soon somebody may be."""
    given_back = [
        Settled(one, "", UNASKED_DELAY, asked=False, failures=one.failures, absent=one.absent)
        for one in claims
    ]
    apart(partial(settle, given_back))
