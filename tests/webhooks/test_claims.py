"""Claiming, renewing and settling what is due."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db import close_old_connections, connection, connections
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from tests.clocks import held_clock
from tests.webhooks.at_once import renew
from tests.webhooks.cast import EndpointFactory, attempts_of, due_now, ended, owe
from webhooks import claims, loading
from webhooks.claims import FORGIVEN, Claimed, oldest_due, take
from webhooks.ending import Settlement, settle
from webhooks.exchanges import Failure, Result
from webhooks.models import Delivery, Endpoint
from webhooks.verdicts import Verdict, judge

pytestmark = pytest.mark.django_db


def settlement(claimed: Claimed, code: int | None = 200, **more: object) -> Settlement:
    result = ended(claimed.delivery_id, code, **more)
    now = datetime.now(UTC)
    return Settlement(claimed, result, judge(result, [5, 60], claimed.step, chance=0.0, now=now))


def lose_leases() -> None:
    """As if their owner had died a while ago."""
    Delivery.objects.exclude(claim_id=None).update(claimed_until=Now() - timedelta(seconds=1))


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice, headers=json.dumps({"X-Own": "1"}))


def test_a_claim_brings_all_that_sending_takes(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (claimed,) = take(10)
    assert (claimed.delivery_id, claimed.message_id) == (delivery.id, delivery.message_id)
    assert (claimed.number, claimed.step, claimed.spent) == (1, 0, False)
    assert claimed.body == bytes(delivery.message.body)
    assert claimed.endpoint.secret == endpoint.secret
    assert claimed.endpoint.own_headers == {"X-Own": "1"}


def test_the_attempt_is_counted_before_the_work(endpoint: Endpoint, settings) -> None:
    settings.DELIVERY_LEASE = 30
    (delivery,) = owe(endpoint)
    with held_clock():
        take(10)
    delivery.refresh_from_db()
    assert delivery.attempt_count == 1
    assert delivery.claimed_until - delivery.started_at == timedelta(seconds=30)


def test_what_is_claimed_is_not_claimed_again(endpoint: Endpoint) -> None:
    owe(endpoint, 3)
    assert len(take(10)) == 3
    assert take(10) == []
    assert oldest_due() is None


def test_what_is_not_due_yet_is_left(endpoint: Endpoint) -> None:
    owe(endpoint)
    Delivery.objects.update(next_attempt_at=Now() + timedelta(seconds=60))
    assert take(10) == []
    assert oldest_due() is None


def test_the_longest_due_comes_first_and_the_limit_holds(endpoint: Endpoint) -> None:
    owed = owe(endpoint, 5)
    due_now(owed[3])
    assert [each.delivery_id for each in take(2)] == [owed[3].id, owed[0].id]
    assert oldest_due() == owed[1].next_attempt_at


@pytest.mark.parametrize("change", [{"state": "paused"}, {"state": "disabled"}, {"deleted_at": Now()}])
def test_the_endpoints_state_is_asked_whatever_the_delivery_says(endpoint: Endpoint, change: dict) -> None:
    owe(endpoint)
    Endpoint.objects.update(**change)
    assert take(10) == []


def test_an_endpoint_gets_no_more_than_its_max_in_flight(alice: Merchant) -> None:
    narrow = EndpointFactory(merchant=alice, max_in_flight=2)
    wide = EndpointFactory(merchant=alice, max_in_flight=5)
    owe(narrow, 20)
    owe(wide, 20)
    taken = take(100)
    of = [each.endpoint.id for each in taken]
    assert (of.count(narrow.id), of.count(wide.id)) == (2, 5)
    assert take(100) == []
    settle([settlement(each) for each in taken if each.endpoint.id == narrow.id][:1])
    assert [each.endpoint.id for each in take(100)] == [narrow.id]


def test_rows_due_at_the_same_moment_keep_the_cap_when_they_move_within_the_table(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice, max_in_flight=2), 6)
    Delivery.objects.update(next_attempt_at="2026-01-01T00:00:00Z")
    taken = take(100)
    # An update that moves the rows in flight behind the others.
    for each in taken:
        Delivery.objects.filter(id=each.delivery_id).update(next_attempt_at="2026-01-02T00:00:00Z")
        Delivery.objects.filter(id=each.delivery_id).update(next_attempt_at="2026-01-01T00:00:00Z")
    assert take(100) == []


def test_settling_writes_attempts_and_states_in_one_statement(alice: Merchant) -> None:
    for _ in range(3):
        owe(EndpointFactory(merchant=alice), 2)
    claims = take(100)
    results = [settlement(each, 200 if each.number % 2 else 500) for each in claims]
    with CaptureQueriesContext(connection) as asked:
        settled = settle(results)
    assert len(asked) == 1
    assert set(settled.states) == {each.delivery_id for each in claims}


def test_a_success_is_delivered(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    settle([settlement(*take(1))])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.next_attempt_at, delivery.claim_id) == ("delivered", None, None)
    assert delivery.delivered_at is not None
    (attempt,) = attempts_of(delivery)
    assert (attempt.number, attempt.trigger, attempt.status_code, attempt.error) == (1, "schedule", 200, "")
    assert (attempt.response_body, attempt.address, attempt.duration_ms) == ("answer", "127.0.0.1", 12)
    assert attempt.started_at == delivery.started_at


def test_a_failure_is_due_again_after_its_delay_by_the_databases_clock(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    with held_clock():
        (claimed,) = take(1)
        settle([Settlement(claimed, ended(delivery.id, 500), Verdict(Delivery.State.PENDING, 1, 60.0))])
        due, now = Delivery.objects.annotate(clock=Now()).values_list("next_attempt_at", "clock").get()
    assert due - now == timedelta(seconds=60)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.step, delivery.attempt_count) == ("pending", 1, 1)


def test_an_answer_with_bytes_that_are_no_text_is_kept_all_the_same(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (claimed,) = take(1)
    odd = Result(delivery.id, Failure.HTTP_STATUS, 500, 3, b"\x00\xff\xed\xa0\x80", {"x\0": "\0\xff"}, "")
    settle([Settlement(claimed, odd, Verdict(Delivery.State.PENDING, 1, 60.0))])
    (attempt,) = attempts_of(delivery)
    assert "\0" not in attempt.response_body
    assert attempt.response_headers == {"x\ufffd": "\ufffd\xff"}


def test_settling_after_the_claim_was_lost_changes_nothing(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (late,) = take(1)
    lose_leases()
    (current,) = take(1)
    assert settle([settlement(late)]).states == {}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_id) == ("pending", current.claim_id)
    assert [each.error for each in attempts_of(delivery)] == ["abandoned"]


def test_a_try_that_lost_its_claim_is_not_recorded_beside_the_one_that_has_it(endpoint: Endpoint) -> None:
    """After a standstill a pump takes over its own, and settles both at once."""
    (delivery,) = owe(endpoint)
    (late,) = take(1)
    lose_leases()
    (current,) = take(1)
    settle([settlement(late), settlement(current)])
    assert [(each.number, each.error) for each in attempts_of(delivery)] == [(1, "abandoned"), (2, "")]


def test_what_comes_after_its_lease_is_given_back(endpoint: Endpoint, settings, monkeypatch) -> None:
    """The process stood still in mid-claim: by now another may send it."""
    owe(endpoint)
    load = loading.Kept.load

    def late(kept: loading.Kept, versions: dict[UUID, str]) -> dict[UUID, Endpoint]:
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + settings.DELIVERY_LEASE)
        monkeypatch.setattr(claims, "time", later)
        return load(kept, versions)

    monkeypatch.setattr(loading.Kept, "load", late)
    assert take(10) == []
    monkeypatch.undo()
    (claimed,) = take(10)
    assert claimed.number == 1
    assert not attempts_of(Delivery.objects.get())


def test_wrong_keys_take_no_number_from_a_try_that_was_cut_off_and_is_not_sent_again(
    endpoint: Endpoint, settings
) -> None:
    owe(endpoint)
    for _ in range(FORGIVEN + 1):
        take(1)
        lose_leases()
    keys = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        take(1)
    settings.FIELD_ENCRYPTION_KEYS = keys
    lose_leases()
    (claimed,) = take(1)
    assert (claimed.spent, claimed.number) == (True, FORGIVEN + 1)


def test_renewing_keeps_what_is_ours_and_says_what_is_not(endpoint: Endpoint) -> None:
    owe(endpoint, 2)
    first, second = take(2)
    Delivery.objects.filter(id=first.delivery_id).update(claimed_until=Now() - timedelta(seconds=1))
    (again,) = take(1)
    assert renew([first, second]) == {second.delivery_id}
    assert renew([again]) == {first.delivery_id}


def test_a_lease_that_has_run_out_is_not_renewed_since_its_place_may_be_taken(alice: Merchant) -> None:
    owe(EndpointFactory(merchant=alice, max_in_flight=1), 2)
    (stalled,) = take(1)
    lose_leases()
    assert renew([stalled]) == set()
    assert len(take(10)) == 1


def test_a_renewed_lease_holds_as_long_as_a_new_one(endpoint: Endpoint, settings) -> None:
    settings.DELIVERY_LEASE = 10
    owe(endpoint)
    (claimed,) = take(1)
    settings.DELIVERY_LEASE = 60
    assert renew([claimed]) == {claimed.delivery_id}
    assert Delivery.objects.filter(claimed_until__gt=Now() + timedelta(seconds=30)).exists()


def test_a_cut_off_try_is_recorded_as_abandoned_and_costs_no_step(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    (first,) = take(1)
    lose_leases()
    (second,) = take(1)
    assert (second.number, second.step, second.message_id, second.body) == (
        2,
        0,
        first.message_id,
        first.body,
    )
    (attempt,) = attempts_of(delivery)
    assert (attempt.number, attempt.error, attempt.duration_ms) == (1, "abandoned", None)
    assert attempt.started_at == first.started_at


def test_after_three_forgiven_ones_a_cut_off_try_costs_a_step_like_a_failure(endpoint: Endpoint) -> None:
    (delivery,) = owe(endpoint)
    for number in range(1, FORGIVEN + 2):
        (claimed,) = take(1)
        assert (claimed.number, claimed.spent) == (number, False)
        lose_leases()
    (claimed,) = take(1)
    assert (claimed.number, claimed.spent) == (FORGIVEN + 1, True)
    settle([settlement(claimed, None, failure=Failure.ABANDONED)])
    delivery.refresh_from_db()
    assert (delivery.state, delivery.step, delivery.attempt_count) == ("pending", 1, FORGIVEN + 1)
    assert [each.number for each in attempts_of(delivery)] == [1, 2, 3, 4]
    assert delivery.next_attempt_at is not None


@pytest.mark.parametrize(
    ("meanwhile", "code", "state"),
    [
        ("held", 500, "held"),
        ("held", 200, "delivered"),
        ("cancelled", 500, "cancelled"),
        ("cancelled", 200, "delivered"),
    ],
)
def test_a_delivery_that_was_held_or_cancelled_in_flight_stays_so_unless_it_arrived(
    endpoint: Endpoint, meanwhile: str, code: int, state: str
) -> None:
    (delivery,) = owe(endpoint)
    (claimed,) = take(1)
    Delivery.objects.update(state=meanwhile, next_attempt_at=None)
    assert settle([settlement(claimed, code)]).states == {delivery.id: state}
    assert len(attempts_of(delivery)) == 1


def test_failures_add_up_and_one_success_clears_them(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    owe(endpoint, 4)
    claims = take(4)
    settled = settle([settlement(each, 500) for each in claims[:2]])
    assert settled.failing[endpoint.id].tries == 2
    assert settled.failing[endpoint.id].since == min(each.started_at for each in claims[:2])
    assert settle([settlement(claims[2], 500)]).failing[endpoint.id].tries == 3
    assert settle([settlement(claims[3], 200)]).failing == {}
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.failing_tries) == (None, 0)


def test_an_abandoned_try_says_nothing_about_the_endpoint(endpoint: Endpoint) -> None:
    owe(endpoint)
    (claimed,) = take(1)
    assert settle([settlement(claimed, None, failure=Failure.ABANDONED)]).failing == {}


def test_a_secret_that_does_not_decrypt_claims_nothing(endpoint: Endpoint, settings) -> None:
    (delivery,) = owe(endpoint)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        take(1)
    delivery.refresh_from_db()
    assert (delivery.attempt_count, delivery.claim_id) == (0, None)


def test_the_delivery_table_leaves_room_for_heap_only_updates() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'webhooks_delivery'")
        assert "fillfactor=40" in cursor.fetchone()[0]


def side_by_side(*works: Callable[[], object]) -> None:
    """Each in a thread and on a connection of its own, begun at the same moment."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        close_old_connections()
        gate.wait(60)
        try:
            work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)


