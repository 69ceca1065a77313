"""`GET /v1/events`."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from events import feed, log


@pytest.fixture
def three_events(alice: Merchant) -> str:
    stream = uuid7()
    types = ["tracker.created", "tracking.scanned", "tracking.scanned"]
    with transaction.atomic():
        log.append(
            alice.id,
            [log.NewEvent(stream, n, kind, f"k{n}", None, {"n": n}) for n, kind in enumerate(types, start=1)],
        )
    return str(stream)


def test_the_feed_shows_the_merchants_events_in_order(as_alice: APIClient, three_events: str) -> None:
    data = as_alice.get("/v1/events").json()["data"]
    assert [event["sequence"] for event in data["events"]] == [1, 2, 3]
    assert {event["trackerId"] for event in data["events"]} == {three_events}
    assert [event["data"] for event in data["events"]] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert data["hasMore"] is False
    assert set(data["events"][0]) == {
        "eventId",
        "type",
        "trackerId",
        "sequence",
        "occurredAt",
        "recordedAt",
        "data",
    }


def test_a_reader_at_the_head_keeps_its_place(as_alice: APIClient, three_events: str) -> None:
    head = as_alice.get("/v1/events").json()["data"]["next"]
    again = as_alice.get("/v1/events", {"after": head}).json()["data"]
    assert again == {"events": [], "next": head, "hasMore": False}


def test_types_filter_and_the_cursor_still_moves_to_the_end(as_alice: APIClient, three_events: str) -> None:
    everything = as_alice.get("/v1/events").json()["data"]
    created = as_alice.get("/v1/events", {"types": "tracker.*"}).json()["data"]
    assert [event["type"] for event in created["events"]] == ["tracker.created"]
    assert created["next"] == everything["next"]


def test_a_filter_that_rarely_matches_examines_a_bounded_number_of_rows(
    as_alice: APIClient, three_events: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "EXAMINED", 2)
    first = as_alice.get("/v1/events", {"types": "endpoint.*", "limit": 1}).json()["data"]
    assert first["events"] == []
    assert first["hasMore"] is True
    last = as_alice.get("/v1/events", {"types": "endpoint.*", "limit": 1, "after": first["next"]}).json()
    assert last["data"]["hasMore"] is False


def test_without_a_filter_a_page_looks_at_one_row_more_than_it_shows(
    alice: Merchant, three_events: str
) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert feed.page(alice.id, after=0, limit=1).has_more
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) {captured[0]['sql']}")
        plan = [line for (line,) in cursor.fetchall() if "CTE Scan on seen" in line]
    assert plan
    assert all("rows=2" in line for line in plan), plan


def test_a_reader_at_the_end_does_not_look_at_what_others_have_had_since(
    alice: Merchant, bob: Merchant, three_events: str
) -> None:
    head = feed.head(alice.id)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    with transaction.atomic():
        log.append(bob.id, [log.NewEvent(uuid7(), 1, "tracker.created", "k", None, {}) for _ in range(500)])
    with CaptureQueriesContext(connection) as captured:
        assert feed.page(alice.id, after=head, limit=100) == feed.Page([], head, has_more=False)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) {captured[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Rows Removed by Filter" not in plan, plan


def test_pages_without_a_filter_give_everything_once(alice: Merchant, three_events: str) -> None:
    first = feed.page(alice.id, after=0, limit=2)
    last = feed.page(alice.id, after=first.next, limit=2)
    assert [event.version for event in first.events + last.events] == [1, 2, 3]
    assert (first.has_more, last.has_more) == (True, False)
    assert last.next == last.events[-1].position == feed.head(alice.id)


def test_underscore_and_percent_in_types_are_no_wildcards(as_alice: APIClient, three_events: str) -> None:
    for types in ("tracking_scanned", "%", "tracking.%"):
        assert as_alice.get("/v1/events", {"types": types}).json()["data"]["events"] == []


def test_another_merchant_sees_nothing(as_bob: APIClient, three_events: str) -> None:
    assert as_bob.get("/v1/events").json()["data"]["events"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "x"}, "after"),
        ({"after": "-1"}, "after"),
        ({"after": str(2**63)}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"types": "a\x00b"}, "types"),
    ],
)
def test_a_bad_query_is_told_by_its_field(as_alice: APIClient, query: dict[str, str], field: str) -> None:
    answer = as_alice.get("/v1/events", query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "validation_error"
    assert answer.json()["errors"][0]["message"].startswith(f"{field}:")
