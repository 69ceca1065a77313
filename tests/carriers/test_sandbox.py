"""Parcels that live on a clock."""

from dataclasses import replace
from datetime import timedelta

import pytest

from carriers.adapter import Answer, Client, Request
from carriers.exceptions import NotFoundYet
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from events.statuses import Milestone
from tests.carriers.payloads import NOW, query

SANDBOX = adapter("sandbox")


class NoNetwork:
    """A client that must not be used."""

    def send(self, request: Request) -> Answer:
        raise AssertionError(request)


CLIENT: Client = NoNetwork()


def poll(number: str, after: timedelta = timedelta()) -> Snapshot:
    asked = query("sandbox", number, asked_at=NOW + after)
    return SANDBOX.parse(SANDBOX.ask(asked, CLIENT), asked)


@pytest.mark.parametrize("milestone", [one for one in Milestone if one is not Milestone.PENDING])
def test_a_sample_stands_at_its_milestone(milestone: Milestone) -> None:
    scans = poll(f"SHIP24_SAMPLE_{milestone.upper()}_000").scans
    assert scans[-1].milestone is milestone
    assert scans[-1].placed is not None
    assert scans[-1].placed < NOW


def test_a_sample_is_the_same_at_every_poll() -> None:
    assert (
        poll("SHIP24_SAMPLE_DELIVERED_000").scans
        == poll("SHIP24_SAMPLE_DELIVERED_000", timedelta(days=9)).scans
    )


def test_pending_is_not_found() -> None:
    with pytest.raises(NotFoundYet):
        poll("SHIP24_SAMPLE_PENDING_000")


def test_a_life_takes_one_step_after_the_other() -> None:
    lengths = [
        len(poll("SANDBOX_LIFE_10S_001", timedelta(seconds=at)).scans) for at in (0, 9, 10, 20, 30, 40, 9_999)
    ]
    assert lengths == [1, 1, 2, 3, 4, 5, 5]
    assert [scan.milestone for scan in poll("SANDBOX_LIFE_10S_001", timedelta(hours=1)).scans] == [
        "info_received",
        "in_transit",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]


def test_a_life_keeps_its_past() -> None:
    early = poll("SANDBOX_LIFE_10S_001", timedelta(seconds=25)).scans
    assert poll("SANDBOX_LIFE_10S_001", timedelta(days=1)).scans[: len(early)] == early


def test_a_clock_that_runs_behind_does_no_harm() -> None:
    assert len(poll("SANDBOX_LIFE_10S_001", timedelta(seconds=-30)).scans) == 1


@pytest.mark.parametrize(
    ("number", "its_own"),
    [
        ("SHIP24_SAMPLE_DELIVERED_000", True),
        ("SHIP24_SAMPLE_OUT_FOR_DELIVERY_a9Z", True),
        ("SANDBOX_LIFE_2S_001", True),
        ("SHIP24_SAMPLE_LOST_000", False),
        ("SHIP24_SAMPLE_DELIVERED_0000", False),
        ("SANDBOX_LIFE_0S_001", False),
        ("SANDBOX_LIFE_S_001", False),
        ("12345", False),
    ],
)
def test_its_numbers_are_told_by_their_form(number: str, its_own: bool) -> None:
    assert bool(SANDBOX.looks_like.fullmatch(number)) is its_own
    assert bool(SANDBOX.takes.fullmatch(number)) is its_own


def test_a_number_that_is_none_of_its_own_is_not_found() -> None:
    asked = replace(query("sandbox", "12345"))
    with pytest.raises(NotFoundYet):
        SANDBOX.parse(SANDBOX.ask(asked, CLIENT), asked)


def test_it_costs_nothing_to_ask() -> None:
    assert (SANDBOX.poll_every, SANDBOX.needs_account) == (timedelta(seconds=5), False)
