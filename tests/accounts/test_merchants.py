"""Merchants, keys, and secrets at rest."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from tests.factories import CarrierAccountFactory


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_create_merchant_prints_one_line_of_json_whose_key_works(db: None) -> None:
    printed = run("create_merchant", "Alice", "--json")
    made = json.loads(printed)
    assert printed.count("\n") == 1
    assert set(made) == {"merchantId", "apiKey"}
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made['apiKey']}")
    assert client.get("/v1/trackers").status_code == 200


@pytest.mark.parametrize("name", ["", "  ", "x" * 256])
def test_a_name_that_cannot_be_is_refused(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="NAME"):
        run("create_merchant", name)
    assert not Merchant.objects.exists()


@pytest.mark.parametrize(
    "address", ["nobody", "<>", "a@shop.example\nBcc: b@shop.example", "a" * 250 + "@c.de"]
)
def test_what_is_no_address_is_refused(db: None, address: str) -> None:
    with pytest.raises(CommandError, match="--email"):
        run("create_merchant", "Alice", "--email", address)
    assert not Merchant.objects.exists()


def stored_key() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM carriers_carrieraccount")
        return str(cursor.fetchone()[0])


def test_a_carriers_key_is_encrypted_at_rest(db: None) -> None:
    account = CarrierAccountFactory(key="very secret")
    assert "very secret" not in stored_key()
    account.refresh_from_db()
    assert account.key == "very secret"


def test_an_old_key_still_decrypts_after_a_new_one_is_put_first(db: None, settings: Settings) -> None:
    account = CarrierAccountFactory(key="very secret")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEYS]
    account.refresh_from_db()
    assert account.key == "very secret"


def test_without_the_right_key_reading_fails_instead_of_giving_the_token(
    db: None, settings: Settings
) -> None:
    account = CarrierAccountFactory(key="very secret")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        account.refresh_from_db()


def test_the_time_of_last_use_is_written_once_a_minute(alice: Merchant) -> None:
    _, key = ApiKey.issue(alice)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    client.get("/v1/trackers")
    first = ApiKey.objects.get().last_used_at
    client.get("/v1/trackers")
    assert ApiKey.objects.get().last_used_at == first


@pytest.mark.django_db(transaction=True)
def test_a_call_does_not_wait_for_whoever_holds_its_keys_row(alice: Merchant) -> None:
    _, key = ApiKey.issue(alice)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}", raise_request_exception=False)

    def called() -> int:
        try:
            return client.get("/v1/trackers").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        ApiKey.objects.select_for_update().get()
        assert pool.submit(called).result() == 200
    assert ApiKey.objects.get().last_used_at is None
