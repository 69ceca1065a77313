"""What staff may put into an address of the admin."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import roles
from tests.factories import CarrierAccountFactory, MerchantFactory
from trackers.creating import create
from trackers.serializers import TrackerCreateSerializer

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    roles.grant(apps)  # what migrations made is flushed by other tests
    user = User.objects.create_user("vera", is_staff=True)
    user.groups.add(Group.objects.get(name=roles.VIEWER))
    client.force_login(user)
    return client


def test_a_big_list_is_sorted_as_its_index_is_whatever_the_address_says(viewer: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = viewer.get("/admin/trackers/tracker/?o=3.-4")
    assert answer.status_code == 200
    sorts = [q["sql"] for q in asked if 'FROM "trackers_tracker"' in q["sql"] and "ORDER BY" in q["sql"]]
    assert sorts
    assert all('ORDER BY "trackers_tracker"."id" DESC' in sql for sql in sorts)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/accounts/merchant/?page_secret__startswith=g",
        "/admin/carriers/carrieraccount/?key__startswith=g",
        "/admin/carriers/carrieraccount/?push_secret__isnull=True",
        "/admin/carriers/keyuse/?fingerprint__startswith=a",
        "/admin/accounts/apikey/?digest__startswith=a",
    ],
)
def test_lists_are_not_narrowed_by_what_they_do_not_show(viewer: Client, address: str) -> None:
    MerchantFactory()
    CarrierAccountFactory()
    assert viewer.get(address).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "/admin/trackers/tracker/?milestone=a%00b",
        "/admin/trackers/tracker/?trouble=a%00b",
        "/admin/trackers/watch/?failing=%00",
        "/admin/webhooks/endpoint/?state__exact=a%00b",
        "/admin/carriers/carrieraccount/?courier=a%00b",
        "/admin/trackers/tracker/?merchant__id__exact=%00",
        "/admin/admin/logentry/?q=%00",
        "/admin/trackers/tracker/?q=%00",
        "/admin/accounts/merchant/?q=%00",
        "/admin/accounts/merchant/?q=" + "a" * 3000,
        "/admin/accounts/merchant/?q=%27%5C%5C%27%26%21",
        "/admin/accounts/merchant/?q=...",
        "/admin/search/?s=" + "a" * 3000,
        "/admin/search/?s=%27%5C",
        "/admin/webhooks/endpoint/?q=" + "a" * 3000,
        "/admin/webhooks/endpoint/?q=http%3A%2F%2F%5B",
        "/admin/autocomplete/?app_label=accounts&model_name=apikey&field_name=merchant&term=a%00b",
        "/admin/autocomplete/?app_label=accounts&model_name=apikey&field_name=merchant&term=" + "a" * 3000,
        "/admin/alerts/?page=x",
        "/admin/alerts/?page=99999999999999999999",
        "/admin/trackers/tracker/?p=99999999999999999999",
        "/admin/events/event/?q=x&p=-1",
    ],
)
def test_no_address_breaks_a_page(client: Client, address: str) -> None:
    client.force_login(User.objects.create_superuser("olga"))
    client.raise_request_exception = False
    MerchantFactory()
    assert client.get(address, follow=True).status_code in {200, 400, 404}


@pytest.mark.parametrize(
    "older", ["1.1.999999999999999999999999", "99999999999999999.0.1", "1.2.1-1", "1.0.-1"]
)
def test_no_place_breaks_a_timeline(client: Client, older: str) -> None:
    client.force_login(User.objects.create_superuser("olga"))
    client.raise_request_exception = False
    merchant = MerchantFactory()
    wishes = TrackerCreateSerializer(data={"trackingNumber": "AB123456"})
    wishes.is_valid(raise_exception=True)
    tracker = create(merchant.id, TrackerCreateSerializer.wishes(wishes.validated_data))
    assert client.get(f"/admin/trackers/tracker/{tracker.id}/change/?older={older}").status_code in {200, 404}
