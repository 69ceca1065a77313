"""The list of couriers."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient
from ship24.models import GetCouriersResponseBody

from accounts.models import Merchant
from carriers.models import Health
from carriers.registry import adapters
from tests.factories import CarrierAccountFactory

pytestmark = pytest.mark.django_db


def test_every_courier_is_listed_in_ship24s_shape(as_alice: APIClient) -> None:
    answer = as_alice.get("/v1/couriers")
    assert answer.status_code == 200
    listed = answer.json()["data"]["couriers"]
    assert [one["courierCode"] for one in listed] == list(adapters())
    (all24,) = [one for one in listed if one["courierCode"] == "all24"]
    assert all24 == {
        "courierCode": "all24",
        "courierName": "all24",
        "website": "https://all24.com",
        "isPost": False,
        "countryCode": "TH",
        "requiredFields": None,
        "isDeprecated": False,
        "requiresAccount": True,
        "health": {
            "status": "no_account",
            "reason": "There is no account to ask with.",
            "until": None,
        },
    }
    assert [one["courierCode"] for one in listed if not one["requiresAccount"]] == ["sandbox"]


def test_ship24s_own_client_reads_the_list(as_alice: APIClient) -> None:
    read = GetCouriersResponseBody.model_validate(as_alice.get("/public/v1/couriers").json())
    assert read.data is not None
    assert read.data.couriers is not None
    assert len(read.data.couriers) == len(adapters())


def test_each_courier_is_shown_as_it_is_for_the_caller(alice: Merchant, as_alice: APIClient) -> None:
    CarrierAccountFactory(merchant=alice, state="suspended", suspended_reason="all24 answered 401")
    CarrierAccountFactory(merchant=alice, courier="247express")
    Health.objects.filter(account__courier="247express").update(
        circuit="open", open_until=datetime(2099, 1, 1, tzinfo=UTC), last_failure="no route"
    )
    listed = as_alice.get("/v1/couriers").json()["data"]["couriers"]
    health = {one["courierCode"]: one["health"] for one in listed}
    assert health["all24"] == {"status": "suspended", "reason": "all24 answered 401", "until": None}
    assert health["247express"] == {
        "status": "down",
        "reason": "no route",
        "until": "2099-01-01T00:00:00.000Z",
    }
    assert health["sandbox"] == {"status": "operational", "reason": None, "until": None}


def test_the_list_is_one_query_however_many_accounts_there_are(
    alice: Merchant, as_alice: APIClient, count_statements: Callable[[Callable[[], object]], int]
) -> None:
    as_alice.get("/v1/couriers")  # the key is looked up and noted as used
    few = count_statements(lambda: as_alice.get("/v1/couriers"))
    for _ in range(5):
        CarrierAccountFactory(merchant=alice)
    assert count_statements(lambda: as_alice.get("/v1/couriers")) == few
