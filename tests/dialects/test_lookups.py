"""Look-ups of a key, counted in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection

from accounts.models import ApiKey, Merchant
from trackers import lookups
from trackers.models import LookUps

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key_id(alice: Merchant) -> UUID:
    return ApiKey.issue(alice)[0].id


def today() -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date")
        return cursor.fetchone()[0]


def test_as_many_as_are_allowed_are_counted_and_no_more(key_id: UUID) -> None:
    assert [lookups.count(key_id, 3) for _ in range(5)] == [True, True, True, False, False]
    row = LookUps.objects.get()
    assert (row.api_key_id, row.day, row.count) == (key_id, today(), 3)


def test_none_may_be_allowed(key_id: UUID) -> None:
    assert not lookups.count(key_id, 0)
    assert not LookUps.objects.exists()


def test_a_new_day_begins_anew_in_the_same_row(key_id: UUID) -> None:
    assert [lookups.count(key_id, 1) for _ in range(2)] == [True, False]
    LookUps.objects.update(day=today() - timedelta(days=1))
    assert [lookups.count(key_id, 1) for _ in range(2)] == [True, False]
    assert LookUps.objects.get().day == today()


def test_a_look_up_that_began_before_midnight_counts_for_the_day_that_is(key_id: UUID) -> None:
    lookups.count(key_id, 9)
    LookUps.objects.update(day=today() + timedelta(days=1))
    assert [lookups.count(key_id, 2) for _ in range(2)] == [True, False]
    assert LookUps.objects.get().day == today() + timedelta(days=1)


def test_many_at_once_never_pass_the_limit(key_id: UUID) -> None:
    def look_up(_: int) -> bool:
        try:
            return lookups.count(key_id, 25)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        passed = sum(threads.map(look_up, range(60)))
    assert (passed, LookUps.objects.get().count) == (25, 25)
