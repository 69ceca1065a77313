"""What the bench makes of what it measured."""

from bench.deliveries.draining import most_at_once
from bench.deliveries.figures import Finding, Side, Wish, quantile, ratio, shown


def test_a_quantile_is_one_of_the_values():
    values = [float(each) for each in range(100, 0, -1)]
    assert [quantile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert quantile([7.0], 0.5) == 7.0


def test_a_finding_holds_on_its_side_of_the_limit():
    assert Finding("rate", 0.8, Wish.AT_LEAST, 0.8).holds
    assert not Finding("rate", 0.79, Wish.AT_LEAST, 0.8).holds
    assert Finding("p99", 250, Wish.AT_MOST, 250).holds
    assert str(Finding("p99, ms", 251, Wish.AT_MOST, 250)) == "p99, ms: 251.00 (at most 250: MISSES)"


def test_a_side_shows_its_median_and_every_round():
    assert str(Side("a second", [1000.0, 3000.0, 2000.0])).strip() == (
        "2,000 a second   rounds 1,000 3,000 2,000"
    )
    assert str(Side("ms", [1.234])).split() == ["1.23", "ms", "rounds", "1.23"]


def test_what_lasts_until_another_begins_is_not_under_way_with_it():
    assert most_at_once([0.0, 0.1, 0.2, 0.25], 0.2) == 3
    assert most_at_once([0.0, 1.0, 2.0], 0.5) == 1


def test_a_ratio_is_of_medians_and_knows_its_sides():
    sides = {"ours": Side("a second", [80.0, 90.0, 70.0]), "bare": Side("a second", [100.0])}
    found = ratio(sides, "ours", "bare", Wish.AT_LEAST, 0.8)
    assert (found.words, found.value, found.holds) == ("ours / bare", 0.8, True)
    assert (found.this, found.reference) == ("ours", "bare")


def test_what_has_no_goal_is_said_and_holds():
    assert Finding("known scans", 0.2, Wish.NONE, 0.4).holds
    assert str(Finding("known scans", 0.2, Wish.NONE, 0.4)) == "known scans: 0.20"


def test_three_figures_of_a_value_are_shown():
    assert [shown(each) for each in (0.01234, 1.234, 12.34, 1234.5, 0.0)] == [
        "0.0123", "1.23", "12.3", "1,234", "0.00",
    ]  # fmt: skip
