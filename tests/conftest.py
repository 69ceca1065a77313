"""What every test may ask for."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck
from hypothesis import settings as effort
from rest_framework.test import APIClient

from accounts import counting, sweeps
from accounts.models import ApiKey, Merchant
from config import heartbeat, loopback
from tests.factories import MerchantFactory
from trackers import places, polling
from webhooks import nudging, tasks

# A busy machine is slow: that proves nothing.
effort.register_profile(
    "parcelwire", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
effort.load_profile("parcelwire")


@pytest.fixture(autouse=True, scope="session")
def _a_busy_machine_is_no_outage() -> Iterator[None]:
    """Servers may take their time, which they do where tests run beside each other."""
    with pytest.MonkeyPatch.context() as patched:
        for impatient in (counting, nudging, tasks):
            patched.setattr(impatient, "PATIENCE", 60.0)
        for impatient in (heartbeat, loopback):
            patched.setattr(impatient, "_PATIENCE", 60)
        patched.setattr(places, "LONG", 600.0)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """A broker that failed the test before is not left alone in this one, and no call of it is under way.

    What was noted of sweeps went with that test's transaction.
    """
    tasks._quiet_until[0] = 0.0
    nudging._quiet_until.clear()
    nudging.begun(nudging.POLLS)
    sweeps._noted.clear()
    sweeps.begin()
    yield
    polling._left.clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Nor is it a reason to end a session that waits for its test."""
    options = connection.settings_dict["OPTIONS"]
    for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        options["options"] += f" -c {name}=120000"


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
