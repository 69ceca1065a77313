"""`/v1/tracking-page`: a merchant says how its pages look."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.images import MOST_BYTES
from accounts.models import ApiKey, Merchant, PageLogo
from tests.trackers.page.pictures import png
from trackers.models import Tracker

pytestmark = pytest.mark.django_db

PAGE, LOGO = "/v1/tracking-page", "/v1/tracking-page/logo"


def page(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["data"]["trackingPage"]
    return found


def fault(answer: Any, status: int = 400) -> str:
    assert answer.status_code == status, answer.content
    (error,) = answer.json()["errors"]
    return f"{error['code']} {error['message']}"


def put(client: APIClient, body: bytes, media_type: str = "image/png") -> Any:
    return client.generic("PUT", LOGO, body, media_type)


def test_pages_are_on_from_the_start_in_parcelwires_colours(as_alice: APIClient) -> None:
    assert page(as_alice.get(PAGE)) == {"isEnabled": True, "name": None, "colour": None, "logo": None}


def test_what_is_sent_changes_and_the_rest_stays(as_alice: APIClient) -> None:
    page(as_alice.patch(PAGE, {"name": "  Lotus  ", "colour": "#0F766E"}, format="json"))
    told = page(as_alice.patch(PAGE, {"isEnabled": False}, format="json"))
    assert told == {"isEnabled": False, "name": "Lotus", "colour": "#0f766e", "logo": None}
    told = page(as_alice.patch(PAGE, {"name": None, "colour": None, "isEnabled": True}, format="json"))
    assert told == {"isEnabled": True, "name": None, "colour": None, "logo": None}
    assert page(as_alice.get(PAGE)) == told


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"colour": "red"}, "colour: expected a colour such as #1a7f5a"),
        ({"colour": "#fff"}, "colour: expected a colour such as #1a7f5a"),
        ({"colour": "#0f766e;}"}, "colour: expected a colour such as #1a7f5a"),
        ({"colour": 7}, "colour: expected a string"),
        ({"name": "x" * 81}, "name: Ensure this field has no more than 80 characters."),
        ({"name": ["x"]}, "name: expected a string"),
        ({"name": "a\x00b"}, "name: Null characters are not allowed."),
        ({"isEnabled": "yes"}, "isEnabled: expected true or false"),
        ({"isEnabled": None}, "isEnabled: This field may not be null."),
        ({"logo": None}, "logo: unknown; expected nothing of this name"),
        ([], "The body is not a JSON object."),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(as_alice: APIClient, body: Any, message: str) -> None:
    before = page(as_alice.get(PAGE))
    assert message in fault(as_alice.patch(PAGE, body, format="json"))
    assert page(as_alice.get(PAGE)) == before


def test_a_logo_is_set_replaced_and_removed(as_alice: APIClient) -> None:
    first = page(put(as_alice, png(320, 96)))["logo"]
    assert (first["mediaType"], first["width"], first["height"]) == ("image/png", 320, 96)
    assert Client().get(first["url"]).content == png(320, 96)
    second = page(put(as_alice, png(60, 60), "application/octet-stream"))["logo"]
    assert second["url"] != first["url"]
    assert Client().get(first["url"]).status_code == 404
    assert as_alice.delete(LOGO).status_code == 204
    assert as_alice.delete(LOGO).status_code == 204
    assert page(as_alice.get(PAGE))["logo"] is None
    assert PageLogo.objects.count() == 0


def test_its_bytes_say_what_it_is_whatever_its_sender_says(as_alice: APIClient) -> None:
    assert page(put(as_alice, png(), "image/svg+xml"))["logo"]["mediaType"] == "image/png"


@pytest.mark.parametrize(
    ("body", "media_type", "status", "message"),
    [
        (b"", "image/png", 400, "logo: expected a PNG, JPEG or WebP picture."),
        (b"<svg/>", "image/svg+xml", 400, "logo: expected a PNG, JPEG or WebP picture."),
        (png(2001, 1), "image/png", 400, "logo: it is 2001 by 1 pixels; each side may have 1 to 2000."),
        (png() + bytes(MOST_BYTES), "image/png", 400, "bytes long; at most 131072 are taken."),
        (b"{}", "application/json", 415, "Unsupported media type"),
    ],
)
def test_what_is_no_logo_is_refused_and_the_one_there_is_stays(
    as_alice: APIClient, body: bytes, media_type: str, status: int, message: str
) -> None:
    kept = page(put(as_alice, png()))
    assert message in fault(put(as_alice, body, media_type), status)
    assert page(as_alice.get(PAGE)) == kept


def test_renewed_links_are_others_and_the_pages_look_the_same(
    as_alice: APIClient, parcel: Tracker, link_to: Callable[[Tracker], str]
) -> None:
    old, before = link_to(parcel), page(as_alice.get(PAGE))
    assert page(as_alice.post(f"{PAGE}/renew-links")) == before
    assert link_to(parcel) != old


def test_a_key_that_only_reads_changes_nothing(alice: Merchant) -> None:
    _, key = ApiKey.issue(alice, ["read-only"])
    reader = APIClient(headers={"Authorization": f"Bearer {key}"})
    assert reader.get(PAGE).status_code == 200
    for answer in (
        reader.patch(PAGE, {}, format="json"),
        put(reader, png()),
        reader.delete(LOGO),
        reader.post(f"{PAGE}/renew-links"),
    ):
        assert fault(answer, 403).startswith("forbidden")
