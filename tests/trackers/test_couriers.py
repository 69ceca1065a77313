"""The list of couriers."""

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory
from ship24.models import GetCouriersResponseBody

from carriers.registry import adapters
from trackers.views.couriers import CouriersView

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
    }
    assert [one["courierCode"] for one in listed if not one["requiresAccount"]] == ["sandbox"]


def test_ship24s_own_client_reads_the_list(as_alice: APIClient) -> None:
    read = GetCouriersResponseBody.model_validate(as_alice.get("/public/v1/couriers").json())
    assert read.data is not None
    assert read.data.couriers is not None
    assert len(read.data.couriers) == len(adapters())


def test_the_list_asks_the_database_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        CouriersView().get(Request(APIRequestFactory().get("/v1/couriers")))