@pytest.mark.django_db(transaction=True)
def test_four_claimers_at_once_take_each_delivery_once_and_keep_the_cap(alice: Merchant) -> None:
    endpoints = [EndpointFactory(merchant=alice, max_in_flight=10) for _ in range(3)]
    for endpoint in endpoints:
        owe(endpoint, 40)
    taken: list[Claimed] = []
    side_by_side(*[lambda: taken.extend(take(25)) for _ in range(4)])
    taken.extend(take(100))
    ids = [each.delivery_id for each in taken]
    assert len(ids) == len(set(ids))
    of = [each.endpoint.id for each in taken]
    assert {of.count(endpoint.id) for endpoint in endpoints} == {10}


@pytest.mark.django_db(transaction=True)
def test_settling_failures_of_the_same_endpoints_side_by_side_loses_none(alice: Merchant) -> None:
    endpoints = [EndpointFactory(merchant=alice, max_in_flight=40) for _ in range(6)]
    for endpoint in endpoints:
        owe(endpoint, 40)
    claims = take(240)
    parts = [claims[start::8] for start in range(8)]
    side_by_side(*[lambda part=part: settle([settlement(one, 500) for one in part]) for part in parts])
    assert set(Endpoint.objects.values_list("failing_tries", flat=True)) == {40}
