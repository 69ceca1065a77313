"""docs/quick-start.md, followed to the letter on the real stack, by somebody who reads nothing else."""

import json
from collections.abc import Iterator

import pytest

from tests.docs.blocks import blocks_for
from tests.docs.walking import Walk, walked
from tests.processes import processes_of
from tests.waiting import eventually

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("quick start")]

AWAITED = {
    "after=0": "tracking.scanned",
    '$WEBHOOK/deliveries" \\\n': '"type": "tracking.delivered"',
    "manage.py doctor": r"^\d+ ok$",
}
HEARD = {"c29tZXRoaW5n": "refused: No matching signature found", "/resend": "seen before: tracking."}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with walked(tmp_path_factory.mktemp("quick"), blocks_for(__name__), AWAITED, HEARD) as walk:
        yield walk


def test_no_block_prints_an_error(walk: Walk) -> None:
    for block, printed in walk.printed.items():
        assert '"errors"' not in printed, block
        assert "Traceback" not in printed, block


def test_the_first_parcel_is_answered_with_its_scans(walk: Walk) -> None:
    (tracking,) = json.loads(walk.printed_by("/trackers/track"))["data"]["trackings"]
    assert tracking["shipment"]["statusMilestone"] == "out_for_delivery"
    assert len(tracking["events"]) == 5


def test_the_subscriber_hears_that_the_second_parcel_was_delivered(walk: Walk) -> None:
    assert "tracking.delivered SANDBOX_LIFE_2S_Q01" in walk.terminal.text


def test_what_a_stranger_sends_is_refused_and_what_is_sent_again_is_recognised(walk: Walk) -> None:
    assert "400" in walk.printed_by("c29tZXRoaW5n").split()
    assert all(words in walk.terminal.text for words in HEARD.values())


def test_the_subscriber_ends_when_it_is_told_to(walk: Walk) -> None:
    eventually(lambda: not [line for line in processes_of(walk.up.data).values() if "shop.py" in line])
