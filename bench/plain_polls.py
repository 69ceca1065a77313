"""The plain way of polling, as a comparison: for each parcel a Celery task, one `requests.get`, and the ORM.

What anybody writes first with Django, Celery and requests: the task asks the ORM for the row, gets without a
session, takes each event by `get_or_create`, saves, and owes a delivery for each that is new (`bench.plain`).
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import requests
from celery import Task
from django.utils import timezone

from bench.plain import app, deliver  # isort: skip - it sets up Django
from bench.models import PlainDelivery, PlainParcel, PlainScan

_ZONE = ZoneInfo("Asia/Bangkok")
_EVERY = timedelta(hours=1)


@app.task(bind=True, max_retries=5)
def poll(self: Task[[int], None], parcel_id: int) -> None:
    """Ask about one parcel, and keep what is new."""
    parcel = PlainParcel.objects.get(pk=parcel_id)
    try:
        answer = requests.get(
            f"{parcel.url}/v1/tracking/orders",
            params={"hs_order_ref": parcel.number},
            headers={"HS-Api-Key": "key", "Accept": "application/json"},
            timeout=20,
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        raise self.retry(exc=error, countdown=60) from error
    new = [scan for event in answer.json()[parcel.number]["history"] if (scan := _kept(parcel, event))]
    if new:
        parcel.status = max(new, key=lambda scan: scan.occurred_at).code
    parcel.polls += 1
    parcel.next_poll_at = timezone.now() + _EVERY
    parcel.save()
    for scan in new if parcel.told else ():
        owed = PlainDelivery.objects.create(url=parcel.told, body=_body(parcel, scan))
        deliver.delay(owed.pk)


def _kept(parcel: PlainParcel, event: dict[str, Any]) -> PlainScan | None:
    """The event as a row; None where it is known."""
    words = [event["event_time"], event["event_code"], event["event_name"]]
    scan, is_new = PlainScan.objects.get_or_create(
        parcel=parcel,
        fingerprint=hashlib.sha256(json.dumps(words).encode()).hexdigest(),
        defaults={
            "code": event["event_code"],
            "text": event["event_name"],
            "raw": event,
            "occurred_at": datetime.fromisoformat(event["event_time"]).replace(tzinfo=_ZONE),
        },
    )
    return scan if is_new else None


def _body(parcel: PlainParcel, scan: PlainScan) -> bytes:
    told = {"number": parcel.number, "status": parcel.status, "event": scan.raw, "pad": "x" * 600}
    return json.dumps({"type": "tracking.updated", "data": told}).encode()
