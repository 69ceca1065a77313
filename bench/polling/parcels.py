"""Parcels of a bench of recording: followed at all24, and what all24 answers about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from accounts.models import Merchant
from carriers.adapter import Answer, Credentials, Query
from carriers.digest import digest
from carriers.models import CarrierAccount
from carriers.outcome import Outcome
from carriers.registry import adapter
from trackers.claims import Claim, Settled, claim
from trackers.creating import Created, Wishes, create_many
from trackers.learned import Polled, polled
from trackers.schedule import Situation
from trackers.serializers import TrackerCreateSerializer
from webhooks.models import Endpoint, Signature

COURIER = "all24"
#: Trackers that one request makes.
_BATCH = 100
#: Seconds until a recorded parcel is asked about again: longer than any bench runs.
_LATER = 86_400.0
_SECRET = "whsec_bm8gc2VjcmV0IGF0IGFsbCwgYSBiZW5jaCBvbmx5"  # noqa: S105 (of no endpoint that there is)
_STEPS = (
    ("100000", "Goods received", "Fastrak Service Limited"),
    ("200000", "Picked up", "On vehicle"),
    ("300000", "Goods arrived", "Sorting centre"),
    ("200000", "Departed", "Line haul"),
)
_DUE = """
UPDATE trackers_watch SET next_poll_at = clock_timestamp() - interval '1 minute' WHERE tracker_id = ANY(%s)
"""
_numbers = count()


def merchant(*, own_account: bool) -> Merchant:
    """A merchant with an endpoint that is told everything, who asks with its own account or the house's."""
    made = Merchant.objects.create(name="Bench")
    CarrierAccount.objects.create(courier=COURIER, key="bench", merchant=made if own_account else None)
    Endpoint.objects.create(
        merchant=made,
        url="http://127.0.0.1:1/bench",
        types=["*"],
        signature=Signature.V1,
        secret=_SECRET,
        fingerprint="bench",
    )
    return made


def follow(merchant_id: UUID, many: int) -> list[UUID]:
    """So many parcels more are followed: the ids of their trackers."""
    made: list[UUID] = []
    while len(made) < many:
        wishes = [_wishes(_number(next(_numbers))) for _ in range(min(_BATCH, many - len(made)))]
        made += [one.tracker.id for one in create_many(merchant_id, wishes) if isinstance(one, Created)]
    return made


def claimed(trackers: Sequence[UUID]) -> list[Claim]:
    """Claims of these, which are due from now on. Raises RuntimeError where others are claimed."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [list(trackers)])
    found: list[Claim] = []
    while len(found) < len(trackers) and (more := claim(len(trackers) - len(found))):
        found += more
    if {one.tracker for one in found} != set(trackers):
        raise RuntimeError(f"{len(found)} claimed instead of {len(trackers)}")
    return found


def answer(number: str, scans: int) -> bytes:
    """all24's answer with so many scans, newest first. One with fewer has the oldest of them."""
    began = datetime(2026, 3, 1, 8, tzinfo=UTC)
    history = [_event(began + timedelta(hours=3 * nth), nth) for nth in range(scans)]
    order = {
        "origin_order_date": "2026-03-01T08:00:00+07:00",
        "order_ref_id": "order-1",
        "hs_order_ref": number,
        "expected_completion": "2026-03-20T23:59:00+07:00",
        "sender_location": {"location_name": "Fashion F200", "addressline1": "588 Kampaeng Phet 2 Rd"},
        "recipient_location": {"location_name": "R. Recipient", "addressline1": "123/322 South Sathorn Road"},
        "history": history[::-1],
    }
    return orjson.dumps({number: order, "response_code": 200})


def query(one: Claim) -> Query:
    """The question that this claim asks."""
    credentials = Credentials(one.account, "https://carrier.example", "bench", "Asia/Bangkok")
    return Query(one.number, credentials, one.claimed_at, one.since, one.tracker, one.hints)


def learned(one: Claim, body: bytes, *, own_account: bool) -> Polled:
    """What an answer brings: parsed and digested, as after a poll."""
    asked = adapter(COURIER)
    snapshot = asked.parse(Answer(200, {}, body), query(one))
    seen = digest(snapshot, asked.map_version, own_account)
    settled = Settled(one, "ok", _LATER, digest=seen, set_aside=0, absent=one.absent)
    return polled(settled, Situation(outcome=Outcome.OK), own_account=own_account, snapshot=snapshot)


def _number(nth: int) -> str:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    places = [digits[nth // 36**place % 36] for place in range(5, -1, -1)]
    return f"HS{''.join(places)}"


def _event(at: datetime, nth: int) -> dict[str, Any]:
    code, name, place = _STEPS[nth % len(_STEPS)]
    return {
        "event_time": f"{at:%Y-%m-%d %H:%M:%S}",
        "event_name": name,
        "event_code": code,
        "location_ref": f"w0szv{nth:03}",
        "location": {"location_name": place, "service_area": "Bangkok", "postcode": f"10{nth:03}"},
    }


def _wishes(number: str) -> Wishes:
    data = {"trackingNumber": number, "courierCode": COURIER, "destinationCountryCode": "TH"}
    body = TrackerCreateSerializer(data=data)
    body.is_valid(raise_exception=True)
    return TrackerCreateSerializer.wishes(body.validated_data)
