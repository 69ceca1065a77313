"""`GET /v1/export`: trackers and log in one stream that says where it ends."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Merchant
from trackers import exporting
from trackers.models import Tracker
from trackers.page.links import Links

Follow = Callable[..., Tracker]
NO_LINKS = Links("https://shop.example", None)


def lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def of_kind(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in found if one["kind"] == kind]


@pytest.fixture
def seven(alice: Merchant, follow: Follow) -> list[Tracker]:
    return [follow(alice, f"NUMBER-{n}") for n in range(7)]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "TRACKERS", 2)
    monkeypatch.setattr(exporting, "EVENTS", 3)


def test_an_export_has_every_tracker_every_event_and_an_end(
    as_alice: APIClient, seven: list[Tracker], small_pages: None
) -> None:
    answer = as_alice.get("/v1/export")
    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"].startswith('attachment; filename="parcelwire-export-')
    found = lines(answer)
    assert [one["kind"] for one in found] == ["tracker"] * 7 + ["event"] * 7 + ["end"]
    assert found[-1] == {"kind": "end", "trackers": 7, "events": 7}


def test_the_lines_are_what_the_other_routes_answer(as_alice: APIClient, seven: list[Tracker]) -> None:
    found = lines(as_alice.get("/v1/export"))
    first = of_kind(found, "tracker")[0]
    assert first["tracker"] == as_alice.get("/v1/trackers?limit=1").json()["data"]["trackers"][0]
    results = as_alice.get(f"/v1/trackers/{seven[0].id}/results").json()
    assert first["tracking"] == results["data"]["trackings"][0]
    events = as_alice.get("/v1/events").json()["data"]["events"]
    assert [{"kind": "event", **one} for one in events] == of_kind(found, "event")


def test_filters_narrow_the_trackers(as_alice: APIClient, seven: list[Tracker]) -> None:
    found = lines(as_alice.get("/v1/export?text=number-3&events=false"))
    assert [one["kind"] for one in found] == ["tracker", "end"]
    assert found[0]["tracker"]["trackingNumber"] == "NUMBER-3"
    assert found[1] == {"kind": "end", "trackers": 1, "events": 0}


def test_another_merchants_are_not_in_it(as_bob: APIClient, seven: list[Tracker]) -> None:
    assert lines(as_bob.get("/v1/export")) == [{"kind": "end", "trackers": 0, "events": 0}]


def test_it_is_read_page_by_page_as_it_is_taken(
    alice: Merchant, seven: list[Tracker], small_pages: None
) -> None:
    stream = exporting.export(alice.id, NO_LINKS, {}, with_events=True)
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            next(stream)
        counts.append(sum(query["sql"].startswith("SELECT") for query in captured))
    stream.close()
    # The log's head and the time; then trackers with personal data, and their watches.
    assert counts == [4, 2, 2]


def test_what_comes_during_an_export_is_left_to_the_next(
    alice: Merchant, seven: list[Tracker], small_pages: None, follow: Follow
) -> None:
    stream = exporting.export(alice.id, NO_LINKS, {}, with_events=True)
    first = next(stream)
    follow(alice, "NUMBER-LATE")
    whole = [json.loads(line) for line in (first + b"".join(stream)).splitlines()]
    assert whole[-1] == {"kind": "end", "trackers": 7, "events": 7}


def test_a_clock_that_is_slow_leaves_nothing_out(
    alice: Merchant, seven: list[Tracker], monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: yesterday)
    whole = b"".join(exporting.export(alice.id, NO_LINKS, {}, with_events=True))
    assert json.loads(whole.splitlines()[-1]) == {"kind": "end", "trackers": 7, "events": 7}


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_between_pages(
    alice: Merchant, seven: list[Tracker], small_pages: None
) -> None:
    stream = exporting.export(alice.id, NO_LINKS, {}, with_events=True)
    for _ in stream:
        assert connection.connection.info.transaction_status.name == "IDLE"


@pytest.mark.django_db(transaction=True)
def test_an_export_outlives_a_lost_connection(
    alice: Merchant, seven: list[Tracker], small_pages: None
) -> None:
    stream = exporting.export(alice.id, NO_LINKS, {}, with_events=True)
    whole = next(stream)
    connection.connection.close()
    whole += b"".join(stream)
    assert json.loads(whole.splitlines()[-1]) == {"kind": "end", "trackers": 7, "events": 7}


def test_an_export_that_fails_has_no_end(
    as_alice: APIClient, seven: list[Tracker], small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = as_alice.get("/v1/export")
    stream: Iterator[bytes] = iter(answer.streaming_content)
    taken = [next(stream)]

    def refuse(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(exporting, "_read", refuse)
    with pytest.raises(ZeroDivisionError):
        taken.extend(stream)
    assert b'"kind":"end"' not in b"".join(taken)


@pytest.mark.parametrize("query", ["limit=5", "status=lost", "events=maybe", "events=true&events=false"])
@pytest.mark.parametrize("accept", ["*/*", "application/x-ndjson"])
def test_what_is_wrong_is_told_before_the_first_line(as_alice: APIClient, query: str, accept: str) -> None:
    answer = as_alice.get(f"/v1/export?{query}", headers={"Accept": accept})
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"][0]["message"].startswith(query.partition("=")[0])


def test_callers_may_accept_lines_alone(as_alice: APIClient, seven: list[Tracker]) -> None:
    answer = as_alice.get("/v1/export", headers={"Accept": "application/x-ndjson"})
    assert lines(answer)[-1]["trackers"] == 7
    assert as_alice.get("/v1/trackers", headers={"Accept": "application/x-ndjson"}).status_code == 406


def test_a_quarter_of_the_threads_may_be_held_by_exports(
    as_alice: APIClient, seven: list[Tracker], small_pages: None
) -> None:
    slow = [as_alice.get("/v1/export") for _ in range(2)]
    refused = as_alice.get("/v1/export")
    assert (refused.status_code, refused["Retry-After"]) == (429, "10")
    for answer in slow:
        assert lines(answer)[-1]["kind"] == "end"
    assert lines(as_alice.get("/v1/export"))[-1]["trackers"] == 7
