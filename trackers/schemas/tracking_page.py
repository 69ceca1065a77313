"""Pages for shoppers: how they look."""

from typing import Any

from accounts.describing import (
    FLAG,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Schema,
    enveloped,
    nullable,
    record,
    ref,
    told,
)
from accounts.images import LONGEST_SIDE, MOST_BYTES
from trackers.page.serializers import PageBody

TAG = {"name": "Tracking page", "description": "What your shoppers see of a parcel, and whether they do."}
_TYPES = ("image/png", "image/jpeg", "image/webp")

SCHEMAS: dict[str, Schema] = {
    "TrackingPage": record(
        {
            "isEnabled": told(FLAG, "False: every link leads nowhere, and `trackingPageUrl` is null."),
            "name": told(nullable(TEXT), "Shown above; null: your merchant's name."),
            "colour": told(
                nullable({"type": "string", "pattern": "^#[0-9a-f]{6}$"}), "Null: Parcelwire's own."
            ),
            "logo": nullable(
                record(
                    {
                        "url": told(TEXT, "Where browsers load it; another one with each logo."),
                        "mediaType": {"type": "string", "enum": list(_TYPES)},
                        "width": told(WHOLE, "In pixels."),
                        "height": told(WHOLE, "In pixels."),
                    }
                )
            ),
        },
        description="How your pages for shoppers look.",
    )
}

_EXAMPLE: dict[str, Any] = {
    "isEnabled": True,
    "name": "Lotus Home Goods",
    "colour": "#0f766e",
    "logo": {
        "url": "https://parcels.shop.example/track/logo/3f6c1a52-9d0e-4a7b-8c51-2b7e90d4f1a6",
        "mediaType": "image/png",
        "width": 320,
        "height": 96,
    },
}


def _page(description: str) -> dict[int, Answer]:
    return {
        200: Answer(
            description=description,
            schema=enveloped(trackingPage=ref("TrackingPage")),
            example={"data": {"trackingPage": _EXAMPLE}},
        )
    }


OPERATIONS: dict[str, Operation] = {
    "GET /v1/tracking-page": Operation(
        id="getTrackingPage",
        tag="Tracking page",
        summary="Read how the pages look",
        description="The link to each parcel's page is its tracker's `trackingPageUrl`.",
        answers=_page("How they look."),
    ),
    "PATCH /v1/tracking-page": Operation(
        id="updateTrackingPage",
        tag="Tracking page",
        summary="Change how the pages look",
        description="What is left out stays, null is the default.",
        body=PageBody,
        body_required=False,
        body_example={"name": "Lotus Home Goods", "colour": "#0f766e"},
        answers=_page("How they look now."),
    ),
    "PUT /v1/tracking-page/logo": Operation(
        id="setTrackingPageLogo",
        tag="Tracking page",
        summary="Set the logo",
        description=(
            f"The picture itself is the body: PNG, JPEG or WebP of at most {MOST_BYTES} bytes, each side of"
            f" at most {LONGEST_SIDE} pixels. What it is, its bytes say."
        ),
        body={"type": "string", "format": "binary"},
        body_example="the bytes of the picture",
        body_media_types=(*_TYPES, "application/octet-stream"),
        answers=_page("How the pages look now."),
    ),
    "DELETE /v1/tracking-page/logo": Operation(
        id="removeTrackingPageLogo",
        tag="Tracking page",
        summary="Remove the logo",
        description="The name alone is shown.",
        answers={204: Answer(description="There is none.")},
    ),
    "POST /v1/tracking-page/renew-links": Operation(
        id="renewTrackingPageLinks",
        tag="Tracking page",
        summary="Renew every link",
        description="Every `trackingPageUrl` given out so far leads nowhere; trackers tell new ones.",
        answers=_page("How the pages look, which has not changed."),
    ),
}
