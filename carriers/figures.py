"""How polls went in the last 24 hours: over all accounts by hour, and of the accounts that fare worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts import rollups
from accounts.rollups import FIRST_HOUR
from carriers import standings
from carriers.conditions import Condition, calls_left, condition, with_health
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from carriers.tallying import totals

#: Polls that the carrier answered, be it that it does not know the number.
ANSWERED = [Outcome.OK.value, Outcome.UNCHANGED.value, Outcome.NOT_FOUND.value]

_HOURS = f"""
SELECT since, sum(polls), coalesce(sum(polls) FILTER (WHERE outcome <> ALL (%(answered)s)), 0)
FROM carriers_polltally WHERE account_id IS NULL AND since >= {FIRST_HOUR}
GROUP BY since ORDER BY since
"""  # noqa: S608 - constants only

# First who asks nothing though it should, then by the share of polls that failed.
_WORST = f"""
WITH recent AS (
    SELECT account_id, sum(polls) AS polls, sum(duration_ms) AS duration_ms, max(slowest_ms) AS slowest_ms,
           coalesce(sum(polls) FILTER (WHERE outcome <> ALL (%(answered)s)), 0) AS failed
    FROM carriers_polltally WHERE account_id IS NOT NULL AND since >= {FIRST_HOUR}
    GROUP BY account_id
)
SELECT account.id, coalesce(recent.polls, 0), coalesce(recent.failed, 0), recent.duration_ms,
       recent.slowest_ms, count(*) OVER ()
FROM carriers_carrieraccount AS account
LEFT JOIN carriers_health AS health ON health.account_id = account.id
LEFT JOIN recent ON recent.account_id = account.id
ORDER BY account.state <> 'suspended', coalesce(health.circuit, 'closed') = 'closed',
         coalesce(account.resting_until <= statement_timestamp(), TRUE),
         recent.failed / nullif(recent.polls, 0) DESC NULLS LAST, recent.polls DESC NULLS LAST, account.id
LIMIT %(most)s
"""  # noqa: S608 - constants only

_HOURS_OF = f"""
SELECT account_id, since, sum(polls), coalesce(sum(polls) FILTER (WHERE outcome <> ALL (%(answered)s)), 0)
FROM carriers_polltally WHERE account_id = ANY (%(accounts)s::uuid[]) AND since >= {FIRST_HOUR}
GROUP BY account_id, since
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Hour:
    """Polls that were settled in the hour that begins then, and those of them that were not answered."""

    since: datetime
    polls: int
    failed: int


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """One account: how it is, and its polls of the last 24 hours. Milliseconds are of its carrier's calls.

    `hours` by their beginning, those without polls left out. `calls_left` None: nobody counts; `pace`, calls
    a second, None: unbounded.
    """

    account: CarrierAccount
    condition: Condition
    polls: int
    failed: int
    average_ms: int | None
    slowest_ms: int | None
    calls_left: int | None
    pace: float | None
    hours: dict[datetime, Hour]

    @property
    def succeeded_share(self) -> float | None:
        """From 0 to 1; None: there were no polls."""
        return 1 - self.failed / self.polls if self.polls else None


@dataclass(frozen=True, slots=True)
class Worst:
    """The accounts that fare worst, worst first, and how many accounts there are."""

    accounts: list[AccountFigures]
    total: int


def hours() -> list[Hour]:
    """The polls of all accounts, by hour, from the oldest on: one statement."""
    return [Hour(since, int(polls), int(failed)) for since, polls, failed in _rows(_HOURS)]


def worst(most: int) -> Worst:
    """So many accounts at most: three statements, however many there are."""
    found = _rows(_WORST, most=most)
    ids: list[UUID] = [row[0] for row in found]
    accounts = with_health(CarrierAccount.objects.defer("key", "push_secret").select_related("merchant"))
    by_id = accounts.in_bulk(ids)
    hourly: dict[UUID, dict[datetime, Hour]] = {}
    for account, since, polls, failed in _rows(_HOURS_OF, accounts=ids):
        hourly.setdefault(account, {})[since] = Hour(since, int(polls), int(failed))
    now = timezone.now()
    figures = [_figures(by_id[row[0]], row, hourly.get(row[0], {}), now) for row in found if row[0] in by_id]
    return Worst(figures, found[0][-1] if found else 0)


def counted_at() -> datetime | None:
    """When polls were last counted; None: they never were. One statement."""
    return rollups.counted_at(totals())


def _figures(
    account: CarrierAccount, row: Sequence[Any], by_hour: dict[datetime, Hour], now: datetime
) -> AccountFigures:
    _, polls, failed, duration_ms, slowest_ms, _ = row
    return AccountFigures(
        account=account,
        condition=condition(account, now),
        polls=int(polls),
        failed=int(failed),
        average_ms=round(duration_ms / polls) if polls else None,
        slowest_ms=slowest_ms,
        calls_left=calls_left(account, now),
        pace=standings.of_account(account).rate,
        hours=by_hour,
    )


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"answered": ANSWERED} | values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
