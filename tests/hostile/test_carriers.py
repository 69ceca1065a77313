"""Every malformed answer goes the whole way: a real server, the poller, the log. None hurts a neighbour."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.reading import MAX_ENTRIES
from tests.hostile.corpus import FOLDER, about, cases, expected, message, well
from tests.hostile.parcels import Batch, Follow, account_at, assert_sound, outcome, poll
from tests.hostile.wire import WireServer
from trackers.models import Tracker, Watch

pytestmark = pytest.mark.django_db(transaction=True)

WELL = {"ok", "unchanged"}
COURIERS = ("all24", "247express", "ship24")
each_courier = pytest.mark.parametrize("courier", COURIERS)


@each_courier
def test_each_ends_as_the_table_says_and_the_next_good_answer_is_recorded(
    courier: str, alice: Merchant, as_alice: APIClient, wire: WireServer, follow: Follow
) -> None:
    account_at(wire, alice, courier)
    batch = Batch.of(wire, alice, cases(courier), follow)
    poll()
    assert batch.found() == expected(courier)
    assert {outcome(one)["outcome"] for one in batch.neighbours} == {"ok"}
    assert {outcome(one)["scans"] for one in batch.neighbours} == {3}
    assert_sound(courier)
    assert_readable(as_alice)
    batch.recovers()
    poll()
    assert_sound(courier)
    assert {case.name for case, one in batch.parcels.items() if outcome(one)["outcome"] not in WELL} == set()
    assert [case.name for case, one in batch.parcels.items() if outcome(one)["scans"] < 3] == []


def assert_readable(as_alice: APIClient) -> None:
    """Whatever was stored, the list and the export show all of it."""
    assert as_alice.get("/v1/trackers?limit=500").status_code == 200
    answer = as_alice.get("/v1/export")
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert len(lines) > Watch.objects.count()
    assert "\\u0000" not in json.dumps(lines)


def test_one_that_breaks_off_is_no_answer_and_hurts_no_neighbour(
    alice: Merchant, wire: WireServer, follow: Follow
) -> None:
    """One at a time: three in a row, with no answer between, are an outage, and handled as one."""
    account_at(wire, alice, "all24")
    broken = Batch.of(wire, alice, cases("all24", broken=True), follow)
    Watch.objects.update(next_poll_at=None)
    for case, tracker in broken.parcels.items():
        Watch.objects.filter(tracker__in=[tracker, *broken.neighbours]).update(next_poll_at=Now())
        poll()
        Watch.objects.update(next_poll_at=None)
        found = outcome(tracker)
        assert found.pop("error"), case
        assert (case.name, found) == (case.name, {"outcome": "unreachable", "milestone": "pending"})
    assert {outcome(one)["scans"] for one in broken.neighbours} == {3}
    assert_sound("all24")
    broken.recovers()
    poll()
    assert {outcome(one)["outcome"] for one in broken.parcels.values()} == {"ok"}


@each_courier
@pytest.mark.parametrize("count", [MAX_ENTRIES, MAX_ENTRIES + 1])
def test_as_many_events_as_may_be_are_recorded_and_one_more_is_a_bad_answer(
    courier: str, count: int, alice: Merchant, wire: WireServer, follow: Follow
) -> None:
    account_at(wire, alice, courier)
    tracker, neighbour = (follow(alice, number, courierCode=courier) for number in ("HOST0000", "WELL0000"))
    wire.messages |= dict.fromkeys(names(tracker), message(with_events(courier, tracker, count)))
    wire.messages |= dict.fromkeys(names(neighbour), well(courier, "WELL0000", neighbour.id))
    poll()
    told = outcome(tracker)
    if count == MAX_ENTRIES:
        # 247Express's order has a status of its own besides.
        assert (told["outcome"], told["scans"]) == ("ok", count + (courier == "247express"))
    else:
        assert told["outcome"] == "bad_response"
        assert "1001 entries" in told["error"]
    assert outcome(neighbour)["scans"] == 3
    assert_sound(courier)


def with_events(courier: str, tracker: Tracker, count: int) -> bytes:
    """A good answer with this many events, a minute apart."""
    told = json.loads(about(FOLDER / "well" / f"{courier}.json", tracker.tracking_number, tracker.id))
    part, name, time = {
        "all24": lambda: (told[tracker.tracking_number], "history", "event_time"),
        "247express": lambda: (told, "statuses", "time"),
        "ship24": lambda: (told["data"]["trackings"][0], "events", "occurrenceDatetime"),
    }[courier]()
    first = part[name][-1]
    at = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(count)]
    part[name] = [
        first | {time: f"{one:%Y-%m-%dT%H:%M:%SZ}"} | ({"eventId": str(n)} if courier == "ship24" else {})
        for n, one in enumerate(at)
    ][::-1]
    return json.dumps(told).encode()


@each_courier
def test_of_fifty_megabytes_no_more_is_read_than_the_limit(
    courier: str, alice: Merchant, wire: WireServer, follow: Follow, settings: Settings
) -> None:
    settings.CARRIER_BODY_LIMIT = 1_000_000
    account_at(wire, alice, courier)
    tracker, neighbour = (follow(alice, number, courierCode=courier) for number in ("HOST0000", "WELL0000"))
    head = message(b"").replace(b"Content-Length: 0", b"Content-Length: 50000002")
    wire.messages |= dict.fromkeys(names(tracker), (head, b'["', *[b"x" * 100_000] * 500))
    wire.messages |= dict.fromkeys(names(neighbour), well(courier, "WELL0000", neighbour.id))
    tracemalloc.start()
    poll()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    told = outcome(tracker)
    assert (told["outcome"], told["error"]) == ("bad_response", "The answer is larger than 1000000 bytes")
    assert outcome(neighbour)["scans"] == 3
    assert most < 20_000_000
    assert wire.sent < 40_000_000
    assert_sound(courier)


def names(tracker: Tracker) -> tuple[str, str]:
    """What the carriers know it by."""
    return tracker.tracking_number, str(tracker.id)
