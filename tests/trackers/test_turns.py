"""Who comes next where not everything that is due can be asked."""

import pytest

from carriers.budget import Room
from trackers.turns import TURNS, shares

PLENTY = Room(1000, 1000)


def given(due: tuple[int, ...], calls: int, room: Room = PLENTY, turn: int = 0) -> list[int]:
    return list(shares(dict(enumerate(due)), calls, room, turn=turn).values())


@pytest.mark.parametrize(
    ("due", "calls", "expected"),
    [
        ((0, 0, 0, 0), 10, [0, 0, 0, 0]),
        ((2, 3, 1, 2), 10, [2, 3, 1, 2]),
        ((20, 20, 20, 20), 10, [4, 2, 2, 2]),
        ((0, 20, 20, 20), 10, [0, 6, 2, 2]),
        ((0, 0, 20, 20), 10, [0, 0, 8, 2]),
        ((20, 0, 0, 20), 10, [8, 0, 0, 2]),
        ((20, 20, 20, 20), 1, [1, 0, 0, 0]),
    ],
)
def test_by_urgency_and_each_has_its_turns(due: tuple[int, ...], calls: int, expected: list[int]) -> None:
    assert given(due, calls) == expected


def test_one_at_a_time_they_come_to_the_same() -> None:
    totals = [0, 0, 0, 0]
    for turn in range(100):
        totals = [a + b for a, b in zip(totals, given((9, 9, 9, 9), 1, turn=turn), strict=True)]
    assert totals == [40, 20, 20, 20]


def test_every_urgency_has_a_turn() -> None:
    assert set(TURNS) == {0, 1, 2, 3}
    assert len(TURNS) == 10


def test_never_more_than_is_left() -> None:
    assert sum(given((9, 9, 9, 9), 10, Room(3, 3))) == 3


def test_scheduled_ones_beyond_their_spread_wait() -> None:
    assert given((0, 9, 9, 9), 10, Room(50, 2)) == [0, 2, 0, 0]
    assert given((3, 0, 0, 0), 10, Room(50, 0)) == [3, 0, 0, 0]


def test_while_asked_ones_go_on_scheduled_ones_have_their_turns_beyond_the_spread() -> None:
    """Else a merchant that adds many trackers would keep those that are out for delivery waiting."""
    assert given((99, 9, 9, 9), 10, Room(500, 0)) == [4, 2, 2, 2]
    assert given((0, 9, 9, 9), 10, Room(500, 0)) == [0, 0, 0, 0]
