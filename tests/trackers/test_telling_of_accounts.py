"""`carrier_account.suspended` and `.resumed`: into the log and to subscribers, exactly once, in order."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers import accounts
from carriers.models import AccountNews, CarrierAccount
from events.models import Event
from tests.factories import CarrierAccountFactory
from tests.together import at_once
from tests.webhooks.cast import EndpointFactory
from trackers import tasks
from trackers.carrier_accounts.telling import tell
from webhooks.models import Delivery, Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(alice: Merchant) -> CarrierAccount:
    return CarrierAccountFactory(merchant=alice)


def types() -> list[str]:
    return list(Event.objects.order_by("position").values_list("type", flat=True))


def body_of(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes(message.body))
    return found


def test_a_suspension_is_told_with_its_reason(alice: Merchant, account: CarrierAccount) -> None:
    EndpointFactory(merchant=alice)
    accounts.suspend(account.id, "all24 answered 401")
    tell()
    event, message = Event.objects.get(), Message.objects.get()
    assert (event.type, event.stream, event.version) == ("carrier_account.suspended", account.id, 1)
    assert (message.type, message.stream, message.sequence) == (event.type, account.id, 1)
    body = body_of(message)
    assert (body["type"], body["data"]) == (event.type, event.data)
    assert {**event.data, "happenedAt": ""} == {
        "carrierAccountId": str(account.id),
        "courierCode": "all24",
        "reason": "all24 answered 401",
        "happenedAt": "",
    }


def test_what_was_not_told_yet_of_an_account_is_told_as_it_is_deleted(
    alice: Merchant, account: CarrierAccount, as_alice: APIClient
) -> None:
    EndpointFactory(merchant=alice)
    accounts.suspend(account.id, "refused")
    assert as_alice.delete(f"/v1/carrier-accounts/{account.id}").status_code == 204
    tell()
    assert (types(), Delivery.objects.count()) == (["carrier_account.suspended"], 1)


def test_it_is_told_once(alice: Merchant, account: CarrierAccount) -> None:
    EndpointFactory(merchant=alice)
    accounts.suspend(account.id, "refused")
    accounts.suspend(account.id, "refused again")
    tell()
    tell()
    assert (types(), Delivery.objects.count()) == (["carrier_account.suspended"], 1)
    assert not AccountNews.objects.exists()


def test_many_who_tell_at_once_tell_it_once(alice: Merchant, account: CarrierAccount) -> None:
    EndpointFactory(merchant=alice)
    others = [CarrierAccountFactory(merchant=alice) for _ in range(4)]
    for one in [account, *others]:
        accounts.suspend(one.id, "refused")
        accounts.resume([one.id])
    at_once(*[tell] * 6)
    assert (sorted(types()), Delivery.objects.count()) == (
        ["carrier_account.resumed"] * 5 + ["carrier_account.suspended"] * 5,
        10,
    )


@pytest.mark.parametrize(
    "take_up",
    [
        lambda account: accounts.resume([account.id]),
        lambda account: accounts.replace_key(account, "better"),
        lambda account: accounts.pause(account.id) and accounts.resume([account.id], paused_too=True),
    ],
    ids=["resumed", "new key", "paused and resumed"],
)
def test_what_was_suspended_is_told_resumed(
    account: CarrierAccount, take_up: Callable[[CarrierAccount], object]
) -> None:
    accounts.suspend_by_hand([account.id])
    take_up(account)
    tell()
    assert types() == ["carrier_account.suspended", "carrier_account.resumed"]
    assert list(Event.objects.order_by("position").values_list("version", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    "take_up",
    [
        lambda account: accounts.replace_key(account, "better"),
        lambda account: accounts.pause(account.id) and accounts.resume([account.id], paused_too=True),
    ],
    ids=["new key", "paused and resumed"],
)
def test_nothing_is_resumed_that_was_not_suspended(
    account: CarrierAccount, take_up: Callable[[CarrierAccount], object]
) -> None:
    take_up(account)
    tell()
    assert (types(), AccountNews.objects.count()) == ([], 0)


def test_a_key_that_cannot_be_decrypted_is_told(account: CarrierAccount) -> None:
    CarrierAccount.objects.filter(id=account.id).update(courier="pigeon")
    accounts.usable([account.id])
    tell()
    assert Event.objects.get().data["reason"] == "There is no adapter for the courier pigeon."


def test_nobody_is_told_of_a_house_account(alice: Merchant, caplog: pytest.LogCaptureFixture) -> None:
    EndpointFactory(merchant=alice)
    house = CarrierAccountFactory(merchant=None)
    for _ in range(3):
        accounts.suspend(house.id, "refused")
    accounts.replace_key(house, "better")
    tell()
    assert (types(), Message.objects.count(), AccountNews.objects.count()) == ([], 0, 0)
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert str(house.id) in record.getMessage()


def test_others_hear_nothing_and_the_filter_of_couriers_holds(
    alice: Merchant, bob: Merchant, account: CarrierAccount
) -> None:
    EndpointFactory(merchant=bob)
    EndpointFactory(merchant=alice, couriers=["247express"])
    EndpointFactory(merchant=alice, types=["tracking.*"])
    wanted = EndpointFactory(merchant=alice, types=["carrier_account.*"], couriers=["all24"])
    accounts.suspend(account.id, "refused")
    tell()
    assert Delivery.objects.get().endpoint_id == wanted.id


def test_a_suspension_that_is_rolled_back_is_not_told(account: CarrierAccount) -> None:
    with (
        patch("carriers.accounts.owe", side_effect=OperationalError),
        pytest.raises(OperationalError),
    ):
        accounts.suspend(account.id, "refused")
    assert CarrierAccount.objects.get().state == CarrierAccount.State.ACTIVE


def test_telling_that_fails_is_done_by_the_next(account: CarrierAccount) -> None:
    accounts.suspend(account.id, "refused")
    with patch("trackers.carrier_accounts.telling.announce", side_effect=OperationalError):
        tell()
    assert (types(), AccountNews.objects.count()) == ([], 1)
    tell()
    assert types() == ["carrier_account.suspended"]


def test_the_sweep_tells(account: CarrierAccount) -> None:
    accounts.suspend(account.id, "refused")
    tasks.sweep()
    assert types() == ["carrier_account.suspended"]


def test_an_account_that_is_deleted_meanwhile_is_told_of_no_more(account: CarrierAccount) -> None:
    accounts.suspend(account.id, "refused")
    account.delete()
    tell()
    assert types() == []
