"""What deletes what is too old reads no table whole, however much there is."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import idempotency, signing_in
from carriers import reserving, tallying, unmapped
from tests.plans import reads_by_index
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
