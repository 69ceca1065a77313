"""The lists and pages of the admin ask nothing that no index answers, and no more for more rows."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import lists
from accounts.models import ApiKey, Merchant
from carriers.models import CarrierAccount
from tests.carrier_server import CarrierServer, carrier_server, order
from tests.config.crowd import gather
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.polled import poll_due
from tests.webhooks.cast import EndpointFactory, ended
from trackers.creating import create
from trackers.models import Tracker
from trackers.serializers import TrackerCreateSerializer
from webhooks.claims import take
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Message, Notice, Recovery
from webhooks.settling import settle

pytestmark = pytest.mark.django_db

#: Tables that grow with parcels, or with time.
BIG = frozenset({
    "trackers_tracker", "trackers_watch", "trackers_personaldata", "trackers_rawanswer",
    "trackers_outcomechange", "events_event", "webhooks_message", "webhooks_delivery", "webhooks_attempt",
    "webhooks_tally", "webhooks_endpoint", "webhooks_recovery", "webhooks_extratry", "webhooks_notice",
    "accounts_idempotencykey", "django_admin_log", "carriers_polltally", "carriers_closing",
})  # fmt: skip
OWN_APPS = {"accounts", "events", "carriers", "webhooks", "trackers"}
LISTS = [
    f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    for model in apps.get_models()
    if admin.site.is_registered(model) and model._meta.app_label in {*OWN_APPS, "admin"}
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def carrier(settings: Any) -> Iterator[CarrierServer]:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with carrier_server() as server:
        yield server


@pytest.fixture
def live(carrier: CarrierServer) -> Callable[[str], Tracker]:
    """A merchant, its account, endpoint and parcel, and what all of them leave behind."""

    def make(name: str) -> Tracker:
        merchant = MerchantFactory(name=f"{name} Trading")
        CarrierAccountFactory(merchant=merchant, base_url=carrier.url)
        ApiKey.issue(merchant)
        endpoint = EndpointFactory(merchant=merchant, url=f"https://hooks.{name}.example/in")
        number = f"{name}-PARCEL"
        carrier.replies[number] = order(number, "050000", "777")
        tracker = create(merchant.id, wishes_of(number, name))
        poll_due()
        settle((each, ended(each.delivery_id, 500)) for each in take(100))
        leave_traces(merchant, endpoint)
        return tracker

    return make


def wishes_of(number: str, name: str) -> Any:
    body = {
        "trackingNumber": number,
        "courierCode": "all24",
        "shipmentReference": f"{name}-ref",
        "clientTrackerId": f"{name}-client",
        "recipient": {"name": "R N", "email": "r@example.org"},
    }
    serializer = TrackerCreateSerializer(data=body)
    serializer.is_valid(raise_exception=True)
    return TrackerCreateSerializer.wishes(serializer.validated_data)


def leave_traces(merchant: Merchant, endpoint: Endpoint) -> None:
    now = "2026-03-01T00:00:00Z"
    delivery = endpoint.deliveries.first()
    assert delivery
    ExtraTry.objects.create(delivery=delivery, endpoint=endpoint, trigger="manual")
    Recovery.objects.create(endpoint=endpoint, since=now, until=now, states=["exhausted"])
    Notice.objects.create(endpoint=endpoint, reason="gone")
    LogEntry.objects.log_actions(
        User.objects.get().id,
        Merchant.objects.filter(id=merchant.id),
        2,
        change_message="",
        single_object=True,
    )


@pytest.fixture
def many(live: Callable[[str], Tracker]) -> Tracker:
    """One parcel among so many that PostgreSQL has a reason to choose an index well."""
    live("second")
    tracker = live("first")
    gather("first-PARCEL")
    return tracker


def opened(staff: Client, address: str) -> str:
    answer = staff.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def asked_by(staff: Client, address: str) -> CaptureQueriesContext:
    with CaptureQueriesContext(connection) as asked:
        opened(staff, address)
    return asked


def plans(asked: CaptureQueriesContext, *, walks: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of the plan of everything that was read from a big table, where an index has its way."""
    settings = ["seqscan", "hashjoin", "mergejoin", "bitmapscan", *(["sort"] if walks else [])]
    with connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(f"SET LOCAL enable_{setting} = off")
        for query in asked.captured_queries:
            sql = query["sql"]
            if re.match(r"\s*(SELECT|WITH)", sql) and any(table in sql for table in BIG):
                cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
                found = cursor.fetchone()[0]
                top = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
                yield from ((sql, node) for node in nodes(top))
        for setting in settings:
            cursor.execute(f"SET LOCAL enable_{setting} = on")


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def looks_through(node: dict[str, Any], *, walks: bool, filters: bool) -> bool:
    """Whether it reads rows of a big table to throw them away.

    `walks`: rows may be read in the order of an index, for the list stops soon. `filters`: what an index
    found may be looked at once more, being little. The beginning of a text is always looked at once more.
    """
    if node.get("Relation Name") not in BIG:
        return False
    found, thrown_away = node.get("Index Cond"), node.get("Filter", "")
    if not found:
        return not (walks and node["Node Type"].startswith("Index") and not thrown_away)
    return bool(thrown_away) and not filters and "~~" not in thrown_away


