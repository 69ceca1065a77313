"""What sending leaves behind in the tables: room is found again, and indexes stay small."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Merchant
from tests.waiting import eventually
from tests.webhooks.aging import ended_as
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks import retention
from webhooks.claims import take
from webhooks.models import Delivery, Endpoint
from webhooks.settling import settle

pytestmark = pytest.mark.django_db(transaction=True)

HOT = {"webhooks_delivery": 40, "webhooks_lane": 50, "webhooks_tally": 50, "webhooks_endpoint": 50}
VACUUMED = {*HOT, "webhooks_attempt", "webhooks_message", "webhooks_extratry"}
LARGE = ("webhooks_delivery", "webhooks_attempt", "webhooks_message")


@dataclass
class Counted:
    """Rows updated, how many of them in place, and rows that were read by scans of the whole table."""

    updated: int = 0
    in_place: int = 0
    scanned: int = 0


@contextmanager
def counted(table: str) -> Iterator[Counted]:
    """What happens to the table until the block ends; its figures are there afterwards."""
    found, before = Counted(), _figures(table)
    yield found
    updated, in_place, scanned = (new - old for new, old in zip(_figures(table), before, strict=True))
    found.updated, found.in_place, found.scanned = updated, in_place, scanned


def _figures(table: str) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT n_tup_upd, n_tup_hot_upd, seq_tup_read FROM pg_stat_user_tables WHERE relname = %s",
            [table],
        )
        found: tuple[int, ...] = cursor.fetchone()
    return found


def options(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [table])
        return dict(one.split("=") for one in cursor.fetchone()[0] or [])


def size(relation: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s)", [relation])
        found: int = cursor.fetchone()[0]
    return found


def vacuum(table: str) -> None:
    """As soon as nobody else looks: what autovacuum's ANALYZE may still see is not given free."""
    eventually(_nobody_looks)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (INDEX_CLEANUP ON) {table}")


def _nobody_looks() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL)"
        )
        found: bool = cursor.fetchone()[0]
    return found


def drain(*codes: int) -> int:
    """Claim and settle until nothing is due, the codes in turn for answers. Returns how many were claimed."""
    count = 0
    while claimed := take(100):
        settle((one, ended(one.delivery_id, codes[nth % len(codes)])) for nth, one in enumerate(claimed))
        count += len(claimed)
    return count


def crowded(alice: Merchant, endpoints: int = 10, each: int = 60) -> None:
    for _ in range(endpoints):
        owe(EndpointFactory(merchant=alice, max_in_flight=20), each)


def at_last(share: float, work: Callable[[], Counted]) -> bool:
    """Whether so much of what a work updates is updated in place, in one of a few goes.

    While PostgreSQL analyses a table by itself, no room is found again in any.
    """
    goes = (work() for _ in range(5))
    return any(found.updated and found.in_place >= share * found.updated for found in goes)


def test_claims_are_written_in_place(alice: Merchant) -> None:
    def claims() -> Counted:
        Delivery.objects.all().delete()
        Endpoint.objects.all().delete()
        crowded(alice)
        with counted("webhooks_delivery") as deliveries:
            claimed = sum(len(take(100)) for _ in range(3))
        assert (claimed, deliveries.updated) == (200, 200)
        return deliveries

    assert at_last(0.95, claims)


def test_a_whole_drain_writes_half_of_its_updates_in_place_and_lanes_and_tallies_all(alice: Merchant) -> None:
    """A settling cannot be: it takes the delivery out of the index of what is pending."""

    def drained() -> Counted:
        crowded(alice)
        with (
            counted("webhooks_delivery") as deliveries,
            counted("webhooks_lane") as lanes,
            counted("webhooks_tally") as tallies,
        ):
            assert drain(200) == 600
        assert deliveries.updated == 1200
        own = [Counted(1200, 2 * deliveries.in_place), lanes, tallies]
        return min(own, key=lambda one: one.in_place / one.updated)

    assert at_last(0.95, drained)


def test_the_health_of_endpoints_is_written_in_place(alice: Merchant) -> None:

    def failing() -> Counted:
        crowded(alice)
        with counted("webhooks_endpoint") as endpoints:
            drain(500)
        return endpoints

    assert at_last(0.9, failing)


def test_the_index_of_what_is_due_is_used_again_after_a_drain_and_a_vacuum(alice: Merchant) -> None:
    endpoints = [EndpointFactory(merchant=alice, max_in_flight=100) for _ in range(2)]
    sizes = []
    for _ in range(4):
        for endpoint in endpoints:
            owe(endpoint, 1_000)
        sizes.append(size("delivery_pending"))
        drain(200)
        vacuum("webhooks_delivery")
        vacuum("webhooks_delivery")  # pages that the first one emptied can be used after the second
    assert max(sizes[1:]) <= 2 * sizes[0]
    assert sizes[-1] <= sizes[1]


def test_removing_reads_no_large_table_as_a_whole(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint, 10_000)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO webhooks_attempt (id, delivery_id, number, trigger, started_at, error,"
            " response_body, response_headers, address)"
            " SELECT gen_random_uuid(), id, 1, 'schedule', created_at, '', '',"
            " '{}', '' FROM webhooks_delivery"
        )
        cursor.execute("ANALYZE webhooks_delivery, webhooks_attempt, webhooks_message")
    ended_as("delivered", endpoint, 30)
    with counted(LARGE[0]) as deliveries, counted(LARGE[1]) as tries, counted(LARGE[2]) as messages:
        retention.forget(30)
    assert Delivery.objects.count() == 10_000
    assert [deliveries.scanned, tries.scanned, messages.scanned] == [0, 0, 0]


def test_tables_that_are_written_all_the_time_are_vacuumed_early_and_leave_room() -> None:
    for table in VACUUMED:
        assert float(options(table)["autovacuum_vacuum_scale_factor"]) <= 0.02
    assert {table: int(options(table)["fillfactor"]) for table in HOT} == HOT
    assert float(options("trackers_watch")["autovacuum_vacuum_scale_factor"]) == 0.05


def test_these_settings_can_be_taken_back() -> None:
    before = {table: options(table) for table in VACUUMED}
    try:
        call_command("migrate", "webhooks", "0008", verbosity=0)
        assert options("webhooks_delivery") == {"fillfactor": "50"}
        assert options("webhooks_endpoint") == {}
    finally:
        call_command("migrate", verbosity=0)
    assert {table: options(table) for table in VACUUMED} == before
