"""`Idempotency-Key` where requests meet, connections break and the database refuses: real transactions."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import ApiKey, IdempotencyKey, Merchant
from events.conflicts import or_conflict
from trackers.views.collection import TrackersView
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db(transaction=True)
BODY = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000"}


@pytest.fixture
def key(alice: Merchant) -> str:
    return ApiKey.issue(alice)[1]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, alice: Merchant) -> Callable[..., None]:
    """Let POST /v1/trackers do this; many of them at once."""
    return lambda work: monkeypatch.setattr(TrackersView, "post", lambda _self, _request: work())


def post(key: str, path: str = "/v1/trackers", body: Any = BODY) -> Any:
    """One request in a thread of its own would have a connection of its own: it is closed here."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}", HTTP_IDEMPOTENCY_KEY="order-1002")
    return client.post(path, body, format="json")


def in_a_thread(key: str, *more: Any) -> Any:
    try:
        return post(key, *more)
    finally:
        connection.close()


def made(url: str, merchant: Merchant) -> Endpoint:
    return Endpoint.objects.create(merchant=merchant, url=url, secret="s", fingerprint=url)


def test_equal_requests_at_once_have_one_effect(key: str, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    hook = {"url": "https://127.0.0.1/hook"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: in_a_thread(key, "/v1/webhooks", hook), range(12)))
    done = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(busy) == 12
    assert len({answer.content for answer in done}) == 1
    assert {answer.json()["errors"][0]["code"] for answer in busy} <= {"request_conflict"}
    assert all(answer["Retry-After"] == "1" for answer in busy)
    assert Endpoint.objects.count() == 1


def test_a_repeat_while_the_first_is_under_way_is_told_so(
    key: str, alice: Merchant, calls: Callable[..., None]
) -> None:
    begun, told = threading.Event(), threading.Event()

    def slow() -> Response:
        made("https://a.example", alice)
        begun.set()
        assert told.wait(60)
        return Response({"done": True}, status=201)

    calls(slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_a_thread, key)
        assert begun.wait(60)
        busy = post(key)
        told.set()
        assert first.result().status_code == 201
    assert (busy.status_code, busy["Retry-After"]) == (409, "1")
    again = post(key)
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert Endpoint.objects.count() == 1


def test_a_connection_that_breaks_leaves_nothing_half_and_nothing_stuck(
    key: str, alice: Merchant, calls: Callable[..., None]
) -> None:
    def broken() -> Response:
        made("https://a.example", alice)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return Response({})

    calls(broken)
    assert post(key).status_code == 500
    assert not Endpoint.objects.exists()
    assert not IdempotencyKey.objects.exists()
    calls(lambda: Response({"id": str(made("https://a.example", alice).id)}, status=201))
    assert post(key).status_code == 201


def test_a_second_try_after_a_time_out_keeps_the_transaction_and_nudges_once(
    key: str, alice: Merchant, calls: Callable[..., None]
) -> None:
    tries: list[str] = []
    nudged: list[tuple[bool, int | None]] = []

    def nudge() -> None:
        nudged.append((connection.in_atomic_block, IdempotencyKey.objects.get().status))

    def work() -> str:
        with transaction.atomic():
            tries.append(made(f"https://{len(tries)}.example", alice).url)
            transaction.on_commit(nudge)
            if len(tries) == 1:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)")
        return tries[-1]

    calls(lambda: Response({"url": or_conflict(work)}, status=201))
    assert post(key).json() == {"url": "https://1.example"}
    assert Endpoint.objects.get().url == "https://1.example"
    assert nudged == [(False, 201)]


def test_refused_twice_it_is_a_conflict_that_may_be_tried_again(
    key: str, alice: Merchant, calls: Callable[..., None]
) -> None:
    def work() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            made("https://a.example", alice)
            cursor.execute("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)")

    calls(lambda: or_conflict(work))
    answer = post(key)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "request_conflict")
    assert not Endpoint.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_a_real_create_is_kept_with_its_tracker(key: str) -> None:
    first = post(key)
    assert first.status_code == 201
    assert post(key).content == first.content
    assert IdempotencyKey.objects.get().status == 201
