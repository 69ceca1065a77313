"""The pump while the database is away for a moment."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import InterfaceError, OperationalError

from accounts.models import Merchant
from accounts.running import Job
from tests import subscribers
from tests.subscribers import Subscriber, status, subscriber
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory, attempts_of, owe
from webhooks import claims, ending, lanes, pump
from webhooks.models import Delivery, Endpoint
from webhooks.paces import Pace

# Without a transaction around: after an error a connection in one would be closed.
pytestmark = pytest.mark.django_db(transaction=True)
Away = Callable[..., "Refusals"]


class Refusals:
    """Stands before a function and refuses its first calls."""

    def __init__(self, work: Callable[..., Any], times: int, error: type[Exception]) -> None:
        self.work, self.left, self.error = work, times, error

    def __call__(self, *args: Any, **named: Any) -> Any:
        if self.left > 0:
            self.left -= 1
            raise self.error("the database is away")
        return self.work(*args, **named)


@pytest.fixture(autouse=True)
def _rules(settings, monkeypatch) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(pump, "AGAIN", 0.02)


@pytest.fixture
def away(monkeypatch) -> Away:
    def refuse(module: Any, name: str, times: int, error: type[Exception] = OperationalError) -> Refusals:
        refusing = Refusals(getattr(module, name), times, error)
        monkeypatch.setattr(module, name, refusing)
        return refusing

    return refuse


@pytest.fixture
def server() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@pytest.fixture
def endpoint(alice: Merchant, server: Subscriber) -> Endpoint:
    return EndpointFactory(merchant=alice, url=server.url())


def assert_all_sent_once(server: Subscriber, count: int) -> None:
    assert len(server.heard()) == count
    rows = list(Delivery.objects.all())
    assert {(each.state, each.attempt_count) for each in rows} == {("delivered", 1)}
    assert [[tried.error for tried in attempts_of(each)] for each in rows] == [[""]] * count


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_records_that_are_refused_for_a_while_are_written_once_and_nothing_is_sent_twice(
    endpoint: Endpoint, server: Subscriber, away: Away, error: type[Exception]
) -> None:
    owe(endpoint, 5)
    # Each look tries twice.
    refusing = away(ending, "settling", 6, error)
    assert pump.run(60) == 5
    assert refusing.left == 0
    assert_all_sent_once(server, 5)


def test_what_is_in_flight_while_records_are_refused_is_seen_to_its_end(
    alice: Merchant, endpoint: Endpoint, server: Subscriber, away: Away
) -> None:
    refusing = away(ending, "settling", 6)

    def until_the_third_refusal(handler: subscribers.Handler) -> None:
        eventually(lambda: refusing.left <= 1)
        status(200)(handler)

    server.answer("/hook", status(200), until_the_third_refusal)
    owe(endpoint, 2)
    assert pump.run(60) == 2
    assert_all_sent_once(server, 2)


@pytest.fixture
def _renews_soon(settings, monkeypatch) -> None:
    """The first renewal comes soon; no lease runs out, however slow this machine is."""
    settings.DELIVERY_LEASE = 0.9

    def take_for_long(limit: int, paces: Sequence[Pace], *, of_slow: bool) -> Job[claims.Taken]:
        settings.DELIVERY_LEASE = 60
        return (yield from claims.taking(limit, paces, of_slow=of_slow))

    monkeypatch.setattr(pump, "taking", take_for_long)


@pytest.mark.usefixtures("_renews_soon")
def test_leases_are_renewed_while_records_are_refused(
    endpoint: Endpoint, server: Subscriber, away: Away, monkeypatch
) -> None:
    renewed: list[int] = []

    def renew(held: list[claims.Claimed]) -> Job[set[UUID]]:
        renewed.append(len(held))
        if held:
            refusing.left = 0
        return (yield from claims.renewing(held))

    refusing = away(ending, "settling", 1_000_000)
    monkeypatch.setattr(pump, "renewing", renew)
    owe(endpoint, 3)
    assert pump.run(60) == 3
    assert 3 in renewed
    assert_all_sent_once(server, 3)


@pytest.mark.usefixtures("_renews_soon")
def test_a_renewal_that_is_refused_is_made_again_and_cancels_nothing(
    endpoint: Endpoint, server: Subscriber, away: Away
) -> None:
    refusing = away(pump, "renewing", 6)

    def until_it_works(handler: subscribers.Handler) -> None:
        eventually(lambda: refusing.left == 0)
        status(200)(handler)

    server.answer("/hook", until_it_works)
    owe(endpoint)
    assert pump.run(60) == 1
    assert_all_sent_once(server, 1)


def test_claims_that_are_refused_are_not_made_and_cancel_nothing(
    alice: Merchant, endpoint: Endpoint, server: Subscriber, away: Away
) -> None:
    taking = away(pump, "taking", 0)

    def the_database_goes(handler: subscribers.Handler) -> None:
        taking.left = 6
        eventually(lambda: taking.left == 0)
        status(200)(handler)

    server.answer("/hook", the_database_goes, status(200))
    Endpoint.objects.update(max_in_flight=1)
    owe(endpoint, 3)
    assert pump.run(60) == 3
    assert_all_sent_once(server, 3)


def test_without_a_database_nothing_is_claimed_and_nothing_raised(endpoint: Endpoint, away: Away) -> None:
    owe(endpoint)
    away(pump, "taking", 2)
    assert pump.run(60) == 0


def test_nothing_is_claimed_while_records_are_refused(
    endpoint: Endpoint, server: Subscriber, away: Away, monkeypatch
) -> None:
    refusing = away(ending, "settling", 6)
    in_trouble: list[bool] = []

    def take(limit: int, paces: Sequence[Pace], *, of_slow: bool) -> Job[claims.Taken]:
        in_trouble.append(0 < refusing.left < 6)
        return (yield from claims.taking(limit, paces, of_slow=of_slow))

    monkeypatch.setattr(pump, "taking", take)
    owe(endpoint, 30)
    assert pump.run(60) == 30
    assert not any(in_trouble)
    assert_all_sent_once(server, 30)


@pytest.mark.parametrize(("name", "owner"), [("settling", ending), ("renewing", pump)])
def test_a_database_that_stays_away_for_a_lease_ends_the_run_with_its_error(
    endpoint: Endpoint, server: Subscriber, away: Away, settings, name: str, owner: object
) -> None:
    settings.DELIVERY_LEASE = 1
    if name == "renewing":
        server.answer("/hook", subscribers.hang)
    owe(endpoint)
    away(owner, name, 1_000_000)
    with pytest.raises(OperationalError):
        pump.run(60)
    assert len(server.heard()) == 1


def test_what_a_claim_took_before_its_connection_was_lost_is_sent_all_the_same(
    endpoint: Endpoint, server: Subscriber, monkeypatch
) -> None:
    dying = ("SELECT pg_terminate_backend(pg_backend_pid())",)
    monkeypatch.setattr(lanes, "TAKE", {**lanes.TAKE, Pace.LATE: dying})
    owe(endpoint, 3)
    assert len(claims.take(10)) == 3
