"""How old ids say they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from webhooks.ages import age_of, first_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("id_", "age"),
    [
        ("019ca90e-1b80-7000-8000-000000000000", 3600.0),
        ("019ca945-0a00-7000-8000-000000000000", 0.0),
        ("019ca945-0a01-7fff-bfff-ffffffffffff", -0.001),
        ("00000000-0000-7000-8000-000000000000", NOON.timestamp()),
        ("019ca90e-1b80-4000-8000-000000000000", None),
        ("00000000-0000-0000-0000-000000000000", None),
    ],
)
def test_an_id_tells_its_age_if_it_is_of_version_7(id_: str, age: float | None) -> None:
    assert age_of(UUID(id_), NOON) == (None if age is None else pytest.approx(age, abs=0.0005))


def test_the_first_id_of_a_moment_lies_between_those_made_before_and_after() -> None:
    before, earlier, made, later = uuid4(), datetime.now(UTC), uuid7(), datetime.now(UTC)
    assert first_of(earlier - timedelta(milliseconds=100)) < made
    assert made < first_of(later + timedelta(milliseconds=1))
    assert first_of(datetime(1969, 1, 1, tzinfo=UTC)) == UUID(int=0) < before
