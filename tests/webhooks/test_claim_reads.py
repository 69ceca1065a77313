"""What a claim reads: as much where a million wait as where a few do. Rows and pages are counted."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.webhooks.at_once import mark
from tests.webhooks.cast import EndpointFactory
from webhooks import lanes
from webhooks.claims import take
from webhooks.models import Endpoint
from webhooks.paces import Pace

pytestmark = pytest.mark.django_db

#: So many that reading them all could not be overlooked.
MANY = 20_000
#: How many times as many rows a claim may read because of them.
AT_MOST = 1.3
#: How many more pages: what a test undoes is not cleaned up before its end.
TRACES = MANY / 4

_OWE = """
WITH told AS (
    INSERT INTO webhooks_message (id, merchant_id, type, stream, sequence, body)
    SELECT uuidv7(), %(merchant)s, 'tracking.updated', uuidv7(), 1, '{}' FROM generate_series(1, %(count)s)
    RETURNING id
)
INSERT INTO webhooks_delivery (id, message_id, endpoint_id, state, next_attempt_at, late)
SELECT uuidv7(), id, %(endpoint)s, 'pending', clock_timestamp() - %(seconds)s * interval '1 second', %(late)s
FROM told
"""


def owe_many(endpoint: Endpoint, count: int = MANY, *, late: bool = False, seconds: int = 600) -> None:
    values = {"merchant": endpoint.merchant_id, "endpoint": endpoint.id, "count": count, "late": late}
    with connection.cursor() as cursor:
        cursor.execute(_OWE, {**values, "seconds": seconds})


@dataclass(frozen=True)
class Cost:
    """Pages that a claim looked at, rows of deliveries that it read, and those that it took."""

    pages: int
    rows: int
    taken: int


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


def explained(statement: str) -> dict[str, Any]:
    """The plan of a statement that was run, and undone."""
    values = lanes.asking(100, {"claim": uuid7(), "lease": 30.0, "forgiven": 3})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE webhooks_delivery, webhooks_endpoint, webhooks_lane, webhooks_message")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
        (found,) = cursor.fetchone()
        transaction.set_rollback(True)
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def cost(pace: Pace) -> Cost:
    """Of one claim of 100 at this pace, all its statements."""
    pages = rows = taken = 0
    for statement in lanes.TAKE[pace]:
        plan = explained(statement)
        pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        for node in nodes(plan):
            reads = node["Node Type"].endswith("Scan") and node.get("Relation Name") == "webhooks_delivery"
            removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            rows += round((node["Actual Rows"] + removed) * node["Actual Loops"]) if reads else 0
            is_write = node["Node Type"] == "ModifyTable" and node.get("Subplan Name") == "CTE taken"
            taken += round(node["Actual Rows"]) if is_write else 0
    return Cost(pages, rows, taken)


def assert_as_cheap(now: Cost, before: Cost) -> None:
    assert now.taken == before.taken
    assert now.rows <= before.rows * AT_MOST
    assert now.pages <= before.pages + TRACES


@pytest.fixture
def endpoints(alice: Merchant) -> Sequence[Endpoint]:
    """Ten that are owed some of both kinds, and have been sent some before."""
    made = [EndpointFactory(merchant=alice, max_in_flight=30) for _ in range(10)]
    # The index is high already: each level is a page more of every look into it.
    owe_many(EndpointFactory(merchant=alice, state="paused"), 2 * MANY)
    for each in made:
        owe_many(each, 60, seconds=60)
        owe_many(each, 60, seconds=60, late=True)
    take(20)
    return made


@pytest.mark.parametrize(("pace", "late"), [(Pace.FIRST, False), (Pace.LATE, True)])
def test_a_claim_of_many_that_are_due_costs_as_much_as_one_of_few(
    endpoints: Sequence[Endpoint], pace: Pace, late: bool
) -> None:
    before = cost(pace)
    for each in endpoints:
        owe_many(each, MANY // 10, late=late, seconds=30)
    assert before.taken == 100
    assert_as_cheap(cost(pace), before)


@pytest.mark.parametrize(("pace", "late"), [(Pace.FIRST, False), (Pace.LATE, True)])
def test_what_a_dead_endpoint_is_owed_costs_the_others_nothing(
    endpoints: Sequence[Endpoint], alice: Merchant, pace: Pace, late: bool
) -> None:
    dead = EndpointFactory(merchant=alice, max_in_flight=10)
    owe_many(dead, 20, late=late)
    take(20, [pace])
    before = cost(pace)
    owe_many(dead, late=late)
    assert_as_cheap(cost(pace), before)


@pytest.mark.parametrize(("pace", "late"), [(Pace.FIRST, True), (Pace.LATE, False)])
def test_what_is_owed_of_the_other_kind_costs_a_claim_nothing(
    endpoints: Sequence[Endpoint], pace: Pace, late: bool
) -> None:
    before = cost(pace)
    owe_many(endpoints[3], late=late, seconds=30)
    owe_many(endpoints[7], late=late, seconds=-600)
    assert_as_cheap(cost(pace), before)


def test_what_slow_endpoints_are_owed_costs_first_tries_nothing(
    endpoints: Sequence[Endpoint], alice: Merchant
) -> None:
    slow = EndpointFactory(merchant=alice, slow_since=Now())
    owe_many(slow, 5)
    before = cost(Pace.FIRST)
    owe_many(slow)
    assert_as_cheap(cost(Pace.FIRST), before)


def test_what_was_marked_late_costs_neither_claim_more(endpoints: Sequence[Endpoint]) -> None:
    first, late = cost(Pace.FIRST), cost(Pace.LATE)
    for each in endpoints[:2]:
        owe_many(each, MANY // 2)
    while mark(MANY):
        pass
    for each in endpoints:
        owe_many(each, 60, seconds=1)
    assert_as_cheap(cost(Pace.LATE), late)
    assert_as_cheap(cost(Pace.FIRST), first)


@pytest.mark.parametrize("pace", Pace)
def test_no_claim_reads_the_whole_table(endpoints: Sequence[Endpoint], pace: Pace) -> None:
    owe_many(endpoints[0])
    for statement in lanes.TAKE[pace]:
        scans = [each for each in nodes(explained(statement)) if each["Node Type"] == "Seq Scan"]
        assert not [each for each in scans if each["Relation Name"] == "webhooks_delivery"]
