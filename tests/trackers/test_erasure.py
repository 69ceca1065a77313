"""After an erasure no table holds anything personal of the parcel, whatever came before and comes later."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, Merchant
from carriers.models import UnmappedCode
from events.models import Event
from tests.carrier_server import CarrierServer
from tests.carriers.servers import Server, answer, serving
from tests.factories import CarrierAccountFactory
from tests.ship24_server import KEY, Ship24Server, event, push, ship24_server, tracking
from tests.subscribers import Handler, Subscriber, subscriber
from tests.together import at_once
from tests.trackers.persons import PERSONAL, RECIPIENT, SHIPMENT, all24_order, express_order, places
from trackers.models import Tracker, Watch
from trackers.rebuilding import check
from webhooks import pump
from webhooks.models import Attempt

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = {"all24": "HSBY37H7", "247express": "VN-000123", "ship24": "RR123456785GB"}
SECRET = "whsec_of_alice"


@dataclass
class House:
    """Alice's parcels at three carriers, one of them pushing, and a subscriber that says all it knows."""

    client: APIClient
    all24: CarrierServer
    express: Server
    ship24: Ship24Server
    push_path: str
    poll: Callable[[], int]
    ids: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    def post(self, path: str, body: Any = None) -> Any:
        """A call whose answer is kept."""
        self.calls += 1
        headers = {"Idempotency-Key": f"call-{self.calls}"}
        found = self.client.post(path, body or {}, format="json", headers=headers)
        assert found.status_code < 300, found.content
        return found.json()["data"]

    def follow(self) -> None:
        """Each parcel is created, and tracked, by calls whose answers are kept."""
        for courier, number in NUMBERS.items():
            body = {"trackingNumber": number, "courierCode": courier, "recipient": RECIPIENT}
            (told,) = self.post("/v1/trackers/track", body)["trackings"]
            self.ids[courier] = told["tracker"]["trackerId"]
            self.post("/v1/trackers", body)

    def hear(self, nth: int) -> None:
        """Everything that is told about a parcel: polls, a push, an answer that is none, deliveries."""
        self.all24.replies[NUMBERS["all24"]] = all24_order(
            "HSBY37H7", *["100000", "777777"][:nth], "888888", "500000"
        )
        self.express.behaviour = answer(
            express_order("VN-000123", *["ACCEPTED", "PICKED_UP"][:nth], "DELIVERED")
        )
        self.poll_now()
        ours = tracking(self.ids["ship24"], event(f"pushed-{nth}"), shipment=SHIPMENT)
        headers = {"HTTP_AUTHORIZATION": f"Bearer {SECRET}"}
        assert APIClient().post(self.push_path, push(ours), format="json", **headers).status_code == 200
        for there in self.ship24.trackers.values():
            there.shipment = SHIPMENT
            there.events.append(event(f"polled-{nth}"))
        useless = ("<p>" + ", ".join(PERSONAL.values())).encode()
        self.all24.replies[NUMBERS["all24"]] = (200, useless)
        self.express.behaviour = answer(useless)
        self.poll_now()
        pump.run(60)
        for courier, number in NUMBERS.items():
            self.post("/v1/trackers/track", {"trackingNumber": number, "courierCode": courier})

    def poll_now(self) -> None:
        Watch.objects.update(next_poll_at="2026-01-01T00:00:00Z")
        assert self.poll() == len(NUMBERS)

    def erase(self) -> None:
        for tracker_id in self.ids.values():
            self.post(f"/v1/trackers/{tracker_id}/erase")


