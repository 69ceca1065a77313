"""`Idempotency-Key`: one effect, one answer, however often a POST is sent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts import idempotency, tasks
from accounts.errors import ApiError
from accounts.models import IdempotencyKey, Merchant
from trackers.models import Tracker
from trackers.views.collection import TrackersView
from webhooks.models import Endpoint

TRACKER = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000"}
HOOK = {"url": "https://127.0.0.1/hook"}


@pytest.fixture(autouse=True)
def local(settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def post(client: APIClient, path: str, body: Any, key: str = "order-1002", **more: Any) -> Any:
    return client.post(path, body, format="json", headers={"Idempotency-Key": key}, **more)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_a_repeat_gets_the_same_bytes_and_makes_nothing(as_alice: APIClient) -> None:
    first, again = post(as_alice, "/v1/webhooks", HOOK), post(as_alice, "/v1/webhooks", HOOK)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.json()["data"]["webhook"]["secret"].startswith("whsec_")
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == first["Content-Type"]
    assert Endpoint.objects.count() == 1


def test_without_the_header_a_repeat_is_a_call_of_its_own(as_alice: APIClient) -> None:
    post(as_alice, "/v1/webhooks", HOOK)
    assert code(as_alice.post("/v1/webhooks", HOOK, format="json")) == (409, "webhook_conflict")


def test_both_prefixes_are_one_route(as_alice: APIClient) -> None:
    first = post(as_alice, "/v1/webhooks", HOOK)
    assert post(as_alice, "/public/v1/webhooks", HOOK).content == first.content


def test_the_answer_is_encrypted_and_the_key_is_not_kept(as_alice: APIClient) -> None:
    secret = post(as_alice, "/v1/webhooks", HOOK).json()["data"]["webhook"]["secret"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(kept)::text FROM accounts_idempotencykey AS kept")
        stored = cursor.fetchone()[0]
    assert secret not in stored
    assert "order-1002" not in stored


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/trackers?a=1", TRACKER), ("/v1/trackers", TRACKER | {"title": "Shoes"})]
)
def test_the_same_key_for_something_else_is_refused(as_alice: APIClient, path: str, body: Any) -> None:
    post(as_alice, "/v1/trackers", TRACKER)
    assert code(post(as_alice, path, body)) == (409, "idempotency_conflict")
    assert Tracker.objects.count() == 1


def test_another_tracker_in_the_path_is_something_else(as_alice: APIClient) -> None:
    ids = [
        as_alice.post("/v1/trackers", {"trackingNumber": f"SHIP24_SAMPLE_PENDING_00{n}"}, format="json")
        for n in range(2)
    ]
    one, two = [answer.json()["data"]["tracker"]["trackerId"] for answer in ids]
    assert post(as_alice, f"/v1/trackers/{one}/poll", {}).status_code == 202
    assert code(post(as_alice, f"/v1/trackers/{two}/poll", {})) == (409, "idempotency_conflict")


def test_the_same_key_on_another_route_is_another_key(as_alice: APIClient) -> None:
    post(as_alice, "/v1/trackers", TRACKER)
    assert post(as_alice, "/v1/webhooks", HOOK).status_code == 201


def test_merchants_do_not_meet_in_a_key(as_alice: APIClient, as_bob: APIClient, alice: Merchant) -> None:
    hers = post(as_alice, "/v1/webhooks", HOOK)
    his = post(as_bob, "/v1/webhooks", HOOK)
    assert "Idempotent-Replayed" not in his
    assert his.json()["data"]["webhook"]["secret"] != hers.json()["data"]["webhook"]["secret"]
    assert Endpoint.objects.filter(merchant=alice).count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb", "a\x7fb"])
def test_a_key_that_cannot_be_one_is_refused(as_alice: APIClient, key: str) -> None:
    answer = as_alice.post("/v1/trackers", TRACKER, format="json", HTTP_IDEMPOTENCY_KEY=key)
    assert code(answer) == (400, "validation_error")
    assert "Idempotency-Key" in answer.json()["errors"][0]["message"]


def test_a_key_counts_for_posts_only(as_alice: APIClient) -> None:
    answer = as_alice.get("/v1/trackers", HTTP_IDEMPOTENCY_KEY="")
    assert answer.status_code == 200
    assert code(as_alice.post("/v1/events", {}, HTTP_IDEMPOTENCY_KEY="a")) == (405, "method_not_allowed")
    assert not IdempotencyKey.objects.exists()


def test_a_refusal_is_kept_too(as_alice: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = post(as_alice, "/v1/trackers", {"trackingNumber": "x"})
    monkeypatch.setattr(TrackersView, "post", lambda *_: pytest.fail("it was done again"))
    again = post(as_alice, "/v1/trackers", {"trackingNumber": "x"})
    assert code(again) == code(refused) == (400, "validation_error")
    assert again["Idempotent-Replayed"] == "true"


def test_what_was_done_before_a_refusal_is_undone(
    as_alice: APIClient, alice: Merchant, handler: Callable[..., None]
) -> None:
    def refuse_late() -> Response:
        Endpoint.objects.create(merchant=alice, url="https://a.example", secret="s")
        raise ApiError(400, "tracker_conflict", "Too late.", {"Link": "<a>"})

    handler(refuse_late)
    first, again = post(as_alice, "/v1/trackers", TRACKER), post(as_alice, "/v1/trackers", TRACKER)
    assert code(first) == code(again) == (400, "tracker_conflict")
    assert again["Link"] == "<a>"
    assert not Endpoint.objects.exists()


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """POST /v1/trackers does this instead."""

    def install(work: Callable[[], Response], holds_transaction: bool = True) -> None:
        monkeypatch.setattr(TrackersView, "post", lambda _self, _request: work())
        monkeypatch.setattr(TrackersView, "holds_transaction", holds_transaction)

    return install


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize(
    ("status", "word"), [(503, "processing_error"), (429, "too_many_requests"), (409, "request_conflict")]
)
def test_what_asks_to_try_again_is_not_kept(
    as_alice: APIClient, handler: Callable[..., None], status: int, word: str, holds: bool
) -> None:
    def busy() -> Response:
        raise ApiError(status, word, "Later.")

    handler(busy, holds)
    assert code(post(as_alice, "/v1/trackers", TRACKER)) == (status, word)
    assert not IdempotencyKey.objects.exists()
    handler(lambda: Response({"done": True}, status=201), holds)
    assert post(as_alice, "/v1/trackers", TRACKER).status_code == 201


def test_an_answer_that_is_not_kept_leaves_no_effect(
    as_alice: APIClient, alice: Merchant, handler: Callable[..., None]
) -> None:
    def half() -> Response:
        Endpoint.objects.create(merchant=alice, url="https://a.example", secret="s")
        return Response({}, status=503)

    handler(half)
    assert post(as_alice, "/v1/trackers", TRACKER).status_code == 503
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("holds", [True, False])
def test_a_fault_of_ours_leaves_nothing_stuck(
    as_alice: APIClient, handler: Callable[..., None], holds: bool
) -> None:
    handler(lambda: 1 // 0, holds)
    as_alice.raise_request_exception = False
    assert code(post(as_alice, "/v1/trackers", TRACKER)) == (500, "processing_error")
    assert not IdempotencyKey.objects.exists()


def test_a_call_outside_a_transaction_is_kept_afterwards(
    as_alice: APIClient, handler: Callable[..., None]
) -> None:
    calls: list[int] = []

    def search() -> Response:
        calls.append(1)
        return Response({"data": len(calls)}, status=201)

    handler(search, False)
    answers = [post(as_alice, "/v1/trackers", TRACKER).json() for _ in range(2)]
    assert answers == [{"data": 1}, {"data": 1}]


def test_an_answer_without_a_body_is_repeated_so(as_alice: APIClient, handler: Callable[..., None]) -> None:
    handler(lambda: Response(status=204))
    answers = [post(as_alice, "/v1/trackers", TRACKER) for _ in range(2)]
    assert [(one.status_code, one.content) for one in answers] == [(204, b"")] * 2


def test_after_a_crash_the_lease_runs_out_and_a_repeat_does_it(
    as_alice: APIClient, handler: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dead:
        handler(lambda: 1 // 0)
        dead.setattr(idempotency, "release", lambda _claim: None)  # the process is gone
        as_alice.raise_request_exception = False
        post(as_alice, "/v1/trackers", TRACKER)
    handler(lambda: Response({"done": True}, status=201))
    under_way = post(as_alice, "/v1/trackers", TRACKER)
    assert code(under_way) == (409, "request_conflict")
    assert under_way["Retry-After"] == "1"
    assert code(post(as_alice, "/v1/trackers", {"trackingNumber": "another"})) == (
        409,
        "idempotency_conflict",
    )
    IdempotencyKey.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert post(as_alice, "/v1/trackers", TRACKER).status_code == 201


def test_who_lost_the_lease_changes_nothing(
    as_alice: APIClient, alice: Merchant, handler: Callable[..., None]
) -> None:
    def slow() -> Response:
        Endpoint.objects.create(merchant=alice, url="https://a.example", secret="s")
        IdempotencyKey.objects.update(claim_id=idempotency.uuid4())
        return Response({}, status=201)

    handler(slow)
    assert code(post(as_alice, "/v1/trackers", TRACKER)) == (409, "request_conflict")
    assert not Endpoint.objects.exists()


def test_after_a_day_the_key_is_new(as_alice: APIClient) -> None:
    post(as_alice, "/v1/trackers", TRACKER)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    answer = post(as_alice, "/v1/trackers", {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000"})
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer
    assert IdempotencyKey.objects.get().created_at > timezone.now() - timedelta(hours=1)


def test_the_sweep_deletes_what_is_a_day_old_and_nothing_else(
    as_alice: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "BATCH", 2)
    monkeypatch.setattr(tasks, "BATCH", 2)
    for number in range(6):
        post(as_alice, "/v1/trackers", TRACKER, key=f"key-{number}")
    old = IdempotencyKey.objects.order_by("id")[:5].values("id")
    IdempotencyKey.objects.filter(id__in=list(old.values_list("id", flat=True))).update(
        created_at=timezone.now() - timedelta(hours=25)
    )
    tasks.forget_expired_answers()
    assert IdempotencyKey.objects.count() == 1


def test_an_answer_is_kept_for_a_whole_day(as_alice: APIClient) -> None:
    for key, age in (("over", timedelta(hours=24, seconds=5)), ("good", timedelta(hours=23, minutes=59))):
        post(as_alice, "/v1/trackers", TRACKER, key=key)
        newest = IdempotencyKey.objects.latest("id").id
        IdempotencyKey.objects.filter(id=newest).update(created_at=timezone.now() - age)
    tasks.forget_expired_answers()
    again = post(as_alice, "/v1/trackers", TRACKER, key="good")
    assert again["Idempotent-Replayed"] == "true"
    assert IdempotencyKey.objects.count() == 1
