"""The admin of carrier accounts: a key goes in, and never comes out."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Merchant
from carriers.budget import day_of
from carriers.models import CarrierAccount, DailyUse, Health, UnmappedCode
from tests.factories import CarrierAccountFactory

pytestmark = pytest.mark.django_db
LATER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga", password="irrelevant"))
    return client


def change_url(account: CarrierAccount) -> str:
    return reverse("admin:carriers_carrieraccount_change", args=[account.pk])


def form(**fields: Any) -> dict[str, Any]:
    return {"base_url": "", "time_zone": "", "new_key": ""} | fields


def test_staff_adds_an_account_with_its_key(staff: Client, alice: Merchant) -> None:
    url = reverse("admin:carriers_carrieraccount_add")
    sent = form(merchant=str(alice.id), courier="all24", new_key="s3cret")
    assert staff.post(url, sent).status_code == 302
    account = CarrierAccount.objects.get()
    assert (account.merchant, account.courier, account.key) == (alice, "all24", "s3cret")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"courier": "all24"}, "This field is required"),
        ({"courier": "pigeon", "new_key": "k"}, "no courier"),
        ({"courier": "all24", "new_key": "two words"}, "visible ASCII"),
        ({"courier": "all24", "new_key": "k", "base_url": "http://carrier.example"}, "must be https"),
        ({"courier": "all24", "new_key": "k", "time_zone": "Mars/Base"}, "no time zone"),
        (
            {"courier": "ship24", "new_key": "k", "daily_quota": "3"},
            "between 5, the most that one poll takes",
        ),
        ({"courier": "all24", "new_key": "k", "daily_quota": "0"}, "between 1"),
        ({"courier": "all24", "new_key": "k", "pace_limit": "0"}, "greater than or equal to 0.01"),
    ],
)
def test_a_wrong_account_is_not_added(staff: Client, fields: dict[str, str], said: str) -> None:
    answer = staff.post(reverse("admin:carriers_carrieraccount_add"), form(**fields))
    assert said in answer.content.decode()
    assert not CarrierAccount.objects.exists()


def test_the_key_is_never_shown(staff: Client) -> None:
    account = CarrierAccountFactory(key="s3cret")
    pages = [staff.get(change_url(account)), staff.get(reverse("admin:carriers_carrieraccount_changelist"))]
    pages.append(staff.post(change_url(account), form(new_key="not shown either", time_zone="Mars/Base")))
    for page in pages:
        assert page.status_code == 200
        assert not re.search("s3cret|not shown either", page.content.decode())


def test_a_new_key_takes_a_suspended_account_up_again(staff: Client) -> None:
    account = CarrierAccountFactory(state=CarrierAccount.State.SUSPENDED, suspended_reason="401")
    account.refresh_from_db()
    assert staff.post(change_url(account), form(new_key="n3w")).status_code == 302
    found = CarrierAccount.objects.get()
    assert (found.key, found.state, found.suspended_reason) == ("n3w", CarrierAccount.State.ACTIVE, "")
    assert found.changed_at > account.changed_at


def test_staff_sets_a_quota_and_a_pace(staff: Client) -> None:
    account = CarrierAccountFactory()
    assert staff.post(change_url(account), form(daily_quota="500", pace_limit="2.5")).status_code == 302
    account.refresh_from_db()
    assert (account.daily_quota, account.pace_limit) == (500, 2.5)


def test_without_a_new_key_the_old_one_and_the_health_stay(staff: Client) -> None:
    account = CarrierAccountFactory(key="s3cret", state=CarrierAccount.State.SUSPENDED)
    account.refresh_from_db()
    assert staff.post(change_url(account), form(base_url="https://other.example")).status_code == 302
    found = CarrierAccount.objects.get()
    assert (found.key, found.state) == ("s3cret", CarrierAccount.State.SUSPENDED)
    assert found.base_url == "https://other.example"
    assert found.changed_at > account.changed_at


def test_an_account_stays_with_its_merchant_and_courier(
    staff: Client, alice: Merchant, bob: Merchant
) -> None:
    account = CarrierAccountFactory(merchant=alice)
    staff.post(change_url(account), form(merchant=str(bob.id), courier="247express"))
    account.refresh_from_db()
    assert (account.merchant, account.courier) == (alice, "all24")


def test_an_account_is_never_deleted(staff: Client) -> None:
    account = CarrierAccountFactory()
    url = reverse("admin:carriers_carrieraccount_changelist")
    assert "delete_selected" not in staff.get(url).content.decode()
    assert staff.post(reverse("admin:carriers_carrieraccount_delete", args=[account.pk])).status_code == 403
    assert CarrierAccount.objects.exists()


def test_staff_suspends_accounts_and_takes_them_up_again(staff: Client) -> None:
    account, other = CarrierAccountFactory(), CarrierAccountFactory()
    url = reverse("admin:carriers_carrieraccount_changelist")
    for action, state in (("suspend", "suspended"), ("resume", "active")):
        ticked = {"action": action, "_selected_action": [str(account.pk)], "confirmed": "yes"}
        answer = staff.post(url, ticked)
        assert answer.status_code == 302
        account.refresh_from_db()
        other.refresh_from_db()
        assert (account.state, other.state) == (state, "active")


def test_a_key_that_cannot_be_decrypted_is_replaced_on_its_page(staff: Client) -> None:
    account = CarrierAccountFactory(state=CarrierAccount.State.SUSPENDED)
    token = Fernet(Fernet.generate_key()).encrypt(b"s3cret").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE carriers_carrieraccount SET key = %s", [token])
    assert staff.get(reverse("admin:carriers_carrieraccount_changelist")).status_code == 200
    assert staff.post(change_url(account), form(new_key="n3w")).status_code == 302
    found = CarrierAccount.objects.get()
    assert (found.key, found.state) == ("n3w", CarrierAccount.State.ACTIVE)


def test_an_unmapped_code_is_shown_with_its_newest_examples(staff: Client) -> None:
    sample = {
        "text": "<b>Held</b> at hub",
        "trackerId": "01900000-0000-7000-8000-000000000024",
        "raw": {"time": "2026-03-01 12:00:00", "location_ref": "h1"},
        "seenAt": "2026-03-01T12:00:00Z",
    }
    code = UnmappedCode.objects.create(courier="all24", code="250000", text="Held", count=3, samples=[sample])
    page = staff.get(reverse("admin:carriers_unmappedcode_change", args=[code.pk])).content.decode()
    told = (
        "2026-03-01T12:00:00Z, tracker 01900000-0000-7000-8000-000000000024: &lt;b&gt;Held&lt;/b&gt; at hub"
    )
    assert told in page
    assert "&quot;location_ref&quot;: &quot;h1&quot;" in page


def test_unmapped_codes_are_for_reading_only(staff: Client) -> None:
    code = UnmappedCode.objects.create(courier="all24", code="250000", text="Held at hub", count=3)
    assert "250000" in staff.get(reverse("admin:carriers_unmappedcode_changelist")).content.decode()
    url = reverse("admin:carriers_unmappedcode_change", args=[code.pk])
    assert staff.get(url).status_code == 200
    assert staff.post(url, {"text": "other"}).status_code == 403
    assert staff.get(reverse("admin:carriers_unmappedcode_add")).status_code == 403


def test_a_push_secret_goes_in_and_never_comes_out(staff: Client, alice: Merchant) -> None:
    account = CarrierAccountFactory(courier="ship24", push_secret="whsec_old", base_url="")
    page = staff.get(change_url(account)).content.decode()
    assert account.push_path
    assert account.push_path in page
    assert "whsec_old" not in page
    assert staff.post(change_url(account), form(new_push_secret="whsec_new")).status_code == 302
    found = CarrierAccount.objects.get()
    assert (found.push_secret, found.key, found.push_token) == (
        "whsec_new",
        "carrier-key",
        account.push_token,
    )
    staff.post(change_url(account), form())
    assert CarrierAccount.objects.get().push_secret == "whsec_new"


def test_a_key_and_a_push_secret_may_change_at_once(staff: Client) -> None:
    account = CarrierAccountFactory(courier="ship24", base_url="")
    staff.post(change_url(account), form(new_key="n3w", new_push_secret="whsec_new"))
    found = CarrierAccount.objects.get()
    assert (found.push_secret, found.key) == ("whsec_new", "n3w")


def test_an_accounts_page_shows_how_calls_go(staff: Client) -> None:
    account = CarrierAccountFactory(courier="all24", daily_quota=50)
    Health.objects.update(circuit="open", open_until=LATER, last_failure="no route to the carrier", pace=0.25)
    day = day_of("all24", timezone.now())
    DailyUse.objects.create(account=account, courier="all24", day=day, reserved=8)
    page = staff.get(change_url(account)).content.decode()
    for told in ("down until 2099-01-01 00:00:00 UTC: no route to the carrier", "0.25", ">8<", ">42<"):
        assert told in page
    listed = staff.get(reverse("admin:carriers_carrieraccount_changelist")).content.decode()
    assert "no route to the carrier" in listed


def test_the_list_of_accounts_takes_as_many_statements_however_many_there_are(
    staff: Client, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    url = reverse("admin:carriers_carrieraccount_changelist")
    CarrierAccountFactory()
    staff.get(url)
    few = count_statements(lambda: staff.get(url))
    for _ in range(5):
        CarrierAccountFactory()
    assert count_statements(lambda: staff.get(url)) == few
