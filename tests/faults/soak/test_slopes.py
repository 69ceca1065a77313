"""A leak is found among noise and restarts; noise, restarts and warm-up are none."""

from random import Random

from tests.faults.soak.slopes import Point, slope

MIB = 2.0**20


def life(
    random: Random, begin: float, lasts: float, *, leak: float = 0.0, level: float = 120.0
) -> list[Point]:
    """One process, seen each 30 s; `leak` in MiB an hour. Its level is its own, as after any start."""
    own = level + random.uniform(-5, 5)
    return [
        (begin + 30 * nth, MIB * (own + leak * nth * 30 / 3600 + random.gauss(0, 0.3)))
        for nth in range(int(lasts / 30))
    ]


def lives(seed: int, leak: float) -> list[list[Point]]:
    """Three short ones and one of half an hour."""
    random = Random(seed)
    return [
        life(random, begin, lasts, leak=leak)
        for begin, lasts in ((0, 600), (700, 400), (1200, 500), (1800, 1800))
    ]


def test_what_does_not_grow_is_within_two_percent_whatever_the_noise() -> None:
    found = [slope(lives(seed, leak=0.0)) for seed in range(40)]
    assert sum(each is not None and each.lowest > 0.02 for each in found) == 0


def test_a_leak_of_a_tenth_in_an_hour_is_found_across_restarts() -> None:
    found = [slope(lives(seed, leak=12.0)) for seed in range(40)]
    assert all(each and each.lowest > 0.02 and 0.05 < each.an_hour < 0.15 for each in found)


def test_a_start_at_a_higher_level_is_no_growth() -> None:
    random = Random(1)
    found = slope([life(random, 1000 * nth, 900, level=100 + 20 * nth) for nth in range(4)])
    assert found is not None
    assert found.lowest <= 0.02


def test_a_few_outliers_move_nothing() -> None:
    points = life(Random(2), 0, 3600)
    points[50] = (points[50][0], points[50][1] * 3)
    points[-1] = (points[-1][0], points[-1][1] * 3)
    found = slope([points])
    assert found is not None
    assert abs(found.an_hour) < 0.02


def test_a_value_that_never_changes_has_no_slope_at_all() -> None:
    found = slope([[(30.0 * nth, 7.0) for nth in range(20)]])
    assert found is not None
    assert (found.an_hour, found.lowest, found.highest) == (0.0, 0.0, 0.0)


def test_too_little_says_nothing() -> None:
    assert slope([]) is None
    assert slope([[(0.0, 1.0), (30.0, 2.0)]]) is None
