"""`manage.py remap`: kept answers are read again with today's maps."""

import hashlib
import json
import zlib
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.models import CarrierAccount, UnmappedCode
from carriers.moments import Clock
from carriers.snapshot import Moment
from carriers.words import all24 as words
from events.models import Event
from events.statuses import Milestone, StatusCode
from tests.carrier_server import CarrierServer, order
from tests.together import at_once
from trackers import kept, remapping
from trackers.advancing import advance
from trackers.kept import Kept
from trackers.models import RawAnswer, Remap, Tracker, Watch
from trackers.rebuilding import check
from webhooks.models import Message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("account")]

NUMBER = "HSAAAA00"
Follow = Callable[..., Tracker]
Poll = Callable[[], int]
Meaning = type(words.UNKNOWN)


@pytest.fixture
def poll(poll_all: Poll) -> Callable[[], None]:
    """Poll every watch, due or not."""

    def all_of_them() -> None:
        Watch.objects.update(next_poll_at=Now())
        poll_all()

    return all_of_them


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Code 250000 becomes a known one."""

    def now() -> None:
        held = Meaning(StatusCode.EXCEPTION_LOST, Milestone.EXCEPTION)
        monkeypatch.setattr(words, "CODES", {**words.CODES, "250000": held})

    return now


@pytest.fixture
def tracker(alice: Merchant, carrier: CarrierServer, follow: Follow, poll: Callable[[], None]) -> Tracker:
    """A parcel whose second code is not mapped."""
    carrier.replies[NUMBER] = order(NUMBER, "100000", "250000")
    made = follow(alice, NUMBER)
    poll()
    return made


def run(*options: str, **more: Any) -> str:
    out = StringIO()
    call_command("remap", *options, stdout=out, stderr=StringIO(), **more)
    return out.getvalue()


def types() -> list[str]:
    return list(Event.objects.order_by("position").values_list("type", flat=True))


def subscribe(client: APIClient, settings: Settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    body = {"url": "http://127.0.0.1:9/hook", "types": ["*"]}
    assert client.post("/v1/webhooks", body, format="json").status_code == 201


def test_a_code_that_was_mapped_meanwhile_amends_its_scans_once(
    tracker: Tracker, mapped: Callable[[], None], poll: Callable[[], None]
) -> None:
    mapped()
    assert run("all24") == (
        "250000: 1 amended (statusCode, statusMilestone)\n"
        "1 of 1 trackers changed; 1 answers read, 0 could not be read\n"
    )
    tracker.refresh_from_db()
    assert (tracker.milestone, tracker.status_code) == ("exception", "exception_lost")
    recorded = types()
    assert recorded[-1] == "tracking.scan_amended"
    assert "0 of 1 trackers changed" in run("all24")
    poll()
    assert types() == recorded
    assert list(check()) == []


def test_a_dry_run_says_the_same_and_writes_nothing(
    tracker: Tracker, mapped: Callable[[], None], as_alice: APIClient
) -> None:
    mapped()
    before = (types(), list(Tracker.objects.values()), list(UnmappedCode.objects.values()))
    with CaptureQueriesContext(connection) as queries:
        told = run("all24", "--dry-run")
    assert told == (
        "250000: 1 amended (statusCode, statusMilestone)\n"
        "1 of 1 trackers would change; 1 answers read, 0 could not be read\n"
    )
    assert (types(), list(Tracker.objects.values()), list(UnmappedCode.objects.values())) == before
    assert not [one for one in queries if not one["sql"].lstrip().upper().startswith(("SELECT", "DECLARE"))]
    assert not [one for one in queries if "FOR NO KEY UPDATE" in one["sql"]]


def test_a_code_that_is_mapped_leaves_the_list_of_unmapped_ones(
    tracker: Tracker, mapped: Callable[[], None]
) -> None:
    UnmappedCode.objects.create(courier="all24", code="260000", text="Another")
    run("all24")
    assert UnmappedCode.objects.count() == 2
    mapped()
    run("all24")
    assert [one.code for one in UnmappedCode.objects.all()] == ["260000"]


def test_subscribers_hear_of_a_milestone_that_moved_and_else_of_a_correction(
    tracker: Tracker,
    mapped: Callable[[], None],
    as_alice: APIClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscribe(as_alice, settings)
    held = Meaning(StatusCode.TRANSIT_HANDOVER, Milestone.IN_TRANSIT)
    monkeypatch.setattr(words, "CODES", {**words.CODES, "250000": held})
    run("all24")
    mapped()
    run("all24")
    told = Message.objects.order_by("created_at")
    assert [one.type for one in told] == ["tracking.corrected", "tracking.exception"]
    (body,) = json.loads(bytes(told[0].body))["trackings"]
    assert [scan["carrierEventCode"] for scan in body["events"]] == ["250000"]
    assert body["metadata"]["previousMilestone"] == "in_transit"


def test_a_scan_that_could_not_be_read_is_recorded_now(
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Clock.read

    def unable(self: Clock, value: object) -> Moment:
        if value == "2026-03-01 12:01:00":
            raise ValueError("not a time")
        return read(self, value)

    carrier.replies[NUMBER] = order(NUMBER, "100000", "500000")
    tracker = follow(alice, NUMBER)
    with monkeypatch.context() as patched:
        patched.setattr(Clock, "read", unable)
        poll()
    assert "500000: 1 new\n" in run("all24")
    tracker.refresh_from_db()
    assert tracker.milestone == "delivered"
    assert "0 of 1 trackers changed" in run("all24")


def test_the_zone_of_the_account_as_it_is_now_amends_silently(
    alice: Merchant,
    as_alice: APIClient,
    carrier: CarrierServer,
    follow: Follow,
    poll: Callable[[], None],
    settings: Settings,
) -> None:
    carrier.replies[NUMBER] = order(NUMBER, "100000", "300000", origin_order_date=None)
    tracker = follow(alice, NUMBER)
    poll()
    subscribe(as_alice, settings)
    CarrierAccount.objects.update(time_zone="Asia/Tokyo")
    assert "100000: 1 amended (placedAt)" in run("all24")
    tracker.refresh_from_db()
    assert [(scan["scanKey"], scan["placedAt"][11:16]) for scan in tracker.state["scans"]] == [
        ("all24|2026-03-01T12:00:00|100000|1", "03:00"),
        ("all24|2026-03-01T12:01:00|300000|1", "03:01"),
    ]
    assert types()[-1] == "tracking.scan_amended"
    assert not Message.objects.filter(stream=tracker.id).exists()


def test_what_is_of_another_parcel_is_read_again_and_stays_out_of_this_ones(
    tracker: Tracker, as_alice: APIClient, mapped: Callable[[], None], settings: Settings
) -> None:
    subscribe(as_alice, settings)
    mapped()
    Tracker.objects.update(shipping_date="2026-04-01")
    assert "250000: 1 amended (quarantined, statusCode, statusMilestone)" in run("all24")
    tracker.refresh_from_db()
    assert tracker.milestone == "pending"
    assert list(check()) == []
    message = Message.objects.get(stream=tracker.id)
    (told,) = json.loads(bytes(message.body))["trackings"]
    gone = Event.objects.filter(stream=tracker.id, type="tracking.scanned").values_list("id", flat=True)
    assert message.type == "tracking.pending"
    assert told["withdrawnEventIds"] == sorted(map(str, gone))


def test_a_better_zone_amends_at_the_next_poll_too_and_tells_no_scan_twice(
    alice: Merchant, carrier: CarrierServer, follow: Follow, poll: Callable[[], None]
) -> None:
    carrier.replies[NUMBER] = order(NUMBER, "100000", origin_order_date=None)
    follow(alice, NUMBER)
    poll()
    carrier.replies[NUMBER] = order(NUMBER, "100000")  # the order's date tells the offset now
    poll()
    assert types()[:3] == ["tracker.created", "tracking.scanned", "tracking.scan_amended"]
    assert types().count("tracking.scanned") == 1


def test_a_stopped_tracker_is_corrected_and_an_unsubscribed_one_is_left(
    tracker: Tracker, mapped: Callable[[], None]
) -> None:
    mapped()
    Tracker.objects.update(is_subscribed=False)
    assert "0 of 1 trackers changed" in run("all24")
    Tracker.objects.update(is_subscribed=True)
    assert "1 of 1 trackers changed" in run("all24")


def test_what_is_no_answer_any_more_is_counted_or_left_out(
    tracker: Tracker, mapped: Callable[[], None]
) -> None:
    watch = Watch.objects.get()
    excerpt = b'{"first": "bytes"}'
    for body, name in (
        (b"not zlib", "broken"),
        (zlib.compress(b"no json"), "text"),
        (zlib.compress(b'{"history": 7}'), "strange"),
        (zlib.compress(b"[1, []]"), "push"),
        (zlib.compress(excerpt), hashlib.sha256(excerpt).hexdigest()),  # of a useless answer
    ):
        RawAnswer.objects.create(watch=watch, digest=name, body=body, asked_at=watch.last_polled_at)
    mapped()
    assert "1 answers read, 4 could not be read" in run("all24")


def test_an_answer_that_comes_meanwhile_is_read_too(
    tracker: Tracker,
    carrier: CarrierServer,
    mapped: Callable[[], None],
    poll: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = kept.read
    seen: list[int] = []

    def and_poll(courier: Any, ids: list[UUID]) -> list[Kept]:
        found = read(courier, ids)
        seen.append(len(found[0].answers))
        if len(seen) == 1:
            carrier.replies[NUMBER] = order(NUMBER, "100000", "250000", "300000")
            poll()
        return found

    monkeypatch.setattr(kept, "read", and_poll)
    mapped()
    told = run("all24")
    assert seen == [1, 2]
    assert "of 1 trackers changed; 2 answers read" in told
    assert list(check()) == []
    assert Tracker.objects.get().milestone == "in_transit"


def test_two_runs_at_once_and_polls_beside_them_amend_once(
    tracker: Tracker,
    carrier: CarrierServer,
    mapped: Callable[[], None],
    as_alice: APIClient,
    settings: Settings,
    poll: Callable[[], None],
) -> None:
    subscribe(as_alice, settings)
    mapped()
    for told in (("100000", "250000"), ("100000", "250000", "300000")):
        carrier.replies[NUMBER] = order(NUMBER, *told)
        at_once(lambda: run("all24"), lambda: run("all24"), poll)
    assert types().count("tracking.scan_amended") == 1
    assert types().count("tracking.scanned") == 3
    assert [one.type for one in Message.objects.order_by("created_at")] == [
        "tracking.exception",
        "tracking.in_transit",
    ]
    assert list(check()) == []


def test_a_tracker_that_is_never_still_is_left_and_said_so(
    tracker: Tracker, mapped: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "as_of", lambda _: {})
    mapped()
    with pytest.raises(CommandError, match="1 trackers could not be recorded; run it again"):
        run("all24")
    assert types().count("tracking.scan_amended") == 0


def test_what_the_database_refuses_is_set_apart_from_its_neighbours(
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll: Callable[[], None],
    mapped: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = [f"HSAAAA0{nth}" for nth in range(3)]
    for number in numbers:
        carrier.replies[number] = order(number, "250000")
        follow(alice, number)
    poll()
    mapped()
    amend = remapping.amend

    def refused(merchant: UUID, courier: str, found: Any) -> None:
        if any(one.tracking_number == numbers[1] for one, _ in found):
            raise DataError("refused")
        amend(merchant, courier, found)

    monkeypatch.setattr(remapping, "amend", refused)
    with pytest.raises(CommandError, match="1 trackers could not be recorded"):
        run("all24")
    changed = Tracker.objects.filter(milestone="exception").values_list("tracking_number", flat=True)
    assert sorted(changed) == [numbers[0], numbers[2]]


def test_a_run_that_was_cut_off_goes_on_where_it_was(
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll: Callable[[], None],
    mapped: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remapping, "BATCH", 1)
    monkeypatch.setattr(remapping, "PAGE", 2)
    for nth in range(3):
        carrier.replies[f"HSAAAA0{nth}"] = order(f"HSAAAA0{nth}", "250000")
        follow(alice, f"HSAAAA0{nth}")
    poll()
    mapped()
    read = kept.read

    def until_the_second(courier: Any, ids: list[UUID]) -> list[Kept]:
        if Tracker.objects.filter(milestone="exception").count() == 1:
            raise KeyboardInterrupt
        return read(courier, ids)

    with monkeypatch.context() as patched:
        patched.setattr(kept, "read", until_the_second)
        with pytest.raises(CommandError, match="cut off; go on with --after ") as cut:
            run("all24")
    after = str(cut.value).rpartition(" ")[2]
    assert "2 of 2 trackers changed" in run("all24", "--after", after)
    assert Tracker.objects.filter(milestone="exception").count() == 3


def test_a_run_that_was_cut_off_at_once_begins_again(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(courier: Any, ids: list[UUID]) -> list[Kept]:
        raise KeyboardInterrupt

    monkeypatch.setattr(kept, "read", cut)
    with pytest.raises(CommandError, match=r"^cut off; begin again$"):
        run("all24")


def test_a_batch_costs_the_same_statements_however_many_trackers(
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll: Callable[[], None],
    mapped: Callable[[], None],
) -> None:
    costs = []
    for number in ("HSAAAA00", "HSAAAA01", "HSAAAA02"):
        carrier.replies[number] = order(number, "250000")
        follow(alice, number)
    poll()
    mapped()
    for most in (1, 2):
        Tracker.objects.update(is_subscribed=False)
        some = Tracker.objects.filter(milestone="pending").order_by("id").values("id")[:most]
        Tracker.objects.filter(id__in=list(some.values_list("id", flat=True))).update(is_subscribed=True)
        with CaptureQueriesContext(connection) as queries:
            assert f"{most} of 3 trackers changed" in run("all24")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_carrier_that_there_is_not_is_named() -> None:
    with pytest.raises(CommandError, match=r"carrier: there is no 'al24'; there are 247express, all24, "):
        run("al24")


def test_nothing_is_kept_of_a_house_account_and_nothing_changes(
    account: CarrierAccount,
    alice: Merchant,
    carrier: CarrierServer,
    follow: Follow,
    poll: Callable[[], None],
    mapped: Callable[[], None],
) -> None:
    CarrierAccount.objects.update(merchant=None)
    carrier.replies[NUMBER] = order(NUMBER, "250000")
    follow(alice, NUMBER)
    poll()
    mapped()
    assert "0 of 0 trackers changed" in run("all24")


def test_a_worker_goes_on_with_what_staff_asked_for_until_it_is_done(
    alice: Merchant, carrier: CarrierServer, follow: Follow, poll, mapped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remapping, "BATCH", 1)
    numbers = ["HSAAAA00", "HSAAAA01"]
    for number in numbers:
        carrier.replies[number] = order(number, "100000", "250000")
        follow(alice, number)
    poll()
    mapped()
    Remap.objects.create(courier="all24")
    assert advance(budget=0)
    half = Remap.objects.get()
    assert (half.trackers, half.finished_at, half.claim_id) == (1, None, None)
    while advance(budget=0):
        pass
    done = Remap.objects.get()
    assert (done.trackers, done.changed, done.claim_id) == (2, 2, None)
    assert done.finished_at
    assert not UnmappedCode.objects.exists()


def test_who_lost_its_claim_on_a_remap_writes_nothing_more_of_it(tracker: Tracker, mapped) -> None:
    mapped()
    row = Remap.objects.create(courier="all24")
    taken = remapping.remap

    def slow(*arguments: Any, **options: Any) -> Any:
        for found in taken(*arguments, **options):
            Remap.objects.update(claim_id=None, claimed_until=None)
            yield found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trackers.advancing.remap", slow)
        assert advance(budget=60)
    row.refresh_from_db()
    assert (row.trackers, row.finished_at) == (0, None)
    assert advance(budget=60)
    row.refresh_from_db()
    assert row.finished_at
