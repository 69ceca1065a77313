"""Plans are kept for as long as a connection: those made when there was little must do when there is much."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.models import Merchant
from tests.webhooks.at_once import mark, renew
from tests.webhooks.cast import EndpointFactory, owe
from tests.webhooks.test_claims import settlement
from webhooks.claims import give_back, take
from webhooks.ending import settle

#: From the sixth time on PostgreSQL keeps a plan.
OFTEN = 7


def kept_plans() -> Iterator[dict[str, Any]]:
    """Of all statements that this connection has prepared."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"
            " WHERE name LIKE 'ask_%' AND generic_plans > 0"
        )
        for name, count in cursor.fetchall():
            cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {name}({', '.join(['NULL'] * count)})")
            (found,) = cursor.fetchone()
            yield (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


@pytest.mark.django_db(transaction=True)
def test_what_was_planned_for_a_few_deliveries_reads_no_whole_table(alice: Merchant) -> None:
    connection.close()
    for each in [EndpointFactory(merchant=alice) for _ in range(3)]:
        owe(each, 5)
    give_back(take(100))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE webhooks_delivery, webhooks_endpoint, webhooks_lane, webhooks_message")
    for _ in range(OFTEN):
        taken = take(100)
        assert renew(taken) == {each.delivery_id for each in taken}
        give_back(taken)
        mark(1)
    for claimed in take(OFTEN):
        settle([settlement(claimed)])
    plans = list(kept_plans())
    assert len(plans) >= 5
    scans = [node for plan in plans for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
    tables = {"webhooks_delivery", "webhooks_message", "webhooks_endpoint"}
    assert not tables & {node["Relation Name"] for node in scans}


@pytest.mark.django_db(transaction=True)
def test_what_was_planned_while_no_try_was_asked_for_finds_them_by_their_endpoint(alice: Merchant) -> None:
    """A long queue of one endpoint is not read for each of the others."""
    connection.close()
    owe(EndpointFactory(merchant=alice))
    give_back(take(1))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE webhooks_extratry")
    for _ in range(OFTEN):
        give_back(take(1))
    scans = [node for plan in kept_plans() for node in nodes(plan)]
    found = [each.get("Index Cond", "") for each in scans if each.get("Index Name") == "extra_try_under_way"]
    assert any("endpoint_id" in condition for condition in found)
