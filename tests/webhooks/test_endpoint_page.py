"""The page of an endpoint for staff."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, ended, owe
from webhooks.claims import take
from webhooks.models import Delivery, Endpoint, Recovery
from webhooks.settling import settle
from webhooks.staff import endpoint as page_module

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    return EndpointFactory(merchant=alice)


def opened(staff: Client, endpoint: Endpoint, query: str = "") -> str:
    answer = staff.get(f"/admin/webhooks/endpoint/{endpoint.id}/change/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def listed(page: str) -> list[str]:
    return re.findall(r'/admin/webhooks/delivery/([0-9a-f-]{36})/change/"', page)


def test_one_that_was_never_tried_says_so(staff: Client, endpoint: Endpoint) -> None:
    page = opened(staff, endpoint)
    assert "No tries in the last 48 hours." in page
    assert "Nothing was owed to it yet." in page


def test_its_health_is_drawn_and_told(staff: Client, endpoint: Endpoint) -> None:
    owe(endpoint, 3)
    settle((each, ended(each.delivery_id, code)) for each, code in zip(take(3), (200, 200, 500), strict=True))
    page = opened(staff, endpoint)
    assert 'aria-label="2 succeeded, 1 failed in the last 48 hours"' in page
    assert "66.7% of 3" in page
    assert f"{datetime.now(UTC):%Y-%m-%d}" in page
    assert "http status 1" in page


def test_its_deliveries_are_listed_with_their_tries(staff: Client, endpoint: Endpoint) -> None:
    owed = owe(endpoint, 2)
    settle((each, ended(each.delivery_id)) for each in take(1))
    page = opened(staff, endpoint)
    assert set(listed(page)) == {str(one.id) for one in owed}
    assert len(re.findall("/admin/webhooks/attempt/[0-9a-f-]{36}/change/", page)) == 1


def test_deliveries_are_filtered_by_state(staff: Client, endpoint: Endpoint) -> None:
    owe(endpoint, 2)
    settle((each, ended(each.delivery_id)) for each in take(1))
    delivered = Delivery.objects.get(state="delivered")
    assert listed(opened(staff, endpoint, "?state=delivered")) == [str(delivered.id)]
    assert "No delivery is exhausted." in opened(staff, endpoint, "?state=exhausted")


def test_its_deliveries_go_on_where_a_page_ends(
    staff: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "PAGE", 2)
    owed = owe(endpoint, 5)
    found: list[str] = []
    query: str | None = ""
    while query is not None:
        page = opened(staff, endpoint, query)
        found += listed(page)
        link = re.search(r'href="(\?older=[^"#]+)', page)
        query = link and link[1]
    assert found == [str(one.id) for one in sorted(owed, key=lambda one: (one.created_at, one.id))][::-1]


@pytest.mark.parametrize("query", ["?state=lost", "?older=x", "?older=99999999999999999-" + "0" * 36])
def test_a_page_that_no_link_leads_to_is_not_there(staff: Client, endpoint: Endpoint, query: str) -> None:
    assert staff.get(f"/admin/webhooks/endpoint/{endpoint.id}/change/{query}").status_code == 404


def test_its_recoveries_are_listed(staff: Client, endpoint: Endpoint) -> None:
    now = "2026-03-01T00:00:00Z"
    made = Recovery.objects.create(endpoint=endpoint, since=now, until=now, states=["exhausted"])
    assert f"/admin/webhooks/recovery/{made.id}/change/" in opened(staff, endpoint)


def test_the_statements_are_as_many_however_much_it_was_owed(
    staff: Client, endpoint: Endpoint, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    owe(endpoint)
    opened(staff, endpoint)
    few = count_statements(lambda: opened(staff, endpoint))
    owe(endpoint, 30)
    settle((each, ended(each.delivery_id, 500)) for each in take(20))
    assert count_statements(lambda: opened(staff, endpoint)) == few
