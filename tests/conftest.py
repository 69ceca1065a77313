"""What every test may ask for."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from tests.factories import MerchantFactory


@pytest.fixture
def alice(db: None) -> Merchant:
    """A merchant."""
    return MerchantFactory(name="Alice")


@pytest.fixture
def bob(db: None) -> Merchant:
    """A stranger to alice."""
    return MerchantFactory(name="Bob")


@pytest.fixture
def client_of(db: None) -> Callable[[Merchant], APIClient]:
    """An API client that calls with a fresh key of the merchant."""

    def make(merchant: Merchant) -> APIClient:
        _, key = ApiKey.issue(merchant)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return client

    return make


@pytest.fixture
def as_alice(alice: Merchant, client_of: Callable[[Merchant], APIClient]) -> APIClient:
    return client_of(alice)


@pytest.fixture
def as_bob(bob: Merchant, client_of: Callable[[Merchant], APIClient]) -> APIClient:
    return client_of(bob)


@pytest.fixture
def count_statements() -> Callable[[Callable[[], object]], int]:
    """How many SQL statements a call takes."""

    def count(call: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    return count
