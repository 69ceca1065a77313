"""A room with everything in it: two merchants whose parcels travel, and a row of every model.

What can be lived through is: a carrier on loopback is polled, a subscriber on loopback is told, and fails now
and then. The few rows that only mishaps leave are written by hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import override_settings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiKey, Merchant
from carriers.models import AccountNews, CarrierAccount, Closing, DailyUse, UnmappedCode
from tests.carrier_server import CarrierServer, carrier_server, order
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.polled import poll_due
from tests.subscribers import Subscriber, status, subscriber
from trackers.lookups import LookUps
from trackers.models import Tracker
from trackers.remaps import Remap
from webhooks import pump
from webhooks.models import Delivery, Endpoint, ExtraTry, Lane, Notice, Recovery, Tally

#: The number at the merchant's own carrier account: five scans, and a code that no map knows.
OWN_NUMBER = "HSBY37H7"
MILESTONES = (
    "INFO_RECEIVED", "IN_TRANSIT", "OUT_FOR_DELIVERY", "AVAILABLE_FOR_PICKUP", "FAILED_ATTEMPT", "EXCEPTION",
    "DELIVERED",
)  # fmt: skip


class Room(NamedTuple):
    """What tests ask the room for."""

    merchant: Merchant
    key: str
    tracker: Tracker
    account: CarrierAccount
    endpoint: Endpoint
    broken_endpoint: Endpoint
    delivery: Delivery
    carrier: CarrierServer
    subscriber: Subscriber


@contextmanager
def furnished() -> Iterator[Room]:
    """The room, for as long as the block lasts: its carrier and its subscriber answer until then."""
    loopback = ["127.0.0.0/8"]
    with (
        override_settings(CARRIER_ALLOWED_NETWORKS=loopback, WEBHOOK_ALLOWED_NETWORKS=loopback),
        carrier_server() as carrier,
        subscriber() as shop,
    ):
        yield _furnish(carrier, shop)


def _furnish(carrier: CarrierServer, shop: Subscriber) -> Room:
    merchant = MerchantFactory(name="Lotus Home Goods", contact_email="it@lotus-home.example")
    account = CarrierAccountFactory(merchant=merchant, base_url=carrier.url, daily_quota=5_000)
    _, key = ApiKey.issue(merchant)
    api = _calling(key)
    shop.answer("/broken", status(500, body=b"upstream timed out"))
    endpoint, broken = (_subscribe(api, shop.url(path)) for path in ("/hook", "/broken"))
    carrier.replies[OWN_NUMBER] = order(OWN_NUMBER, "050000", "100000", "200000", "777", "300000")
    recipient = {"name": "Somsri Chaiyaporn", "email": "somsri@example.org"}
    _follow(api, OWN_NUMBER, courierCode="all24", clientTrackerId="order-10427", recipient=recipient)
    for nth, milestone in enumerate(MILESTONES):
        _follow(api, f"SHIP24_SAMPLE_{milestone}_{nth:03}", shipmentReference=f"LHG-2026-{4100 + nth}")
    _neighbour()
    poll_due()
    pump.run(60)
    _leave_traces(account, broken)
    return Room(
        merchant,
        key,
        Tracker.objects.get(tracking_number=OWN_NUMBER),
        account,
        endpoint,
        broken,
        Delivery.objects.filter(endpoint=endpoint).latest("id"),
        carrier,
        shop,
    )


def _calling(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def _subscribe(api: APIClient, url: str) -> Endpoint:
    body = {"url": url, "types": ["*"], "headers": {"X-Shop": "lotus"}}
    answer = api.post("/v1/webhooks", body, format="json", headers={"Idempotency-Key": url})
    return Endpoint.objects.get(id=answer.json()["data"]["webhook"]["webhookId"])


def _follow(api: APIClient, number: str, **wishes: object) -> None:
    answer = api.post("/v1/trackers", {"trackingNumber": number, **wishes}, format="json")
    assert answer.status_code == 201, answer.content


def _neighbour() -> None:
    """Another merchant, whose parcel nobody has a carrier account for."""
    _, key = ApiKey.issue(MerchantFactory(name="Bangkok Books", contact_email="ops@bkkbooks.example"))
    _follow(_calling(key), "TH0142998877", courierCode="all24")


def _leave_traces(account: CarrierAccount, broken: Endpoint) -> None:
    """Rows that only mishaps and the passing of days leave."""
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    tracker = Tracker.objects.get(tracking_number=OWN_NUMBER)
    owed = Delivery.objects.filter(endpoint=broken).earliest("id")
    ExtraTry.objects.create(delivery=owed, endpoint=broken, trigger="manual")
    Recovery.objects.create(endpoint=broken, since=now - timedelta(days=1), until=now, states=["exhausted"])
    Tally.objects.get_or_create(
        endpoint=broken,
        since=hour,
        error="",
        defaults={"tries": 1, "duration_ms": 40, "slowest_ms": 40},
    )
    Notice.objects.create(endpoint=broken, reason="gone")
    Lane.objects.get_or_create(endpoint=broken)
    Closing.objects.create(account=account, tracker_id=tracker.id)
    AccountNews.objects.get_or_create(account=account, kind=AccountNews.Kind.values[0])
    DailyUse.objects.get_or_create(account=account, courier=account.courier, day=now.date())
    UnmappedCode.objects.get_or_create(courier="all24", code="777", text="Event 777")
    LookUps.objects.create(api_key=ApiKey.objects.earliest("created_at"), day=now.date(), count=3)
    Group.objects.get_or_create(name="Night shift")
    AccessAttempt.objects.create(username="guest", ip_address="192.0.2.7", failures_since_start=3)
    AccessLog.objects.create(username="olga", ip_address="192.0.2.8")
    Remap.objects.create(courier="all24", finished_at=now, trackers=1, answers=1)
    LogEntry.objects.create(
        user=User.objects.get_or_create(username="olga", is_staff=True)[0],
        content_type=ContentType.objects.get_for_model(Tracker),
        object_id=str(tracker.id),
        object_repr=str(tracker),
        action_flag=2,
        change_message="poll now: asked for",
    )
