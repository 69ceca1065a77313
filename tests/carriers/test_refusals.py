"""How long a carrier asks us to wait."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers import refusals

NOW = datetime(2015, 10, 21, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1680),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 1680),
        ("86401", 86_400),
        ("999999999999999999", 86_400),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400),
        ("Wed, 21 Oct 2015 06:28:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(written: str, seconds: float | None) -> None:
    assert refusals.retry_after({"retry-after": written}, NOW) == seconds


def test_no_header_is_no_wait() -> None:
    assert refusals.retry_after({}, NOW) is None


@given(st.text(max_size=60))
def test_any_header_is_a_wait_of_a_day_at_most_or_none(written: str) -> None:
    wait = refusals.retry_after({"retry-after": written}, NOW)
    assert wait is None or 0 <= wait <= refusals.MAX_WAIT
