"""When a failed delivery is tried again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.backoff import DEFAULT_SCHEDULE, HINT_LIMIT, next_delay, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DAY = 86_400


def test_the_default_schedule_is_eleven_tries_in_about_76_hours() -> None:
    assert len(DEFAULT_SCHEDULE) + 1 == 11
    assert sum(DEFAULT_SCHEDULE) / 3600 == pytest.approx(75.6, abs=0.1)


@pytest.mark.parametrize(
    ("step", "hint", "chance", "delay"),
    [
        (0, None, 0.0, 5.0),
        (0, None, 1.0, 6.0),
        (1, None, 0.5, 66.0),
        (9, None, 0.0, 86_400.0),
        (0, 0.0, 0.0, 5.0),
        (0, 3.0, 0.0, 5.0),
        (0, 30.0, 0.0, 30.0),
        (0, 30.0, 1.0, 36.0),
        (0, 10 * 365 * DAY, 0.0, HINT_LIMIT),
        (9, 5.0, 0.0, 86_400.0),
        (10, None, 0.0, None),
        (10, 60.0, 0.0, None),
        (11, None, 0.0, None),
    ],
)
def test_the_next_delay(step: int, hint: float | None, chance: float, delay: float | None) -> None:
    assert next_delay(DEFAULT_SCHEDULE, step, hint, chance) == delay


@given(
    st.lists(st.integers(1, DAY), min_size=1, max_size=30), st.floats(0, 1), st.none() | st.floats(0, 2 * DAY)
)
def test_never_early_and_at_most_a_fifth_late(schedule: list[int], chance: float, hint: float | None) -> None:
    delay = next_delay(schedule, 0, hint, chance)
    asked = max(schedule[0], min(hint or 0, HINT_LIMIT))
    assert delay is not None
    assert asked <= delay <= asked * 1.2 + 1e-6


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("999999999999999999", 999999999999999999.0),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 14:02:00 +0200", 120.0),
        ("Sunday, 01-Mar-26 12:02:00 GMT", 120.0),
        ("Sun Mar  1 12:02:00 2026", 120.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("1e3", None),
        ("١٢٠", None),
        ("9" * 5_000, None),
        ("Sun, 99 Mar 2026 12:02:00 GMT", None),
        ("Sun, 01 Mar 99999999999 12:02:00 GMT", None),
        ("2026-03-01T12:02:00Z", None),
        ("\ud800", None),
    ],
)
def test_retry_after_is_a_number_or_a_date_and_garbage_is_ignored(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_gets_an_answer(value: str) -> None:
    assert (retry_after(value, NOW) or 0.0) >= 0.0
