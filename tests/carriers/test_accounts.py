"""Carrier accounts: who reaches which courier, and the health of a key."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import Merchant
from carriers import accounts
from carriers.models import CarrierAccount
from tests.factories import CarrierAccountFactory

pytestmark = pytest.mark.django_db
LATER = datetime(2099, 1, 1, tzinfo=UTC)
State = CarrierAccount.State


def test_a_merchant_reaches_its_own_couriers_the_houses_and_the_free_ones(
    alice: Merchant, bob: Merchant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24")
    CarrierAccountFactory(merchant=None, courier="247express")
    with django_assert_num_queries(1):
        assert accounts.reachable([alice.id, bob.id]) == {
            alice.id: {"all24", "247express", "sandbox"},
            bob.id: {"247express", "sandbox"},
        }
    assert accounts.reachable([]) == {}


def test_a_suspended_account_reaches_nothing_and_an_unknown_courier_is_none(alice: Merchant) -> None:
    CarrierAccountFactory(merchant=alice, courier="all24", state=State.SUSPENDED)
    CarrierAccountFactory(merchant=alice, courier="pigeon")
    assert accounts.reachable({alice.id}) == {alice.id: {"sandbox"}}


def test_what_an_account_leaves_open_is_the_carriers(alice: Merchant) -> None:
    account = CarrierAccountFactory(merchant=alice, base_url="", time_zone="")
    given = accounts.credentials(account)
    assert (given.base_url, given.time_zone) == ("https://api.all24.com", "Asia/Bangkok")
    assert (given.account_id, given.key) == (account.id, "carrier-key")
    own = accounts.credentials(CarrierAccountFactory(merchant=alice, time_zone="Asia/Tokyo"))
    assert (own.base_url, own.time_zone) == ("https://carrier.example", "Asia/Tokyo")
    assert "carrier-key" not in repr(own)


def test_a_key_is_encrypted_where_it_lies() -> None:
    account = CarrierAccountFactory(key="s3cret")
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM carriers_carrieraccount WHERE id = %s", [account.id])
        (stored,) = cursor.fetchone()
    assert "s3cret" not in stored
    assert CarrierAccount.objects.get(id=account.id).key == "s3cret"


def test_accounts_are_loaded_for_asking_in_one_query(
    alice: Merchant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    own, house = CarrierAccountFactory(merchant=alice), CarrierAccountFactory(merchant=None, key="h0use")
    with django_assert_num_queries(1):
        found = accounts.usable({own.id, house.id, UUID(int=1)})
    assert {id_: (one.credentials.key, one.own) for id_, one in found.items()} == {
        own.id: ("carrier-key", True),
        house.id: ("h0use", False),
    }


def with_a_foreign_key(account: CarrierAccount) -> str:
    """Encrypt its key with one that we do not have. Returns the token."""
    token = Fernet(Fernet.generate_key()).encrypt(b"s3cret").decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE carriers_carrieraccount SET key = %s WHERE id = %s", [token, account.id])
    return token


def test_a_key_that_cannot_be_decrypted_suspends_its_account_alone(caplog: pytest.LogCaptureFixture) -> None:
    broken, fine = CarrierAccountFactory(), CarrierAccountFactory()
    token = with_a_foreign_key(broken)
    assert set(accounts.usable([broken.id, fine.id])) == {fine.id}
    found = CarrierAccount.objects.defer("key").get(id=broken.id)
    assert (found.state, "FIELD_ENCRYPTION_KEYS" in found.suspended_reason) == (State.SUSPENDED, True)
    assert CarrierAccount.objects.get(id=fine.id).state == State.ACTIVE
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert str(broken.id) in record.getMessage()
    assert token not in caplog.text
    assert accounts.usable([broken.id]) == {}
    assert len(caplog.records) == 1


def test_an_account_of_a_courier_that_is_gone_is_suspended(caplog: pytest.LogCaptureFixture) -> None:
    account = CarrierAccountFactory(courier="pigeon")
    assert accounts.usable([account.id]) == {}
    account.refresh_from_db()
    assert account.suspended_reason == "There is no adapter for the courier pigeon."
    assert "pigeon" in caplog.text


def test_staff_suspends_and_takes_up_again_and_both_change_the_account(alice: Merchant) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    account = CarrierAccountFactory(changed_at=long_ago)
    assert accounts.suspend_by_hand([account.id]) == 1
    account.refresh_from_db()
    assert (account.state, account.suspended_reason) == (
        State.SUSPENDED,
        "Suspended by operations staff.",
    )
    suspended_at = account.suspended_at
    assert suspended_at == account.changed_at > long_ago
    assert (accounts.suspend_by_hand([account.id]), accounts.resume([account.id])) == (0, 1)
    account.refresh_from_db()
    assert (account.state, account.suspended_reason, account.suspended_at) == (State.ACTIVE, "", None)
    assert account.changed_at >= suspended_at
    assert accounts.resume([account.id]) == 0


def test_a_key_is_suspended_once() -> None:
    account = CarrierAccountFactory()
    assert accounts.suspend(account.id, "all24 answered 401")
    assert not accounts.suspend(account.id, "again")
    account.refresh_from_db()
    assert (account.state, account.suspended_reason) == (State.SUSPENDED, "all24 answered 401")
    assert account.suspended_at is not None


def test_a_key_that_was_changed_meanwhile_is_not_to_blame() -> None:
    account = CarrierAccountFactory()
    account.refresh_from_db()
    before = account.changed_at - timedelta(seconds=1)
    assert not accounts.suspend(account.id, "the old key", asked_at=before)
    assert accounts.suspend(account.id, "this key", asked_at=account.changed_at)


def test_an_account_rests_as_long_as_the_longest_says() -> None:
    account = CarrierAccountFactory()
    assert accounts.rest(account.id, LATER)
    assert not accounts.rest(account.id, LATER - timedelta(days=1))
    assert accounts.rest(account.id, LATER + timedelta(days=1))
    account.refresh_from_db()
    assert account.resting_until == LATER + timedelta(days=1)


def test_suspending_nobody_is_no_error() -> None:
    assert not accounts.suspend(UUID(int=1), "gone")
    assert not accounts.rest(UUID(int=1), LATER)


def test_a_new_key_starts_with_a_clean_bill_of_health() -> None:
    account = CarrierAccountFactory(state=State.SUSPENDED, suspended_reason="401", resting_until=LATER)
    account.refresh_from_db()
    before = account.changed_at
    accounts.replace_key(account, "n3w")
    found = CarrierAccount.objects.get(id=account.id)
    assert (found.key, found.state, found.suspended_reason) == ("n3w", State.ACTIVE, "")
    assert (found.suspended_at, found.resting_until) == (None, None)
    assert found.changed_at == account.changed_at >= before


def test_the_sandbox_has_one_house_account_however_often_it_is_wanted() -> None:
    first = accounts.house_account_without_key("sandbox")
    assert accounts.house_account_without_key("sandbox").id == first.id
    assert (first.merchant, first.key, first.state) == (None, "", State.ACTIVE)
    assert accounts.credentials(CarrierAccount.objects.get(id=first.id)).base_url == ""


@pytest.mark.django_db(transaction=True)
def test_whoever_asks_at_once_gets_the_same_house_account() -> None:
    def want(_nth: int) -> UUID:
        try:
            return accounts.house_account_without_key("sandbox").id
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(want, range(8)))) == 1


@pytest.mark.parametrize("wrong", [{"state": "happy"}, {"keyless": True}])
def test_the_database_refuses_an_account_that_makes_no_sense(
    alice: Merchant, wrong: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CarrierAccountFactory(merchant=alice, **wrong)


def test_an_accounts_name_is_no_secret(alice: Merchant) -> None:
    assert str(CarrierAccountFactory(merchant=alice)) == "all24 of Alice"
    assert str(CarrierAccountFactory(merchant=None)) == "all24 of the house"