def without_an_index(
    asked: CaptureQueriesContext, *, walks: bool = False, filters: bool = False
) -> list[str]:
    return [
        f"{node['Node Type']} on {node['Relation Name']}, {node.get('Filter')}: {sql}"
        for sql, node in plans(asked, walks=walks)
        if looks_through(node, walks=walks, filters=filters)
    ]


def test_a_list_asks_as_much_for_one_row_as_for_many(staff: Client, live: Callable[[str], Tracker]) -> None:
    live("first")
    opened(staff, "/admin/")
    few = {address: len(asked_by(staff, address)) for address in LISTS}
    live("second")
    live("third")
    assert {address: len(asked_by(staff, address)) for address in LISTS} == few


def test_lists_walk_along_an_index_and_count_nothing_to_its_end(staff: Client, many: Tracker) -> None:
    for address in LISTS:
        asked = asked_by(staff, address)
        assert not without_an_index(asked, walks=True), address
        counted = [query["sql"] for query in asked.captured_queries if "COUNT(*)" in query["sql"]]
        assert not [sql for sql in counted if "LIMIT" not in sql and any(table in sql for table in BIG)]


def test_every_filter_has_an_index(staff: Client, many: Tracker) -> None:
    quiet = Merchant.objects.exclude(id=many.merchant_id)[0]  # of most of the log no index would help
    for query in (
        "trackers/tracker/?milestone=in_transit",
        "trackers/tracker/?trouble=stalled",
        "trackers/tracker/?trouble=no_courier",
        f"trackers/tracker/?merchant__id__exact={many.merchant_id}",
        "trackers/watch/?failing=throttled",
        f"events/event/?merchant__id__exact={quiet.id}",
        "webhooks/endpoint/?state__exact=disabled",
    ):
        stops = "trouble" in query  # the index has these alone
        assert not without_an_index(asked_by(staff, f"/admin/{query}"), walks=stops), query


def test_every_search_finds_by_an_index(staff: Client, many: Tracker) -> None:
    endpoint = Endpoint.objects.get(merchant=many.merchant_id)
    message = Message.objects.filter(stream=many.id)[0]
    delivery = Delivery.objects.filter(message=message)[0]
    attempt = Attempt.objects.filter(delivery=delivery)[0]
    terms: dict[str, list[Any]] = {
        "trackers/tracker": [
            "first-PARCEL", "first-ref", "first-client", many.id, "first trad", "trading", many.merchant_id,
        ],
        "trackers/watch": ["first-PARCEL", many.id],
        "trackers/personaldata": ["first-PARCEL"],
        "trackers/rawanswer": ["first-ref"],
        "trackers/outcomechange": ["first-client"],
        "events/event": [many.id],
        "webhooks/message": [many.id, message.id],
        "webhooks/delivery": [delivery.id, message.id, endpoint.id],
        "webhooks/attempt": [delivery.id, attempt.id],
        "webhooks/tally": [endpoint.id],
        "webhooks/extratry": [endpoint.id],
        "webhooks/recovery": [endpoint.id],
        "webhooks/endpoint": [
            endpoint.id, "first.example", "https://hooks.FIRST.example/in", "first trading", many.merchant_id,
        ],
        "accounts/merchant": ["trad", many.merchant_id],
        "carriers/carrieraccount": ["first", "all24"],
        "admin/logentry": [many.merchant_id, "olga"],
    }  # fmt: skip
    for model, searches in terms.items():
        for term in searches:
            address = f"/admin/{model}/?q={term}"
            assert re.search(rf'href="/admin/{model}/[^"]+/change/', opened(staff, address)), address
            assert not without_an_index(asked_by(staff, address)), address


def test_a_search_for_what_is_not_there_finds_nothing(staff: Client) -> None:
    for address in LISTS:
        for term in ("nonsense", "00000000-0000-0000-0000-000000000000", "'; -- \\", "a:*&", "://["):
            assert staff.get(address, {"q": term}).status_code == 200


def test_change_pages_look_everything_up(staff: Client, many: Tracker) -> None:
    endpoint = Endpoint.objects.get(merchant=many.merchant_id)
    account = CarrierAccount.objects.get(merchant=many.merchant_id)
    for page in (
        f"trackers/tracker/{many.id}",
        f"webhooks/endpoint/{endpoint.id}",
        f"carriers/carrieraccount/{account.id}",
    ):
        assert not without_an_index(asked_by(staff, f"/admin/{page}/change/"), filters=True), page


def test_filters_that_no_index_has_are_not_taken(staff: Client) -> None:
    for address in ("trackers/tracker/?title__contains=x", "events/event/?type=tracking.scanned"):
        assert staff.get(f"/admin/{address}").status_code == 400


def test_a_list_is_leafed_through_and_counted_only_so_far(
    staff: Client, many: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST", 60)
    page = opened(staff, "/admin/trackers/tracker/")
    assert "The first 60; filter or search for others" in page
    assert len(set(re.findall(r'href="/admin/trackers/tracker/([^"]+)/change/', page))) == 50
    page = opened(staff, "/admin/trackers/tracker/?p=2")
    assert len(set(re.findall(r'href="/admin/trackers/tracker/([^"]+)/change/', page))) == 10
    assert "N1999" in opened(staff, "/admin/trackers/tracker/?q=N1999")
