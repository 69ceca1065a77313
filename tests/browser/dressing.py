"""Dresses the room for pictures: a parcel that travels through Thailand, and names as in the world."""

import json
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from config import heartbeat
from tests.browser.room import Room
from tests.polled import poll_due
from trackers.models import Tracker
from webhooks import pump
from webhooks.models import Endpoint

NUMBER = "TH70158J3A2B4"
HISTORY = (
    ("050000", "Shipment information received", "Lat Krabang", "Bangkok", 52),
    ("100000", "Picked up from the sender", "Lat Krabang", "Bangkok", 47),
    ("200000", "Departed from the sorting centre", "Bang Na hub", "Bangkok", 30),
    ("200000", "In transit to the destination", "Nakhon Sawan", "Nakhon Sawan", 21),
    ("300000", "Arrived at the destination branch", "Mueang", "Chiang Mai", 3),
)


def dress(room: Room) -> Tracker:
    """Put it all on; returns the parcel to show."""
    now = timezone.now()
    room.carrier.replies[NUMBER] = (200, _order(now))
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {room.key}")
    wishes = {"trackingNumber": NUMBER, "courierCode": "all24", "clientTrackerId": "order-10431"}
    api.post("/v1/trackers", wishes, format="json")
    poll_due()
    pump.run(1)
    _rename()
    heartbeat.note(settings.REDIS_URL)
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
        "origin_order_date": f"{now:%Y-%m-%dT%H:%M:%S}+07:00",
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
