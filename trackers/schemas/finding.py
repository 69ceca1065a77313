"""Operations that only read."""

import json

from accounts.describing import (
    MOMENT,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Schema,
    enveloped,
    listed,
    nullable,
    record,
    ref,
    told,
)
from trackers.filtering import ExportQuery
from trackers.listing import ListQuery
from trackers.schemas import examples
from trackers.views.raw import RawQuery


def _kind(kind: str) -> Schema:
    return {"type": "string", "const": kind}


_NEXT = told(nullable(TEXT), "Send it as `after` to read on; null at the end.")
_RAW = {
    "courierCode": "all24",
    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "askedAt": "2026-03-02T05:03:00.000Z",
    "answer": {"hs_order_ref": "HSBY37H7", "history": []},
    "text": None,
}
_LINES = (
    json.dumps({"kind": "tracker", "tracker": examples.POLLED, "tracking": examples.TRACKING})
    + "\n"
    + json.dumps({"kind": "end", "trackers": 1, "events": 0})
    + "\n"
)
SCHEMAS: dict[str, Schema] = {
    "RawAnswer": record(
        {
            "courierCode": TEXT,
            "digest": told(TEXT, "SHA-256 of what was read of it."),
            "askedAt": MOMENT,
            "answer": {"description": "The carrier's answer, this number's part of it."},
            "text": told(nullable(TEXT), "The answer where it is not JSON."),
        },
        description="What a carrier said.",
    ),
    "ExportLine": {
        "oneOf": [
            record({"kind": _kind("tracker"), "tracker": ref("PolledTracker"), "tracking": ref("Tracking")}),
            ref("EventLine"),
            record({"kind": _kind("end"), "trackers": WHOLE, "events": WHOLE}),
        ],
        "description": "One line of an export.",
    },
}
_RESULTS = {
    200: Answer(
        description="The trackings.",
        schema=enveloped(trackings=listed(ref("Tracking"))),
        example={"data": {"trackings": [examples.TRACKING]}},
        headers=("ETag",),
    ),
    304: Answer(description="What you have is what there is.", headers=("ETag",)),
}

OPERATIONS: dict[str, Operation] = {
    "GET /v1/trackers": Operation(
        id="listTrackers",
        tag="Trackers",
        summary="List trackers",
        description=(
            "By creation, oldest first unless `sort` is -1. Send `page`, as Ship24's clients do, or follow "
            "`Link`, which stays stable while trackers come and go. Parameters that it does not know are "
            "refused."
        ),
        query=ListQuery,
        answers={
            200: Answer(
                description="A page of trackers.",
                schema=enveloped(trackers=listed(ref("PolledTracker"))),
                example={"data": {"trackers": [examples.POLLED]}},
                headers=("X-Total-Count", "Link"),
            )
        },
    ),
    "GET /v1/trackers/{trackerId}/raw": Operation(
        id="getRawAnswers",
        tag="Trackers",
        summary="Read what the carriers said",
        description="Newest first, kept for 90 days. What a house account learned was not kept.",
        parameters=("SearchBy",),
        query=RawQuery,
        answers={
            200: Answer(
                description="A page of answers.",
                schema=enveloped(answers=listed(ref("RawAnswer")), next=_NEXT),
                example={"data": {"answers": [_RAW], "next": None}},
            )
        },
        errors={404: ["tracker_not_found"]},
    ),
    "GET /v1/export": Operation(
        id="export",
        tag="Trackers",
        summary="Export trackers and log",
        description=(
            "A stream of lines, each an `ExportLine`: one for each tracker that the filters take, one for "
            "each event unless `events` is false, and an `end` with the counts, without which it was cut off."
        ),
        query=ExportQuery,
        answers={
            200: Answer(
                description="The lines.",
                schema={"type": "string", "x-line-schema": ref("ExportLine")},
                example=_LINES,
                headers=("Content-Disposition",),
                media_type="application/x-ndjson",
            )
        },
    ),
    "GET /v1/trackers/{trackerId}": Operation(
        id="getTracker",
        tag="Trackers",
        summary="Read a tracker",
        description="The tracker, and how asking its carriers goes.",
        parameters=("SearchBy",),
        answers={
            200: Answer(
                description="The tracker.",
                schema=ref("TrackerAtRoot"),
                example={**examples.POLLED, "data": {"tracker": examples.POLLED}},
            )
        },
        errors={404: ["tracker_not_found"]},
    ),
    "GET /v1/trackers/{trackerId}/results": Operation(
        id="getResults",
        tag="Trackers",
        summary="Read what is known of a parcel",
        description="The shipment, every scan newest first, and when each milestone was reached.",
        parameters=("SearchBy", "IfNoneMatch"),
        answers=_RESULTS,
        errors={404: ["tracker_not_found"]},
    ),
    "GET /v1/trackers/search/{trackingNumber}/results": Operation(
        id="searchResults",
        tag="Trackers",
        summary="Read what is known under a number",
        description="Numbers are not unique: every tracker of yours that has it, newest first, or none.",
        parameters=("IfNoneMatch",),
        answers=_RESULTS,
    ),
}
