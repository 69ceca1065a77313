"""Track and the search per call against real workers and a carrier that a test holds back."""

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from tests.carrier_server import CarrierServer, order
from tests.journeys.conftest import LOOPBACK
from tests.waiting import eventually
from trackers import waiting
from trackers.models import Tracker

pytestmark = [
    pytest.mark.journey,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("account"),
]
StartWorker = Callable[..., Any]
NUMBER = "HSAAAA00"


class Callers:
    """Requests of one merchant, each on a thread of its own as in the web."""

    def __init__(self, make: Callable[[], APIClient]) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(8)
        #: The database sessions that the requests run on.
        self.sessions: list[int] = []

    def post(self, route: str, number: str = NUMBER) -> Future[Response]:
        return self._pool.submit(self._post, self._make(), route, number)

    def track(self, number: str = NUMBER) -> Future[Response]:
        return self.post("/v1/trackers/track", number)

    def _post(self, client: APIClient, route: str, number: str) -> Response:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.sessions.append(cursor.fetchone()[0])
            answer: Response = client.post(
                route, {"trackingNumber": number, "courierCode": "all24"}, format="json"
            )
            return answer
        finally:
            connection.close()

    def end(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def callers(alice: Merchant, client_of: Callable[[Merchant], APIClient]) -> Iterator[Callers]:
    callers = Callers(lambda: client_of(alice))
    yield callers
    callers.end()


@pytest.fixture
def held_back(carrier: CarrierServer, settings: Settings) -> Iterator[CarrierServer]:
    """A carrier that knows the number and says nothing before the gate is set."""
    settings.CARRIER_ALLOWED_NETWORKS = [LOOPBACK]
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000")
    carrier.gate.clear()
    yield carrier
    carrier.gate.set()


def events(answer: Response) -> list[dict[str, Any]]:
    assert answer.status_code in {200, 201}, answer.content
    (tracking,) = answer.json()["data"]["trackings"]
    found: list[dict[str, Any]] = tracking["events"]
    return found


def state_of(session: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [session])
        return str(cursor.fetchone()[0])


def test_the_call_that_creates_the_tracker_answers_with_what_the_carrier_says(
    as_alice: APIClient, carrier: CarrierServer, start_worker: StartWorker
) -> None:
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000")
    start_worker()
    body = {"trackingNumber": NUMBER, "courierCode": "all24"}
    first = as_alice.post("/v1/trackers/track", body, format="json")
    assert [one["carrierEventCode"] for one in events(first)] == ["100000", "050000"]
    again = as_alice.post("/v1/trackers/track", body, format="json")
    assert again.json() == first.json()
    assert len(carrier.asked) == 1


def test_a_number_that_the_carrier_does_not_know_is_answered_when_it_has_said_so(
    as_alice: APIClient, carrier: CarrierServer, start_worker: StartWorker
) -> None:
    start_worker()
    answer = as_alice.post("/v1/trackers/track", {"trackingNumber": NUMBER}, format="json")
    assert events(answer) == []
    tracker_id = answer.json()["data"]["trackings"][0]["tracker"]["trackerId"]
    assert as_alice.get(f"/v1/trackers/{tracker_id}").json()["lastPollOutcome"] == "not_found"


def test_a_carrier_that_is_slower_is_recorded_later(
    as_alice: APIClient,
    callers: Callers,
    held_back: CarrierServer,
    start_worker: StartWorker,
    settings: Settings,
) -> None:
    settings.TRACK_WAIT = 0.3
    start_worker()
    answer = callers.track().result(180)
    assert events(answer) == []
    eventually(lambda: held_back.asked)
    held_back.gate.set()
    tracker_id = answer.json()["data"]["trackings"][0]["tracker"]["trackerId"]
    eventually(lambda: len(events(as_alice.get(f"/v1/trackers/{tracker_id}/results"))) == 2)


def test_a_quarter_of_the_threads_waits_and_the_next_call_answers_at_once(
    callers: Callers, held_back: CarrierServer, start_worker: StartWorker, settings: Settings
) -> None:
    settings.WEB_THREADS = 8
    numbers = ["HSAAAA01", "HSAAAA02"]
    held_back.replies |= {number: order(number, "050000") for number in numbers}
    start_worker()
    waiters = [callers.track(number) for number in numbers]
    eventually(lambda: waiting.room._taken == 2)
    assert events(callers.track().result(180)) == []
    assert not any(one.done() for one in waiters)
    held_back.gate.set()
    assert [len(events(one.result(180))) for one in waiters] == [1, 1]


def test_two_equal_calls_at_once_make_one_tracker_and_one_of_them_waits(
    callers: Callers, held_back: CarrierServer, start_worker: StartWorker
) -> None:
    start_worker()
    calls = [callers.track(), callers.track()]
    eventually(lambda: any(one.done() for one in calls))
    held_back.gate.set()
    answers = [one.result(180) for one in calls]
    assert Tracker.objects.count() == 1
    assert sorted(len(events(one)) for one in answers) == [0, 2]


@pytest.mark.parametrize("route", ["/v1/trackers/track", "/v1/tracking/search"])
def test_no_transaction_is_open_while_a_carrier_is_waited_for(
    callers: Callers, held_back: CarrierServer, start_worker: StartWorker, route: str
) -> None:
    start_worker()
    call = callers.post(route)
    eventually(lambda: held_back.asked and waiting.room._taken)
    eventually(lambda: state_of(callers.sessions[0]) == "idle")
    held_back.gate.set()
    assert len(events(call.result(180))) == 2


def test_a_caller_that_hangs_up_breaks_nothing(
    alice: Merchant,
    callers: Callers,
    held_back: CarrierServer,
    start_worker: StartWorker,
    live_server: LiveServer,
) -> None:
    start_worker()
    _, key = ApiKey.issue(alice)
    body = json.dumps({"trackingNumber": NUMBER, "courierCode": "all24"})
    at = urlsplit(live_server.url)
    lines = (
        "POST /v1/trackers/track HTTP/1.1",
        f"Host: {at.netloc}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    with socket.create_connection((at.hostname, at.port)) as caller:
        caller.sendall("\r\n".join([*lines, "", body]).encode())
        eventually(lambda: held_back.asked)
    held_back.gate.set()
    eventually(lambda: waiting.room._taken == 0)
    assert len(events(callers.track().result(180))) == 2
    assert Tracker.objects.count() == 1
