"""Whatever rows there are, those that may go do, and no others: drawn tables, compared with a plain rule."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from accounts.models import Merchant
from tests.factories import MerchantFactory
from tests.webhooks.aging import DAY, aged
from tests.webhooks.cast import EndpointFactory, news, tell
from webhooks import retention
from webhooks.extra import ask
from webhooks.models import Delivery, Message, Trigger

pytestmark = pytest.mark.django_db

DAYS = st.sampled_from([0, 1, 29, 31, 90])
STATES = ["pending", "held", "delivered", "exhausted", "cancelled"]


@dataclass(frozen=True)
class Row:
    """A delivery of one of two endpoints: days since each of its moments, and what somebody does with it."""

    state: str
    made: int
    tried: int | None
    given_up: int | None
    asked_for: bool
    under_way: bool

    @property
    def may_go(self) -> bool:
        moments = [days for days in (self.made, self.tried, self.given_up) if days is not None]
        ended = self.state in {"delivered", "exhausted", "cancelled"}
        return ended and min(moments) > 30 and not (self.asked_for or self.under_way)


ROWS = st.builds(
    Row,
    state=st.sampled_from(STATES),
    made=DAYS,
    tried=st.none() | DAYS,
    given_up=st.none() | DAYS,
    asked_for=st.sampled_from([False, False, True]),
    under_way=st.sampled_from([False, False, True]),
)


def made(merchant: Merchant, pair: tuple[Row, Row]) -> dict[UUID, Row]:
    """A message that is owed as these two deliveries, both made when the first was."""
    what = news()
    tell(merchant, what)
    rows = {}
    for delivery, row in zip(Delivery.objects.filter(message_id=what.id), pair, strict=True):
        rows[delivery.id] = replace(row, made=pair[0].made)
    found = {}
    for id_, row in rows.items():
        old = aged(Delivery.objects.get(id=id_), row.made * DAY)
        Delivery.objects.filter(id=old.id).update(
            state=row.state,
            next_attempt_at=Now() if row.state == "pending" else None,
            started_at=None if row.tried is None else Now() - row.tried * DAY,
            given_up_at=None if row.given_up is None else Now() - row.given_up * DAY,
            claim_id=uuid7() if row.under_way else None,
            claimed_until=Now() + timedelta(minutes=1) if row.under_way else None,
        )
        if row.asked_for:
            ask(old.id, Trigger.MANUAL)
        found[old.id] = row
    return found


@given(pairs=st.lists(st.tuples(ROWS, ROWS), max_size=8), batch=st.integers(1, 5))
@rules(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_may_go_goes_and_nothing_else(pairs: list[tuple[Row, Row]], batch: int) -> None:
    with transaction.atomic(), pytest.MonkeyPatch.context() as changed:
        changed.setattr(retention, "BATCH", batch)
        merchant = MerchantFactory()
        EndpointFactory(merchant=merchant)
        EndpointFactory(merchant=merchant)
        rows = {id_: row for pair in pairs for id_, row in made(merchant, pair).items()}
        retention.forget(60)
        stay = {id_ for id_, row in rows.items() if not row.may_go}
        left = list(Delivery.objects.values_list("id", "message_id"))
        assert {id_ for id_, _ in left} == stay
        assert set(Message.objects.values_list("id", flat=True)) == {message for _, message in left}
        transaction.set_rollback(True)
