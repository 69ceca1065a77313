"""Which entry of a carrier's answer a scan was read from. Pure."""

from typing import Any

import pytest

from trackers.timeline.saying import entry_of

SCAN = {"timeText": "2026-03-01 12:00:00", "carrierEventCode": "100", "status": "Picked up"}
PICKED_UP = {"event_time": "2026-03-01 12:00:00", "event_code": "100", "event_name": "Picked up", "by": "N"}
LATER = {"event_time": "2026-03-01 15:00:00", "event_code": "100", "event_name": "Picked up"}


def test_the_entry_that_has_most_of_it_is_it() -> None:
    answer = {"PARCEL-1": {"history": [LATER, PICKED_UP, {"note": "Picked up"}]}, "response_code": 200}
    assert entry_of(SCAN, answer) == PICKED_UP


def test_a_code_that_is_a_number_is_the_same_code() -> None:
    numbered = {"at": "2026-03-01 12:00:00", "code": 100}
    assert entry_of(SCAN, [numbered]) == numbered


@pytest.mark.parametrize(
    "answer", [None, [], {}, "Picked up", {"note": "Picked up"}, [[["100"]]], {"code": True, "text": None}]
)
def test_one_thing_in_common_is_not_enough(answer: Any) -> None:
    assert entry_of(SCAN, answer) is None


def test_a_scan_of_which_little_was_said_is_found_by_that() -> None:
    bare = {"timeText": None, "carrierEventCode": None, "status": "Picked up"}
    assert entry_of(bare, [{"note": "Picked up"}]) == {"note": "Picked up"}
