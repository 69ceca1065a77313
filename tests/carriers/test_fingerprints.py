"""Fingerprints of keys, and what is counted by them when they come to be."""

import secrets
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts, fingerprinting
from carriers.budget import day_of
from carriers.fingerprinting import complete
from carriers.fingerprints import fingerprint
from carriers.models import CarrierAccount, DailyUse, FingerprintSecret, KeyUse
from tests.factories import CarrierAccountFactory
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _secret_of_its_own() -> None:
    FingerprintSecret.objects.all().delete()


def today() -> object:
    return day_of("247express", timezone.now())


def of(account: CarrierAccount) -> str | None:
    return CarrierAccount.objects.get(id=account.id).fingerprint


def express(merchant: Merchant | None = None, key: str = "a key", used: int = 0) -> CarrierAccount:
    account: CarrierAccount = CarrierAccountFactory(merchant=merchant, courier="247express", key=key)
    if used:
        DailyUse.objects.create(account=account, courier="247express", day=today(), reserved=used)
    return account


def test_one_key_has_one_whoever_holds_it_and_another_key_or_courier_another(
    alice: Merchant, bob: Merchant
) -> None:
    house, alices, bobs = express(), express(alice), express(bob, key="another key")
    elsewhere = CarrierAccountFactory(merchant=alice, courier="all24", key="a key")
    assert of(house) == of(alices)
    assert len({of(alices), of(bobs), of(elsewhere)}) == 3


def test_it_follows_the_key(alice: Merchant) -> None:
    account = express(alice)
    before = of(account)
    accounts.replace_key(CarrierAccount.objects.defer("key").get(id=account.id), "another key")
    assert of(account) == fingerprint("247express", "another key") != before
    accounts.replace_key(account, "a key")
    assert of(account) == before


def test_saving_an_account_without_its_key_leaves_it(alice: Merchant) -> None:
    account = express(alice)
    before = of(account)
    CarrierAccount.objects.defer("key").get(id=account.id).save()
    account.save(update_fields=["base_url"])
    assert of(account) == before


def test_who_need_the_secret_first_at_once_make_one() -> None:
    assert len(set(at_once(*[lambda: fingerprint("247express", "a key")] * 6))) == 1


def test_it_cannot_be_computed_without_the_secret() -> None:
    before = fingerprint("247express", "a key")
    FingerprintSecret.objects.all().delete()
    assert fingerprint("247express", "a key") != before
    assert FingerprintSecret.objects.get().secret.startswith("gAAAA")


def test_it_outlives_the_keys_it_is_encrypted_with(settings: Settings) -> None:
    """Rotated as the documents say: a new key in front, the old one dropped some time after."""
    before = fingerprint("247express", "a key")
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    for keys in ([new, old], [new]):
        settings.FIELD_ENCRYPTION_KEYS = keys
        assert fingerprint("247express", "a key") == before
    settings.SECRET_KEY = secrets.token_urlsafe(50)
    assert fingerprint("247express", "a key") == before


class TestASecretThatNothingOpens:
    """As where the old one of FIELD_ENCRYPTION_KEYS was dropped at once."""

    def test_what_was_counted_goes_on_counting(self, alice: Merchant, settings: Settings) -> None:
        first, second = express(used=3), express(alice, used=4)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        FingerprintSecret.objects.update(secret="gAAAA")
        replaced = express(alice, key="another key")
        assert (of(replaced), KeyUse.objects.count()) == (fingerprint("247express", "another key"), 0)
        assert CarrierAccount.objects.filter(fingerprint=None).count() == 2
        for account in (first, second):
            accounts.replace_key(CarrierAccount.objects.defer("key").get(id=account.id), "a key")
        assert set(DailyUse.objects.values_list("reserved", flat=True)) == {3, 4}
        assert complete() == 2
        assert {one.fingerprint: one.reserved for one in KeyUse.objects.all()} == {of(first): 7}
        assert of(first) == of(second)

    def test_so_it_does_where_the_new_key_is_what_finds_that_out(self, alice: Merchant) -> None:
        account = express(alice, used=3)
        FingerprintSecret.objects.update(secret="gAAAA")
        accounts.replace_key(account, "a key")
        assert complete() == 1
        assert (of(account), KeyUse.objects.get().reserved) == (fingerprint("247express", "a key"), 3)

    def test_keys_that_can_be_read_again_are_counted_together_again(
        self, alice: Merchant, settings: Settings
    ) -> None:
        """As where an old one of FIELD_ENCRYPTION_KEYS was forgotten, and put back."""
        first, second = express(used=3), express(alice, used=4)
        before, forgotten = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = [forgotten]
        fingerprint("247express", "whatever")
        assert (complete(), complete()) == (2, 0)
        assert len(set(CarrierAccount.objects.values_list("fingerprint", flat=True))) == 2
        settings.FIELD_ENCRYPTION_KEYS = [forgotten, *before]
        assert (complete(), complete()) == (2, 0)
        assert of(first) == of(second) == fingerprint("247express", "a key")
        assert KeyUse.objects.get(fingerprint=of(first)).reserved == 7

    def test_keys_that_can_be_read_have_their_counts_taken_along(self, alice: Merchant) -> None:
        first, second = express(used=3), express(alice, used=4)
        before = of(first)
        FingerprintSecret.objects.update(secret="gAAAA")
        fingerprint("247express", "whatever")
        assert complete() == 2
        assert of(first) == of(second) != before
        assert KeyUse.objects.get().reserved == 7


