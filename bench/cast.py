"""A merchant with parcels that have been on their way: trackers with scans, as polls would have left them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from accounts.models import ApiKey, Merchant
from carriers.identity import keyed
from carriers.snapshot import Certainty, Moment, Scan, ShipmentFacts, Snapshot
from events import log
from events.statuses import Milestone, StatusCode
from trackers.changes import changes
from trackers.creating import create_many
from trackers.fold import fold
from trackers.models import PersonalData, Tracker
from trackers.projecting import apply_projection, projection_of, write_projections
from trackers.serializers import TrackerCreateSerializer

SCANS = 10
_BATCH = 100
_START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_STEPS = [
    (StatusCode.DATA_ORDER_CREATED, Milestone.INFO_RECEIVED, "Order information received"),
    (StatusCode.TRANSIT_HANDOVER, Milestone.IN_TRANSIT, "Picked up from the sender"),
    *[(None, Milestone.IN_TRANSIT, f"Departed from sorting centre {n}") for n in range(1, SCANS - 3)],
    (StatusCode.DELIVERY_OUT_FOR_DELIVERY, Milestone.OUT_FOR_DELIVERY, "Out for delivery"),
    (StatusCode.DELIVERY_DELIVERED, Milestone.DELIVERED, "Delivery complete"),
]


def cast(trackers: int) -> tuple[Merchant, str, list[str]]:
    """The merchant, its key and its trackers' ids. Everything is written as the product writes it."""
    merchant = Merchant.objects.create(name="Bench")
    _, key = ApiKey.issue(merchant)
    for first in range(0, trackers, _BATCH):
        follow(merchant, range(first, min(first + _BATCH, trackers)))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as autovacuum does within the first minute
    ids = Tracker.objects.filter(merchant=merchant).order_by("id").values_list("id", flat=True)
    return merchant, key, [str(id_) for id_ in ids]


def follow(merchant: Merchant, numbers: Sequence[int], scans: int = SCANS) -> None:
    """Trackers of these numbers, which their carrier has told so many scans of, the earliest ones."""
    wishes = []
    for n in numbers:
        body = TrackerCreateSerializer(
            data={
                "trackingNumber": f"BENCH{n:07}",
                "courierCode": "all24",
                "clientTrackerId": f"order-{n}",
                "destinationCountryCode": "TH",
            }
        )
        body.is_valid(raise_exception=True)
        wishes.append(TrackerCreateSerializer.wishes(body.validated_data))
    create_many(merchant.id, wishes)
    with transaction.atomic():
        rows = list(
            Tracker.objects.select_for_update(no_key=True).filter(merchant=merchant, version=1).order_by("id")
        )
        _learn(merchant, rows, scans)


def _learn(merchant: Merchant, trackers: Sequence[Tracker], scans: int) -> None:
    now = datetime.now(UTC)
    events = []
    for tracker in trackers:
        found = changes(tracker.state, _answer(scans), asked_at=now, absent={})
        events += [log.event_of(tracker.id, 2 + nth, fact) for nth, fact in enumerate(found.facts)]
    recorded = log.append(merchant.id, events)
    for tracker in trackers:
        own = [event for event in recorded if event.stream == tracker.id]
        apply_projection(tracker, fold(projection_of(tracker), own))
    write_projections(trackers)
    recipient = {"name": "R. Recipient", "address": "1 Example Road", "city": "Bangkok", "postCode": "10110"}
    PersonalData.objects.bulk_create(
        PersonalData(tracker=tracker, recipient=recipient, signed_by="R. Recipient") for tracker in trackers
    )


def _answer(scans: int) -> Snapshot:
    told = [
        _scan(_START + timedelta(hours=7 * n), status, milestone, text)
        for n, (status, milestone, text) in enumerate(_STEPS[:scans])
    ]
    return Snapshot(courier="all24", scans=keyed(told), shipment=ShipmentFacts(service="Express"))


def _scan(at: datetime, status: StatusCode | None, milestone: Milestone, text: str) -> Scan:
    local = at + timedelta(hours=7)
    moment = Moment(
        text=f"{local:%Y-%m-%d %H:%M:%S}",
        instant=at,
        certainty=Certainty.OFFSET_ASSUMED,
        written=f"{local:%Y-%m-%dT%H:%M:%S}+07:00",
        wall=f"{local:%Y-%m-%dT%H:%M:%S}",
    )
    return Scan(
        key="",
        courier="all24",
        source="all24-tracking",
        moment=moment,
        placed=at,
        rank=0,
        carrier_code=f"{at:%d%H}00",
        text=text,
        location="Bangkok, 10110",
        status_code=status,
        milestone=milestone,
        raw={"eventCode": f"{at:%d%H}00", "eventName": text, "location": "Bangkok, 10110"},
    )
