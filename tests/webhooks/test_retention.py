"""What is kept, for how long, and what never goes."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from config.celery import app
from tests.webhooks.aging import DAY, OLD, aged, ended_as, id_of
from tests.webhooks.cast import EndpointFactory, a_test_of, news, owe, tell
from tests.webhooks.test_recovering import recovery
from webhooks import expiring, retention, tasks
from webhooks.extra import ask
from webhooks.health import KEPT_HELD
from webhooks.models import Attempt, Delivery, Endpoint, Message, Notice, Recovery, Trigger

pytestmark = pytest.mark.django_db

ENDED = ["delivered", "exhausted", "cancelled"]
OWED = ["pending", "held"]


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


@pytest.fixture(autouse=True)
def _from_the_beginning() -> Iterator[None]:
    yield
    retention._Walk.reached.clear()


def left() -> tuple[int, int, int]:
    """How many deliveries, tries and messages there are."""
    return Delivery.objects.count(), Attempt.objects.count(), Message.objects.count()


@pytest.mark.parametrize("state", ENDED)
def test_what_has_ended_long_ago_goes_with_its_tries_and_its_message(endpoint: Endpoint, state: str) -> None:
    ended_as(state, endpoint, 3)
    retention.forget(5)
    assert left() == (0, 0, 0)


@pytest.mark.parametrize("state", ENDED)
def test_what_ended_within_30_days_is_kept(endpoint: Endpoint, state: str) -> None:
    ended_as(state, endpoint, age=OLD - 2 * DAY)
    retention.forget(5)
    assert left() == (1, 1, 1)


@pytest.mark.parametrize("state", OWED)
def test_what_is_owed_is_kept_however_old_it_is(endpoint: Endpoint, state: str) -> None:
    ended_as(state, endpoint, age=300 * DAY)
    retention.forget(5)
    assert left() == (1, 1, 1)


def test_a_setting_says_for_how_many_days(endpoint: Endpoint, settings) -> None:
    ended_as("delivered", endpoint, age=3 * DAY)
    settings.DELIVERIES_KEPT_DAYS = 4.0
    retention.forget(5)
    assert left() == (1, 1, 1)
    settings.DELIVERIES_KEPT_DAYS = 2.0
    retention.forget(5)
    assert left() == (0, 0, 0)


def test_one_that_was_sent_again_lately_is_kept_as_long_as_a_new_one(endpoint: Endpoint) -> None:
    ended_as("delivered", endpoint)
    Delivery.objects.update(started_at=Now() - 29 * DAY)
    retention.forget(5)
    assert left() == (1, 1, 1)
    Delivery.objects.update(started_at=Now() - 30 * DAY)
    retention.forget(5)
    assert left() == (0, 0, 0)


def test_one_that_was_held_for_too_long_can_still_be_looked_at_when_that_is_told(endpoint: Endpoint) -> None:
    ended_as("held", endpoint)
    Endpoint.objects.update(state="paused", paused_at=Now() - KEPT_HELD)
    assert expiring.expire() == 1
    retention.forget(5)
    assert left() == (1, 1, 1)
    Delivery.objects.update(given_up_at=Now() - OLD)
    retention.forget(5)
    assert left() == (0, 0, 0)


def test_one_that_somebody_sends_once_more_is_kept(endpoint: Endpoint) -> None:
    (delivery,) = ended_as("delivered", endpoint)
    ask(delivery.id, Trigger.MANUAL)
    retention.forget(5)
    assert left() == (1, 1, 1)


def test_one_that_is_under_way_is_kept(endpoint: Endpoint) -> None:
    ended_as("delivered", endpoint)
    Delivery.objects.update(claim_id=uuid7(), claimed_until=Now() + timedelta(seconds=30))
    retention.forget(5)
    assert left() == (1, 1, 1)


def test_a_young_row_with_an_id_that_looks_old_is_kept(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    Delivery.objects.filter(id=delivery.id).update(
        id=id_of(OLD), state="cancelled", next_attempt_at=None, created_at=Now()
    )
    retention.forget(5)
    assert Delivery.objects.count() == 1


def test_a_message_stays_for_whoever_is_still_owed_it(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice)
    tell(alice, news())
    aged(Delivery.objects.get(endpoint=endpoint), OLD)
    aged(Delivery.objects.get(endpoint=other), OLD)
    Delivery.objects.filter(endpoint=endpoint).update(state="delivered", next_attempt_at=None)
    retention.forget(5)
    assert Delivery.objects.get().endpoint == other
    assert Message.objects.count() == 1
    Delivery.objects.update(state="exhausted", next_attempt_at=None)
    retention.forget(5)
    assert left() == (0, 0, 0)


def test_a_test_that_waits_is_kept(endpoint: Endpoint) -> None:
    test = a_test_of(endpoint)
    retention.forget(5)
    assert Delivery.objects.get() == test


def test_recoveries_go_when_they_ended_long_ago(endpoint: Endpoint) -> None:
    for state, finished in (("done", 31), ("cancelled", 31), ("done", 29), ("running", None)):
        made = recovery(endpoint, state=state)
        at = Now() - finished * DAY if finished else None
        Recovery.objects.filter(id=made.id).update(id=id_of(OLD), finished_at=at)
    retention.forget(5)
    assert set(Recovery.objects.values_list("state", flat=True)) == {"done", "running"}
    assert Recovery.objects.count() == 2


def test_notices_that_were_sent_go_and_those_that_are_due_stay(endpoint: Endpoint) -> None:
    for age, next_try_at in ((OLD, None), (OLD, Now()), (DAY, None)):
        made = Notice.objects.create(endpoint=endpoint, reason="gone")
        Notice.objects.filter(id=made.id).update(
            id=id_of(age), next_try_at=next_try_at, created_at=Now() - age
        )
    retention.forget(5)
    assert Notice.objects.count() == 2
    assert Notice.objects.exclude(next_try_at=None).count() == 1


def test_rows_that_stay_hold_up_none_behind_them(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    ended_as("pending", endpoint, 7, age=2 * OLD)
    ended_as("delivered", endpoint, 3)
    for _ in range(6):
        retention.forget(0)
    assert left() == (7, 7, 7)


def test_a_run_deletes_all_there_is_in_batches(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    ended_as("delivered", endpoint, 7)
    retention.forget(30)
    assert left() == (0, 0, 0)


def test_a_run_ends_with_its_time_and_the_next_one_goes_on(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    ended_as("delivered", endpoint, 5)
    retention.forget(0)
    assert Delivery.objects.count() == 3
    retention.forget(0)
    assert Delivery.objects.count() == 1


def test_who_is_told_to_stop_deletes_no_more(endpoint: Endpoint, monkeypatch) -> None:
    monkeypatch.setattr(retention, "stop", type("Stop", (), {"is_set": staticmethod(lambda: True)}))
    ended_as("delivered", endpoint)
    retention.forget(5)
    assert left() == (1, 1, 1)


def test_what_the_database_refuses_of_one_kind_holds_up_no_other(endpoint: Endpoint, monkeypatch) -> None:
    def refuse() -> bool:
        raise OperationalError("too long")

    monkeypatch.setattr(retention, "_BATCHES", (refuse, *retention._BATCHES))
    ended_as("delivered", endpoint)
    retention.forget(5)
    assert left() == (0, 0, 0)


def test_a_batch_takes_a_fixed_number_of_statements(
    endpoint: Endpoint, count_statements: Callable[..., int]
) -> None:
    ended_as("delivered", endpoint, 2)
    few = count_statements(lambda: retention.forget(5))
    ended_as("delivered", endpoint, 20)
    assert count_statements(lambda: retention.forget(5)) == few
    assert left() == (0, 0, 0)


@pytest.mark.parametrize("task", [tasks.forget, tasks.sweep])
def test_a_task_of_its_own_and_every_sweep_see_to_it(endpoint: Endpoint, task: Callable[[], None]) -> None:
    ended_as("delivered", endpoint)
    task()
    assert left() == (0, 0, 0)


def test_beat_asks_for_it_every_minute() -> None:
    (entry,) = [each for each in app.conf.beat_schedule.values() if each["task"] == tasks.forget.name]
    assert (entry["task"], entry["schedule"]) == ("webhooks.forget", 60.0)


def test_what_was_removed_is_gone_for_who_resends_it_and_unknown_to_others(
    as_alice: APIClient, as_bob: APIClient, endpoint: Endpoint
) -> None:
    (delivery,) = ended_as("delivered", endpoint)
    path = f"/v1/deliveries/{delivery.id}"
    assert as_alice.get(path).status_code == 200
    retention.forget(5)
    assert as_alice.get(path).status_code == 404
    assert as_alice.post(f"{path}/resend").json()["errors"][0]["code"] == "delivery_gone"
    assert as_bob.post(f"{path}/resend").json()["errors"][0]["code"] == "delivery_gone"


def test_a_setting_says_what_is_gone(as_alice: APIClient, settings) -> None:
    settings.DELIVERIES_KEPT_DAYS = 2.0
    codes = [
        as_alice.post(f"/v1/deliveries/{id_of(age)}/resend").json()["errors"][0]["code"]
        for age in (3 * DAY, DAY)
    ]
    assert codes == ["delivery_gone", "delivery_not_found"]


def test_a_recovery_finds_only_what_is_still_there(as_alice: APIClient, endpoint: Endpoint) -> None:
    ended_as("delivered", endpoint, 2)
    ended_as("delivered", endpoint, 3, age=DAY)
    retention.forget(5)
    since = (datetime.now(UTC) - 90 * DAY).isoformat()
    body = {"since": since, "states": ["delivered"]}
    made = as_alice.post(f"/v1/webhooks/{endpoint.id}/recover", body, format="json").json()
    tasks.recover()
    shown = as_alice.get(f"/v1/recoveries/{made['data']['recovery']['recoveryId']}").json()
    assert (shown["data"]["recovery"]["state"], shown["data"]["recovery"]["recovered"]) == ("done", 3)
