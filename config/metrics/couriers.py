"""Carrier accounts and endpoints by how they are, and what is left of the day's calls: never of one alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone
from prometheus_client.metrics_core import Metric

from carriers.budget import day_of, key_quota_of, service_quota_of
from carriers.models import CarrierAccount, Health
from carriers.registry import adapters
from config.metrics.families import Sample, gauge, single
from webhooks.models import Endpoint

# What is left is the least of the account's own number, its key's and that of all accounts at the courier;
# as `carriers.budget` reckons it, for all accounts at once. An account without any number is not in it.
_ACCOUNTS = """
WITH day AS (
    SELECT * FROM unnest(%(couriers)s::text[], %(days)s::date[], %(of_key)s::integer[], %(of_all)s::integer[])
        AS day (courier, date, of_key, of_all)
),
standing AS (
    SELECT a.courier, CASE WHEN a.merchant_id IS NULL THEN 'house' ELSE 'merchant' END AS owner,
           CASE WHEN a.state = 'active' AND a.resting_until > statement_timestamp() THEN 'resting'
                ELSE a.state END AS state,
           coalesce(h.circuit, 'closed') AS circuit, h.pace,
           least(a.daily_quota, day.of_key, day.of_all) AS quota,
           greatest(least(
               a.daily_quota - coalesce(own.reserved, 0),
               day.of_key - greatest(coalesce(own.reserved, 0), coalesce(key.reserved, 0)),
               day.of_all - coalesce(whole.reserved, 0)
           ), 0) AS calls_left
    FROM carriers_carrieraccount a
    LEFT JOIN day ON day.courier = a.courier
    LEFT JOIN carriers_health h ON h.account_id = a.id
    LEFT JOIN carriers_dailyuse own ON own.account_id = a.id AND own.day = day.date
    LEFT JOIN carriers_keyuse key ON key.fingerprint = a.fingerprint AND key.day = day.date
    LEFT JOIN carriers_dailyuse whole
           ON whole.account_id IS NULL AND whole.courier = a.courier AND whole.day = day.date
)
SELECT courier, owner, state, circuit, count(*), count(pace), min(pace),
       min(calls_left), min(calls_left::float8 / nullif(quota, 0))
FROM standing GROUP BY courier, owner, state, circuit
"""

_ENDPOINTS = """
SELECT state, count(*), count(slow_since) FROM webhooks_endpoint WHERE deleted_at IS NULL GROUP BY state
"""


class _Group(NamedTuple):
    """Accounts that are alike. `slowed`: those whose carrier asked to slow down; None: there is no figure."""

    courier: str
    owner: str
    state: str
    circuit: str
    accounts: int
    slowed: int
    slowest: float | None
    calls_left: int | None
    share_left: float | None


def couriers() -> Iterator[Metric]:
    """Of carrier accounts: one statement."""
    groups = _groups()
    yield gauge(
        "carrier_accounts",
        "Carrier accounts by their state; resting: the carrier wants no calls for a while",
        ["courier", "owner", "state"],
        _summed([((one.courier, one.owner, one.state), one.accounts) for one in groups]),
    )
    none = [((courier, circuit), 0) for courier in adapters() for circuit in Health.Circuit.values]
    yield gauge(
        "carrier_circuits",
        "Carrier accounts by their circuit; while it is open nothing is sent with them",
        ["courier", "circuit"],
        _summed([*none, *(((one.courier, one.circuit), one.accounts) for one in groups)]),
    )
    yield gauge(
        "carrier_accounts_slowed",
        "Carrier accounts that ask more slowly because the carrier wants that",
        ["courier"],
        _summed([*(((courier,), 0) for courier in adapters()), *(((g.courier,), g.slowed) for g in groups)]),
    )
    asking = [one for one in groups if one.state != CarrierAccount.State.PAUSED]
    for name, says, figure in _LEAST:
        yield gauge(name, says, ["courier", "owner"], _least([(one, figure(one)) for one in asking]))


#: Figures of which the worst account counts.
_LEAST: Sequence[tuple[str, str, Callable[[_Group], float | None]]] = (
    (
        "carrier_pace_least",
        "Calls a second of the account that was slowed down most",
        lambda one: one.slowest,
    ),
    (
        "carrier_quota_left_least",
        "Calls left today of the account that has fewest",
        lambda one: one.calls_left,
    ),
    ("carrier_quota_left_least_ratio", "The same as a share of its day", lambda one: one.share_left),
)


def endpoints() -> Iterator[Metric]:
    """Of endpoints: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINTS)
        rows = cursor.fetchall()
    none = [((state,), 0) for state in Endpoint.State.values]
    yield gauge(
        "endpoints", "Endpoints by their state", ["state"],
        _summed([*none, *(((state,), count) for state, count, _ in rows)]),
    )  # fmt: skip
    slow = sum(slow for _, _, slow in rows)
    yield single("endpoints_slow", "Endpoints that keep timing out, and go at the late pace", slow)


def _groups() -> list[_Group]:
    now = timezone.now()
    known = list(adapters())
    values: dict[str, Any] = {
        "couriers": known,
        "days": [day_of(courier, now) for courier in known],
        "of_key": [key_quota_of(courier) for courier in known],
        "of_all": [service_quota_of(courier) for courier in known],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, values)
        return [_Group(*row) for row in cursor.fetchall()]


def _summed(samples: Iterable[tuple[Sequence[str], int]]) -> list[Sample]:
    totals: dict[Sequence[str], int] = {}
    for labels, figure in samples:
        totals[labels] = totals.get(labels, 0) + figure
    return list(totals.items())


def _least(samples: Iterable[tuple[_Group, float | None]]) -> list[Sample]:
    least: dict[Sequence[str], float] = {}
    for group, figure in samples:
        if figure is not None:
            labels = (group.courier, group.owner)
            least[labels] = min(figure, least.get(labels, figure))
    return list(least.items())
