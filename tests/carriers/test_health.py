"""The rules of circuit and pace, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from carriers.exceptions import (
    BadResponse,
    CarrierError,
    KeyExhausted,
    KeyRejected,
    NotFoundYet,
    Refused,
    Throttled,
    Unreachable,
)
from carriers.health import Call, Circuit, Standing, after, calls_now, given_out, next_call_at

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ANSWERS = [None, BadResponse(), NotFoundYet(), Refused(), Throttled(), KeyRejected()]
ANSWERS.append(KeyExhausted("", resting_until=NOW))


def call(tracker: int, error: CarrierError | None = None, asked_at: datetime = NOW) -> Call:
    return Call(UUID(int=tracker), asked_at, error)


def failures(*trackers: int) -> list[Call]:
    return [call(one, Unreachable("no route")) for one in trackers]


def opened(times: int = 1) -> Standing:
    """A circuit that opened so often in a row, each time at NOW."""
    standing = after(Standing(), failures(1, 2, 3), NOW)
    for _ in range(times - 1):
        standing = after(replace(standing, circuit=Circuit.HALF_OPEN), failures(1), NOW)
    return standing


# ---------------------------------------------------------------- the circuit


@pytest.mark.parametrize(
    ("trackers", "circuit"),
    [
        ([1], Circuit.CLOSED),
        ([1, 1, 1, 1], Circuit.CLOSED),
        ([1, 2, 1, 2], Circuit.CLOSED),
        ([1, 2, 3], Circuit.OPEN),
        ([1, 1, 2, 1, 3], Circuit.OPEN),
    ],
)
def test_three_different_trackers_that_fail_open_it(trackers: list[int], circuit: Circuit) -> None:
    assert after(Standing(), failures(*trackers), NOW).circuit is circuit


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda error: type(error).__name__)
def test_any_answer_between_keeps_it_closed(answer: CarrierError | None) -> None:
    standing = after(Standing(), [*failures(1, 2), call(4, answer), *failures(3)], NOW)
    assert standing.circuit is Circuit.CLOSED
    assert standing.failing == (UUID(int=3),)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda error: type(error).__name__)
def test_any_answer_closes_it(answer: CarrierError | None) -> None:
    standing = after(opened(times=3), [call(4, answer)], NOW)
    assert (standing.circuit, standing.open_until, standing.openings) == (Circuit.CLOSED, None, 0)


def test_answers_that_are_not_the_carriers_format_never_open_it() -> None:
    standing = after(Standing(), [call(one, BadResponse()) for one in range(50)], NOW)
    assert standing.circuit is Circuit.CLOSED
    assert calls_now(standing, 5, NOW) is None


@pytest.mark.parametrize(
    ("times", "seconds"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (90, 900)]
)
def test_it_stays_open_for_twice_as_long_each_time(times: int, seconds: int) -> None:
    assert opened(times).open_until == NOW + seconds * SECOND


@pytest.mark.parametrize(
    ("later", "in_flight", "calls"), [(0, 0, 0), (29.9, 0, 0), (30, 0, 1), (31, 1, 0), (999, 0, 1)]
)
def test_an_open_circuit_lets_one_call_through_when_its_time_is_over(
    later: float, in_flight: int, calls: int
) -> None:
    assert calls_now(opened(), in_flight, NOW + later * SECOND) == calls


def test_one_call_at_a_time_finds_out_whether_the_carrier_is_back() -> None:
    probing = given_out(opened(), 1, NOW + 30 * SECOND)
    assert probing.circuit is Circuit.HALF_OPEN
    assert calls_now(probing, 1, NOW + 31 * SECOND) == 0


def test_a_prober_that_died_stands_in_nobodys_way_once_its_lease_is_over() -> None:
    probing = given_out(opened(), 1, NOW + 30 * SECOND)
    assert calls_now(probing, 0, NOW + 90 * SECOND) == 1


def test_late_failures_do_not_lengthen_the_time_that_it_is_open() -> None:
    standing = after(opened(), failures(4, 5, 6), NOW + 20 * SECOND)
    assert standing.open_until == NOW + 30 * SECOND
    assert standing.last_failure_at == NOW + 20 * SECOND


def test_a_failure_is_kept_in_words() -> None:
    assert after(Standing(), failures(1), NOW).last_failure == "no route"


# ---------------------------------------------------------------- the pace


def test_without_a_pace_there_is_no_bound() -> None:
    assert calls_now(Standing(), 9, NOW) is None


@pytest.mark.parametrize(("rate", "first"), [(0.1, 1), (1, 1), (10, 2), (50, 6), (200, 21)])
def test_after_a_rest_a_little_is_made_up_for(rate: float, first: int) -> None:
    assert calls_now(Standing(ceiling=rate), 0, NOW) == first


@pytest.mark.parametrize("rate", [0.05, 0.3, 1.0, 7.0, 40.0, 300.0])
@pytest.mark.parametrize("look", [0.01, 0.05, 0.09, 0.5, 7.0])
def test_a_pace_is_kept_whenever_somebody_looks(rate: float, look: float) -> None:
    standing, now, given = Standing(ceiling=rate), NOW, 0
    length = max(60.0, 20 / rate)
    for _ in range(int(length / look)):
        calls = calls_now(standing, 0, now) or 0
        standing, given = given_out(standing, calls, now), given + calls
        now += look * SECOND
    assert given <= rate * length + 1 + rate * 0.1
    assert look > 0.1 or given >= rate * length * 0.98 - 1


def test_a_carrier_that_asks_to_slow_down_gets_half_of_what_it_got() -> None:
    standing = Standing()
    for second in range(30):
        standing = given_out(standing, 20, NOW + second * SECOND)
    standing = after(standing, [call(1, Throttled(), NOW + 29 * SECOND)], NOW + 30 * SECOND)
    assert standing.pace == pytest.approx(10, rel=0.2)


def test_all_that_was_under_way_then_counts_once() -> None:
    busy = replace(Standing(), counted_from=NOW - 10 * SECOND, counted=100)
    slowed = after(busy, [call(one, Throttled()) for one in range(10)], NOW + SECOND)
    assert slowed.pace == pytest.approx(100 / 11 / 2)
    again = after(slowed, [call(1, Throttled(), NOW + 2 * SECOND)], NOW + 3 * SECOND)
    assert again.pace == pytest.approx(100 / 11 / 4)


@pytest.mark.parametrize(("ceiling", "pace"), [(None, 0.1), (8.0, 0.1), (0.02, 0.02)])
def test_a_pace_has_a_floor(ceiling: float | None, pace: float) -> None:
    standing = Standing(ceiling=ceiling)
    for minute in range(1, 20):
        now = NOW + minute * SECOND
        standing = after(standing, [call(1, Throttled(), now)], now)
    assert standing.pace == pace


def test_a_pace_recovers_step_by_step_while_calls_go_out() -> None:
    standing = Standing(pace=1.0, pace_changed_at=NOW, ceiling=3.0)
    paces: list[float | None] = []
    for second in range(0, 400, 20):
        standing = given_out(standing, 1, NOW + second * SECOND)
        paces.append(standing.pace)
    steps = [later for earlier, later in pairwise(paces) if later != earlier]
    assert steps == [1.25, 1.5625, 1.953125, 2.44140625, None]


def test_a_pace_does_not_recover_while_nothing_is_asked() -> None:
    standing = Standing(pace=1.0, pace_changed_at=NOW)
    assert given_out(standing, 1, NOW + timedelta(days=1)).pace == 1.25


def test_without_a_ceiling_a_pace_that_is_high_enough_is_forgotten() -> None:
    standing = Standing(pace=99.0, pace_changed_at=NOW)
    assert given_out(standing, 1, NOW + timedelta(minutes=2)).pace is None


@pytest.mark.parametrize(("asked", "seconds"), [(7.0, 7), (3_000.0, 3_000), (86_400.0, 3_600)])
def test_retry_after_holds_the_account_for_an_hour_at_most(asked: float, seconds: int) -> None:
    standing = after(Standing(), [call(1, Throttled(retry_after=asked))], NOW)
    assert next_call_at(standing, NOW) == NOW + seconds * SECOND
    assert calls_now(standing, 0, NOW + (seconds - 1) * SECOND) == 0
    assert calls_now(standing, 0, NOW + seconds * SECOND) == 1


def test_a_probe_keeps_the_pace_too() -> None:
    standing = replace(opened(), ceiling=0.01, paced_until=NOW + 100 * SECOND)
    assert calls_now(standing, 0, NOW + 60 * SECOND) == 0
    assert next_call_at(standing, NOW) == NOW + 100 * SECOND


# ---------------------------------------------------------------- while all is well


def test_an_answer_is_noted_every_ten_seconds_at_most() -> None:
    noted = after(Standing(), [call(1)], NOW)
    assert after(noted, [call(2), call(3)], NOW + 9 * SECOND) == noted
    assert after(noted, [call(2)], NOW + 10 * SECOND).last_answer_at == NOW + 10 * SECOND
