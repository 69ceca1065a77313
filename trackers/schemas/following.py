"""Operations that change what is followed."""

from accounts.describing import (
    FLAG,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Schema,
    enveloped,
    listed,
    record,
    ref,
    told,
)
from trackers.schemas import examples
from trackers.serializers import ChoiceSerializer, TrackerCreateSerializer, TrackerUpdateSerializer

_CREATED = enveloped(tracker=ref("PolledTracker"))
_REFUSED = {
    400: ["missing_mandatory_field", "shipping_date_outdated", "tracker_conflict"],
    403: ["quota_limit_reached"],
}
_CHOICE = (
    "Named by `trackerIds`, `clientTrackerIds`, a `filter` as of the list, or `all`: true. Repeat the call "
    "while `hasMore` is true."
)


def _done(what: str) -> Schema:
    unknown = told(listed(TEXT), "Ids that are none of yours.")
    summary = record({"matched": WHOLE, what: WHOLE, "unknown": unknown})
    return enveloped(summary=summary, hasMore=told(FLAG, "Whether there are more to do."))


OPERATIONS: dict[str, Operation] = {
    "POST /v1/trackers": Operation(
        id="createTracker",
        tag="Trackers",
        summary="Follow a parcel",
        description=(
            "The same payload again answers 201 with the tracker that is there; `title` and `recipient` do "
            "not count for sameness. Fields that it does not know are ignored, as Ship24 ignores them."
        ),
        body=TrackerCreateSerializer,
        body_example=examples.CREATE,
        answers={
            201: Answer(
                description="The tracker, new or not.",
                schema=_CREATED,
                example={"data": {"tracker": examples.POLLED}},
            )
        },
        errors=_REFUSED,
    ),
    "POST /v1/trackers/track": Operation(
        id="createTrackerAndGetResults",
        tag="Trackers",
        summary="Follow a parcel and know at once",
        description=(
            "As `POST /v1/trackers`. Only the call that creates the tracker waits for the carriers, "
            "`TRACK_WAIT` seconds at most; where they are slower, it answers what is known and goes on in "
            "the background. Later calls answer at once."
        ),
        body=TrackerCreateSerializer,
        body_example=examples.CREATE,
        answers={
            200: Answer(
                description="The tracking, alone in its list.",
                schema=enveloped(trackings=listed(ref("Tracking"))),
                example={"data": {"trackings": [examples.TRACKING]}},
            )
        },
        errors=_REFUSED,
    ),
    "PATCH /v1/trackers/{trackerId}": Operation(
        id="updateTracker",
        tag="Trackers",
        summary="Change a tracker",
        description=(
            "What is left out stays, null clears. `isSubscribed` false archives it, true follows it again. "
            "Once a carrier told anything, only that and `destinationPostCode` may change."
        ),
        parameters=("SearchBy",),
        body=TrackerUpdateSerializer,
        body_required=False,
        body_example={"isSubscribed": False},
        answers={
            200: Answer(
                description="The tracker as it is now.",
                schema=ref("TrackerAtRoot"),
                example={**examples.POLLED, "data": {"tracker": examples.POLLED}},
            )
        },
        errors={
            400: ["shipping_date_outdated", "tracker_conflict", "tracker_not_updatable"],
            403: ["quota_limit_reached"],
            404: ["tracker_not_found"],
            409: ["request_conflict"],
        },
    ),
    "DELETE /v1/trackers/{trackerId}": Operation(
        id="deleteTracker",
        tag="Trackers",
        summary="Delete a tracker",
        description="With everything personal. The log keeps its events.",
        parameters=("SearchBy",),
        answers={204: Answer(description="It is deleted.")},
        errors={404: ["tracker_not_found"], 409: ["request_conflict"]},
    ),
    "POST /v1/trackers/stop": Operation(
        id="stopTrackers",
        tag="Trackers",
        summary="Stop following many",
        description=f"{_CHOICE} They are archived, as by `isSubscribed` false.",
        body=ChoiceSerializer,
        body_example={"filter": {"status": "delivered"}},
        answers={
            200: Answer(
                description="How many were meant, and how many of them were subscribed.",
                schema=_done("stopped"),
                example={"data": {"summary": {"matched": 2, "stopped": 1, "unknown": []}, "hasMore": False}},
            )
        },
    ),
    "POST /v1/trackers/delete": Operation(
        id="deleteTrackers",
        tag="Trackers",
        summary="Delete many",
        description=f"{_CHOICE} Everything personal goes with them; the log keeps their events.",
        body=ChoiceSerializer,
        body_example={"trackerIds": [examples.TRACKER["trackerId"]]},
        answers={
            200: Answer(
                description="How many were meant, and how many of them are gone.",
                schema=_done("deleted"),
                example={"data": {"summary": {"matched": 1, "deleted": 1, "unknown": []}, "hasMore": False}},
            )
        },
    ),
    "POST /v1/trackers/{trackerId}/poll": Operation(
        id="pollTracker",
        tag="Trackers",
        summary="Ask the carrier now",
        description="At most once in `POLL_NOW_MIN_INTERVAL` (60 s unless set otherwise).",
        parameters=("SearchBy",),
        answers={
            202: Answer(
                description="The tracker, whose watches are due now.",
                schema=_CREATED,
                example={"data": {"tracker": examples.POLLED}},
            )
        },
        errors={400: ["tracker_not_updatable"], 404: ["tracker_not_found"]},
    ),
    "POST /v1/trackers/{trackerId}/retrack": Operation(
        id="retrackTracker",
        tag="Trackers",
        summary="Take a tracker up again",
        description=(
            "One that you unsubscribed or that was stopped is followed again, as by `isSubscribed` true; "
            "silence and age count anew. One that is followed stays as it is."
        ),
        parameters=("SearchBy",),
        answers={
            200: Answer(
                description="The tracker, which is followed.",
                schema=_CREATED,
                example={"data": {"tracker": examples.POLLED}},
            )
        },
        errors={
            400: ["tracker_conflict"],
            403: ["quota_limit_reached"],
            404: ["tracker_not_found"],
            409: ["request_conflict"],
        },
    ),
    "POST /v1/trackers/{trackerId}/erase": Operation(
        id="eraseTracker",
        tag="Trackers",
        summary="Erase what is personal",
        description=(
            "Names, addresses, signature and pictures, what carriers said to the letter, kept answers that "
            "tell of the tracker, and what your endpoints answered to its messages. None of it is kept from "
            "then on; the parcel is followed as before. Calling it again is safe."
        ),
        parameters=("SearchBy",),
        answers={
            200: Answer(
                description="The tracker, which says since when.",
                schema=_CREATED,
                example={
                    "data": {"tracker": examples.POLLED | {"erasedAt": "2026-04-01T08:00:00.000Z"}},
                },
            )
        },
        errors={404: ["tracker_not_found"], 409: ["request_conflict"]},
    ),
}
