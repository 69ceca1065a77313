"""Poll what is due: claim, ask the carriers, record, until nothing is due or the time is up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from uuid import UUID

from django.conf import settings

from carriers import accounts
from carriers.accounts import Account
from carriers.adapter import Query
from carriers.fetching import Fetched, Fetcher
from carriers.health import Call
from carriers.heeding import Ended, heed
from carriers.reserving import give_back
from events.retrying import apart, once_more
from trackers.carrier_accounts.telling import tell
from trackers.claims import Claim, Settled, claim, renew, settle
from trackers.concluding import conclude
from webhooks.stopping import stop

#: Calls that one process has under way at once, over all accounts.
MOST_IN_FLIGHT = 100
#: Ended calls that are concluded at once, and places for which more is claimed at once: both cost nearly as
#: much for one as for many. Seconds that fewer wait for more.
ENOUGH, GATHER = 40, 0.05
#: Seconds until a watch is looked at again whose account turned out not to be asked.
UNASKED_DELAY = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A claimed watch, and whether the account that asks for it is the merchant's own."""

    claim: Claim
    own_account: bool


class Poller:
    """One run of polling in one process. What answered is recorded while slow carriers are waited for."""

    def __init__(self) -> None:
        self._fetcher: Fetcher[Asked] = Fetcher()
        self._accounts: dict[UUID, Account] = {}
        self._renew_at = monotonic() + settings.POLL_LEASE / 3
        self._claim_at = 0.0

    def run(self, budget: float) -> int:
        """Poll for `budget` seconds, and as long as calls are under way. Returns how many polls ended."""
        until = monotonic() + budget
        ended = 0
        while True:
            going_on = monotonic() < until and not stop.is_set()
            started = self._start() if going_on and self._is_time_to_claim() else 0
            finished = self._fetcher.collect(GATHER, ENOUGH)
            self._conclude(finished)
            ended += len(finished)
            self._renew()
            if not (started or finished or len(self._fetcher)):
                return ended

    def _room(self) -> int:
        return MOST_IN_FLIGHT - len(self._fetcher)

    def _is_time_to_claim(self) -> bool:
        """Where there is room for a few only, not more often than every GATHER seconds."""
        return self._room() >= ENOUGH or (self._room() > 0 and monotonic() >= self._claim_at)

    def _start(self) -> int:
        self._claim_at = monotonic() + GATHER
        claims = once_more(partial(claim, self._room()))
        self._look_up(claims)
        asking, left = _parted(claims, self._is_as_counted)
        unasked(left)
        give_back((one.reserved, 0) for one in left)
        # Those of a merchant together, so that they end together and are recorded together.
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
        self._fetcher.submit(Asked(one, account.own), one.courier, query, start_by)

    def _look_up(self, claims: Iterable[Claim]) -> None:
        """Accounts are looked up once a run, and again where they were changed since."""
        unknown = {one.account for one in claims if not self._is_as_counted(one)}
        if unknown:
            found = accounts.usable(unknown)
            self._accounts = {id_: one for id_, one in self._accounts.items() if id_ not in unknown} | found

    def _is_as_counted(self, one: Claim) -> bool:
        """Whether the account is as it was when the calls were reserved: another key has its own day."""
        account = self._accounts.get(one.account)
        return account is not None and one.account_version == account.version

    def _conclude(self, finished: Sequence[Fetched[Asked]]) -> None:
        if not finished:
            return
        apart(partial(heed_all, finished))
        give_back((one.context.claim.reserved, one.made) for one in finished)
        unasked([one.context.claim for one in finished if not one.asked])
        conclude([(one.context, one) for one in finished if one.asked])

    def _renew(self) -> None:
        if monotonic() >= self._renew_at:
            apart(partial(renew, [asked.claim for asked in self._fetcher.in_flight]))
            self._renew_at = monotonic() + settings.POLL_LEASE / 3


def heed_all(finished: Iterable[Fetched[Asked]]) -> None:
    """Heed what answers say of the accounts that asked, and tell merchants whose accounts they suspend."""
    calls = [(one.context.claim, one.error) for one in finished if one.asked]
    if heed([Ended(one.account, Call(one.tracker, one.claimed_at, error)) for one, error in calls]):
        tell()


def _parted(claims: Iterable[Claim], are: Callable[[Claim], bool]) -> tuple[list[Claim], list[Claim]]:
    """Those that are, and the others."""
    found: tuple[list[Claim], list[Claim]] = ([], [])
    for one in claims:
        found[0 if are(one) else 1].append(one)
    return found


def unasked(claims: Iterable[Claim]) -> None:
    """Give back watches that nobody was asked about; soon somebody may be."""
    given_back = [
        Settled(one, "", UNASKED_DELAY, asked=False, failures=one.failures, absent=one.absent)
        for one in claims
    ]
    apart(partial(settle, given_back))
