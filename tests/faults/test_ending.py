"""Workers that are told to end while carriers and subscribers hang: what is under way is seen to its end."""

import os
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from accounts.models import Merchant
from config import sweeping
from tests.carrier_server import CarrierServer, carrier_server
from tests.factories import CarrierAccountFactory
from tests.faults.stage import Stage
from tests.faults.truth import check, claimed, drained, sends
from tests.faults.witness import once
from tests.faults.workers import Worker
from tests.trackers.watching_many import watch_many
from tests.waiting import eventually
from tests.webhooks.cast import EndpointFactory
from trackers import polling
from trackers.models import Watch
from trackers.polling import Poller
from webhooks.stopping import stop

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def carrier(settings: Settings) -> Iterator[CarrierServer]:
    """One that answers nobody yet."""
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with carrier_server() as server:
        server.gate.clear()
        yield server


@pytest.fixture
def _told_to_end() -> Iterator[None]:
    yield
    stop.clear()
    sweeping._over.clear()


def held() -> int:
    return Watch.objects.exclude(claim_id=None).count()


def asked_about() -> int:
    """Watches of which it is known how asking turned out."""
    return Watch.objects.exclude(last_outcome=None).count()


@pytest.mark.usefixtures("_told_to_end")
def test_a_process_that_ends_waits_for_calls_that_earlier_runs_left(
    alice: Merchant, carrier: CarrierServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackers.places.LONG", 0.5)
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    watch_many(account, 5, urgency=0)
    Poller().run(0.5)
    assert len(polling._left) == 1
    assert held() == len(carrier.asked) > 0
    threading.Timer(0.1, carrier.gate.set).start()
    sweeping.finish()
    assert not polling._left
    assert (held(), asked_about()) == (0, len(carrier.asked))


@pytest.mark.usefixtures("_told_to_end")
def test_what_waits_for_a_thread_when_the_word_comes_is_not_asked_any_more(
    alice: Merchant, carrier: CarrierServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim is given back, and somebody else asks."""
    monkeypatch.setattr("carriers.fetching.THREADS", 1)
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    watch_many(account, 5, urgency=0)
    threading.Thread(target=_stop_once_asked, args=[carrier]).start()
    Poller().run(60)
    assert len(carrier.asked) == 1
    assert (held(), asked_about()) == (0, 1)


def _stop_once_asked(carrier: CarrierServer) -> None:
    eventually(lambda: carrier.asked)
    stop.set()
    carrier.gate.set()


def _tell_the_worker(worker: Worker) -> None:
    worker.process.terminate()


def _tell_the_whole_group(worker: Worker) -> None:
    os.killpg(worker.process.pid, signal.SIGTERM)


def _tell_twice(worker: Worker) -> None:
    worker.process.terminate()
    eventually(lambda: "shutdown" in worker.log())
    worker.process.terminate()
    eventually(lambda: worker.log().count("shutdown") > 1)


@pytest.mark.parametrize("tell", [_tell_the_worker, _tell_the_whole_group, _tell_twice])
def test_a_worker_that_is_told_to_end_loses_repeats_and_keeps_nothing(
    alice: Merchant, carrier: CarrierServer, on: Stage, tell: Callable[[Worker], None]
) -> None:
    gate = threading.Event()
    on.seen.answer("/hook", once(gate))
    EndpointFactory(merchant=alice, url=on.seen.url(), max_in_flight=10)
    account = CarrierAccountFactory(merchant=alice, courier="all24", base_url=carrier.url)
    watch_many(account, 20, urgency=0)
    worker = on.worker(pool=2, CARRIER_ALLOWED_NETWORKS="127.0.0.0/8", CARRIER_DEADLINE="120")
    on.announcer().announce(alice.id, 50)
    on.seen.wait_for_posts(10)
    eventually(lambda: carrier.asked)
    tell(worker)
    eventually(lambda: "shutdown" in worker.log())
    gate.set()
    carrier.gate.set()
    assert worker.process.wait(120) == 0
    assert (claimed(), held()) == (0, 0)
    assert asked_about() == len(carrier.asked) == len(set(carrier.asked))
    on.worker()
    drained()
    check(on.seen)
    assert set(sends(on.seen.posts()).values()) == {1}
