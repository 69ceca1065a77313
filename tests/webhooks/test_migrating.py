"""Migrations of tables that are full, to an earlier state and forward again."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, a_test_of, ended, owe
from tests.webhooks.test_recovering import ended_as, recovery
from webhooks.claims import take
from webhooks.models import Attempt, Delivery
from webhooks.settling import settle

pytestmark = pytest.mark.django_db(transaction=True)


def indexes() -> list[Any]:
    """Of deliveries: each by name and columns, and whether it can be used."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index"
            " WHERE indrelid = 'webhooks_delivery'::regclass ORDER BY 1"
        )
        return cursor.fetchall()


def test_the_way_back_and_forward_keeps_deliveries_and_outlives_an_interrupted_index(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint, 5)
    settle([(each, ended(each.delivery_id, 500)) for each in take(2)])
    ended_as(endpoint, "exhausted", 3)
    recovery(endpoint)
    a_test_of(endpoint)
    before = indexes()
    try:
        call_command("migrate", "webhooks", "0004", verbosity=0)
        assert indexes() != before
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX delivery_by_age ON webhooks_delivery (id)")
    finally:
        call_command("migrate", verbosity=0)
    assert indexes() == before
    assert (Delivery.objects.count(), Attempt.objects.count()) == (9, 2)