class TestAccountsOfAVersionBefore:
    def test_they_get_theirs_once_and_the_days_counts_with_it(self, alice: Merchant) -> None:
        first, second = express(used=3), express(alice, used=4)
        old = day_of("247express", timezone.now()) - timedelta(days=5)
        DailyUse.objects.create(account=first, courier="247express", day=old, reserved=9)
        CarrierAccount.objects.update(fingerprint=None)
        assert sum(at_once(complete, complete, complete)) == 2
        assert (complete(), of(first), of(second)) == (0, *[fingerprint("247express", "a key")] * 2)
        assert (KeyUse.objects.get().reserved, KeyUse.objects.get().day) == (7, today())

    def test_the_way_back_and_forward_again_keeps_the_days_counts(self, alice: Merchant) -> None:
        account = express(alice, used=3)
        try:
            call_command("migrate", "carriers", "0004", verbosity=0)
            assert DailyUse.objects.get().reserved == 3
        finally:
            call_command("migrate", verbosity=0)
        assert (of(account), complete()) == (None, 1)
        assert (KeyUse.objects.get().fingerprint, KeyUse.objects.get().reserved) == (of(account), 3)

    def test_however_many_there_are(self, alice: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fingerprinting, "BATCH", 2)
        for _ in range(5):
            express(alice, used=1)
        CarrierAccount.objects.update(fingerprint=None)
        assert (complete(), KeyUse.objects.get().reserved) == (5, 5)

    def test_a_key_that_cannot_be_read_is_like_no_other(self) -> None:
        first, second = express(), express()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE carriers_carrieraccount SET key = 'no token', fingerprint = NULL")
        assert complete() == 2
        found = set(CarrierAccount.objects.values_list("fingerprint", flat=True))
        assert len(found) == 2
        assert None not in found
        assert set(accounts.usable([first.id, second.id])) == set()
        assert CarrierAccount.objects.filter(state="suspended").count() == 2


def test_no_answer_and_no_log_shows_it(
    alice: Merchant, bob: Merchant, as_alice: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    account = express(alice, used=2)
    express(bob)
    KeyUse.objects.create(courier="247express", fingerprint=of(account), day=today(), reserved=5)
    answers = [
        as_alice.get("/v1/carrier-accounts"),
        as_alice.get(f"/v1/carrier-accounts/{account.id}"),
        as_alice.get("/v1/couriers"),
    ]
    said = "".join(one.content.decode() for one in answers) + caplog.text + str(KeyUse.objects.get())
    assert str(of(account)) not in said


def test_of_a_key_that_somebody_else_has_too_one_sees_what_is_left_of_it(
    alice: Merchant, bob: Merchant, as_alice: APIClient
) -> None:
    account = express(alice)
    express(bob)
    KeyUse.objects.create(courier="247express", fingerprint=of(account), day=today(), reserved=5)
    shown = as_alice.get(f"/v1/carrier-accounts/{account.id}").json()["data"]["carrierAccount"]
    assert shown["quotaLeft"] == 199_995


def test_a_key_that_is_used_up_rests_with_every_account(alice: Merchant, bob: Merchant) -> None:
    alices, bobs, other = express(alice), express(bob), express(bob, key="another key")
    midnight = timezone.now() + timedelta(hours=5)
    assert accounts.rest(alices.id, midnight)
    assert not accounts.rest(bobs.id, midnight)
    resting = CarrierAccount.objects.exclude(resting_until=None)
    assert {one.id for one in resting} == {alices.id, bobs.id}
    assert of(other) != of(bobs)
