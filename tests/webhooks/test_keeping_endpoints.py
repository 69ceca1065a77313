"""Endpoints that a worker keeps between claims with their decrypted keys, until their rows change."""

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db import connection

from accounts.models import Merchant
from tests.webhooks.broken import break_it
from tests.webhooks.cast import EndpointFactory
from webhooks import loading
from webhooks.loading import Kept, is_unreadable
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    made: Endpoint = EndpointFactory(merchant=alice)
    return made


def version(endpoint: Endpoint) -> str:
    """As claims see it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ctid::text || ':' || xmin::text FROM webhooks_endpoint WHERE id = %s", [endpoint.id]
        )
        found: str = cursor.fetchone()[0]
    return found


def test_one_whose_row_is_the_same_is_loaded_once(endpoint: Endpoint, count_statements) -> None:
    kept, versions = Kept(), {endpoint.id: version(endpoint)}
    first = kept.load(versions)
    assert count_statements(lambda: kept.load(versions)) == 0
    assert kept.load(versions)[endpoint.id] is first[endpoint.id]


def test_every_write_to_its_row_has_it_loaded_anew(endpoint: Endpoint) -> None:
    kept = Kept()
    kept.load({endpoint.id: version(endpoint)})
    for number in range(3):
        Endpoint.objects.filter(id=endpoint.id).update(url=f"https://{number}.example/hook")
        found = kept.load({endpoint.id: version(endpoint)})
        assert found[endpoint.id].url == f"https://{number}.example/hook"


def test_one_whose_row_is_written_again_and_again_is_kept_once(endpoint: Endpoint) -> None:
    kept = Kept()
    for number in range(3):
        Endpoint.objects.filter(id=endpoint.id).update(failing_tries=number)
        kept.load({endpoint.id: version(endpoint)})
    assert len(kept._kept) == 1


def test_other_keys_of_ours_open_nothing_that_was_kept(endpoint: Endpoint, settings) -> None:
    kept, versions = Kept(), {endpoint.id: version(endpoint)}
    kept.load(versions)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(InvalidToken):
        kept.load(versions)


def test_one_that_is_unreadable_is_not_kept(alice: Merchant, endpoint: Endpoint) -> None:
    other = EndpointFactory(merchant=alice)
    break_it(endpoint, "keys of secret")
    kept = Kept()
    versions = {each.id: version(each) for each in (endpoint, other)}
    assert is_unreadable(kept.load(versions)[endpoint.id])
    assert [*kept._kept] == [other.id]


def test_those_wanted_longest_ago_are_forgotten_first(alice: Merchant, monkeypatch) -> None:
    monkeypatch.setattr(loading, "KEPT", 2)
    kept = Kept()
    a, b, c = (EndpointFactory(merchant=alice) for _ in range(3))
    for each in (a, b, a, c):
        kept.load({each.id: version(each)})
    assert [*kept._kept] == [a.id, c.id]
