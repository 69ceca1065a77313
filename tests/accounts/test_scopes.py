"""What a key may do, and whose key it is."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.authentication import caller_of_key
from accounts.models import ALL_SCOPES, ApiKey, Merchant, Scope

BODY = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000"}


def calling(merchant: Merchant, *scopes: str) -> APIClient:
    _, key = ApiKey.issue(merchant, scopes)
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")


@pytest.mark.parametrize(
    ("scopes", "read", "write"),
    [
        ([Scope.NATIVE], 200, 201),
        ([Scope.READ_ONLY], 200, 403),
        ([Scope.READ_ONLY, Scope.NATIVE], 200, 201),
        ([Scope.ALL24, Scope.EXPRESS247], 403, 403),
        ([], 403, 403),
    ],
)
def test_scopes_are_grants(alice: Merchant, scopes: list[str], read: int, write: int) -> None:
    client = calling(alice, *scopes)
    assert client.get("/v1/trackers").status_code == read
    assert client.options("/v1/trackers").status_code == read
    assert client.post("/v1/trackers", BODY, format="json").status_code == write


def test_a_missing_scope_is_named(alice: Merchant) -> None:
    answer = calling(alice, Scope.READ_ONLY).post("/v1/trackers", BODY, format="json")
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"]) == (403, "forbidden")
    assert "native" in error["message"]
    assert answer["RateLimit-Remaining"]


def test_a_call_without_a_scope_leaves_no_idempotency_key(alice: Merchant) -> None:
    _, reading = ApiKey.issue(alice, [Scope.READ_ONLY])
    _, writing = ApiKey.issue(alice)
    answers = [
        APIClient(HTTP_AUTHORIZATION=f"Bearer {key}").post(
            "/v1/trackers", BODY, format="json", headers={"Idempotency-Key": "a"}
        )
        for key in (reading, writing)
    ]
    assert [answer.status_code for answer in answers] == [403, 201]


def test_a_key_has_every_scope_unless_told_otherwise(alice: Merchant) -> None:
    _, key = ApiKey.issue(alice)
    caller = caller_of_key(key)
    assert caller
    assert caller.scopes == set(ALL_SCOPES) == set(Scope)
    row = ApiKey.objects.create(merchant=alice, digest="d", shown="s")
    row.refresh_from_db()
    assert row.scopes == list(ALL_SCOPES)  # what keys from before scopes have


def test_the_look_up_is_one_statement(alice: Merchant, count_statements: Callable[..., int]) -> None:
    _, key = ApiKey.issue(alice)
    caller_of_key(key)
    assert count_statements(lambda: caller_of_key(key)) == 1


def test_a_revoked_key_and_a_deleted_merchants_are_unknown(alice: Merchant, bob: Merchant) -> None:
    (hers, key), (_, his) = ApiKey.issue(alice), ApiKey.issue(bob)
    hers.revoked_at = bob.deleted_at = timezone.now()
    hers.save()
    bob.save()
    assert caller_of_key(key) is None
    assert APIClient(HTTP_AUTHORIZATION=f"Bearer {his}").get("/v1/trackers").status_code == 401


@pytest.mark.parametrize("key", ["", "apik_", "a" * 100_000, "\udc80", "ä\x00"])
def test_a_strange_key_is_unknown(db: None, key: str) -> None:
    assert caller_of_key(key) is None


@pytest.mark.parametrize("rate", ["", "default", "ship24", "off", "1", "5000"])
def test_a_merchants_limit_may_be(alice: Merchant, rate: str) -> None:
    alice.api_rate_limit = rate
    alice.full_clean()


@pytest.mark.parametrize("rate", ["0", "-1", "1.5", "fast", "99999999", "7\n", " "])
def test_a_merchants_limit_may_not_be(alice: Merchant, rate: str) -> None:
    alice.api_rate_limit = rate
    with pytest.raises(ValidationError):
        alice.full_clean()


def test_staff_choose_the_scopes_of_a_new_key(admin_user: User, alice: Merchant) -> None:
    staff = Client()
    staff.force_login(admin_user)
    shown = staff.get("/admin/accounts/apikey/add/").content.decode()
    assert shown.count("checked") == 4
    made = staff.post("/admin/accounts/apikey/add/", {"merchant": alice.id, "scopes": ["all24"]}, follow=True)
    assert "shown this once: apik_" in made.content.decode()
    assert ApiKey.objects.get().scopes == ["all24"]
    none = staff.post("/admin/accounts/apikey/add/", {"merchant": alice.id})
    assert "This field is required" in none.content.decode()


def test_staff_set_a_merchants_limits(admin_user: User, alice: Merchant) -> None:
    staff = Client()
    staff.force_login(admin_user)
    page = f"/admin/accounts/merchant/{alice.id}/change/"
    staff.post(page, {"name": "Alice", "contact_email": "", "tracker_limit": "5", "api_rate_limit": "20"})
    alice.refresh_from_db()
    assert (alice.tracker_limit, alice.api_rate_limit) == (5, "20")
    refused = staff.post(page, {"name": "Alice", "tracker_limit": "5", "api_rate_limit": "0"})
    assert "whole number" in refused.content.decode()
