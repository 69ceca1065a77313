"""The first page for staff: what needs a person, and the last 24 hours."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import tallying
from carriers.models import CarrierAccount
from config import loopback
from config.dashboard import Counted
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.webhooks.cast import EndpointFactory
from trackers import tallying as trackers_tallying
from webhooks import summing


def follow(api: APIClient, number: str) -> None:
    answer = api.post("/v1/trackers", {"trackingNumber": number, "courierCode": "all24"}, format="json")
    assert answer.status_code == 201


@pytest.fixture
def staff(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


def test_a_new_installation_is_told_the_first_steps(staff: Client) -> None:
    page = staff.get("/admin/").content.decode()
    assert "First steps" in page
    assert page.count("to do") == 5
    assert "There is no carrier account yet" in page
    MerchantFactory()
    assert staff.get("/admin/").content.decode().count("to do") == 4


def test_the_first_steps_go_once_parcels_are_followed(
    staff: Client, alice: Merchant, as_alice: APIClient
) -> None:
    CarrierAccountFactory(merchant=alice)
    follow(as_alice, "TH00001")
    assert "First steps" not in staff.get("/admin/").content.decode()


def test_what_needs_a_person_comes_first_and_leads_to_where_it_is_mended(
    staff: Client, alice: Merchant
) -> None:
    account = CarrierAccountFactory(merchant=alice, state="suspended", suspended_reason="401")
    endpoint = EndpointFactory(
        merchant=alice, state="disabled", disabled_reason="gone", disabled_at=timezone.now()
    )
    page = staff.get("/admin/").content.decode()
    assert f"/admin/carriers/carrieraccount/{account.id}/change/" in page
    assert f"/admin/webhooks/endpoint/{endpoint.id}/change/" in page
    assert page.index("Needs attention") < page.index("Parcels by milestone")
    assert page.index("Carrier account suspended") < page.index("Endpoint disabled")


def test_figures_that_nobody_counts_any_more_are_called_stale() -> None:
    now = timezone.now()
    assert Counted(None, now).is_stale
    assert not Counted(now - timedelta(minutes=4), now).is_stale
    assert Counted(now - timedelta(minutes=6), now).is_stale


def test_the_page_says_when_its_figures_were_counted(staff: Client) -> None:
    assert "Nothing is counted yet" in staff.get("/admin/").content.decode()
    tallying.count()
    trackers_tallying.count()
    summing.count()
    page = staff.get("/admin/").content.decode()
    assert "Nothing is counted yet" not in page
    assert "Counted at" in page
    assert "stale" not in page


def test_any_number_of_rows_takes_the_same_statements(
    staff: Client,
    alice: Merchant,
    as_alice: APIClient,
    count_statements: Callable[[Callable[[], object]], int],
) -> None:
    CarrierAccountFactory(merchant=alice)
    follow(as_alice, "TH00000")
    EndpointFactory(merchant=alice)
    staff.get("/admin/")  # content types are looked up once a process
    few = count_statements(lambda: staff.get("/admin/"))
    for nth in range(30):
        merchant = MerchantFactory()
        CarrierAccountFactory(merchant=merchant, state="suspended")
        EndpointFactory(merchant=merchant, state="disabled", disabled_at=timezone.now())
        follow(as_alice, f"TH100{nth:02}")
    assert CarrierAccount.objects.count() > 30
    assert count_statements(lambda: staff.get("/admin/")) == few
    assert count_statements(lambda: staff.get("/admin/alerts/")) < few


def test_all_alerts_are_listed_a_page_at_a_time(staff: Client) -> None:
    for nth in range(60):
        EndpointFactory(url=f"https://host{nth}.example/hook", state="disabled", disabled_at=timezone.now())
    first = staff.get("/admin/").content.decode()
    assert "All 6" in first
    pages = [staff.get(f"/admin/alerts/?page={nth}").content.decode() for nth in (1, 2)]
    assert "host59.example" not in pages[1] or "host59.example" not in pages[0]
    listed = "".join(pages)
    assert all(f"host{nth}.example" in listed for nth in range(60))


def test_only_staff_see_the_alerts(client: Client) -> None:
    answer = client.get("/admin/alerts/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")


def test_the_page_opens_while_redis_is_out_of_reach(staff: Client, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{loopback.free_port()}/0"
    page = staff.get("/admin/")
    assert page.status_code == 200
    assert "Redis is out of reach" in page.content.decode()
