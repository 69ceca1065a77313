"""Creates that meet: equal ones at once, and more than a quota has room for."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.errors import ApiError
from accounts.models import Merchant
from events.models import Event
from tests.waiting import eventually
from trackers import creating
from trackers.creating import Created, Refused, create_many, create_one
from trackers.drafting import draft
from trackers.identity import digest_of
from trackers.models import Tracker
from trackers.rebuilding import check
from trackers.serializers import TrackerCreateSerializer

pytestmark = pytest.mark.django_db(transaction=True)


def wish(number: str, **body: Any) -> dict[str, Any]:
    serializer = TrackerCreateSerializer(data={"trackingNumber": number} | body)
    serializer.is_valid(raise_exception=True)
    return TrackerCreateSerializer.wishes(serializer.validated_data)


def at_once(work: Callable[[int], Any], threads: int = 8) -> list[Any]:
    """What each thread's call gave, all let go together."""
    results: list[Any] = []
    barrier = threading.Barrier(threads)

    def run(n: int) -> None:
        try:
            barrier.wait(60)
            results.append(work(n))
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert len(results) == threads
    return results


def test_equal_creates_at_once_give_one_tracker(alice: Merchant) -> None:
    made = at_once(lambda _: create_one(alice.id, wish("12345", clientTrackerId="mine")))
    assert {one.tracker.id for one in made} == {Tracker.objects.get().id}
    assert Counter(one.existed for one in made) == {False: 1, True: 7}
    assert Event.objects.count() == 1


def test_batches_with_payloads_in_common_give_each_tracker_once(alice: Merchant) -> None:
    numbers = [f"1234{n}" for n in range(10)]

    def batch(n: int) -> list[Any]:
        order = numbers[n:] + numbers[:n]
        return create_many(alice.id, [wish(number) for number in (order[::-1] if n % 2 else order)])

    results = [one for batch_ in at_once(batch) for one in batch_]
    assert all(isinstance(one, Created) for one in results)
    assert sum(not one.existed for one in results) == Tracker.objects.count() == Event.objects.count() == 10
    assert list(check()) == []


def test_a_name_goes_to_one_payload(alice: Merchant) -> None:
    results = at_once(lambda n: create_many(alice.id, [wish(f"1234{n}", clientTrackerId="mine")])[0])
    refused = [one.error.code for one in results if isinstance(one, Refused)]
    assert refused == ["tracker_conflict"] * 7
    assert Tracker.objects.count() == 1


def test_batches_whose_names_cross_wait_for_each_other_and_never_both(
    alice: Merchant, caplog: pytest.LogCaptureFixture
) -> None:
    """Each holds, by the order of digests, the name that the other one is about to take."""
    by_digest = sorted(
        (wish(f"1234{n}", clientTrackerId=name) for n in range(20) for name in "ab"), key=digest_of
    )
    of = {name: [one for one in by_digest if one["client_tracker_id"] == name] for name in "ab"}
    gates = [wish(f"GATE{n}") for n in range(200)]
    low, high = max(digest_of(of[name][0]) for name in "ab"), min(digest_of(of[name][-1]) for name in "ab")
    held = [one for one in gates if low < digest_of(one) < high][:2]
    batches = [[of["a"][0], held[0], of["b"][-1]], [of["b"][0], held[1], of["a"][-1]]]

    def work(n: int) -> Any:
        if n < 2:
            return create_many(alice.id, batches[n])
        eventually(lambda: waiting() == 2)
        opened.set()
        return []

    opened = threading.Event()
    with held_back(alice, held, opened):
        at_once(work, 3)
    assert Tracker.objects.count() == 4
    assert [one.getMessage() for one in caplog.records if "once more" in one.getMessage()] == []


@contextlib.contextmanager
def held_back(merchant: Merchant, wishes: list[dict[str, Any]], opened: threading.Event) -> Iterator[None]:
    """Somebody else is creating these, and gives up when told so."""
    inserted = threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                drafts = [draft(merchant.id, one) for one in wishes]
                Tracker.objects.bulk_create(drafts)
                inserted.set()
                opened.wait(60)
                transaction.set_rollback(True)
        finally:
            connection.close()

    holding = threading.Thread(target=hold)
    holding.start()
    assert inserted.wait(60)
    yield
    holding.join()


def waiting() -> int:
    """How many sessions of this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        row = cursor.fetchone()
    return int(row[0])


@pytest.mark.parametrize("size", [1, 3])
def test_a_quota_holds_under_concurrent_creates(alice: Merchant, size: int) -> None:
    Merchant.objects.filter(id=alice.id).update(tracker_limit=5)
    results = at_once(lambda n: create_many(alice.id, [wish(f"N{n}-{i}-45") for i in range(size)]))
    flat = [one for batch in results for one in batch]
    assert sum(isinstance(one, Created) for one in flat) == Tracker.objects.count() == 5
    assert {one.error.code for one in flat if isinstance(one, Refused)} == {"quota_limit_reached"}


def test_the_quota_counts_subscribed_trackers_and_leaves_repeats_alone(
    alice: Merchant, bob: Merchant
) -> None:
    Merchant.objects.filter(id=alice.id).update(tracker_limit=1)
    first = create_one(alice.id, wish("12345"))
    create_one(bob.id, wish("54321"))
    with pytest.raises(ApiError) as refused:
        create_one(alice.id, wish("54321"))
    assert (refused.value.status_code, refused.value.code) == (403, "quota_limit_reached")
    assert create_one(alice.id, wish("12345")) == Created(first.tracker, existed=True)
    Tracker.objects.filter(id=first.tracker.id).update(is_subscribed=False)
    assert not create_one(alice.id, wish("54321")).existed


def test_whose_place_is_taken_and_freed_at_once_is_told_to_try_again(
    alice: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that stood in the way was unsubscribed before it could be answered with."""
    there = create_one(alice.id, wish("12345")).tracker
    plainly, seen = creating.standing, []

    def blind_at_first(merchant_id: Any, drafts: Any) -> Any:
        seen.append(drafts)
        if len(seen) == 1:
            return plainly(merchant_id, [])
        Tracker.objects.filter(id=there.id).update(is_subscribed=False)
        return plainly(merchant_id, drafts)

    monkeypatch.setattr(creating, "standing", blind_at_first)
    with pytest.raises(ApiError) as conflict:
        create_one(alice.id, wish("12345"))
    assert (conflict.value.status_code, conflict.value.code) == (409, "request_conflict")
    assert conflict.value.headers["Retry-After"]


def test_nothing_wished_is_nothing_done(alice: Merchant) -> None:
    assert create_many(alice.id, []) == []


def test_empty_text_is_no_client_tracker_id(alice: Merchant) -> None:
    for number in ("12345", "54321"):
        assert not create_one(alice.id, wish(number, clientTrackerId="")).existed
    assert set(Tracker.objects.values_list("client_tracker_id", flat=True)) == {None}
