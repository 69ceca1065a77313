"""Whatever happens in whatever order, every delivery comes to its end: drawn histories, played on real rows.

Two workers and somebody who records have database connections of their own, and are stepped one at a time;
transactions stay open between steps. What is sent is noted instead of sent.
"""

import sys
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from django.db.models import Case, Count, F, When
from django.db.models.functions import Now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Merchant
from tests.factories import MerchantFactory
from tests.webhooks.aging import tries_began_earlier
from tests.webhooks.at_once import mark, renew
from tests.webhooks.cast import EndpointFactory, news, tell
from webhooks import (
    holding,
    pausing,
    recoveries,
    recovering,
    resending,
    resending_one,
    settling,
    tasks,
    testing,
)
from webhooks.claims import Claimed, take
from webhooks.exceptions import NoActiveEndpoint
from webhooks.exchanges import Failure, Result
from webhooks.heads import SLOW_IN_FLIGHT
from webhooks.models import Attempt, Delivery, Endpoint, ExtraTry, Lane, Message, Notice, Recovery, Tally
from webhooks.paces import Pace

T = TypeVar("T")

ENDED = {"delivered", "exhausted", "cancelled"}
WORKERS = (0, 1)
STREAMS = (0, 1)
ENDPOINTS = (0, 1)
BOTH = list(Pace)
PACES = [[Pace.FIRST], [Pace.LATE], BOTH]
#: Histories that are played, and how long each is.
EXAMPLES, STEPS = 30, 30
#: Seconds after which a step that waits for another's lock is one that waits for ever.
PATIENCE = 100

OUTCOMES = [
    (None, 200, {}),
    (None, 204, {}),
    (Failure.HTTP_STATUS, 500, {}),
    (Failure.HTTP_STATUS, 503, {"retry-after": "120"}),
    (Failure.HTTP_STATUS, 410, {}),
    (Failure.REDIRECT, 301, {}),
    (Failure.TIMEOUT, None, {}),
    (Failure.CONNECTION_RESET, None, {}),
]
SOME_STATES = st.sets(st.sampled_from(recovering.RECOVERABLE), min_size=1)
SOME_OUTCOMES = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4)


