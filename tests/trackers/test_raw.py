"""`GET /v1/trackers/{id}/raw`: what carriers said, to the letter."""

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, order
from tests.docs.documents import answers as answers_of
from tests.docs.documents import assert_like, page, sections
from trackers import answers
from trackers.models import RawAnswer, Tracker, Watch

Follow = Callable[..., Tracker]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def keep(tracker: Tracker, *bodies: bytes) -> None:
    """Answers to the tracker's watch, a minute after one another."""
    watch = Watch.objects.get(tracker=tracker)
    for n, body in enumerate(bodies):
        RawAnswer.objects.create(
            watch=watch,
            digest=f"{n:064}",
            body=zlib.compress(body),
            asked_at=NOON + timedelta(minutes=n),
        )


def raw(client: APIClient, tracker: Tracker, query: str = "") -> Any:
    answer = client.get(f"/v1/trackers/{tracker.id}/raw?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


@pytest.fixture
def parcel(alice: Merchant, follow: Follow) -> Tracker:
    return follow(alice, "PARCEL-1", clientTrackerId="mine")


def test_a_polls_answer_is_shown_as_it_was_kept(
    as_alice: APIClient,
    alice: Merchant,
    account: CarrierAccount,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Callable[[], int],
) -> None:
    tracker = follow(alice, "HSBY37H7")
    carrier.replies["HSBY37H7"] = order("HSBY37H7", "500000")
    poll_all()
    found = raw(as_alice, tracker)
    watch = Watch.objects.get()
    assert [one["courierCode"] for one in found["answers"]] == ["all24"]
    assert found["answers"][0]["digest"] == RawAnswer.objects.get(watch=watch).digest
    assert found["answers"][0]["askedAt"] == as_alice.get(f"/v1/trackers/{tracker.id}").json()["lastPolledAt"]
    assert "HSBY37H7" in json.dumps(found["answers"][0]["answer"])
    assert found["answers"][0]["text"] is None
    (example,) = answers_of(sections(page("api"))["`GET /v1/trackers/{trackerId}/raw`"])
    assert_like(example["data"], found)


def test_answers_come_newest_first_page_by_page(as_alice: APIClient, parcel: Tracker) -> None:
    keep(parcel, *(b'{"n": %d}' % n for n in range(5)))
    seen: list[int] = []
    query = "limit=2"
    while query:
        part = raw(as_alice, parcel, query)
        seen += [one["answer"]["n"] for one in part["answers"]]
        query = part["next"] and f"limit=2&after={part['next']}"
    assert seen == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "body",
    [b"<html>Bad gateway", b"\xff\xfe\x00", b"", b"NaN", b"1e999", b'"\\ud800"', b"[" * 400, b"9" * 480],
)
def test_what_is_no_json_is_shown_as_text(as_alice: APIClient, parcel: Tracker, body: bytes) -> None:
    keep(parcel, body)
    shown = raw(as_alice, parcel)["answers"][0]
    if body == b"9" * 480:
        assert shown["answer"] == int(body)
        return
    assert (shown["answer"], shown["text"]) == (None, body.decode(errors="replace"))


def test_a_page_of_large_answers_is_cut_short(
    as_alice: APIClient, parcel: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 1000)
    keep(parcel, *(json.dumps("x" * 600).encode() for _ in range(3)))
    first = raw(as_alice, parcel)
    assert len(first["answers"]) == 1
    assert len(raw(as_alice, parcel, f"after={first['next']}")["answers"]) == 1


def test_a_tracker_without_answers_has_an_empty_list(as_alice: APIClient, parcel: Tracker) -> None:
    assert raw(as_alice, parcel) == {"answers": [], "next": None}
    assert as_alice.get("/v1/trackers/mine/raw?searchBy=clientTrackerId").json()["data"]["answers"] == []


def test_another_merchants_answers_are_not_found(as_bob: APIClient, parcel: Tracker) -> None:
    keep(parcel, b"{}")
    assert as_bob.get(f"/v1/trackers/{parcel.id}/raw").status_code == 404


def test_answers_of_other_trackers_stay_out(
    as_alice: APIClient, alice: Merchant, parcel: Tracker, follow: Follow
) -> None:
    keep(follow(alice, "PARCEL-2"), b'{"of": "another"}')
    assert raw(as_alice, parcel)["answers"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "after=x", "after=0", "since=1", "limit=1&limit=2"]
)
def test_a_bad_query_is_refused_by_name(as_alice: APIClient, parcel: Tracker, query: str) -> None:
    answer = as_alice.get(f"/v1/trackers/{parcel.id}/raw?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith(query.partition("=")[0])
