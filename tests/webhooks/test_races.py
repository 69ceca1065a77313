"""What merchants ask for beside what workers do, with real transactions: nothing twice, nothing stranded."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db.models.functions import Now

from accounts.models import Merchant
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.webhooks.cast import EndpointFactory, news, owe, tell
from tests.webhooks.test_claims import side_by_side
from webhooks import holding, pausing, pump, recoveries, recovering, resending, testing
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Recovery
from webhooks.resending_one import resend_one

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running


class Twice:
    """Answers in turn, and notes which message was under way twice at a time."""

    def __init__(self, *codes: int) -> None:
        self.codes, self.turn = codes, 0
        self.open: Counter[str] = Counter()
        self.twice: set[str] = set()
        self.lock = threading.Lock()

    def __call__(self, handler: subscribers.Handler) -> None:
        id_ = handler.headers["webhook-id"]
        with self.lock:
            self.open[id_] += 1
            if self.open[id_] > 1:
                self.twice.add(id_)
            code = self.codes[self.turn % len(self.codes)]
            self.turn += 1
        handler.server.closing.wait(0.01)
        with self.lock:
            self.open[id_] -= 1
        status(code)(handler)


def everything_is_due() -> None:
    Delivery.objects.filter(state="pending", claim_id=None).update(next_attempt_at=Now())


def to_the_end() -> None:
    """Until nothing is left to do."""
    for _ in range(50):
        everything_is_due()
        holding.reconcile()
        Recovery.objects.update(next_batch_at=Now())
        recovering.advance()
        if not pump.run(60) and not Delivery.objects.filter(state__in=["pending", "held"]).exists():
            break
    assert not ExtraTry.objects.exists()
    assert not Delivery.objects.exclude(claim_id=None).exists()


def numbers_are_whole() -> bool:
    """Whether each delivery's tries are numbered 1, 2, 3 to its count."""
    tried = Attempt.objects.order_by("delivery", "number").values_list("delivery_id", "number")
    return all(
        [number for id_, number in tried if id_ == one.id] == list(range(1, one.attempt_count + 1))
        for one in Delivery.objects.all()
    )


def test_by_hand_by_recovery_and_by_schedule_a_delivery_is_never_under_way_twice(
    alice: Merchant, server: Subscriber
) -> None:
    answer = Twice(500, 200, 200)
    server.answer("/hook", answer)
    endpoint = EndpointFactory(merchant=alice, url=server.url(), max_in_flight=20, retry_schedule=[1] * 9)
    owed = owe(endpoint, 20)

    def by_hand() -> None:
        for one in owed * 2:
            resend_one(alice.id, one.id)

    def by_recovery() -> None:
        states = [str(state) for state in recovering.RECOVERABLE]
        wanted = recoveries.Wanted(datetime.now(UTC) - timedelta(days=1), None, states)
        for _ in range(3):
            recoveries.begin(alice.id, endpoint.id, wanted)
            recovering.run(3)

    def by_parcel() -> None:
        for one in owed:
            resending.resend(alice.id, one.message.stream, ())

    send = partial(pump.run, 1)
    side_by_side(send, send, by_hand, by_recovery, by_parcel)
    to_the_end()
    assert answer.twice == set()
    assert numbers_are_whole()
    assert len(server.heard()) == Attempt.objects.count()
    assert {each.state for each in Delivery.objects.all()} <= {"delivered", "exhausted"}
    assert "manual" in Attempt.objects.values_list("trigger", flat=True)


def test_rest_and_enabling_beside_recording_strand_nothing(alice: Merchant, server: Subscriber) -> None:
    endpoint = EndpointFactory(merchant=alice, url=server.url(), max_in_flight=20)

    def record() -> None:
        for _ in range(60):
            tell(alice, news())

    def rest_and_go_on() -> None:
        for _ in range(6):
            pausing.pause(alice.id, endpoint.id)
            testing.enable(alice.id, endpoint.id)
            pump.run(0.05)

    side_by_side(record, record, rest_and_go_on, partial(pump.run, 1), holding.reconcile)
    testing.enable(alice.id, endpoint.id)
    to_the_end()
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    told = Delivery.objects.exclude(trigger="test")
    assert (told.count(), set(told.values_list("state", flat=True))) == (120, {"delivered"})
    heard = Counter(each.headers["webhook-id"] for each in server.heard())
    assert {heard[str(each)] for each in told.values_list("message_id", flat=True)} == {1}
    assert numbers_are_whole()


def test_a_deletion_beside_recording_and_sending_ends_everything(alice: Merchant, server: Subscriber) -> None:
    endpoint = EndpointFactory(merchant=alice, url=server.url(), max_in_flight=5)
    owe(endpoint, 50)
    recorded = threading.Event()

    def record() -> None:
        for _ in range(40):
            tell(alice, news())
            recorded.set()

    def delete() -> None:
        assert recorded.wait(60)
        testing.send(alice.id, endpoint.id)
        assert holding.delete(alice.id, endpoint.id)

    side_by_side(record, delete, partial(pump.run, 0.5), partial(pump.run, 0.5))
    to_the_end()
    deleted_at = Endpoint.objects.get().deleted_at
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"delivered", "cancelled", "exhausted"}
    assert not Attempt.objects.filter(started_at__gt=deleted_at + timedelta(seconds=1)).exists()
    assert len(server.heard()) == Attempt.objects.count()
    assert numbers_are_whole()
