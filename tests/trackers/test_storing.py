"""The two forms of a stored state: what reads it cannot tell them apart."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.carrier_server import CarrierServer, order
from tests.trackers.cast import Parcel, scan, snapshot
from trackers import tracking
from trackers.models import Tracker, Watch
from trackers.storing import NAMES, from_store, to_store

NUMBER = "HSAAAA00"


def parcel_of(*codes: str) -> Parcel:
    parcel = Parcel()
    parcel.polled(snapshot(*(scan(code, minute) for minute, code in enumerate(codes))))
    return parcel


def stored(tracker: Tracker) -> Any:
    """What stands in the column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state::text FROM trackers_tracker WHERE id = %s", [tracker.id])
        return orjson.loads(cursor.fetchone()[0])


def store(tracker: Tracker, state: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE trackers_tracker SET state = %s WHERE id = %s", [orjson.dumps(state).decode(), tracker.id]
        )


def is_the_fold() -> bool:
    out = StringIO()
    call_command("rebuild_trackers", "--check", stdout=out)
    return "every tracker is the fold of its log" in out.getvalue()


def test_a_scan_stands_as_the_list_of_its_values_and_reads_back() -> None:
    state = parcel_of("moving", "out").projection.state
    kept = to_store(state)
    assert [len(one) for one in kept["scans"]] == [len(NAMES)] * 2
    assert from_store(orjson.loads(orjson.dumps(kept))) == state


def test_every_value_of_a_scan_has_its_place() -> None:
    (one,) = parcel_of("moving").projection.state["scans"]
    assert set(one) == set(NAMES)


@pytest.mark.parametrize("change", [{"more": 1}, {"quarantined": ...}, {"quarantined": ..., "more": 1}])
def test_a_scan_with_other_names_stands_as_an_object(change: dict[str, Any]) -> None:
    state = parcel_of("moving").projection.state
    (one,) = state["scans"]
    other = {name: value for name, value in (one | change).items() if value is not ...}
    kept = to_store(state | {"scans": [other, one]})
    assert kept["scans"][0] == other
    assert from_store(kept)["scans"] == [other, one]


def test_a_list_that_ends_early_lacks_the_last_names() -> None:
    state = parcel_of("moving").projection.state
    (early,) = ([*one[:-1]] for one in to_store(state)["scans"])
    (read,) = from_store({"scans": [early]})["scans"]
    assert set(NAMES) - set(read) == {NAMES[-1]}


def test_an_empty_state_stands_as_it_is() -> None:
    assert to_store({}) == from_store({}) == {}


@pytest.fixture
def parcel(
    account: object,
    alice: Merchant,
    carrier: CarrierServer,
    follow: Callable[..., Tracker],
    poll_all: Callable[[], int],
) -> Tracker:
    """One with two scans, recorded by a poll."""
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000")
    tracker = follow(alice, NUMBER)
    poll_all()
    tracker.refresh_from_db()
    return tracker


@pytest.mark.django_db
def test_recording_stores_lists_and_a_row_object_saves_them_too(parcel: Tracker) -> None:
    lists = stored(parcel)
    assert {type(one) for one in lists["scans"]} == {list}
    store(parcel, parcel.state)
    parcel.save(update_fields=["state"])
    assert stored(parcel) == lists


@pytest.mark.django_db(transaction=True)
def test_what_was_stored_with_names_is_read_and_recorded_on_as_before(
    parcel: Tracker, as_alice: APIClient, carrier: CarrierServer, poll_all: Callable[[], int]
) -> None:
    before = as_alice.get(f"/v1/trackers/{parcel.id}/results").json()
    store(parcel, parcel.state)
    assert {type(one) for one in stored(parcel)["scans"]} == {dict}
    assert as_alice.get(f"/v1/trackers/{parcel.id}/results").json() == before
    assert is_the_fold()
    carrier.replies[NUMBER] = order(NUMBER, "050000", "100000", "200000")
    Watch.objects.update(next_poll_at="2026-01-01T00:00:00Z")
    poll_all()
    assert [type(one) for one in stored(parcel)["scans"]] == [list] * 3
    assert is_the_fold()


@pytest.mark.django_db
@pytest.mark.parametrize("form", [to_store, from_store])
def test_a_courier_that_has_told_scans_is_not_waited_for_whatever_their_form(
    parcel: Tracker, form: Callable[[Any], Any]
) -> None:
    Watch.objects.update(last_polled_at=None, next_poll_at="2026-01-01T00:00:00Z")
    store(parcel, form(parcel.state))
    assert not tracking._awaited(parcel.id)
    store(parcel, form(parcel.state) | {"scans": []})
    assert tracking._awaited(parcel.id)
