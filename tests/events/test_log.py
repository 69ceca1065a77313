"""The log: append-only, without holes, and without a gap for a reader that tails it."""

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from events import log
from events.feed import page
from events.models import Event


def new(stream: UUID, version: int, key: str | None = None) -> log.NewEvent:
    return log.NewEvent(stream, version, "tracking.scanned", key or f"k{version}", None, {"n": version})


def append(merchant: Merchant, *events: log.NewEvent) -> list[log.Recorded]:
    with transaction.atomic():
        return log.append(merchant.id, events)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events_event SET key = 'x'", "DELETE FROM events_event", "TRUNCATE events_event CASCADE"],
)
def test_the_database_refuses_to_change_the_log(alice: Merchant, statement: str) -> None:
    append(alice, new(uuid7(), 1))
    connection.check_constraints()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert Event.objects.count() == 1


def test_an_update_that_meets_no_row_is_refused_too(db: None) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.filter(version=-1).delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.filter(version=-1).update(key="x")


def test_events_of_one_append_share_their_moment_and_keep_their_order(alice: Merchant) -> None:
    stream = uuid7()
    recorded = append(alice, *(new(stream, version) for version in range(1, 6)))
    assert len({event.recorded_at for event in recorded}) == 1
    in_log = Event.objects.order_by("position").values_list("version", flat=True)
    assert list(in_log) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("again", [(1, "other"), (2, "k1")], ids=["version", "key"])
def test_a_version_or_a_key_stands_once_in_a_stream(alice: Merchant, again: tuple[int, str]) -> None:
    stream = uuid7()
    append(alice, new(stream, 1, "k1"))
    with pytest.raises(IntegrityError):
        append(alice, new(stream, *again))


def test_an_append_takes_two_statements_however_many_events(
    alice: Merchant, django_assert_num_queries: object
) -> None:
    events = [new(uuid7(), 1) for _ in range(200)]
    with transaction.atomic(), django_assert_num_queries(2):  # type: ignore[operator]
        log.append(alice.id, events)


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_tails_the_feed_while_eight_writers_append_misses_nothing(alice: Merchant) -> None:
    writers, each = 8, 40
    seen: list[int] = []
    done = threading.Event()

    def write(_nth: int) -> None:
        try:
            for _ in range(each):
                with transaction.atomic():
                    log.append(alice.id, [new(uuid7(), 1), new(uuid7(), 1)])
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_sleep(random() * 0.002)")
        finally:
            connection.close()

    def tail() -> None:
        cursor = 0
        try:
            while True:
                finished = done.is_set()
                found = page(alice.id, after=cursor, limit=7)
                seen.extend(event.position for event in found.events)
                cursor = found.next
                if finished and not found.events:
                    return
        finally:
            connection.close()

    reader = threading.Thread(target=tail)
    threads = [threading.Thread(target=write, args=(nth,)) for nth in range(writers)]
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert seen == list(Event.objects.order_by("position").values_list("position", flat=True))
    assert len(seen) == writers * each * 2


def pages(merchant: Merchant, **query: object) -> Iterator[int]:
    """Positions as a reader sees them who follows the cursor to the end."""
    after, more = 0, True
    while more:
        found = page(merchant.id, after=after, **query)  # type: ignore[arg-type]
        yield from (event.position for event in found.events)
        after, more = found.next, found.has_more


def test_pages_of_any_size_show_every_event_once(alice: Merchant) -> None:
    append(alice, *(new(uuid7(), 1) for _ in range(23)))
    whole = list(pages(alice, limit=500))
    assert len(whole) == 23
    assert list(pages(alice, limit=1)) == list(pages(alice, limit=5)) == whole
