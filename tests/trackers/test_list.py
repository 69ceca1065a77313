"""`GET /v1/trackers`: filters, totals, links."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.carrier_server import CarrierServer
from tests.factories import CarrierAccountFactory
from trackers import listing
from trackers.models import Tracker, Watch

Follow = Callable[..., Tracker]
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def numbers(client: APIClient, query: str = "") -> list[str]:
    answer = client.get(f"/v1/trackers?{query}")
    assert answer.status_code == 200, answer.content
    return [one["trackingNumber"] for one in answer.json()["data"]["trackers"]]


def refusal(client: APIClient, query: str) -> list[str]:
    answer = client.get(f"/v1/trackers?{query}")
    assert answer.status_code == 400
    assert {error["code"] for error in answer.json()["errors"]} == {"validation_error"}
    return [error["message"] for error in answer.json()["errors"]]


def following(answer: Any) -> str:
    """The URL of the next page."""
    target, _, relation = answer["Link"].partition(";")
    assert relation.strip() == 'rel="next"'
    return str(target[1:-1])


@pytest.fixture
def twelve(alice: Merchant, follow: Follow) -> list[str]:
    """Twelve trackers, made one after the other."""
    names = [f"NUMBER-{n:02}" for n in range(12)]
    for name in names:
        follow(alice, name)
    return names


def test_the_list_is_paged_by_creation(as_alice: APIClient, twelve: list[str]) -> None:
    assert numbers(as_alice, "page=1&limit=5") == twelve[:5]
    assert numbers(as_alice, "page=3&limit=5") == twelve[10:]
    assert numbers(as_alice, "page=1&limit=1&sort=-1") == twelve[-1:]
    assert numbers(as_alice) == twelve


def test_the_body_is_ship24s_and_the_total_a_header(as_alice: APIClient, twelve: list[str]) -> None:
    answer = as_alice.get("/v1/trackers?limit=5")
    assert set(answer.json()) == {"data"}
    assert set(answer.json()["data"]) == {"trackers"}
    assert answer["X-Total-Count"] == "12"


def test_totals_are_counted_only_so_far(
    as_alice: APIClient, twelve: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 12)
    assert as_alice.get("/v1/trackers")["X-Total-Count"] == "12"
    monkeypatch.setattr(listing, "COUNTED", 11)
    assert as_alice.get("/v1/trackers")["X-Total-Count"] == "11+"


@pytest.mark.parametrize("sort", ["1", "-1"])
def test_links_lead_through_the_whole_list_and_end(as_alice: APIClient, twelve: list[str], sort: str) -> None:
    Tracker.objects.filter(tracking_number__lt="NUMBER-09").update(created_at=MARCH)  # one moment, many ids
    url, seen = f"/v1/trackers?limit=5&page=1&sort={sort}", []
    while url:
        answer = as_alice.get(url)
        seen += [one["trackingNumber"] for one in answer.json()["data"]["trackers"]]
        url = following(answer) if "Link" in answer else ""
    assert seen == (twelve if sort == "1" else twelve[::-1])


def test_a_link_keeps_the_filters_and_the_prefix(as_alice: APIClient, twelve: list[str]) -> None:
    url = following(as_alice.get("/public/v1/trackers?page=1&limit=5&text=number-0&status=pending"))
    assert url.startswith("http://testserver/public/v1/trackers?")
    assert "page=" not in url
    answer = as_alice.get(url)
    assert [one["trackingNumber"] for one in answer.json()["data"]["trackers"]] == twelve[5:10]
    assert "Link" not in answer


def test_a_cursor_keeps_its_place_while_rows_before_it_go(as_alice: APIClient, twelve: list[str]) -> None:
    url = following(as_alice.get("/v1/trackers?limit=5"))
    Watch.objects.filter(tracker__tracking_number__lt="NUMBER-03").delete()
    Tracker.objects.filter(tracking_number__lt="NUMBER-03").delete()
    answer = as_alice.get(url)
    assert [one["trackingNumber"] for one in answer.json()["data"]["trackers"]] == twelve[5:10]


def test_a_cursor_names_nothing_of_another_merchants(
    as_alice: APIClient, as_bob: APIClient, twelve: list[str]
) -> None:
    url = following(as_alice.get("/v1/trackers?limit=5"))
    assert as_bob.get(url).json()["data"]["trackers"] == []
    assert as_bob.get(url)["X-Total-Count"] == "0"


def test_a_page_of_a_hundred_takes_the_statements_of_a_page_of_one(
    as_alice: APIClient,
    alice: Merchant,
    follow: Follow,
    count_statements: Callable[[Callable[[], object]], int],
) -> None:
    as_alice.get("/v1/trackers")  # the key's last use is written
    for n in range(100):
        follow(alice, f"NUMBER-{n:03}")
    one = count_statements(lambda: numbers(as_alice, "limit=1"))
    assert count_statements(lambda: numbers(as_alice, "limit=100")) == one == 4


def test_a_page_does_not_read_the_state(as_alice: APIClient, twelve: list[str]) -> None:
    seen: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        numbers(as_alice, "limit=5&text=number")
    assert seen
    assert not any('"state"' in sql for sql in seen)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("page=0", "page"),
        ("limit=501", "limit"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("sort=2", "sort"),
        ("page=1.5", "page"),
        ("page=9999999999999999999999", "page"),
        ("after=x", "after"),
        ("after=", "after"),
        ("after=%F0%9F%98%80", "after"),
        ("after=" + "_" * 32, "after"),
        ("after=" + "_" * 4000, "after"),
        ("status=lost", "status"),
        ("status=", "status"),
        ("status=pending,", "status"),
        ("courierCode=nobody", "courierCode"),
        ("createdFrom=yesterday", "createdFrom"),
        ("createdTo=9999-12-31T23:59:59-23:00", "createdTo"),
        ("updatedSince=", "updatedSince"),
        ("isSubscribed=1", "isSubscribed"),
        ("isSubscribed=True", "isSubscribed"),
        ("text=", "text"),
        ("text=%00", "text"),
        ("text=" + "x" * 256, "text"),
        ("state=pending", "state"),
        ("Status=pending", "Status"),
        ("status[]=pending", "status[]"),
        ("status=pending&status=delivered", "status"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(
    as_alice: APIClient, twelve: list[str], query: str, named: str
) -> None:
    assert [message.partition(":")[0] for message in refusal(as_alice, query)] == [named]


def test_every_unknown_parameter_is_named(as_alice: APIClient) -> None:
    told = refusal(as_alice, "milestone=pending&updated_since=x")
    assert [message.partition(":")[0] for message in told] == ["milestone", "updated_since"]


def test_page_and_cursor_together_are_refused(as_alice: APIClient, twelve: list[str]) -> None:
    url = following(as_alice.get("/v1/trackers?limit=5"))
    assert as_alice.get(f"{url}&page=2").json()["errors"][0]["message"].startswith("after:")


def test_status_takes_several(as_alice: APIClient, twelve: list[str]) -> None:
    Tracker.objects.filter(tracking_number__in=twelve[:1]).update(milestone="delivered")
    Tracker.objects.filter(tracking_number__in=twelve[1:2]).update(milestone="exception")
    assert numbers(as_alice, "status=delivered,exception") == twelve[:2]
    assert numbers(as_alice, "status=out_for_delivery") == []


def test_courier_code_finds_who_is_asked_given_or_detected(
    as_alice: APIClient, alice: Merchant, follow: Follow
) -> None:
    CarrierAccountFactory(merchant=alice, courier="247express")
    follow(alice, "GIVEN-1")
    follow(alice, "GIVEN-2", courierCode=["247express", "all24"])
    follow(alice, "SHIP24_SAMPLE_DELIVERED_000", courierCode=None)
    assert numbers(as_alice, "courierCode=all24") == ["GIVEN-1", "GIVEN-2"]
    assert numbers(as_alice, "courierCode=247express,sandbox") == ["GIVEN-2", "SHIP24_SAMPLE_DELIVERED_000"]
    assert as_alice.get("/v1/trackers?courierCode=all24,247express")["X-Total-Count"] == "2"


def test_creation_is_from_inclusive_to_exclusive(as_alice: APIClient, twelve: list[str]) -> None:
    for n, name in enumerate(twelve):
        Tracker.objects.filter(tracking_number=name).update(created_at=MARCH + timedelta(days=n))
    assert numbers(as_alice, "createdFrom=2026-03-02&createdTo=2026-03-04T00:00:00Z") == twelve[1:3]
    assert numbers(as_alice, "createdFrom=2026-03-11T07:00:00%2B07:00") == twelve[10:]
    assert numbers(as_alice, "createdFrom=2026-03-11T07:00:00+07:00") == twelve[10:]


def test_subscribed_or_not(as_alice: APIClient, twelve: list[str]) -> None:
    Tracker.objects.filter(tracking_number__in=twelve[3:]).update(is_subscribed=False)
    assert numbers(as_alice, "isSubscribed=true") == twelve[:3]
    assert numbers(as_alice, "isSubscribed=false") == twelve[3:]


def test_updated_since_finds_new_trackers_and_news(
    as_alice: APIClient,
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll_all: Callable[[], int],
) -> None:
    follow(alice, "SHIP24_SAMPLE_DELIVERED_000", courierCode="sandbox")
    follow(alice, "SILENT-1")
    Tracker.objects.update(created_at=MARCH)
    since = f"updatedSince={datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    assert numbers(as_alice, since) == []
    poll_all()
    follow(alice, "MADE-SINCE")
    assert numbers(as_alice, since) == ["SHIP24_SAMPLE_DELIVERED_000", "MADE-SINCE"]


def test_text_is_looked_for_in_all_that_the_merchant_calls_it(
    as_alice: APIClient, follow: Follow, alice: Merchant
) -> None:
    follow(alice, "AAA-Needle-1")
    follow(alice, "11111", shipmentReference="the NEEDLE")
    follow(alice, "22222", clientTrackerId="needle")
    follow(alice, "33333", title="Needles")
    follow(alice, "44444", orderNumber="xneedlex")
    follow(alice, "55555", title="thread", courierName="needle")
    assert numbers(as_alice, "text=nEEdle") == ["AAA-Needle-1", "11111", "22222", "33333", "44444"]


@pytest.mark.parametrize("text", ["%25", "_ _", "\\", "'; --", "%F0%9F%98%80"])
def test_text_is_taken_literally(as_alice: APIClient, alice: Merchant, follow: Follow, text: str) -> None:
    follow(alice, "11111", title="nothing special")
    assert numbers(as_alice, f"text={text}") == []


def test_filters_narrow_together(as_alice: APIClient, twelve: list[str]) -> None:
    Tracker.objects.filter(tracking_number__in=twelve[:6]).update(milestone="delivered")
    Tracker.objects.filter(tracking_number__in=twelve[:3]).update(is_subscribed=False)
    query = "status=delivered&isSubscribed=true&text=number&courierCode=all24"
    assert numbers(as_alice, query) == twelve[3:6]


def test_another_merchants_are_not_found_by_any_filter(as_bob: APIClient, twelve: list[str]) -> None:
    for query in ("text=number", "status=pending", "courierCode=all24", "updatedSince=2020-01-01"):
        assert numbers(as_bob, query) == []


@pytest.mark.django_db(transaction=True)
def test_a_search_that_takes_too_long_says_so(as_alice: APIClient, twelve: list[str]) -> None:
    def hurried(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if "trackers_tracker" in sql:
            connection.connection.execute("SET statement_timeout = '50ms'")
        return execute(sql, *more)

    with (
        connection.execute_wrapper(hurried),
        psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other,
    ):
        other.execute("LOCK TABLE trackers_tracker IN ACCESS EXCLUSIVE MODE")
        told = refusal(as_alice, "text=number")
    connection.close()
    assert told[0].startswith("text: too many trackers")
