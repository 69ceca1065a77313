"""What kept answers tell when they are read again: amendments, and scans that could not be read before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers import identity, ordering
from carriers.snapshot import Moment, Party, Reason, Scan, ShipmentFacts, Snapshot
from carriers.words import express247
from events.catalog import Fact, ScanAmended, Scanned
from events.statuses import Milestone, StatusCode
from tests.carriers.payloads import Payload, parse, payloads
from tests.trackers.cast import NOON, Parcel, scan, snapshot
from trackers.rereading import Reread, corrections

ANSWERS = [payload for payload in payloads() if "error" not in payload.expected]


def kept(answer: Snapshot, *, current: bool = False, hours: int = 0) -> Reread:
    return Reread(NOON + timedelta(days=1, hours=hours), answer, current=current)


def found(parcel: Parcel, *answers: Reread) -> list[Fact]:
    """What the answers tell, the newest first; taken into the parcel, they tell nothing a second time."""
    facts = corrections(parcel.projection, answers)
    parcel.append(*facts)
    assert corrections(parcel.projection, answers) == []
    return facts


def followed(*answers: Snapshot) -> Parcel:
    parcel = Parcel()
    for answer in answers:
        parcel.polled(answer)
    return parcel


def amended(facts: Sequence[Fact]) -> dict[str | None, list[str]]:
    return {one.carrier_event_code: one.changed for one in facts if isinstance(one, ScanAmended)}


def mapped(one: Scan) -> Scan:
    """The same scan, read with a map that knows it."""
    return replace(one, status_code=StatusCode.DELIVERY_DELIVERED, milestone=Milestone.DELIVERED)


@pytest.mark.parametrize("payload", ANSWERS, ids=str)
@pytest.mark.parametrize("current", [True, False])
def test_reading_again_what_was_recorded_tells_nothing(payload: Payload, current: bool) -> None:
    parcel = followed(payload.parse())
    assert found(parcel, kept(payload.parse(), current=current)) == []


@pytest.mark.parametrize("current", [True, False])
def test_a_code_that_is_mapped_now_amends_its_scan(current: bool) -> None:
    answer = snapshot(scan("created", 0), scan("puzzling", 5))
    parcel = followed(answer)
    again = replace(answer, scans=(answer.scans[0], mapped(answer.scans[1])))
    facts = found(parcel, kept(again, current=current))
    assert amended(facts) == {"puzzling": ["statusCode", "statusMilestone"]}
    assert parcel.projection.milestone == "delivered"


@pytest.mark.parametrize("current", [True, False])
def test_a_scan_that_could_not_be_read_before_is_new(current: bool) -> None:
    parcel = followed(snapshot(scan("created", 0), set_aside=("no such time",)))
    facts = found(parcel, kept(snapshot(scan("created", 0), scan("moving", 5)), current=current))
    assert [type(fact) for fact in facts] == [Scanned]
    assert parcel.projection.milestone == "in_transit"


def test_a_scan_that_a_newer_answer_lacks_is_not_told_by_an_older_one() -> None:
    parcel = followed(snapshot(scan("created", 0), scan("moving", 9)))
    newer = kept(snapshot(scan("created", 0), scan("moving", 9)), current=True)
    assert found(parcel, newer, kept(snapshot(scan("created", 0), scan("puzzling", 5)))) == []


def test_of_a_scan_that_only_an_older_answer_tells_the_reading_is_amended() -> None:
    older, newer = snapshot(scan("puzzling", 1)), snapshot(scan("moving", 9))
    parcel = followed(older, newer)
    again = replace(older, scans=(mapped(older.scans[0]),))
    facts = found(parcel, kept(newer, current=True), kept(again))
    assert amended(facts) == {"puzzling": ["statusCode", "statusMilestone"]}


def test_the_newest_answer_decides_how_a_scan_is_read() -> None:
    before = snapshot(scan("moving", 1, location="PARIS, FR"))
    after = snapshot(scan("moving", 1, location="Paris, France"))
    parcel = followed(before, after)
    assert found(parcel, kept(after, current=True, hours=1), kept(before)) == []


def test_an_answer_that_came_a_second_time_is_the_newest() -> None:
    one, other = (snapshot(scan("moving", 1, location=place)) for place in ("Here", "There"))
    parcel = followed(one, other, one)
    assert found(parcel, kept(one, current=True), kept(other, hours=1)) == []
    assert parcel.projection.state["scans"][0]["location"] == "Here"


def test_where_the_log_has_heard_more_than_was_kept_its_places_stay() -> None:
    parcel = followed(
        snapshot(scan("puzzling", 1, location="PARIS")), snapshot(scan("puzzling", 1, location="Paris"))
    )
    older = snapshot(scan("puzzling", 1, location="PARIS"))
    assert found(parcel, kept(older)) == []
    facts = found(parcel, kept(replace(older, scans=(mapped(older.scans[0]),))))
    assert amended(facts) == {"puzzling": ["statusCode", "statusMilestone"]}
    assert parcel.projection.state["scans"][0]["location"] == "Paris"


def test_a_scan_that_the_carrier_worded_otherwise_since_stays() -> None:
    parcel = followed(
        snapshot(scan("moving", 1, text="Left")), snapshot(scan("moving", 1, text="Left the depot"))
    )
    assert found(parcel, kept(snapshot(mapped(scan("moving", 1, text="Left"))))) == []


def test_nothing_is_withdrawn_and_nothing_comes_back() -> None:
    full, cut = snapshot(scan("created", 0), scan("moving", 5)), snapshot(scan("created", 0))
    parcel = followed(full)
    assert found(parcel, kept(cut, current=True)) == []
    parcel.polled(cut)
    parcel.polled(cut, after=timedelta(hours=2))
    assert parcel.projection.state["scans"][1]["withdrawn"]
    again = replace(full, scans=(full.scans[0], mapped(full.scans[1])))
    assert found(parcel, kept(cut, current=True), kept(again)) == []


def test_what_a_push_told_is_read_again_too() -> None:
    pushed = replace(snapshot(scan("puzzling", 5)), partial=True)
    parcel = followed(snapshot(scan("created", 0)), pushed)
    facts = found(
        parcel, kept(replace(pushed, scans=(mapped(pushed.scans[0]),))), kept(snapshot(scan("created", 0)))
    )
    assert amended(facts) == {"puzzling": ["statusCode", "statusMilestone"]}


def test_a_status_that_has_no_time_is_left_to_polls() -> None:
    waiting = snapshot(scan("created", 0), scan("moving", None))
    parcel = followed(waiting, snapshot(scan("created", 0), scan("moving", 7)))
    assert (
        found(parcel, kept(snapshot(scan("created", 0), scan("moving", 7)), current=True), kept(waiting))
        == []
    )


def test_the_code_of_a_status_without_a_time_is_amended_all_the_same() -> None:
    waiting = snapshot(scan("created", 0), scan("puzzling", None))
    parcel = followed(waiting)
    again = replace(waiting, scans=(waiting.scans[0], mapped(waiting.scans[1])))
    assert amended(found(parcel, kept(again, current=True))) == {
        "puzzling": ["statusCode", "statusMilestone"]
    }
    assert parcel.projection.milestone == "delivered"


def test_a_better_zone_moves_a_scan_and_it_stays_the_same_scan() -> None:
    parcel = followed(snapshot(scan("created", 0), scan("moving", 30)))
    first, second = snapshot(scan("created", 0), scan("moving", 30)).scans
    earlier = second.moment._replace(instant=NOON - timedelta(hours=2))
    again = (replace(second, moment=earlier, placed=earlier.instant), first)
    facts = found(parcel, kept(Snapshot("all24", again), current=True))
    assert amended(facts) == {"moving": ["placedAt"]}
    assert [one["carrierEventCode"] for one in parcel.projection.state["scans"]] == ["moving", "created"]


def test_a_scan_whose_code_is_read_otherwise_is_the_same_scan_and_goes_by_both_keys() -> None:
    before, after = snapshot(scan("puzzling", 5, text="On hold")), snapshot(scan("moving", 5, text="On hold"))
    parcel = followed(before)
    (fact,) = found(parcel, kept(after, current=True))
    assert isinstance(fact, ScanAmended)
    assert (fact.scan_key, fact.alias) == (before.scans[0].key, after.scans[0].key)
    assert parcel.polled(after).facts == []


def test_an_id_whose_name_is_a_word_of_the_map_by_now_is_the_same_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = {"time": "2024-05-02T11:40:00", "status": "17", "statusName": "On hold"}
    left = {"time": "2024-05-01T11:40:00", "status": "2", "statusName": "Picked up"}
    told = {"orderCode": "ABC12345", "statuses": [held, left]}
    parcel = followed(parse("247express", told, "ABC12345"))
    meaning = express247.Meaning(StatusCode.DELIVERY_EXCEPTION, Milestone.EXCEPTION)
    monkeypatch.setattr(express247, "STATUSES", {**express247.STATUSES, "ON_HOLD": meaning})
    again = parse("247express", told, "ABC12345")
    (fact,) = found(parcel, kept(again, current=True))
    assert isinstance(fact, ScanAmended)
    assert fact.changed == ["statusCode", "statusMilestone"]
    assert parcel.polled(again).facts == []


def test_two_scans_that_look_alike_are_not_taken_for_one() -> None:
    twins = snapshot(scan("moving", 5, text="Moved"), scan("moving", 5, text="Moved"))
    parcel = followed(twins)
    again = snapshot(scan("created", 5, text="Moved"), scan("created", 5, text="Moved"))
    facts = found(parcel, kept(again, current=True))
    assert sorted(fact.scan_key for fact in facts if isinstance(fact, ScanAmended)) == [
        one.key for one in twins.scans
    ]


def test_a_reason_that_is_read_otherwise_amends_the_attempt_it_was_told_with() -> None:
    def attempt(text: str, party: Party, status: StatusCode | None) -> Snapshot:
        return snapshot(scan("out", 5, reason=Reason("17", text, party), status_code=status))

    parcel = followed(attempt("17", Party.UNKNOWN, None))
    facts = found(
        parcel, kept(attempt("A flood", Party.WEATHER, StatusCode.DELIVERY_EXCEPTION), current=True)
    )
    assert amended(facts) == {"out": ["statusCode", "reason"]}
    assert parcel.projection.state["scans"][0]["reason"]["party"] == "weather"


def test_what_is_told_of_the_whole_parcel_is_amended_by_the_newest_answer_alone() -> None:
    plain = snapshot(scan("created", 0))
    worded = replace(plain, shipment=ShipmentFacts(service="Express"))
    parcel = followed(plain)
    assert found(parcel, kept(worded)) == []
    (fact,) = found(parcel, kept(worded, current=True))
    assert fact.data()["service"] == "Express"


def test_a_time_that_is_read_now_is_known_by_its_text() -> None:
    """A moment whose instant was wrong is amended: its text and wall clock are the scan's own."""
    told = scan("moving", 5)
    parcel = followed(snapshot(told))
    moment = Moment(
        told.moment.text, NOON, told.moment.certainty, "2026-03-01T12:00:00+00:05", told.moment.wall
    )
    facts = found(parcel, kept(snapshot(replace(told, moment=moment, placed=NOON))))
    assert amended(facts) == {"moving": ["placedAt", "occurrenceDatetime"]}


