"""What the exporter reads of rows, Redis and PostgreSQL's catalog."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import sweeps
from accounts.alerts import Kind
from accounts.models import Merchant
from carriers.budget import day_of
from carriers.models import CarrierAccount, DailyUse, Health
from carriers.tallies import PollTally
from config import alerts, heartbeat
from config.metrics.couriers import couriers, endpoints
from config.metrics.needs import needs
from config.metrics.postgresql import postgresql
from config.metrics.sweeps import sweeps as sweep_figures
from config.metrics.tallied import Growing, Tallied
from config.metrics.valkey import valkey
from tests.factories import CarrierAccountFactory
from tests.metrics.scraping import Scrape
from tests.webhooks.cast import EndpointFactory
from webhooks import tasks
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db


def disable(endpoint: Endpoint) -> None:
    Endpoint.objects.filter(id=endpoint.id).update(
        state="disabled", disabled_reason="failing", disabled_at=timezone.now()
    )


def test_alerts_are_those_of_the_admin_and_every_kind_is_told(alice: Merchant) -> None:
    heartbeat.note(settings.REDIS_URL)
    disable(EndpointFactory(merchant=alice))
    found = Scrape(needs())
    assert [one.kind for one in alerts.alerts()] == [Kind.ENDPOINT_DISABLED]
    assert found.of("alerts", kind="endpoint_disabled") == 1
    assert sum(found.of("alerts", kind=kind.value) for kind in Kind) == 1


def test_queues_are_those_of_the_admin(alice: Merchant) -> None:
    found = Scrape(needs())
    for queue in alerts.queues():
        assert found.of("queue_oldest_due_seconds", queue=queue.name) == 0
        assert found.of("queue_patience_seconds", queue=queue.name) == queue.patience.total_seconds()


def test_accounts_are_counted_by_courier_owner_and_state(alice: Merchant) -> None:
    CarrierAccountFactory(merchant=None)
    CarrierAccountFactory(merchant=alice, state=CarrierAccount.State.SUSPENDED)
    CarrierAccountFactory(merchant=alice, resting_until=timezone.now() + timedelta(hours=1))
    found = Scrape(couriers())
    assert found.of("carrier_accounts", courier="all24", owner="house", state="active") == 1
    assert found.of("carrier_accounts", courier="all24", owner="merchant", state="suspended") == 1
    assert found.of("carrier_accounts", courier="all24", owner="merchant", state="resting") == 1


def test_an_open_circuit_is_seen(alice: Merchant) -> None:
    account = CarrierAccountFactory(merchant=alice)
    Health.objects.filter(account=account).update(circuit="open", open_until=timezone.now(), pace=0.5)
    found = Scrape(couriers())
    assert found.of("carrier_circuits", courier="all24", circuit="open") == 1
    assert found.of("carrier_accounts_slowed", courier="all24") == 1
    assert found.of("carrier_pace_least", courier="all24", owner="merchant") == 0.5


def test_of_the_days_calls_the_account_counts_that_has_fewest_left(alice: Merchant) -> None:
    CarrierAccountFactory(merchant=alice, daily_quota=100)
    used = CarrierAccountFactory(merchant=alice, daily_quota=200, courier="sandbox", time_zone="")
    few = CarrierAccountFactory(merchant=alice, daily_quota=50)
    today = datetime.now(UTC)
    for account in (used, few):
        DailyUse.objects.create(
            account=account, courier=account.courier, day=day_of(account.courier, today), reserved=40
        )
    found = Scrape(couriers())
    assert found.of("carrier_quota_left_least", courier="all24", owner="merchant") == 10
    assert found.of("carrier_quota_left_least_ratio", courier="all24", owner="merchant") == 0.2
    assert found.of("carrier_quota_left_least", courier="sandbox", owner="merchant") == 160


def test_endpoints_are_counted_by_state(alice: Merchant) -> None:
    EndpointFactory(merchant=alice)
    disable(EndpointFactory(merchant=alice))
    EndpointFactory(merchant=alice, deleted_at=timezone.now())
    found = Scrape(endpoints())
    assert found.of("endpoints", state="active") == found.of("endpoints", state="disabled") == 1


def test_polls_are_counted_from_the_tallies(alice: Merchant) -> None:
    tallied = Tallied()
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    row = {"duration_ms": 0, "slowest_ms": 0, "counted_at": timezone.now()}
    PollTally.objects.create(since=hour, outcome="ok", polls=7, **row)
    assert Scrape(tallied.read()).of("polls_total", outcome="ok") == 0
    PollTally.objects.update(polls=10)
    assert Scrape(tallied.read()).of("polls_total", outcome="ok") == 3
    PollTally.objects.all().delete()
    assert Scrape(tallied.read()).of("polls_total", outcome="ok") == 3


def test_a_counter_never_goes_back_and_a_new_hour_counts_whole() -> None:
    growing = Growing(["ok"])
    assert growing.take({("ok", 1): 5}) == {"ok": 0}
    assert growing.take({("ok", 1): 9, ("ok", 2): 2}) == {"ok": 6}
    assert growing.take({("ok", 2): 1}) == {"ok": 6}


def test_connections_tables_and_the_logs_end_are_read(alice: Merchant) -> None:
    found = Scrape(postgresql())
    assert found["log_position"] == 0
    assert found["database_server_connections"] >= 1
    assert found["database_server_connections_max"] > 1
    assert found.of("table_rows", table="events_event") >= 0


def test_a_role_that_sees_no_other_ones_sessions_is_told_what_it_may_see() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE plain; GRANT SELECT ON events_event TO plain; SET LOCAL ROLE plain")
        found = Scrape(postgresql())
        cursor.execute("RESET ROLE")
    assert found.of("database_connections", process=found_process(found), state="unknown") >= 1
    assert found["database_server_connections"] >= 1


def found_process(found: Scrape) -> str:
    """Who holds the connections: this test."""
    (name,) = {
        one.labels["process"] for each in found.metrics for one in each.samples if "state" in one.labels
    }
    return name


def test_a_sweep_has_an_age_once_it_has_ended() -> None:
    assert not Scrape(sweep_figures()).has("sweep_age_seconds")
    sweeps.begin()
    sweeps.note("trackers.sweep")
    found = Scrape(sweep_figures())
    assert found.of("sweep_age_seconds", sweep="trackers.sweep") >= 0
    assert found.of("sweep_period_seconds", sweep="trackers.sweep") == 5


def test_redis_tells_of_beat_and_of_messages() -> None:
    heartbeat.note(settings.REDIS_URL)
    found = Scrape(valkey())
    assert 0 <= found["beat_age_seconds"] < 3600
    waiting = found.of("broker_messages", queue="deliveries")
    tasks.pump.apply_async(queue="deliveries")
    assert Scrape(valkey()).of("broker_messages", queue="deliveries") == waiting + 1


PARTS: list[Callable[[], object]] = [
    lambda: list(needs()), lambda: list(couriers()), lambda: list(endpoints()),
    lambda: list(postgresql()),
    lambda: list(sweep_figures()), lambda: list(Tallied().read()),
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_the_number_of_statements_does_not_grow(part: Callable[[], object], alice: Merchant) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            part()
        return len(seen)

    few = statements()
    for _ in range(5):
        disable(EndpointFactory(merchant=alice))
        CarrierAccountFactory(merchant=alice, state=CarrierAccount.State.SUSPENDED)
    assert statements() == few
