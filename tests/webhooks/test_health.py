"""When an endpoint is disabled by itself, and what follows."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from events.models import Event
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks import claims, health
from webhooks.claims import Settlement, take
from webhooks.health import Reason, Run, is_ill
from webhooks.models import Delivery, Endpoint, Message
from webhooks.settling import settle
from webhooks.verdicts import Verdict

NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("failing_for", "tries", "last_ago", "ill"),
    [
        (5 * DAY, 20, 0 * HOUR, True),
        (30 * DAY, 500, 0 * HOUR, True),
        (5 * DAY, 20, 5 * DAY - 12 * HOUR, True),
        (5 * DAY - HOUR, 500, 0 * HOUR, False),
        (5 * DAY, 19, 0 * HOUR, False),
        (5 * DAY, 500, 5 * DAY - 11 * HOUR, False),
    ],
)
def test_five_days_twenty_tries_twelve_hours_apart(
    failing_for: timedelta, tries: int, last_ago: timedelta, ill: bool
) -> None:
    assert is_ill(Run(NOW - failing_for, tries, NOW - last_ago), NOW) is ill


@pytest.mark.django_db
def test_a_run_goes_from_the_start_of_its_first_try_to_the_start_of_its_last(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice), 3)
    claimed = take(3)
    verdict = Verdict(Delivery.State.PENDING, 1, 60.0)
    settled = claims.settle([Settlement(each, ended(each.delivery_id, 500), verdict) for each in claimed])
    (run,) = settled.failing.values()
    started = [each.started_at for each in claimed]
    assert (run.since, run.tries, run.last) == (min(started), 3, max(started))
    assert settled.at > run.last


@pytest.mark.django_db
def test_many_failures_of_a_few_hours_do_not_disable_five_days_later(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint)
    Endpoint.objects.update(failing_since=Now() - 5 * DAY, failing_tries=500)
    (claimed,) = take(1)
    Delivery.objects.update(started_at=Now() - 4.7 * DAY)
    late = replace(claimed, started_at=claimed.started_at - 4.7 * DAY)
    settle([(late, ended(late.delivery_id, 500))])
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failing_tries) == ("active", 501)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "done"),
    [
        ({}, True),
        ({"failing_tries": 19}, False),
        ({"failing_since": None}, False),
        ({"state": "paused"}, False),
        ({"state": "disabled"}, False),
        ({"deleted_at": Now()}, False),
    ],
)
def test_disabling_for_failures_asks_once_more_in_the_update_itself(change: dict, done: bool) -> None:
    endpoint = EndpointFactory(failing_since=datetime(2026, 1, 1, tzinfo=UTC), failing_tries=20)
    Endpoint.objects.update(**change)
    assert health.disable(endpoint.id, Reason.FAILING) is done


def fail_once_more(endpoint: Endpoint, code: int = 500) -> None:
    owe(endpoint)
    settle((each, ended(each.delivery_id, code)) for each in take(1))


@pytest.mark.django_db
def test_an_endpoint_that_failed_for_five_days_is_disabled_and_the_log_says_so(alice: Merchant) -> None:
    endpoint = EndpointFactory(
        merchant=alice, failing_tries=19, failing_since=datetime(2026, 1, 1, tzinfo=UTC)
    )
    other = EndpointFactory(merchant=alice, types=["endpoint.*"])
    fail_once_more(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "failing")
    assert endpoint.disabled_at is not None
    event = Event.objects.get()
    assert (event.type, event.stream, event.version) == ("endpoint.disabled", endpoint.id, 1)
    assert event.data["failingSince"] == "2026-01-01T00:00:00.000Z"
    told = Delivery.objects.get(endpoint=other)
    assert json.loads(bytes(told.message.body))["data"] == event.data
    assert (told.message.stream, told.message.sequence) == (endpoint.id, 1)


@pytest.mark.django_db
def test_one_success_clears_the_run(alice: Merchant) -> None:
    endpoint = EndpointFactory(
        merchant=alice, failing_tries=19, failing_since=datetime(2026, 1, 1, tzinfo=UTC)
    )
    fail_once_more(endpoint, code=200)
    fail_once_more(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failing_tries) == ("active", 1)


@pytest.mark.django_db
def test_a_batch_of_410s_disables_once_and_tells_once(alice: Merchant, bob: Merchant) -> None:
    gone = [EndpointFactory(merchant=alice), EndpointFactory(merchant=alice), EndpointFactory(merchant=bob)]
    for endpoint in gone:
        owe(endpoint, 3)
    settle((each, ended(each.delivery_id, 410)) for each in take(100))
    assert set(Endpoint.objects.values_list("state", flat=True)) == {"disabled"}
    events = Event.objects.filter(type="endpoint.disabled")
    assert {event.stream for event in events} == {endpoint.id for endpoint in gone}
    assert events.count() == 3
    # Each of alice's is told of the other by a delivery that is held; bob has no other.
    assert Message.objects.filter(type="endpoint.disabled").count() == 2


@pytest.mark.django_db
def test_exhaustion_and_410_at_once_are_both_told(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, retry_schedule=[1])
    owe(endpoint)
    Delivery.objects.update(step=1)
    settle((each, ended(each.delivery_id, 410)) for each in take(1))
    events = Event.objects.order_by("version").values_list("type", "version")
    assert list(events) == [("delivery.exhausted", 1), ("endpoint.disabled", 2)]


@pytest.mark.django_db
def test_a_lost_claim_tells_nothing(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint)
    claims = take(1)
    Delivery.objects.update(claim_id=None, claimed_until=None)
    settle((each, ended(each.delivery_id, 410)) for each in claims)
    assert not Event.objects.exists()
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
