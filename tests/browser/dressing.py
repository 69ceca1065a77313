"""Dresses the room for pictures: names and figures as an operator of some size would see them.

Numbers are made up by a sine of the hour, so that two pictures of one page are alike.
"""

import json
import math
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from carriers import tallying as polls
from carriers.tallies import PollTally
from config import heartbeat
from tests.browser.room import Room
from trackers import tallying as parcels
from trackers.models import Tracker
from trackers.polling import Poller
from trackers.tallies import MilestoneTally, ScanTally
from webhooks import pump, summing
from webhooks.models import Endpoint, HourTally

NUMBER = "TH70158J3A2B4"
HISTORY = (
    ("050000", "Shipment information received", "Lat Krabang", "Bangkok", 52),
    ("100000", "Picked up from the sender", "Lat Krabang", "Bangkok", 47),
    ("200000", "Departed from the sorting centre", "Bang Na hub", "Bangkok", 30),
    ("200000", "In transit to the destination", "Nakhon Sawan", "Nakhon Sawan", 21),
    ("300000", "Arrived at the destination branch", "Mueang", "Chiang Mai", 3),
)
#: Of a hundred parcels that are followed.
SHARES = {
    "pending": 4, "info_received": 9, "in_transit": 51, "out_for_delivery": 8, "failed_attempt": 2,
    "available_for_pickup": 3, "exception": 1, "delivered": 22,
}  # fmt: skip


def dress(room: Room) -> Tracker:
    """Put it all on; returns the parcel to show."""
    now = timezone.now()
    room.carrier.replies[NUMBER] = (200, _order(now))
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {room.key}")
    wishes = {"trackingNumber": NUMBER, "courierCode": "all24", "clientTrackerId": "order-10431"}
    api.post("/v1/trackers", wishes, format="json")
    Poller().run(1)
    pump.run(1)
    _rename()
    heartbeat.note(settings.REDIS_URL)
    for count in (polls.count, parcels.count, summing.count):
        count()
    _fill_the_day(room, now.replace(minute=0, second=0, microsecond=0))
    return Tracker.objects.get(tracking_number=NUMBER)


def _order(now: datetime) -> bytes:
    """An all24 answer, newest first, in Bangkok's time."""
    history = [
        {
            "event_time": f"{now + timedelta(hours=7 - ago):%Y-%m-%d %H:%M:%S}",
            "event_name": name,
            "event_code": code,
            "location_ref": "",
            "location": {"location_name": place, "service_area": town, "postcode": ""},
        }
        for code, name, place, town, ago in reversed(HISTORY)
    ]
    order = {
        "origin_order_date": f"{now:%Y-%m-%dT%H:%M:%S+00:00}",
        "hs_order_ref": NUMBER,
        "history": history,
    }
    return json.dumps({NUMBER: order, "response_code": 200, "error_codes": []}).encode()


def _rename() -> None:
    """The sandbox's numbers say what they are; and subscribers are not on this machine."""
    for nth, tracker in enumerate(
        Tracker.objects.filter(tracking_number__startswith="SHIP24").order_by("id")
    ):
        Tracker.objects.filter(pk=tracker.pk).update(tracking_number=f"EX{7_301_946 + 13_577 * nth}VN")
    for endpoint in Endpoint.objects.all():
        path = "erp" if "broken" in endpoint.url else "shop"
        Endpoint.objects.filter(pk=endpoint.pk).update(url=f"https://hooks.lotus-home.example/{path}")


def _fill_the_day(room: Room, hour: datetime) -> None:
    counted = timezone.now()
    MilestoneTally.objects.filter(since=hour).delete()
    for ago in range(25):
        since, wave = hour - timedelta(hours=ago), 1 + 0.6 * math.sin((hour.hour - ago - 9) * math.pi / 12)
        settled = int(5_200 * wave)
        _of_the_hour(room, since, counted, settled)
        for milestone, share in SHARES.items():
            count = int(share * 48_217 / 100 * (1 - 0.002 * ago))
            MilestoneTally.objects.create(since=since, milestone=milestone, parcels=count, counted_at=counted)


def _of_the_hour(room: Room, since: datetime, counted: datetime, settled: int) -> None:
    sums = {"polls": settled, "duration_ms": settled * 240, "slowest_ms": 1_900, "counted_at": counted}
    failed = {**sums, "polls": settled // 190, "duration_ms": settled * 20}
    for account in (room.account.id, None):
        known = {"account_id": account, "since": since}
        PollTally.objects.update_or_create(outcome="unchanged", **known, defaults=sums)
        PollTally.objects.update_or_create(outcome="timeout", **known, defaults=failed)
    tries = {"tries": settled // 6, "duration_ms": settled * 9, "slowest_ms": 800, "counted_at": counted}
    HourTally.objects.update_or_create(since=since, error="", defaults=tries)
    HourTally.objects.update_or_create(
        since=since, error="http_status", defaults={**tries, "tries": settled // 300}
    )
    ScanTally.objects.update_or_create(
        since=since,
        defaults={"scans": settled // 4, "counted_at": counted},
        create_defaults={
            "scans": settled // 4,
            "through": 0,
            "counted_at": counted,
        },
    )
