"""`updated_at` of trackers that were there before the column."""

from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import Merchant
from trackers import rebuilding
from trackers.models import Tracker

pytestmark = pytest.mark.django_db(transaction=True)
filling = import_module("trackers.migrations.0003_updated_at_of_the_log")


def test_the_migration_fills_what_the_log_says(
    alice: Merchant, follow: Callable[..., Tracker], poll_all: Callable[[], int]
) -> None:
    for n in range(3):
        follow(alice, f"SHIP24_SAMPLE_DELIVERED_00{n}", courierCode="sandbox")
    poll_all()
    follow(alice, "SILENT-1")
    assert Tracker.objects.filter(updated_at=None).count() == 1
    Tracker.objects.update(updated_at=None)
    assert len(list(rebuilding.check())) == 3
    with connection.schema_editor() as editor:
        filling.fill(apps, editor)
    assert list(rebuilding.check()) == []
