"""Deliveries that are as old as a test says, by their ids too, and those of their messages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from tests.webhooks.cast import owe
from webhooks.ages import first_of
from webhooks.models import Attempt, Delivery, Endpoint, Message

#: Longer, and a little longer, than deliveries are kept by default.
OLD, DAY = timedelta(days=31), timedelta(days=1)


def tries_began_earlier(seconds: float) -> None:
    """All that count against a rate limit, as if so much time had passed since."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_lane SET recent_at = ARRAY("
            "  SELECT at - %s * interval '1 second' FROM unnest(recent_at) AS at ORDER BY at"
            ") WHERE recent_at IS NOT NULL",
            [seconds],
        )


def id_of(age: timedelta) -> UUID:
    """An id as it was made so long ago."""
    moment = datetime.now(UTC) - age
    return UUID(int=first_of(moment).int | uuid7().int & (1 << 80) - 1)


def aged(delivery: Delivery, age: timedelta) -> Delivery:
    """The delivery with its message and tries, as if all of it had happened so much earlier."""
    new, message = id_of(age), id_of(age)
    with transaction.atomic():  # within which foreign keys may point to nothing
        Message.objects.filter(id=delivery.message_id).update(id=message, created_at=F("created_at") - age)
        Delivery.objects.filter(message_id=delivery.message_id).update(message_id=message)
        Attempt.objects.filter(delivery=delivery).update(delivery_id=new, started_at=F("started_at") - age)
        Delivery.objects.filter(id=delivery.id).update(
            id=new, created_at=F("created_at") - age, started_at=F("started_at") - age
        )
    return Delivery.objects.get(id=new)


def ended_as(state: str, endpoint: Endpoint, count: int = 1, *, age: timedelta = OLD) -> Sequence[Delivery]:
    """Deliveries that were made so long ago, one try each, and are in this state since."""
    made = []
    for one in owe(endpoint, count):
        due = Now() if state == "pending" else None
        Delivery.objects.filter(id=one.id).update(
            state=state, next_attempt_at=due, attempt_count=1, started_at=Now()
        )
        Attempt.objects.create(delivery=one, number=1, trigger="schedule", started_at=datetime.now(UTC))
        made.append(aged(one, age))
    return made
