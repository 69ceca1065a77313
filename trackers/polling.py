"""Poll what is due: claim, ask the carriers, record, until nothing is due or the time is up."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic

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
#: Seconds to wait for answers before looking for more that is due.
TICK = 0.05
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
        self._renew_at = monotonic() + settings.POLL_LEASE / 3

    def run(self, budget: float) -> int:
        """Poll for `budget` seconds, and as long as calls are under way. Returns how many polls ended."""
        until = monotonic() + budget
        ended = 0
        while True:
            going_on = monotonic() < until and not stop.is_set()
            started = self._start() if going_on else 0
            finished = self._fetcher.collect(timeout=TICK)
            apart(partial(heed_all, finished))
            give_back((one.context.claim.reserved, one.made) for one in finished)
            unasked([one.context.claim for one in finished if not one.asked])
            conclude([(one.context, one) for one in finished if one.asked])
            ended += len(finished)
            self._renew()
            if not (started or finished or self._fetcher.in_flight):
                return ended

    def _start(self) -> int:
        room = MOST_IN_FLIGHT - len(self._fetcher.in_flight)
        claims = once_more(partial(claim, room)) if room > 0 else []
        usable = accounts.usable({one.account for one in claims}) if claims else {}
        asking = [one for one in claims if _as_counted(one, usable.get(one.account))]
        left = [one for one in claims if one not in asking]
        unasked(left)
        give_back((one.reserved, 0) for one in left)
        for one in asking:
            account = usable[one.account]
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
        return len(asking)

    def _renew(self) -> None:
        if monotonic() >= self._renew_at:
            apart(partial(renew, [asked.claim for asked in self._fetcher.in_flight]))
            self._renew_at = monotonic() + settings.POLL_LEASE / 3


def heed_all(finished: Iterable[Fetched[Asked]]) -> None:
    """Heed what answers say of the accounts that asked, and tell merchants whose accounts they suspend."""
    calls = [(one.context.claim, one.error) for one in finished if one.asked]
    if heed([Ended(one.account, Call(one.tracker, one.claimed_at, error)) for one, error in calls]):
        tell()


def _as_counted(one: Claim, account: Account | None) -> bool:
    """Whether the account is what it was when the calls were reserved: another key has a day of its own."""
    return account is not None and one.account_version == account.version


def unasked(claims: Iterable[Claim]) -> None:
    """Give back watches that nobody was asked about; soon somebody may be."""
    given_back = [
        Settled(one, "", UNASKED_DELAY, asked=False, failures=one.failures, absent=one.absent)
        for one in claims
    ]
    apart(partial(settle, given_back))
