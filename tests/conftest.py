"""What every test may ask for."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts import counting
from accounts.models import ApiKey, Merchant
from tests.factories import MerchantFactory
from webhooks import nudging, tasks


@pytest.fixture(autouse=True, scope="session")
def _a_busy_machine_is_no_outage() -> Iterator[None]:
    """Redis may take its time, which it does where tests run beside each other."""
    with pytest.MonkeyPatch.context() as patched:
        for impatient in (counting, nudging, tasks):
            patched.setattr(impatient, "PATIENCE", 60.0)
        yield


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
