"""The pump end to end: real rows, a real subscriber."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.db.models.functions import Now
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from accounts.models import Merchant
from accounts.running import Job
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, attempts_of, due_now, news, owe, tell
from tests.webhooks.test_claims import lose_leases
from webhooks import pump
from webhooks.claims import Claimed, Taken, renewing, take, taking
from webhooks.models import Delivery, Endpoint
from webhooks.paces import Pace
from webhooks.stopping import stop

pytestmark = pytest.mark.django_db

Renewing = Callable[[list[Claimed]], Job[set[UUID]]]


@pytest.fixture(autouse=True)
def _rules(settings) -> Iterator[None]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    yield
    stop.clear()


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url())


def test_a_delivery_arrives_signed_with_the_announcers_bytes(endpoint: Endpoint, server: Subscriber) -> None:
    endpoint.headers = json.dumps({"Authorization": "Bearer alice"})
    endpoint.save()
    (delivery,) = owe(endpoint)
    assert pump.run(60) == 1
    (heard,) = server.heard()
    assert heard.body == bytes(delivery.message.body)
    assert heard.headers["webhook-id"] == str(delivery.message_id)
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["user-agent"].startswith("Parcelwire/")
    assert heard.headers["authorization"] == "Bearer alice"
    assert Webhook(endpoint.secret).verify(heard.body, dict(heard.headers))["weight"] == 136.0
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_a_pump_without_any_time_looks_once(endpoint: Endpoint, server: Subscriber) -> None:
    """A machine that is busy when it begins makes it no pump that sends nothing."""
    owe(endpoint)
    assert pump.run(0) == 1
    assert len(server.heard()) == 1


def test_a_retry_has_the_same_id_and_bytes_and_a_fresh_signature(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    server.answer("/hook", status(500), status(200))
    (delivery,) = owe(endpoint)
    pump.run(60)
    due_now(delivery)
    later = time.time() + 100
    monkeypatch.setattr(pump.time, "time", lambda: later)
    pump.run(60)
    first, second = server.heard()
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert [(each.number, each.status_code, each.error) for each in attempts_of(delivery)] == [
        (1, 500, "http_status"),
        (2, 200, ""),
    ]


def test_nothing_due_is_nothing_sent(endpoint: Endpoint) -> None:
    assert pump.run(60) == 0


def test_many_deliveries_go_through_a_narrow_endpoint(alice: Merchant, server: Subscriber) -> None:
    owe(EndpointFactory(merchant=alice, url=server.url(), max_in_flight=3), 40)
    assert pump.run(60) == 40
    assert len(server.heard()) == 40
    assert server.most_at_once() <= 3
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_a_hanging_subscriber_holds_up_nobody_else(alice: Merchant, server: Subscriber) -> None:
    all_came = threading.Event()

    def fine(handler: subscribers.Handler) -> None:
        status(200)(handler)
        if len(server.heard("/fine")) == 60:
            stop.set()
            all_came.set()

    server.answer("/hang", subscribers.after(all_came, status(200)))
    server.answer("/fine", fine)
    owe(EndpointFactory(merchant=alice, url=server.url("/hang")), 30)
    owe(EndpointFactory(merchant=alice, url=server.url("/fine")), 60)
    assert pump.run(60) == 70
    assert (len(server.heard("/hang")), len(server.heard("/fine"))) == (10, 60)


@pytest.mark.django_db(transaction=True)
def test_work_that_appears_while_another_try_hangs_is_sent_meanwhile(
    alice: Merchant, server: Subscriber
) -> None:
    heard_fine = threading.Event()

    def news_comes_and_it_hangs(handler: subscribers.Handler) -> None:
        tell(alice, news("tracker.created"))
        connections.close_all()
        subscribers.after(heard_fine, status(200))(handler)

    def fine(handler: subscribers.Handler) -> None:
        heard_fine.set()
        status(200)(handler)

    server.answer("/slow", news_comes_and_it_hangs)
    server.answer("/fine", fine)
    EndpointFactory(merchant=alice, url=server.url("/fine"), types=["tracker.*"])
    owe(EndpointFactory(merchant=alice, url=server.url("/slow"), types=["tracking.*"]))
    assert pump.run(60) == 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_the_budget_ends_the_claiming_and_what_is_under_way_is_seen_to_its_end(
    endpoint: Endpoint, server: Subscriber
) -> None:
    server.answer("/hook", subscribers.later(0.2, status(200)))
    owe(endpoint, 30)
    assert pump.run(0.05) == 10
    assert Delivery.objects.filter(state="delivered").count() == 10
    assert not Delivery.objects.exclude(claim_id=None).exists()


def test_the_word_to_stop_ends_the_claiming_and_leaves_no_claim(
    endpoint: Endpoint, server: Subscriber
) -> None:
    def answer(handler: subscribers.Handler) -> None:
        stop.set()
        status(200)(handler)

    server.answer("/hook", answer)
    owe(endpoint, 30)
    assert pump.run(60) == 10
    assert pump.run(60) == 0
    assert not Delivery.objects.exclude(claim_id=None).exists()


def test_a_410_disables_the_endpoint_at_once_and_the_others_are_told(
    alice: Merchant, endpoint: Endpoint, server: Subscriber
) -> None:
    other = EndpointFactory(merchant=alice, url=server.url("/other"), types=["endpoint.*"])
    server.answer("/hook", status(410))
    owe(endpoint, 3)
    pump.run(60)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "gone")
    (heard,) = server.heard("/other")
    body = Webhook(other.secret).verify(heard.body, dict(heard.headers))
    assert body["type"] == "endpoint.disabled"
    assert body["data"]["webhookId"] == str(endpoint.id)
    assert body["data"]["reason"] == "gone"
    assert body["timestamp"].endswith("Z")
    assert len(server.heard()) == 3


def test_a_used_up_schedule_exhausts_the_delivery_and_the_others_are_told(
    alice: Merchant, endpoint: Endpoint, server: Subscriber
) -> None:
    Endpoint.objects.update(retry_schedule=[1, 1])
    EndpointFactory(merchant=alice, url=server.url("/other"), types=["delivery.*"])
    server.answer("/hook", status(500))
    (delivery,) = owe(endpoint)
    for _ in range(4):
        pump.run(60)
        due_now(delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count, delivery.next_attempt_at) == ("exhausted", 3, None)
    assert len(server.heard()) == 3
    (heard,) = server.heard("/other")
    told = json.loads(heard.body)
    assert told["type"] == "delivery.exhausted"
    assert told["data"]["deliveryId"] == str(delivery.id)
    assert told["data"]["messageId"] == str(delivery.message_id)
    assert told["data"]["attemptCount"] == 3


def test_two_dead_endpoints_do_not_tell_each_other_for_ever(alice: Merchant, server: Subscriber) -> None:
    for path in ("/a", "/b"):
        server.answer(path, status(500))
        EndpointFactory(merchant=alice, url=server.url(path), retry_schedule=[1])
    tell(alice, news("tracking.updated"))
    for _ in range(12):
        due_now(*Delivery.objects.all())
        pump.run(60)
    assert not Delivery.objects.filter(state="pending").exists()
    assert Delivery.objects.count() == 4


def test_retry_after_puts_the_next_try_off(endpoint: Endpoint, server: Subscriber) -> None:
    server.answer("/hook", status(429, {"Retry-After": "7200"}))
    owe(endpoint)
    pump.run(60)
    waiting = Delivery.objects.annotate(now=Now()).get()
    assert waiting.next_attempt_at - waiting.started_at >= timedelta(seconds=7_200)
    assert waiting.next_attempt_at - waiting.now <= timedelta(seconds=7_200 * 1.2)


def test_a_try_that_was_cut_off_is_made_again_with_the_same_id_and_bytes(
    endpoint: Endpoint, server: Subscriber
) -> None:
    (delivery,) = owe(endpoint)
    take(10)
    assert pump.run(60) == 0
    lose_leases()
    assert pump.run(60) == 1
    (heard,) = server.heard()
    assert heard.headers["webhook-id"] == str(delivery.message_id)
    assert [each.error for each in attempts_of(delivery)] == ["abandoned", ""]


def test_a_delivery_cut_off_too_often_is_put_off_without_being_sent(
    endpoint: Endpoint, server: Subscriber
) -> None:
    (delivery,) = owe(endpoint)
    for _ in range(4):
        take(10)
        lose_leases()
    assert pump.run(60) == 0
    delivery.refresh_from_db()
    assert (delivery.step, delivery.claim_id) == (1, None)
    assert len(attempts_of(delivery)) == 4
    assert server.heard() == []


@pytest.fixture
def _renews_soon(settings, monkeypatch) -> None:
    """The first renewal comes soon; no lease runs out, however slow this machine is."""
    settings.DELIVERY_LEASE = 0.3

    def take_for_long(limit: int, paces: Sequence[Pace], *, of_slow: bool) -> Job[Taken]:
        settings.DELIVERY_LEASE = 60
        return (yield from taking(limit, paces, of_slow=of_slow))

    monkeypatch.setattr(pump, "taking", take_for_long)


@pytest.mark.usefixtures("_renews_soon")
@pytest.mark.django_db(transaction=True)
def test_a_long_try_keeps_its_lease(endpoint: Endpoint, server: Subscriber) -> None:
    (delivery,) = owe(endpoint)
    mine = Delivery.objects.filter(id=delivery.id)

    def is_renewed() -> bool:
        now = mine.get()
        return now.claimed_until - now.started_at > timedelta(seconds=60.001)

    def answer_after_a_renewal(handler: subscribers.Handler) -> None:
        eventually(is_renewed)
        connections.close_all()
        status(200)(handler)

    server.answer("/hook", answer_after_a_renewal)
    assert pump.run(60) == 1
    assert [each.error for each in attempts_of(delivery)] == [""]


def once_it_is_so(is_so: Callable[[], bool], settings: Settings, renew: Renewing) -> Renewing:
    """Renewals that change nothing and are asked for often until it is so; then by `renew`."""

    def renewing_then(claims: list[Claimed]) -> Job[set[UUID]]:
        if is_so():
            settings.DELIVERY_LEASE = 60
            return (yield from renew(claims))
        settings.DELIVERY_LEASE = 0.3
        return {each.delivery_id for each in claims}

    return renewing_then


@pytest.mark.usefixtures("_renews_soon")
def test_a_lost_claim_stops_the_try_and_settles_nothing(
    endpoint: Endpoint, server: Subscriber, settings, monkeypatch
) -> None:
    def steal(handler: subscribers.Handler) -> None:
        handler.close_connection = True
        stolen.set()
        handler.server.closing.wait()

    stolen = threading.Event()
    server.answer("/hook", steal)
    (delivery,) = owe(endpoint)

    def renew_after_theft(claims: list[Claimed]) -> Job[set[UUID]]:
        lose_leases()
        take(1)
        return (yield from renewing(claims))

    monkeypatch.setattr(pump, "renewing", once_it_is_so(stolen.is_set, settings, renew_after_theft))
    assert pump.run(60) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("pending", 2)
    assert [each.error for each in attempts_of(delivery)] == ["abandoned"]


@pytest.mark.usefixtures("_renews_soon")
def test_an_answer_that_came_while_the_pump_stood_still_is_recorded_though_the_lease_is_over(
    endpoint: Endpoint, server: Subscriber, settings, monkeypatch
) -> None:
    stalled, answered = threading.Event(), threading.Event()

    def answer_meanwhile(handler: subscribers.Handler) -> None:
        stalled.wait(60)
        status(200)(handler)
        answered.set()

    def stand_still(claims: list[Claimed]) -> Job[set[UUID]]:
        stalled.set()
        answered.wait(60)
        lose_leases()
        return (yield from renewing(claims))

    server.answer("/hook", answer_meanwhile)
    (delivery,) = owe(endpoint)
    renew = once_it_is_so(lambda: bool(server.heard()), settings, stand_still)
    monkeypatch.setattr(pump, "renewing", renew)
    assert pump.run(60) == 1
    assert [each.error for each in attempts_of(delivery)] == [""]


def test_a_pump_that_takes_over_from_itself_sends_again_and_goes_on(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    lost: list[int] = []

    def take_late(limit: int, paces: Sequence[Pace], *, of_slow: bool) -> Job[Taken]:
        if server.heard() and not lost:
            lost.append(1)
            lose_leases()
        return (yield from taking(limit, paces, of_slow=of_slow))

    def both_are_there(handler: subscribers.Handler) -> None:
        server.wait_for(2)
        status(200)(handler)

    server.answer("/hook", both_are_there)
    (delivery,) = owe(endpoint)
    monkeypatch.setattr(pump, "taking", take_late)
    assert pump.run(60) == 2
    assert [each.error for each in attempts_of(delivery)] == ["abandoned", ""]
    owe(endpoint)
    assert pump.run(60) == 1


@pytest.mark.django_db(transaction=True)
def test_pumps_side_by_side_send_each_delivery_once(alice: Merchant, server: Subscriber) -> None:
    ids = []
    for number in range(4):
        endpoint = EndpointFactory(merchant=alice, url=server.url(f"/{number}"), max_in_flight=4)
        ids += [each.message_id for each in owe(endpoint, 50)]

    def work() -> None:
        pump.run(60)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    pump.run(60)
    heard = [each for number in range(4) for each in server.heard(f"/{number}")]
    assert sorted(each.headers["webhook-id"] for each in heard) == sorted(str(each) for each in ids)
    assert max(server.most_at_once(f"/{number}") for number in range(4)) <= 4


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.django_db(transaction=True)
def test_a_process_that_was_forked_does_not_use_its_parents_connections(
    endpoint: Endpoint, server: Subscriber
) -> None:
    owe(endpoint)
    pump.run(60)
    owe(endpoint)
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            os._exit(0 if pump.run(60) == 1 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    owe(endpoint)
    assert pump.run(60) == 1
    assert len(server.heard()) == 3


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.django_db(transaction=True)
def test_a_process_killed_in_mid_try_loses_nothing(endpoint: Endpoint, server: Subscriber, settings) -> None:
    settings.DELIVERY_LEASE = 600
    server.answer("/hook", subscribers.hang, status(200))
    (delivery,) = owe(endpoint)
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            pump.run(60)
        finally:
            os._exit(0)
    server.wait_for(1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert pump.run(60) == 0
    lose_leases()
    assert pump.run(60) == 1
    first, second = server.heard()
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert [each.error for each in attempts_of(delivery)] == ["abandoned", ""]
