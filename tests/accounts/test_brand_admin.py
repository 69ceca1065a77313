"""Staff change how a merchant's pages for shoppers look, on the merchant's own page."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Merchant, PageLogo
from tests.trackers.page.pictures import png

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(admin_user: User) -> Client:
    client = Client()
    client.force_login(admin_user)
    return client


def save(staff: Client, merchant: Merchant, **fields: Any) -> Any:
    body = {"name": merchant.name, "page_is_enabled": "on", **fields}
    return staff.post(f"/admin/accounts/merchant/{merchant.id}/change/", body)


def picture(body: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("logo.png", body, "image/png")


def test_name_colour_and_switch_are_fields(staff: Client, alice: Merchant) -> None:
    answer = save(staff, alice, page_name="Lotus", page_colour="#0f766e", page_is_enabled="")
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.page_name, alice.page_colour, alice.page_is_enabled) == ("Lotus", "#0f766e", False)


def test_a_logo_is_set_kept_and_removed(staff: Client, alice: Merchant) -> None:
    assert save(staff, alice, logo=picture(png(320, 96))).status_code == 302
    assert save(staff, alice).status_code == 302
    assert str(PageLogo.objects.get(merchant=alice)) == "image/png, 320 by 96"
    assert (
        "image/png, 320 by 96" in staff.get(f"/admin/accounts/merchant/{alice.id}/change/").content.decode()
    )
    assert save(staff, alice, remove_logo="on").status_code == 302
    assert not PageLogo.objects.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"logo": b"GIF89a"}, "expected a PNG, JPEG or WebP picture"),
        ({"page_colour": "red"}, "expected a colour such as #1a7f5a"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(
    staff: Client, alice: Merchant, fields: dict[str, Any], message: str
) -> None:
    given = {name: picture(value) if name == "logo" else value for name, value in fields.items()}
    answer = save(staff, alice, **given)
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not PageLogo.objects.exists()


def test_links_are_renewed_by_ticking_a_box(staff: Client, alice: Merchant) -> None:
    before = alice.page_secret
    save(staff, alice)
    alice.refresh_from_db()
    assert alice.page_secret == before
    save(staff, alice, renew_links="on")
    alice.refresh_from_db()
    assert alice.page_secret != before


def test_a_new_merchant_may_have_it_all_at_once(staff: Client) -> None:
    body = {"name": "Lotus", "page_is_enabled": "on", "logo": picture(png())}
    assert staff.post("/admin/accounts/merchant/add/", body).status_code == 302
    assert Merchant.objects.get().page_logo.media_type == "image/png"