class Hand:
    """Somebody with a thread and so with a database connection of their own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)

    def does(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result(PATIENCE)

    def begins(self) -> None:
        """What it does from now on is one transaction."""
        self._open = transaction.atomic()
        self.does(self._open.__enter__)

    def commits(self) -> None:
        self.does(lambda: self._open.__exit__(None, None, None))

    def leaves(self) -> None:
        """An open transaction is rolled back."""
        self.does(connections.close_all)
        self._thread.shutdown()


class Worker(Hand):
    """Sends: what it believes to have under way is `flying`."""

    def __init__(self) -> None:
        super().__init__()
        self.flying: dict[UUID, Claimed] = {}


class Deliveries(RuleBasedStateMachine):
    """The rules are what may happen; the invariants hold after each step, `_finish` after the last."""

    def __init__(self) -> None:
        super().__init__()
        self.hands: list[Hand] = []

    @initialize(
        ordered=st.booleans(),
        caps=st.tuples(st.integers(1, 3), st.integers(1, 3)),
        schedule=st.integers(1, 2),
    )
    def begin(self, ordered: bool, caps: tuple[int, int], schedule: int) -> None:
        self.merchant: Merchant = MerchantFactory()
        shape = {"merchant": self.merchant, "retry_schedule": [5] * schedule}
        self.endpoints = [
            EndpointFactory(**shape, ordered=ordered, max_in_flight=caps[0]).id,
            EndpointFactory(**shape, types=["tracking.*"], max_in_flight=caps[1]).id,
        ]
        self.streams = [uuid4() for _ in STREAMS]
        self.sequences: dict[UUID, int] = defaultdict(int)
        self.workers, self.recorder = [Worker(), Worker()], Hand()
        self.hands += [*self.workers, self.recorder]
        # What a subscriber has seen: the bytes of each message, and the numbers of each delivery's tries.
        self.bytes: dict[UUID, bytes] = {}
        self.numbers: dict[UUID, list[int]] = defaultdict(list)
        self.over: dict[UUID, str] = {}
        self.may_begin_anew = False
        for stream in STREAMS:
            self.announce(stream, 2)

    # What happens --------------------------------------------------------------------------------------

    @rule(stream=st.sampled_from(STREAMS), count=st.integers(1, 3))
    def announce(self, stream: int, count: int) -> None:
        tell(self.merchant, *self._news(stream, count))

    @rule(
        stream=st.sampled_from(STREAMS),
        which=st.sampled_from(ENDPOINTS),
        act=st.sampled_from(["pause", "go_on"]),
    )
    def change_state_while_recording(self, stream: int, which: int, act: str) -> None:
        """A recording reads who is subscribed, and commits when that has changed."""
        told = self._news(stream, 1)
        self.recorder.begins()
        self.recorder.does(lambda: tell(self.merchant, *told))
        try:
            self.change(which, act)
        finally:
            self.recorder.commits()

    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 6), paces=st.sampled_from(PACES))
    def claim(self, worker: int, limit: int, paces: list[Pace] = BOTH) -> None:
        claimed = self.workers[worker].does(lambda: take(limit, paces))
        self._hand_out(worker, claimed)
        self._check_caps(claimed, paces)

    @rule(limit=st.integers(1, 6), paces=st.tuples(st.sampled_from(PACES), st.sampled_from(PACES)))
    def claim_both_at_once(self, limit: int, paces: tuple[list[Pace], list[Pace]]) -> None:
        """The first commits when the second has claimed. Lanes are there: for their making one waits."""
        Lane.objects.bulk_create([Lane(endpoint_id=each) for each in self.endpoints], ignore_conflicts=True)
        first, second = self.workers
        first.begins()
        try:
            early = first.does(lambda: take(limit, paces[0]))
            late = second.does(lambda: take(limit, paces[1]))
        finally:
            first.commits()
        assert not {each.delivery_id for each in early} & {each.delivery_id for each in late}
        self._hand_out(0, early)
        self._hand_out(1, late)
        self._check_caps(early + late, [*paces[0], *paces[1]])

    @rule(worker=st.sampled_from(WORKERS), outcomes=SOME_OUTCOMES)
    def settle(self, worker: int, outcomes: list[Any]) -> None:
        """The first of what this worker sends has ended."""
        sender = self.workers[worker]
        landed = list(sender.flying.values())[: len(outcomes)]
        pairs = [(one, _result(one, outcome)) for one, outcome in zip(landed, outcomes, strict=False)]
        sender.does(lambda: settling.settle(pairs))
        for one in landed:
            del sender.flying[one.delivery_id]

    @rule(worker=st.sampled_from(WORKERS), outcomes=SOME_OUTCOMES, turns=st.integers(1, 4))
    def work(self, worker: int, outcomes: list[Any], turns: int) -> None:
        """Claim, send, settle everything; and again, hours later."""
        for turn in range(turns):
            if turn:
                self._hours_pass()
            self.claim(worker, 6)
            while self.workers[worker].flying:
                self.settle(worker, outcomes)

    @rule(worker=st.sampled_from(WORKERS), outcomes=SOME_OUTCOMES)
    def answer_late(self, worker: int, outcomes: list[Any]) -> None:
        """What one was away from for too long, another has taken over before the first hears the answer."""
        self._lose_leases(worker)
        self.claim(1 - worker, 6)
        self.settle(worker, outcomes)

    @rule(worker=st.sampled_from(WORKERS), how=st.sampled_from(["die", "lose_leases", "keep_leases"]))
    def fare(self, worker: int, how: str) -> None:
        getattr(self, f"_{how}")(worker)

    def _die(self, worker: int) -> None:
        """What it had under way is nobody's when the leases end."""
        self._lose_leases(worker)
        self.workers[worker].flying.clear()

    def _lose_leases(self, worker: int) -> None:
        """It lives, but was away for too long."""
        claims = [each.claim_id for each in self.workers[worker].flying.values()]
        self._deliveries().filter(claim_id__in=claims).update(claimed_until=Now() - timedelta(seconds=1))

    def _keep_leases(self, worker: int) -> None:
        sender = self.workers[worker]
        ours = sender.does(lambda: renew(list(sender.flying.values()))) if sender.flying else set()
        sender.flying = {id_: one for id_, one in sender.flying.items() if id_ in ours}

    @rule(which=st.sampled_from(ENDPOINTS), act=st.sampled_from(["pause", "enable", "go_on", "test", "edit"]))
    def change(self, which: int, act: str) -> None:
        if Endpoint.objects.filter(id=self.endpoints[which], deleted_at=None).exists():
            getattr(self, f"_{act}")(self.endpoints[which])

    def _pause(self, endpoint: UUID) -> None:
        pausing.pause(self.merchant.id, endpoint)

    def _enable(self, endpoint: UUID) -> None:
        testing.enable(self.merchant.id, endpoint)

    def _go_on(self, endpoint: UUID) -> None:
        """It is enabled by a test that arrives."""
        self._enable(endpoint)
        self.work(0, OUTCOMES[:1], 1)

    def _test(self, endpoint: UUID) -> None:
        testing.send(self.merchant.id, endpoint)

    def _edit(self, endpoint: UUID) -> None:
        found = Endpoint.objects.filter(id=endpoint)
        found.update(ordered=Case(When(ordered=True, then=False), default=True), rate_limit=1)

    @rule(really=st.sampled_from([False] * 9 + [True]))
    def delete(self, really: bool) -> None:
        if really:
            holding.delete(self.merchant.id, self.endpoints[1])

    @rule(which=st.integers(0, 11))
    def resend_by_hand(self, which: int) -> None:
        there = self._deliveries().filter(endpoint__deleted_at=None).order_by("state", "id")
        for id_ in there.values_list("id", flat=True)[which : which + 1]:
            resending_one.resend_one(self.merchant.id, id_)

    @rule(stream=st.sampled_from(STREAMS))
    def resend_of_a_parcel(self, stream: int) -> None:
        self.may_begin_anew = True
        try:
            resending.resend(self.merchant.id, self.streams[stream], ())
        except NoActiveEndpoint:
            assert not Endpoint.objects.filter(state="active", deleted_at=None).exists()

    @rule(
        which=st.sampled_from(ENDPOINTS), states=st.sets(st.sampled_from(recovering.RECOVERABLE), min_size=1)
    )
    def recover(self, which: int, states: set[str]) -> None:
        wanted = recoveries.Wanted(datetime.now(UTC) - timedelta(days=9), None, sorted(states))
        if Endpoint.objects.filter(id=self.endpoints[which], deleted_at=None).exists():
            recoveries.begin(self.merchant.id, self.endpoints[which], wanted)
        self._go_on_with_recoveries(0)

    def _go_on_with_recoveries(self, worker: int) -> None:
        self.may_begin_anew = True
        for _ in ENDPOINTS:
            Recovery.objects.update(next_batch_at=Now() - timedelta(hours=1))
            self.workers[worker].does(recovering.advance)

    @rule(which=st.sampled_from(ENDPOINTS), is_slow=st.booleans())
    def become(self, which: int, is_slow: bool) -> None:
        Endpoint.objects.filter(id=self.endpoints[which]).update(slow_since=Now() if is_slow else None)

    @rule(what=st.sampled_from(["sweep", "hours_pass", "mark_overdue"]))
    def time_passes(self, what: str) -> None:
        getattr(self, f"_{what}")()

    def _sweep(self) -> None:
        holding.reconcile()

    def _mark_overdue(self) -> None:
        mark(3)

    def _hours_pass(self) -> None:
        """For everything that waits, as if its times were earlier."""
        waiting = Delivery.objects.filter(state="pending")
        waiting.update(next_attempt_at=F("next_attempt_at") - timedelta(hours=3))
        tries_began_earlier(3 * 3600)

    # What must hold ------------------------------------------------------------------------------------

    @invariant()
    def everything_is_in_order(self) -> None:
        rows = self._deliveries().annotate(recorded=Count("attempts")).order_by()
        now = list(rows.values_list("id", "state", "attempt_count", "recorded", "claim_id"))
        self._check_what_has_ended({row[0]: row[1] for row in now})
        for id_, _, count, recorded, claim in now:
            # All tries but the one under way are on record, and no number was given twice.
            assert recorded == count - (1 if claim else 0)
            assert sorted(self.numbers[id_]) == list(range(1, count + 1))

    def _check_what_has_ended(self, states: dict[UUID, str]) -> None:
        """It stays so unless somebody asked for more."""
        woken = [id_ for id_ in self.over if states[id_] not in ENDED]
        assert not woken or self.may_begin_anew
        assert all(states[id_] == "cancelled" for id_, state in self.over.items() if state == "cancelled")
        self.may_begin_anew = False
        self.over = {id_: state for id_, state in states.items() if state in ENDED}

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._finish()
        finally:
            for hand in self.hands:
                hand.leaves()
            _forget_everything()

    def _finish(self) -> None:
        """Everybody comes back, subscribers are well, and nothing more is asked for: all comes to its end."""
        for worker in WORKERS:
            self._die(worker)
        # An ordered endpoint that takes one at a time has one turn for each.
        for _ in range(self._deliveries().count() + 30):
            self._sweep()
            self._go_on_with_recoveries(0)
            for which in ENDPOINTS:
                self.change(which, "enable")
            self.everything_is_in_order()
            self._hours_pass()
            self.work(0, OUTCOMES[:1], 1)
            if self._is_at_rest():
                break
        assert self._is_at_rest(), list(self._deliveries().exclude(state__in=ENDED).values())
        assert not Delivery.objects.exclude(claim_id=None).exists()
        assert not ExtraTry.objects.exists()
        self.everything_is_in_order()

    def _is_at_rest(self) -> bool:
        waiting = (
            self._deliveries().exclude(state__in=ENDED),
            Recovery.objects.filter(state="running"),
            ExtraTry.objects.all(),
        )
        return not any(each.exists() for each in waiting)

    # What the rules share ------------------------------------------------------------------------------

    def _news(self, stream: int, count: int) -> list[Any]:
        made = []
        for _ in range(count):
            one = news()
            self.sequences[self.streams[stream]] += 1
            made.append(_of_stream(one, self.streams[stream], self.sequences[self.streams[stream]]))
        return made

    def _deliveries(self) -> Any:
        return Delivery.objects.filter(endpoint__in=self.endpoints)

    def _hand_out(self, worker: int, claimed: list[Claimed]) -> None:
        for one in claimed:
            self.workers[worker].flying[one.delivery_id] = one
            if not one.spent:
                self._check_sent(one)

    def _check_sent(self, one: Claimed) -> None:
        self.numbers[one.delivery_id].append(one.number)
        assert self.bytes.setdefault(one.message_id, one.body) == one.body
        row = Delivery.objects.select_related("endpoint", "message").get(id=one.delivery_id)
        assert row.message_id == one.message_id
        assert bytes(row.message.body) == one.body
        assert row.endpoint.deleted_at is None
        if one.is_extra:
            return
        assert (row.state, row.endpoint.state) == ("pending", "active")
        assert row.trigger != "test"
        assert one.delivery_id not in self.over
        if row.endpoint.ordered:
            earlier = Delivery.objects.filter(
                endpoint=row.endpoint,
                message__stream=row.message.stream,
                message__sequence__lt=row.message.sequence,
                state__in=["pending", "held"],
            )
            assert not earlier.exclude(trigger="test").exists()

    def _check_caps(self, claimed: list[Claimed], paces: list[Pace]) -> None:
        now = datetime.now(UTC)
        scheduled = {one.endpoint.id for one in claimed if not one.is_extra}
        for endpoint in Endpoint.objects.filter(id__in=scheduled):
            under_way = Delivery.objects.filter(endpoint=endpoint, claimed_until__gt=now)
            extra = ExtraTry.objects.filter(delivery__in=under_way).values_list("claim_id", flat=True)
            cap = endpoint.max_in_flight
            if endpoint.slow_since:
                assert Pace.LATE in paces
                cap = min(cap, SLOW_IN_FLIGHT)
            elif set(paces) == {Pace.LATE} and cap > 1:
                cap -= 1
            assert under_way.exclude(claim_id__in=list(extra)).count() <= cap


def _of_stream(one: Any, stream: UUID, sequence: int) -> Any:
    return type(one)(one.id, one.type, stream, sequence, one.couriers, one.render)


def _result(claimed: Claimed, outcome: tuple[Failure | None, int | None, dict[str, str]]) -> Result:
    failure, code, headers = outcome
    if claimed.spent:
        return Result(claimed.delivery_id, Failure.ABANDONED, None, None, b"", {}, "")
    return Result(claimed.delivery_id, failure, code, 5, b"", headers, "127.0.0.1")


def _forget_everything() -> None:
    """The next example's workers must find nothing of this one."""
    for model in (ExtraTry, Attempt, Delivery, Message, Recovery, Lane, Tally, Notice, Endpoint):
        model.objects.all()._raw_delete("default")


@pytest.mark.django_db(transaction=True)
def test_every_delivery_comes_to_its_end(monkeypatch) -> None:
    monkeypatch.setattr(tasks, "publish", lambda _: None)
    rules = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Deliveries, settings=rules)