SCANS = st.lists(
    st.builds(
        scan,
        st.sampled_from(["created", "moving", "out", "puzzling"]),
        st.integers(0, 4) | st.none(),
        location=st.sampled_from([None, "Here", "There"]),
        text=st.sampled_from(["One", "Another"]),
    ),
    max_size=5,
)


def as_answer(scans: Sequence[Scan]) -> Snapshot:
    """As an adapter gives it: oldest first, ranked where times are equal."""
    placed = ordering.placed(sorted(scans, key=lambda one: (one.moment.instant or ordering.LAST, one.text)))
    ranked = ordering.ranked(sorted(placed, key=lambda one: one.placed or ordering.LAST))
    return Snapshot("all24", tuple(identity.superseding(identity.keyed(ranked))))


@given(st.lists(st.tuples(SCANS, st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_whatever_a_carrier_answered_or_pushed_reading_it_again_tells_nothing(
    told: list[tuple[list[Scan], bool, bool]],
) -> None:
    parcel = Parcel()
    answers: list[tuple[Snapshot, datetime]] = []
    for scans, later, pushed in told:
        answer = replace(as_answer(scans), partial=pushed)
        parcel.polled(answer, after=timedelta(hours=2 if later else 0, minutes=1))
        if answer not in [one for one, _ in answers]:  # each is kept once
            answers.append((answer, parcel.clock))
    newest = [Reread(at, one, current=one == answer and not one.partial) for one, at in reversed(answers)]
    newest.sort(key=lambda one: not one.current)
    assert corrections(parcel.projection, newest) == []
