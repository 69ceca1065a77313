"""The search box of the pages for staff."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.factories import CarrierAccountFactory
from tests.webhooks.cast import EndpointFactory
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def tracker(as_alice: APIClient) -> Tracker:
    body = {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000", "shipmentReference": "ref-1"}
    assert as_alice.post("/v1/trackers", body, format="json").status_code == 201
    return Tracker.objects.get()


def links(client: Client, term: str) -> list[str]:
    answer = client.get("/admin/search/", {"s": term, "extended": "1"})
    assert answer.status_code == 200
    return re.findall(r'href="(/admin/[^"]+)"', answer.content.decode())


def test_a_parcel_is_found_by_number_reference_and_id(staff: Client, tracker: Tracker) -> None:
    page = f"/admin/trackers/tracker/{tracker.id}/change/"
    for term in (tracker.tracking_number, "ref-1", str(tracker.id), "Alice"):
        assert page in links(staff, term)


def test_a_merchant_leads_to_all_that_is_its_own(staff: Client, alice: Merchant, bob: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, url="https://hooks.alice.example/in")
    EndpointFactory(merchant=bob)
    account = CarrierAccountFactory(merchant=alice)
    assert links(staff, "ali") == [
        f"/admin/webhooks/endpoint/{endpoint.id}/change/",
        f"/admin/accounts/merchant/{alice.id}/change/",
        f"/admin/carriers/carrieraccount/{account.id}/change/",
    ]


def test_an_endpoint_is_found_by_its_host(staff: Client, alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice, url="https://hooks.shop.example:8443/in?a=1")
    page = f"/admin/webhooks/endpoint/{endpoint.id}/change/"
    for term in ("shop.example", "HOOKS.shop.example", "https://hooks.shop.example/other", str(endpoint.id)):
        assert links(staff, term) == [page]
    assert links(staff, "hooks") == []


def test_lists_are_found_by_name(staff: Client) -> None:
    assert "/admin/webhooks/delivery/" in links(staff, "deliver")


def test_of_many_a_few_are_shown_and_the_way_to_the_others(staff: Client, alice: Merchant) -> None:
    for nth in range(9):
        EndpointFactory(merchant=alice, url=f"https://{nth}.shop.example/")
    found = links(staff, "shop.example")
    assert len(found) == 9
    assert found[-1] == "/admin/webhooks/endpoint/?q=shop.example"


def test_what_is_found_is_never_an_old_answer(staff: Client, as_alice: APIClient) -> None:
    assert links(staff, "SHIP24_SAMPLE_DELIVERED_000") == []
    as_alice.post("/v1/trackers", {"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000"}, format="json")
    assert len(links(staff, "SHIP24_SAMPLE_DELIVERED_000")) == 1


def test_only_what_one_may_view_is_looked_for(client: Client, tracker: Tracker, alice: Merchant) -> None:
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_merchant"))
    client.force_login(user)
    assert links(client, "Alice") == [f"/admin/accounts/merchant/{alice.id}/change/"]
    assert links(client, tracker.tracking_number) == []


def test_strangers_find_nothing(client: Client, tracker: Tracker) -> None:
    assert client.get("/admin/search/", {"s": tracker.tracking_number}).status_code == 302


@pytest.mark.parametrize("term", ["", " ", "\0", "'", "\\", "a' & 'b", "://[", "%", "é"])
def test_anything_can_be_typed(staff: Client, term: str) -> None:
    assert links(staff, term) == []


def test_it_asks_as_often_whatever_is_found(
    staff: Client, alice: Merchant, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    EndpointFactory(merchant=alice)
    links(staff, "Alice")
    few = count_statements(lambda: links(staff, "Alice"))
    for _ in range(5):
        EndpointFactory(merchant=alice)
        CarrierAccountFactory(merchant=alice)
    assert count_statements(lambda: links(staff, "Alice")) == few
