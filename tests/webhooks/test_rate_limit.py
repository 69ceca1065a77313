"""How many tries a second an endpoint gets, and how the pump waits for them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models import F

from accounts.models import Merchant
from accounts.running import Job
from tests.subscribers import Subscriber, subscriber
from tests.webhooks.cast import EndpointFactory, owe
from tests.webhooks.test_claims import lose_leases, settlement, side_by_side
from webhooks import pump, tasks
from webhooks.claims import Claimed, oldest_due, take, taking
from webhooks.ending import settle
from webhooks.extra import ask
from webhooks.lanes import next_token
from webhooks.models import Delivery, Endpoint, Lane, Trigger
from webhooks.paces import Pace
from webhooks.stopping import stop
from webhooks.waiting import Turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(alice: Merchant) -> Endpoint:
    """Ten a second, and no cap that would be met first."""
    made: Endpoint = EndpointFactory(merchant=alice, rate_limit=10, max_in_flight=100)
    return made


def seconds_pass(seconds: float) -> None:
    Lane.objects.update(refilled_at=F("refilled_at") - timedelta(seconds=seconds))


def test_a_second_of_its_rate_may_start_at_once_and_no_more(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    assert len(take(100)) == 10
    assert take(100) == []


def test_what_is_settled_gives_no_token_back(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    settle([settlement(each) for each in take(100)])
    assert take(100) == []


def test_tokens_come_with_time_and_are_not_saved_beyond_a_second(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    seconds_pass(0.5)
    assert 5 <= len(take(100)) <= 6
    seconds_pass(3600)
    assert len(take(100)) == 10


def test_a_lane_without_tokens_saves_a_few_before_it_is_looked_at_again(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    Lane.objects.update(tokens=-1)
    seconds_pass(0.2)
    assert (take(100), oldest_due()) == ([], None)
    seconds_pass(0.2)
    assert len(take(100)) >= 3


def test_one_a_second_is_one_at_once_and_one_more_a_second_later(endpoint: Endpoint) -> None:
    Endpoint.objects.update(rate_limit=1)
    owe(endpoint, 5)
    assert len(take(100)) == 1
    assert take(100) == []
    seconds_pass(1)
    assert len(take(100)) == 1


def test_the_cap_holds_besides_and_leaves_the_tokens(endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=5)
    owe(endpoint, 30)
    for taken in (5, 5, 0):
        claimed = take(100)
        assert len(claimed) == taken
        settle([settlement(each) for each in claimed])


def test_waiting_for_a_token_costs_no_try_and_no_step(endpoint: Endpoint) -> None:
    owe(endpoint, 12)
    take(100)
    waiting = Delivery.objects.filter(claim_id=None)
    assert set(waiting.values_list("state", "attempt_count", "step")) == {("pending", 0, 0)}


def test_others_are_not_held_up(alice: Merchant, endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    fine = EndpointFactory(merchant=alice)
    owe(fine, 3)
    assert {each.endpoint.id for each in take(100)} == {fine.id}


def test_only_what_could_be_claimed_now_counts_as_due(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    assert oldest_due() is not None
    assert next_token() is None
    take(100)
    assert oldest_due() is None
    assert 0 < next_token() <= 0.25


def test_a_lane_that_its_cap_holds_up_waits_for_no_token(endpoint: Endpoint) -> None:
    Endpoint.objects.update(max_in_flight=10)
    owe(endpoint, 30)
    take(100)
    assert next_token() is None


def test_nothing_due_waits_for_no_token(endpoint: Endpoint) -> None:
    owe(endpoint, 10)
    take(100)
    assert next_token() is None


def test_a_limit_that_was_taken_away_holds_up_nothing(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(100)
    Endpoint.objects.update(rate_limit=None)
    assert len(take(100)) == 20


def test_a_limit_that_was_set_later_begins_with_a_full_second(endpoint: Endpoint) -> None:
    Endpoint.objects.update(rate_limit=None)
    owe(endpoint, 30)
    take(5)
    Endpoint.objects.update(rate_limit=10)
    assert len(take(100)) == 10


def test_a_limit_that_was_lowered_takes_the_saved_tokens_too(endpoint: Endpoint) -> None:
    owe(endpoint, 30)
    take(1)
    Endpoint.objects.update(rate_limit=2)
    assert len(take(100)) == 2


def test_a_try_that_is_taken_over_needs_a_token_as_well(endpoint: Endpoint) -> None:
    owe(endpoint, 10)
    take(100)
    lose_leases()
    assert take(100) == []


def test_an_extra_try_needs_none(endpoint: Endpoint) -> None:
    owed = owe(endpoint, 12)
    take(100)
    ask(owed[11].id, Trigger.MANUAL)
    assert [each.delivery_id for each in take(100)] == [owed[11].id]


@pytest.mark.django_db(transaction=True)
def test_claimers_side_by_side_share_the_tokens(endpoint: Endpoint) -> None:
    owe(endpoint, 40)
    take(1)
    Lane.objects.update(tokens=10, refilled_at="2999-01-01T00:00:00Z")
    taken: list[Claimed] = []
    side_by_side(*[lambda: taken.extend(take(5)) for _ in range(8)])
    while more := take(5):
        taken.extend(more)
    assert len(taken) == 10


@pytest.fixture
def server(settings) -> Iterator[Subscriber]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with subscriber() as running:
        yield running
    stop.clear()


def test_the_pump_stays_until_all_is_sent(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=40)
    owe(endpoint, 60)
    assert pump.run(20) == 60
    assert len(server.heard()) == 60


def test_the_pump_asks_for_tokens_a_few_times_a_second_at_most(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 2)
    looks: list[int] = []

    def counted(limit: int, paces: Sequence[Pace]) -> Job[list[Claimed]]:
        looks.append(limit)
        return (yield from taking(limit, paces))

    monkeypatch.setattr(pump, "taking", counted)
    assert pump.run(20) == 2
    # One second of waiting; a pump that spins would look thousands of times.
    assert len(looks) < 50


def test_the_pump_leaves_when_its_budget_is_over(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    assert pump.run(0.3) == 1
    assert next_token() is not None


def test_the_word_to_stop_ends_the_waiting(endpoint: Endpoint, server: Subscriber, monkeypatch) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)

    def stopping(turn: Turn) -> bool:
        stop.set()
        return True

    monkeypatch.setattr(Turn, "is_worth_it", stopping)
    assert pump.run(60) == 1


@pytest.mark.django_db(transaction=True)
def test_one_pump_of_all_waits_and_the_others_leave(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    take(1)
    tried: list[int] = []
    turn = Turn()
    assert turn.is_worth_it()
    side_by_side(lambda: tried.append(pump.run(60)))
    assert tried == [0]
    turn.end()
    other = Turn()
    side_by_side(lambda: tried.append(other.is_worth_it()))
    assert tried == [0, True]


@pytest.mark.django_db(transaction=True)
def test_the_turn_ends_with_the_run(endpoint: Endpoint, server: Subscriber) -> None:
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    assert pump.run(0.3) == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)
    connections.close_all()


def test_a_task_that_sent_something_passes_the_waiting_on_and_one_that_did_not_is_quiet(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    nudges: list[Pace] = []
    monkeypatch.setattr(tasks, "nudge", nudges.append)
    monkeypatch.setattr(tasks, "BUDGET", 0.2)
    Endpoint.objects.update(url=server.url(), rate_limit=1)
    owe(endpoint, 20)
    tasks.pump()
    assert nudges == [Pace.FIRST]
    tasks.pump()
    assert nudges == [Pace.FIRST]
