"""Codes that no map knows are counted."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db.models.functions import Now
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from carriers import unmapped
from carriers.models import UnmappedCode
from carriers.snapshot import Snapshot, Unmapped
from carriers.unmapped import Sighting
from tests.carriers.payloads import Payload

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sighting(snapshot: Snapshot, tracker: int = 1, minute: int = 0) -> Sighting:
    return Sighting(UUID(int=tracker), snapshot, NOON + timedelta(minutes=minute))


def puzzling(text: str) -> Snapshot:
    return Snapshot("all24", scans=(), unmapped=(Unmapped("x", text),))


def test_every_answer_counts_in_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    answers = [
        sighting(Payload(courier, "unmapped_code").parse()) for courier in ("all24", "247express", "all24")
    ]
    with django_assert_num_queries(1):
        unmapped.count(answers)
    unmapped.count(answers[:2])
    found = UnmappedCode.objects.order_by("courier").values_list("courier", "code", "text", "count")
    assert list(found) == [("247express", "ON_HOLD", "On hold", 2), ("all24", "250000", "Held at hub", 3)]


def test_the_first_sight_stays_and_the_last_moves() -> None:
    for text in ("first", "second"):
        unmapped.count([sighting(puzzling(text))])
        if text == "first":
            UnmappedCode.objects.update(first_seen_at="2020-01-01T00:00Z", last_seen_at="2020-01-01T00:00Z")
    code = UnmappedCode.objects.get()
    assert (code.text, code.first_seen_at.year) == ("first", 2020)
    assert code.last_seen_at.year > 2020


def test_nothing_unmapped_costs_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        unmapped.count([sighting(Payload("all24", "delivered").parse())])


def test_an_example_tells_what_the_carrier_said_of_the_scan() -> None:
    unmapped.count([sighting(Payload("all24", "unmapped_code").parse())])
    (sample,) = UnmappedCode.objects.get().samples
    assert sample == {
        "text": "Held at hub",
        "trackerId": str(UUID(int=1)),
        "raw": {"time": "2015-08-18 12:01:50", "location_ref": "h1"},
        "seenAt": "2026-03-01T12:00:00Z",
    }


def test_the_newest_three_examples_are_kept_one_a_tracker() -> None:
    unmapped.count([sighting(puzzling("a"), tracker=1), sighting(puzzling("b"), tracker=2, minute=1)])
    unmapped.count(
        [sighting(puzzling("c"), tracker=3, minute=2), sighting(puzzling("d"), tracker=4, minute=3)]
    )
    unmapped.count([sighting(puzzling("e"), tracker=3, minute=4)])
    assert [sample["text"] for sample in UnmappedCode.objects.get().samples] == ["e", "d", "b"]


def test_of_many_answers_at_once_the_newest_three_are_examples() -> None:
    unmapped.count([sighting(puzzling(f"{nth}"), tracker=nth, minute=nth) for nth in range(9)])
    code = UnmappedCode.objects.get()
    assert (code.count, [sample["text"] for sample in code.samples]) == (9, ["8", "7", "6"])


def test_a_milestone_that_is_no_word_of_ours_comes_with_its_scan() -> None:
    unmapped.count([sighting(Payload("ship24", "unmapped_code").parse())])
    samples = UnmappedCode.objects.get(code="teleported").samples
    assert samples[0]["raw"]["statusMilestone"] == "teleported"


def test_nothing_personal_is_an_example() -> None:
    snapshot = Payload("all24", "at_the_recipients").parse()
    personal = [text for text in (snapshot.personal.recipient or {}).values() if text]
    assert personal
    told = Snapshot(
        "all24",
        snapshot.scans,
        unmapped=tuple(Unmapped(one.carrier_code or "", one.text) for one in snapshot.scans),
    )
    unmapped.count([sighting(told)])
    kept = str(list(UnmappedCode.objects.values_list("samples", flat=True)))
    assert not [text for text in personal if text in kept]


def test_what_is_mapped_by_now_is_taken_off_the_list() -> None:
    unmapped.count([sighting(puzzling("a")), sighting(Payload("247express", "unmapped_code").parse())])
    assert unmapped.forget("all24", {"x", "y"}) == 1
    assert [one.courier for one in UnmappedCode.objects.all()] == ["247express"]


def seen(days_ago: float, code: str) -> None:
    UnmappedCode.objects.create(
        courier="all24", code=code, text=code, last_seen_at=Now() - timedelta(days=days_ago)
    )


def test_a_code_that_no_kept_answer_holds_goes(settings: Settings) -> None:
    for days_ago in (91, 90.001, 89.999, 1):
        seen(days_ago, f"{days_ago}")
    assert (unmapped.forget_unseen(1), unmapped.forget_unseen(10)) == (1, 1)
    assert set(UnmappedCode.objects.values_list("code", flat=True)) == {"89.999", "1"}
    settings.RAW_ANSWERS_KEPT_DAYS = 7
    assert unmapped.forget_unseen(10) == 1


def test_one_that_is_seen_again_stays() -> None:
    seen(100, "x")
    unmapped.count([sighting(puzzling("a"))])
    assert unmapped.forget_unseen(10) == 0