@pytest.fixture
def talker(settings: Settings) -> Iterator[Subscriber]:
    """A subscriber that answers each message with it, and with all that is personal."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    def talk(handler: Handler) -> None:
        said = handler.server.heard("/hook")[-1].body + json.dumps(list(PERSONAL.values())).encode()
        handler.send_response(200)
        handler.send_header("x-recipient", RECIPIENT["name"])
        handler.send_header("content-length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    with subscriber() as server:
        server.answer("/hook", talk)
        yield server


@pytest.fixture
def house(
    alice: Merchant,
    as_alice: APIClient,
    carrier: CarrierServer,
    talker: Subscriber,
    poll_all: Callable[[], int],
    settings: Settings,
) -> Iterator[House]:
    settings.TRACK_WAIT = 0.01
    hook = {"url": talker.url(), "types": ["*"], "maxInFlight": 1}
    assert as_alice.post("/v1/webhooks", hook, format="json").status_code == 201
    with ExitStack() as open_:
        express = open_.enter_context(serving(answer(b"{}")))
        ship24 = open_.enter_context(ship24_server())
        for courier, url in (("all24", carrier.url), ("247express", express.url)):
            CarrierAccountFactory(merchant=alice, courier=courier, base_url=url)
        pushing = CarrierAccountFactory(
            merchant=alice, courier="ship24", key=KEY, base_url=ship24.url, push_secret=SECRET
        )
        made = House(as_alice, carrier, express, ship24, pushing.push_path, poll_all)
        made.follow()
        settings.TRACK_WAIT = 20
        made.hear(1)
        carrier.replies[NUMBERS["all24"]] = all24_order(NUMBERS["all24"], "500000")
        made.post("/v1/tracking/search", {"trackingNumber": NUMBERS["all24"], "courierCode": "all24"})
        yield made


def test_all_of_it_is_there_before(house: House) -> None:
    found = places()
    assert set(found) == set(PERSONAL)
    assert UnmappedCode.objects.exclude(samples=[]).exists()
    assert {column for columns in found.values() for column in columns} >= {
        "accounts_idempotencykey.body",
        "trackers_personaldata.given_recipient",
        "trackers_personaldata.confirm_image",
        "trackers_rawanswer.body",
        "webhooks_attempt.response_body",
        "webhooks_attempt.response_headers",
    }


def test_none_of_it_is_in_any_table_afterwards(house: House) -> None:
    house.erase()
    assert places() == {}


def test_answers_that_a_version_without_mentions_kept_go_too(house: House) -> None:
    IdempotencyKey.objects.update(mentions=None)
    house.erase()
    assert places() == {}


def test_what_comes_later_is_recorded_without_it(house: House) -> None:
    house.erase()
    known = Event.objects.filter(type="tracking.scanned").count()
    house.hear(2)
    house.post(
        "/v1/trackers", {"trackingNumber": NUMBERS["all24"], "courierCode": "all24", "recipient": RECIPIENT}
    )
    assert Event.objects.filter(type="tracking.scanned").count() > known
    assert Attempt.objects.filter(delivery__message__type="tracker.erased", status_code=200).count() == 3
    assert places() == {}
    assert not list(check())


def test_erasing_in_the_middle_of_everything_leaves_none_of_it(house: House) -> None:
    """Polls, a push, deliveries, and calls whose answers are kept, at the same moment as the erasures."""
    codes = itertools.cycle(["100000", "200000", "300000"])
    numbers = [{"trackingNumber": number, "courierCode": courier} for courier, number in NUMBERS.items()]

    def poll() -> None:
        for _ in range(3):
            house.all24.replies[NUMBERS["all24"]] = all24_order(NUMBERS["all24"], next(codes), "500000")
            Watch.objects.update(next_poll_at="2026-01-01T00:00:00Z")
            house.poll()

    def call() -> None:
        for nth, body in enumerate(numbers * 3):
            headers = {"Idempotency-Key": f"meanwhile-{nth}"}
            found = house.client.post("/v1/trackers/track", body, format="json", headers=headers)
            assert found.status_code in {200, 409}, found.content

    def send() -> None:
        for _ in range(3):
            pump.run(0.5)

    at_once(poll, call, send, house.erase)
    send()
    assert places() == {}
    assert not list(check())


def test_a_tracker_that_is_deleted_leaves_none_of_it_behind(house: House) -> None:
    for tracker_id in house.ids.values():
        assert house.client.delete(f"/v1/trackers/{tracker_id}").status_code == 204
    assert not Tracker.objects.exists()
    pump.run(60)
    assert Attempt.objects.filter(delivery__message__type="tracker.stopped", status_code=200).count() == 3
    assert places() == {}
