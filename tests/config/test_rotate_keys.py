"""`manage.py rotate_keys`: what is encrypted is encrypted anew with the first key."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, Merchant
from carriers.fingerprints import FingerprintSecret
from carriers.models import CarrierAccount
from config import resealing
from config.resealing import Found, sealed, walk
from tests.factories import CarrierAccountFactory
from tests.processes import ROOT
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db

OLD, NEW, THIRD = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def everything(old_key: None, as_alice: APIClient, alice: Merchant, settings: Settings) -> Endpoint:
    """A value in each encrypted column."""
    alice.page_secret = Merchant._meta.get_field("page_secret").get_default()
    alice.save()
    FingerprintSecret.objects.all().delete()
    CarrierAccountFactory(merchant=alice, key="carriers-key", push_secret="pushed")
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    body = {"url": "http://127.0.0.1:9/hook", "headers": {"Authorization": "Bearer one"}}
    made = as_alice.post("/v1/webhooks", body, format="json", headers={"Idempotency-Key": "once"})
    id_ = made.json()["data"]["webhook"]["webhookId"]
    assert as_alice.post(f"/v1/webhooks/{id_}/rotate-secret").status_code == 200
    return Endpoint.objects.get(id=id_)


def rotate(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def tokens() -> dict[str, str]:
    """Every Fernet token in the whole database, by table and column, whatever kind of column that is."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY', 'bytea')"
        )
        for table, column in cursor.fetchall():
            as_text = (
                f"convert_from(\"{column}\", 'LATIN1')" if (table, column) in BINARY else f'"{column}"::text'
            )
            cursor.execute(f"SELECT {as_text} FROM \"{table}\" WHERE {as_text} LIKE '%gAAAA%'")
            for (value,) in cursor.fetchall():
                found[f"{table}.{column}"] = value
    return found


BINARY = {("accounts_pagelogo", "body"), ("trackers_rawanswer", "body")}


def test_every_column_that_holds_a_token_is_one_of_those_that_are_rotated(everything: Endpoint) -> None:
    assert set(tokens()) == {f"{table.name}.{column}" for table in sealed() for column in table.columns}


def test_all_is_encrypted_anew_and_the_old_key_can_go(everything: Endpoint, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    count = len(tokens())
    with pytest.raises(CommandError, match=f"{count} of {count} values need an older key") as ended:
        rotate("--check")
    assert ended.value.returncode == 1
    assert f"{count} values were encrypted anew" in rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert f"the first key opens all {count} values" in rotate("--check")
    assert Endpoint.objects.get().own_headers == {"Authorization": "Bearer one"}
    assert Endpoint.objects.get().secret == everything.secret
    assert json.loads(Endpoint.objects.get().old_secrets or "")[0]["secret"]
    assert CarrierAccount.objects.get(courier="all24").key == "carriers-key"


def test_only_these_files_encrypt_anything() -> None:
    """Whoever encrypts elsewhere takes a column that is an EncryptedTextField or a SealedTextField."""
    apps = ("accounts", "carriers", "events", "trackers", "webhooks", "config")
    files = (file for app in apps for file in (ROOT / app).rglob("*.py"))
    encrypting = {
        str(file.relative_to(ROOT))
        for file in files
        if re.search(r"\bsealed\([^)]|\.encrypt\(", file.read_text())
    }
    assert encrypting == {
        "accounts/encryption.py",
        "accounts/models.py",  # a merchant's page_secret
        "carriers/fingerprints.py",
        "carriers/calling.py",  # nobody's secret, never kept
        "trackers/page/finding.py",  # the same
    }


def test_what_no_key_opens_is_named_never_printed_and_holds_up_nothing(
    everything: Endpoint, settings: Settings
) -> None:
    account = CarrierAccountFactory(key="another")
    lost = Fernet(THIRD).encrypt(b"lost").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE carriers_carrieraccount SET key = %s WHERE id = %s", [lost, account.id])
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    out = io.StringIO()
    with pytest.raises(CommandError, match="no key opens 1 values"):
        call_command("rotate_keys", stdout=out)
    assert f"no key opens carriers_carrieraccount.key of {account.id}" in out.getvalue()
    assert lost not in out.getvalue()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, THIRD]
    assert "1 values were encrypted anew" in rotate()


def test_what_somebody_changes_meanwhile_is_theirs(
    everything: Endpoint, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    judged, changed = resealing._judged, []

    def meanwhile(table: Any, rows: Any, found: Found) -> Any:
        if table.name == "webhooks_endpoint" and not changed:
            changed.append(Endpoint.objects.update(secret="whsec_ZnJlc2g="))
        return judged(table, rows, found)

    monkeypatch.setattr(resealing, "_judged", meanwhile)
    rotate()
    assert changed == [1]
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert Endpoint.objects.get().secret == "whsec_ZnJlc2g="
    assert Endpoint.objects.get().own_headers == {"Authorization": "Bearer one"}
    rotate("--check")


def test_one_that_was_cut_off_begins_again(
    everything: Endpoint, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        CarrierAccountFactory()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    monkeypatch.setattr(resealing, "BATCH", 2)
    replace, batches = resealing._replace, []

    def cut_off(*arguments: Any) -> int:
        if len(batches) == 3:
            raise KeyboardInterrupt
        batches.append(replace(*arguments))
        return batches[-1]

    monkeypatch.setattr(resealing, "_replace", cut_off)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    monkeypatch.setattr(resealing, "_replace", replace)
    everything_old = Found()
    list(walk(everything_old, renew=False))
    assert 0 < everything_old.left < everything_old.values
    assert f"{everything_old.left} values were encrypted anew" in rotate()


def test_the_statements_of_a_batch_are_as_many_however_many_its_rows(
    everything: Endpoint, settings: Settings, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    def all_of_it() -> object:
        return list(walk(Found(), renew=True))

    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    of_one = count_statements(all_of_it)
    for _ in range(20):
        CarrierAccountFactory()
    settings.FIELD_ENCRYPTION_KEYS = [THIRD, NEW]
    assert count_statements(all_of_it) == of_one


def test_a_batch_of_long_values_ends_early(everything: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "BYTES", 1)
    (accounts,) = (one for one in sealed() if one.name == "carriers_carrieraccount")
    CarrierAccountFactory()
    assert len(resealing._rows(accounts, None)) == 1


def test_a_token_keeps_the_moment_of_its_making(everything: Endpoint, settings: Settings) -> None:
    before = tokens()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    rotate()
    for column, token in tokens().items():
        assert Fernet(NEW).extract_timestamp(token) == Fernet(OLD).extract_timestamp(before[column])


def test_a_wiped_secret_is_nothing_to_rotate(everything: Endpoint, settings: Settings) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET secret = '', old_secrets = NULL, headers = ''")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert "older ones can be dropped" in rotate()


def test_a_repeat_gets_the_answer_that_was_kept_under_the_old_key(
    everything: Endpoint, settings: Settings, alice: Merchant
) -> None:
    before = IdempotencyKey.objects.get().body
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert IdempotencyKey.objects.get().body == before
