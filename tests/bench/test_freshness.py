"""The simulation of freshness: its model of parcels, its two ways of watching them, and what it prints."""

import subprocess
import sys

from bench.knowing import Paced, fixed
from bench.lives import DAY, HOUR, Life, Sighting, lives
from events.statuses import Milestone
from tests.processes import ROOT

ONE = Life(
    made=0,
    offset=0,
    scans=(
        Sighting(2.5 * HOUR, Milestone.INFO_RECEIVED),
        Sighting(9 * HOUR, Milestone.DELIVERED, final=True),
    ),
    expected=None,
    expected_with=0,
)


def test_the_same_seed_gives_the_same_parcels_and_another_one_others():
    assert lives(50, 3, seed=7) == lives(50, 3, seed=7) != lives(50, 3, seed=8)


def test_a_parcel_lives_in_order_and_has_one_last_word_at_the_end():
    for life in lives(500, 14, seed=1):
        moments = [scan.at for scan in life.scans]
        assert moments == sorted(moments)
        assert all(scan.at >= life.made for scan in life.scans)
        assert not any(scan.final for scan in life.scans[:-1])
        assert all(scan.final for scan in life.scans if scan.milestone is Milestone.DELIVERED)


def test_a_fixed_interval_knows_a_scan_at_its_next_poll_and_ends_with_the_last_word():
    every, watched = fixed([ONE], DAY, calls=10)
    assert 9 * HOUR / 8 - 2 < every < 9 * HOUR / 8
    assert watched.calls == 10
    assert watched.delays[Milestone.INFO_RECEIVED] == [3 * every - 2.5 * HOUR]
    assert watched.delays[Milestone.DELIVERED] == [9 * every - 9 * HOUR]


def test_the_schedule_never_makes_more_calls_a_day_than_its_quota():
    watched = Paced(lives(300, 3, seed=1), 3 * DAY, 150, seed=1).watched()
    assert watched.busiest_day == 150
    assert watched.calls <= (1 + 3) * 150  # east of Greenwich the first day begins a day earlier


def test_every_scan_that_happened_is_counted_once_however_it_is_watched():
    parcels = lives(300, 3, seed=1)
    watched = Paced(parcels, 3 * DAY, 600, seed=1).watched()
    _, regular = fixed(parcels, 3 * DAY, watched.calls)
    assert regular.calls >= watched.calls
    for milestone in Milestone:
        happened = sum(
            scan.milestone is milestone and scan.at < 3 * DAY for one in parcels for scan in one.scans
        )
        assert len(watched.delays[milestone]) == len(regular.delays[milestone]) == happened
        assert all(delay >= 0 for delay in (*watched.delays[milestone], *regular.delays[milestone]))


def test_it_prints_that_merchants_know_twice_as_soon_of_what_they_wait_for():
    words = [sys.executable, "-m", "bench.freshness", "--parcels", "2000"]
    bench = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert bench.returncode == 0, bench.stderr
    assert "median of out_for_delivery, schedule / fixed" in bench.stdout
    assert bench.stdout.count("holds") == 6
