"""A second chance for work that the database refused."""

import threading

import pytest
from django.db import IntegrityError, OperationalError, connection, connections

from events.retrying import once_more

pytestmark = pytest.mark.django_db


def test_what_works_is_done_once() -> None:
    done: list[int] = []
    once_more(lambda: done.append(1))
    assert done == [1]


def test_a_deadlock_is_tried_once_more_and_no_more() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise OperationalError("deadlock detected")

    with pytest.raises(OperationalError):
        once_more(work)
    assert tries == [1, 1]


def test_a_bug_is_not_tried_again() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise IntegrityError

    with pytest.raises(IntegrityError):
        once_more(work)
    assert tries == [1]


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_replaced() -> None:
    def ask(statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    ours = ask("SELECT pg_backend_pid()")

    def end_it() -> None:
        ask(f"SELECT 1 FROM pg_terminate_backend({ours}, 5000)")
        connections.close_all()

    thread = threading.Thread(target=end_it)
    thread.start()
    thread.join(10)
    assert once_more(lambda: ask("SELECT pg_backend_pid()")) != ours
