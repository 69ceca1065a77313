"""What becomes of a worker's connection to the database between two tasks."""

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun, task_prerun
from django.db import connection

from config.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


class Begun:
    """A task as signals tell of it."""

    name = "a task"
    request = SimpleNamespace(is_eager=False)


TASK: Any = Begun()


@pytest.fixture(autouse=True)
def worker() -> DjangoWorkerFixup:
    """What Celery does around each task of a worker, without the worker."""
    fixup = DjangoWorkerFixup(app)
    fixup.interface_errors, fixup.DatabaseError = (), psycopg.DatabaseError
    return fixup


def next_task(worker: DjangoWorkerFixup) -> None:
    """One ends, and the next begins."""
    worker.on_task_postrun(TASK)
    task_postrun.send(sender=TASK, task_id="1", task=TASK)
    worker.on_task_prerun(TASK)
    task_prerun.send(sender=TASK, task_id="2", task=TASK)


def test_it_is_kept_from_task_to_task(worker: DjangoWorkerFixup) -> None:
    connection.ensure_connection()
    kept = connection.connection
    next_task(worker)
    assert connection.connection is kept
    assert not kept.closed


def test_one_that_was_ended_meanwhile_is_made_anew(worker: DjangoWorkerFixup) -> None:
    connection.ensure_connection()
    gone = connection.connection
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [gone.info.backend_pid])
    next_task(worker)
    connection.ensure_connection()
    assert connection.connection is not gone
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
