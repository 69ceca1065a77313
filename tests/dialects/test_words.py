"""Whatever a scan says, a dialect has a word for it, and none that says more."""

import pytest

from carriers.words import all24 as all24_words
from carriers.words import express247 as express247_words
from events.statuses import Milestone, StatusCode
from trackers.dialects import all24, express247


@pytest.mark.parametrize("milestone", Milestone)
@pytest.mark.parametrize("status", [None, *StatusCode])
def test_all24_has_a_code_for_every_status_and_only_a_delivery_is_one(
    status: StatusCode | None, milestone: Milestone
) -> None:
    scan = {"courierCode": "ship24", "carrierEventCode": "500000", "statusCode": status}
    code = all24.event_code(scan, milestone)
    assert code in all24_words.CODES
    delivered = status is StatusCode.DELIVERY_DELIVERED or (
        milestone is Milestone.DELIVERED and status not in all24_words.BY_STATUS
    )
    assert (code == "500000") == delivered


@pytest.mark.parametrize("milestone", Milestone)
@pytest.mark.parametrize("status", [None, *StatusCode])
def test_247express_has_a_word_for_every_status_and_none_says_more_than_we_know(
    status: StatusCode | None, milestone: Milestone
) -> None:
    scan = {"courierCode": "ship24", "carrierEventCode": "LOST", "statusCode": status, "final": False}
    word = express247.word(scan, milestone)
    meaning = express247_words.STATUSES[word]
    if status in express247_words.BY_STATUS and word != express247_words.DELAYED:
        assert meaning.status is status
    assert (word == "LOST") == (status is StatusCode.EXCEPTION_LOST)


def test_a_return_is_over_where_the_carrier_has_no_other_word() -> None:
    scan = {
        "courierCode": "ship24",
        "carrierEventCode": "R",
        "statusCode": StatusCode.EXCEPTION_RETURN,
        "final": False,
    }
    assert express247.word(scan, "exception") == "PENDING_FOR_RETURN"
    assert express247.word(scan | {"final": True}, "exception") == "RETURNED"


def test_an_order_that_was_cancelled_is_not_told_as_picked_up() -> None:
    scan = {"courierCode": "247express", "carrierEventCode": "CANCEL", "statusCode": "data_order_cancelled"}
    assert all24.event_code(scan, Milestone.EXCEPTION) == "050000"
