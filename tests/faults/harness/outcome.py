"""What came of a run, as far as time and faults have no say in it, and its digest: equal for equal seeds.

Of each parcel that was made for certain: its number, and the texts of its scans as the log has them, in the
carrier's order. Of each endpoint whose subscriber takes everything in the end: its number in the plan, and of
which parcels it was told which scans, all its deliveries that are delivered taken together. How scans are
spread over polls, messages and tries is chance, and so is what an endpoint hears that ends for good.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import psycopg

#: Those who may hear less: disabled for good by 410, and never answering with success.
_ENDS = frozenset({"gone", "redirecting"})
_SCANS = """
SELECT tracker.tracking_number, event.data->>'status'
FROM events_event AS event JOIN trackers_tracker AS tracker ON tracker.id = event.stream
WHERE event.type = 'tracking.scanned'
"""
_TOLD = """
SELECT delivery.endpoint_id::text, convert_from(message.body, 'UTF8')
FROM webhooks_delivery AS delivery JOIN webhooks_message AS message ON message.id = delivery.message_id
WHERE delivery.state = 'delivered' AND message.type LIKE 'tracking.%'
"""
_COUNTS = """
SELECT (SELECT count(*) FROM trackers_tracker), (SELECT count(*) FROM events_event),
       (SELECT count(*) FROM webhooks_delivery), (SELECT count(*) FROM webhooks_attempt)
"""


def outcome(plan: Mapping[str, Any], facts: Mapping[str, Any], url: str) -> dict[str, Any]:
    """`digest`, and how many parcels, events, deliveries and attempts the database holds.

    `facts` is what run.json has; `url` is that of the database.
    """
    certain = {parcel["number"] for parcel in plan["parcels"] if not parcel["gives_up"]}
    endpoints = {one["id"]: one["n"] for one in facts["endpoints"] if one["behaviour"] not in _ENDS}
    with psycopg.connect(url) as database:
        scans = {(number, text) for number, text in database.execute(_SCANS) if number in certain}
        told = {
            (endpoints[endpoint], number, text)
            for endpoint, body in database.execute(_TOLD)
            if endpoint in endpoints
            for number, text in _told(body)
            if number in certain
        }
        parcels, events, deliveries, attempts = database.execute(_COUNTS).fetchone() or (0, 0, 0, 0)
    history = json.dumps([sorted(certain), sorted(scans), sorted(told)])
    return {
        "digest": hashlib.sha256(history.encode()).hexdigest(),
        "parcels": parcels,
        "events": events,
        "deliveries": deliveries,
        "attempts": attempts,
    }


def _told(body: str) -> list[tuple[str, str]]:
    """Number and text of each scan that a message tells."""
    return [
        (tracking["tracker"]["trackingNumber"], event["status"])
        for tracking in json.loads(body)["trackings"]
        for event in tracking.get("events") or ()
    ]
