"""An endpoint's life: what each act makes of each state, when it is disabled by itself, and what follows."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from events.models import Event
from tests.docs.documents import page, prose, table
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks import ending, health
from webhooks.claims import take
from webhooks.ending import Settlement
from webhooks.health import AFTER, KEPT_HELD, Act, Reason, Run, is_ill
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


TEST = UUID("0195f0c2-9d24-7f33-8e4d-4c5b6a7f8e9d")
#: The acts, done to an endpoint that TEST is to enable and that failed for long enough.
DO: dict[Act, Callable[[Endpoint], bool]] = {
    Act.GONE: lambda endpoint: health.disable(endpoint.id, Reason.GONE),
    Act.FAILING: lambda endpoint: health.disable(endpoint.id, Reason.FAILING),
    Act.SECRET_UNREADABLE: lambda endpoint: health.disable(endpoint.id, Reason.SECRET_UNREADABLE),
    Act.PAUSE: lambda endpoint: health.pause(endpoint.merchant_id, endpoint.id),
    Act.ENABLE: lambda endpoint: health.enable(endpoint.id, TEST),
    Act.TEST_ARRIVED: lambda endpoint: health.activate(endpoint.id, TEST),
    Act.TEST_FAILED: lambda endpoint: health.withdraw(endpoint.id, TEST),
    Act.DELETE: lambda endpoint: health.delete(endpoint.merchant_id, endpoint.id),
}
#: Act, state before and after; an act that is not here changes nothing.
LIFE = [
    (Act.GONE, "active", "disabled"),
    (Act.GONE, "paused", "disabled"),
    (Act.FAILING, "active", "disabled"),
    (Act.SECRET_UNREADABLE, "active", "disabled"),
    (Act.PAUSE, "active", "paused"),
    (Act.PAUSE, "paused", "paused"),
    (Act.PAUSE, "disabled", "disabled"),
    (Act.ENABLE, "paused", "paused"),
    (Act.ENABLE, "disabled", "disabled"),
    (Act.TEST_ARRIVED, "paused", "active"),
    (Act.TEST_ARRIVED, "disabled", "active"),
    (Act.TEST_FAILED, "paused", "paused"),
    (Act.TEST_FAILED, "disabled", "disabled"),
    (Act.DELETE, "active", None),
    (Act.DELETE, "paused", None),
    (Act.DELETE, "disabled", None),
]


def test_the_table_is_this_one() -> None:
    assert [(act, old, new) for act, after in AFTER.items() for old, new in after.items()] == LIFE


def test_the_page_has_this_table() -> None:
    states = Endpoint.State.values
    rows = table(page("webhooks"), "act", "what it is", *states)
    written = [
        (act, state, None if after == "deleted" else after)
        for act, _, *afters in rows
        for state, after in zip(states, afters, strict=True)
        if after != "-"
    ]
    assert written == LIFE
    assert f"for {KEPT_HELD.days} days since" in prose(page("webhooks"))


def ill(merchant: Merchant, **more: Any) -> Endpoint:
    """An endpoint that failed for long enough, and that TEST is to enable."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    endpoint: Endpoint = EndpointFactory(
        merchant=merchant, failing_tries=20, failing_since=since, enabling_by=TEST, **more
    )
    return endpoint


@pytest.mark.django_db
@pytest.mark.parametrize("state", Endpoint.State.values)
@pytest.mark.parametrize("act", Act)
def test_what_an_act_makes_of_a_state(alice: Merchant, act: Act, state: str) -> None:
    endpoint, before = ill(alice, state=state), Endpoint.objects.values()
    expected = {(done, old): new for done, old, new in LIFE}
    changes = (act, state) in expected
    told = before.get()
    assert DO[act](endpoint) is changes
    if not changes:
        assert before.get() == told
        return
    endpoint.refresh_from_db()
    after = expected[act, state]
    assert (endpoint.deleted_at is not None) is (after is None)
    assert endpoint.state == (after or state)


@pytest.mark.django_db
@pytest.mark.parametrize("state", Endpoint.State.values)
@pytest.mark.parametrize("act", Act)
def test_nothing_happens_to_a_deleted_endpoint(alice: Merchant, act: Act, state: str) -> None:
    endpoint = ill(alice, state=state, deleted_at=NOW)
    before = Endpoint.objects.values().get()
    assert DO[act](endpoint) is False
    assert Endpoint.objects.values().get() == before


@pytest.mark.django_db
@pytest.mark.parametrize("act", [Act.TEST_ARRIVED, Act.TEST_FAILED])
def test_a_test_that_nobody_asked_to_decide_decides_nothing(alice: Merchant, act: Act) -> None:
    endpoint = ill(alice, state="paused")
    Endpoint.objects.update(enabling_by=uuid7())
    assert DO[act](endpoint) is False


@pytest.mark.django_db
def test_being_active_again_starts_everything_anew(alice: Merchant) -> None:
    endpoint = ill(alice, state="disabled", disabled_reason="gone", disabled_at=NOW, paused_at=NOW)
    health.activate(endpoint.id, TEST)
    endpoint.refresh_from_db()
    assert (endpoint.disabled_reason, endpoint.disabled_at, endpoint.paused_at) == ("", None, None)
    assert (endpoint.failing_since, endpoint.failing_tries, endpoint.enabling_by) == (None, 0, None)


@pytest.mark.django_db
def test_pausing_again_keeps_the_moment_of_the_first_time(alice: Merchant) -> None:
    endpoint = ill(alice, state="paused", paused_at=NOW)
    health.pause(alice.id, endpoint.id)
    endpoint.refresh_from_db()
    assert (endpoint.paused_at, endpoint.enabling_by) == (NOW, None)


@pytest.mark.django_db
def test_pausing_a_disabled_endpoint_withdraws_its_enabling(alice: Merchant) -> None:
    endpoint = ill(alice, state="disabled", disabled_at=NOW)
    health.pause(alice.id, endpoint.id)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.paused_at, endpoint.enabling_by) == ("disabled", None, None)


@pytest.mark.django_db
@pytest.mark.parametrize("act", [Act.PAUSE, Act.DELETE])
def test_a_merchant_acts_on_its_own_alone(alice: Merchant, bob: Merchant, act: Act) -> None:
    endpoint = ill(alice)
    endpoint.merchant_id = bob.id
    assert DO[act](endpoint) is False


@pytest.mark.django_db
def test_a_410_in_flight_disables_an_endpoint_that_was_paused_meanwhile(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint)
    claimed = take(1)
    health.pause(alice.id, endpoint.id)
    settle((each, ended(each.delivery_id, 410)) for each in claimed)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "gone")
    assert Event.objects.get().type == "endpoint.disabled"


@pytest.mark.django_db
def test_a_run_goes_from_the_start_of_its_first_try_to_the_start_of_its_last(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice), 3)
    claimed = take(3)
    verdict = Verdict(Delivery.State.PENDING, 1, 60.0)
    settled = ending.settle([Settlement(each, ended(each.delivery_id, 500), verdict) for each in claimed])
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
