"""From news to deliveries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Merchant
from tests.webhooks.cast import EndpointFactory, news, owe, tell
from webhooks.fanout import Announcement, announce, subscribers
from webhooks.models import Delivery, Endpoint, Message

pytestmark = pytest.mark.django_db


def test_a_message_is_owed_to_every_endpoint_that_wants_it(alice: Merchant) -> None:
    wanting = [EndpointFactory(merchant=alice), EndpointFactory(merchant=alice, types=["tracking.*"])]
    EndpointFactory(merchant=alice, types=["endpoint.*"])
    EndpointFactory(merchant=alice, couriers=["all24"])
    assert tell(alice, news("tracking.delivered", couriers=["247express"])) == 2
    deliveries = Delivery.objects.all()
    assert {each.endpoint_id for each in deliveries} == {each.id for each in wanting}
    assert {each.state for each in deliveries} == {"pending"}
    assert all(each.next_attempt_at for each in deliveries)


def test_a_message_holds_the_announcers_bytes(alice: Merchant) -> None:
    EndpointFactory(merchant=alice)
    body = b'{"weight": 136.0, "odd": "\xff\x00\\u0000"}'
    one = news("tracking.updated")
    tell(alice, Announcement(one.id, one.type, one.stream, 7, (), lambda: body))
    (message,) = Message.objects.all()
    assert (message.id, message.stream, message.sequence) == (one.id, one.stream, 7)
    assert bytes(message.body) == body


def test_nothing_is_rendered_or_stored_where_nobody_listens(alice: Merchant) -> None:
    EndpointFactory(merchant=alice, types=["endpoint.*"])
    one = news()

    def render() -> bytes:
        raise AssertionError("rendered for nobody")

    assert tell(alice, Announcement(one.id, one.type, one.stream, 1, (), render)) == 0
    assert not Message.objects.exists()


def test_another_merchants_endpoint_hears_nothing(alice: Merchant, bob: Merchant) -> None:
    EndpointFactory(merchant=bob)
    assert tell(alice, news()) == 0


def test_an_announcement_can_leave_an_endpoint_out(alice: Merchant) -> None:
    one, other = EndpointFactory(merchant=alice), EndpointFactory(merchant=alice)
    tell(alice, news(not_to=one.id))
    assert Delivery.objects.get().endpoint == other


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_an_endpoint_that_is_not_active_gets_held_deliveries(alice: Merchant, state: str) -> None:
    EndpointFactory(merchant=alice, state=state)
    tell(alice, news())
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_attempt_at) == ("held", None)


def test_a_deleted_endpoint_is_told_nothing_and_one_deleted_meanwhile_fails_nothing(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    known = subscribers([alice.id])
    Endpoint.objects.update(deleted_at="2026-01-01T00:00:00Z")
    assert announce(alice.id, known, [news()]) == 1
    assert tell(alice, news()) == 0
    assert Delivery.objects.get().endpoint_id == endpoint.id


def test_the_number_of_statements_does_not_grow(alice: Merchant, bob: Merchant) -> None:
    for _ in range(5):
        EndpointFactory(merchant=alice)
        EndpointFactory(merchant=bob)
    with CaptureQueriesContext(
        connection,
    ) as read:
        known = subscribers([alice.id, bob.id])
    with CaptureQueriesContext(connection) as wrote:
        assert announce(alice.id, known, [news() for _ in range(50)]) == 250
    assert (len(read), len(wrote)) == (1, 2)


def test_what_is_told_later_is_due_later(alice: Merchant) -> None:
    endpoint = EndpointFactory(merchant=alice)
    first, second = owe(endpoint)[0], owe(endpoint)[0]
    assert first.next_attempt_at < second.next_attempt_at
