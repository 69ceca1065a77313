"""The plugin that gives the tests their servers."""

import json
import os

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from events import log
from events.models import Event


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "payload", [b"{}", b'{"much": "%s"}' % os.urandom(3_000_000).hex().encode()], ids=["small", "large"]
)
def test_tables_are_emptied_between_tests_though_their_triggers_forbid_it(
    alice: Merchant, payload: bytes
) -> None:
    with transaction.atomic():
        log.append(
            alice.id, [log.NewEvent(uuid7(), 1, "tracker.created", "created", None, json.loads(payload))]
        )
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("TRUNCATE events_event CASCADE")
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False, allow_cascade=False)
    assert not Event.objects.exists()
    assert not Merchant.objects.exists()
    assert Permission.objects.exists()


def test_each_worker_of_the_tests_has_a_redis_database_of_its_own() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    expected = f"/{int(worker.removeprefix('gw')) + 1}" if worker else "/0"
    if not settings.REDIS_URL.endswith(expected):
        pytest.skip("REDIS_URL was given")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.ping()


def test_the_database_takes_as_many_connections_as_the_tests_open(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        assert int(cursor.fetchone()[0]) >= 100
