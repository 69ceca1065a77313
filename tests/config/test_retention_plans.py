"""What deletes what is too old reads no table whole, however much there is, and two at once hinder nobody."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import idempotency, signing_in
from carriers import reserving, tallying, unmapped
from carriers.models import KeyUse, UnmappedCode
from tests.plans import reads_by_index
from tests.together import at_once
from trackers import forgetting
from trackers import tallying as tallying_parcels
from webhooks import stats, summing

pytestmark = pytest.mark.django_db

SWEEPS: list[Callable[[], object]] = [
    idempotency.forget_expired,
    signing_in.forget,
    reserving.forget,
    tallying.forget,
    partial(unmapped.forget_unseen, 100),
    forgetting.forget,
    forgetting.forget_outcomes,
    tallying_parcels.forget,
    stats.forget,
    summing.forget,
]


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: getattr(sweep, "func", sweep).__module__)
def test_an_index_finds_what_goes(sweep: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as captured:
        sweep()
    asked = [query["sql"] for query in captured.captured_queries]
    assert asked
    for sql in asked:
        assert reads_by_index(sql), sql


@pytest.mark.django_db(transaction=True)
def test_who_forgets_at_once_hinders_nobody() -> None:
    today = timezone.now()
    old = today - timedelta(days=100)
    KeyUse.objects.bulk_create(
        KeyUse(fingerprint=f"{nth}", courier="all24", day=day.date())
        for day in (old, today)
        for nth in range(50)
    )
    UnmappedCode.objects.bulk_create(
        UnmappedCode(courier="all24", code=f"{day:%Y} {day:%j} {nth}", text="", last_seen_at=day)
        for day in (old, today)
        for nth in range(50)
    )
    at_once(*[reserving.forget, partial(unmapped.forget_unseen, 100)] * 3)
    assert KeyUse.objects.count() == UnmappedCode.objects.count() == 50
