"""Requests about trackers."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from carriers.registry import adapters
from trackers.fields import Country, Couriers, Flag, ShippingDate, Text, TrackingNumber, WebAddress
from trackers.filtering import TrackerFilter
from trackers.updating import NAMES
from webhooks.fields import Items
from webhooks.serializers import Strict


class _Ids(Items):
    """1 to 1,000 ids."""

    child = Text(required=True, allow_null=False, allow_blank=False)

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, min_length=1, max_length=1_000, **options)


class TrackerUpdateSerializer(serializers.Serializer[Any]):
    """Ship24's tracker-update-request: what is left out stays, null clears. Unknown fields are ignored."""

    isSubscribed = Flag(allow_null=False)
    courierCode = Couriers(known=adapters, allow_null=True)
    originCountryCode = Country()
    destinationCountryCode = Country()
    destinationPostCode = Text(max_length=32)
    shippingDate = ShippingDate(max_length=40)

    @staticmethod
    def wishes(valid: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent, by the tracker row's own fields."""
        wishes = {field: valid[name] for field, name in NAMES.items() if name in valid}
        if "courier_codes" in wishes:
            wishes["courier_codes"] = wishes["courier_codes"] or []
        if "isSubscribed" in valid:
            wishes["is_subscribed"] = valid["isSubscribed"]
        return wishes


class ChoiceSerializer(Strict):
    """Which trackers a stop or a delete means: by their ids, by the merchant's own, or by a filter."""

    trackerIds = _Ids()
    clientTrackerIds = _Ids()
    filter = TrackerFilter(required=False)
    all = Flag(allow_null=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ways = [name for name in ("trackerIds", "clientTrackerIds", "filter") if name in attrs]
        if len(ways) + (attrs["all"] and "filter" not in attrs) != 1:
            raise serializers.ValidationError(
                "expected one of trackerIds, clientTrackerIds and filter, or all: true"
            )
        if "filter" in attrs and not attrs["filter"] and not attrs["all"]:
            raise serializers.ValidationError({"filter": ["it is empty; for every tracker say all: true"]})
        return attrs


class RecipientSerializer(serializers.Serializer[Any]):
    """Whom the merchant names as recipient; personal, kept apart."""

    email = Text()
    name = Text()


class SettingsSerializer(serializers.Serializer[Any]):
    """How a tracker is to be followed."""

    restrictTrackingToCourierCode = Flag()


class TrackerCreateSerializer(serializers.Serializer[Any]):
    """Ship24's tracker-create-request. Fields it does not know are ignored, as Ship24 ignores them."""

    trackingNumber = TrackingNumber()
    shipmentReference = Text()
    clientTrackerId = Text()
    originCountryCode = Country()
    destinationCountryCode = Country()
    destinationPostCode = Text(max_length=32)
    shippingDate = ShippingDate(max_length=40)
    courierCode = Couriers(known=adapters, allow_null=True)
    courierName = Text()
    trackingUrl = WebAddress(max_length=2048)
    orderNumber = Text()
    title = Text()
    recipient = RecipientSerializer(required=False, allow_null=True)
    settings = SettingsSerializer(required=False, allow_null=True)

    @staticmethod
    def wishes(valid: Mapping[str, Any]) -> dict[str, Any]:
        """The validated body as the tracker row's own fields, and `given_recipient`."""
        recipient = {name: value for name, value in (valid.get("recipient") or {}).items() if value}
        return {
            "tracking_number": valid["trackingNumber"],
            "shipment_reference": valid.get("shipmentReference"),
            "client_tracker_id": valid.get("clientTrackerId"),
            "origin_country_code": valid.get("originCountryCode"),
            "destination_country_code": valid.get("destinationCountryCode"),
            "destination_post_code": valid.get("destinationPostCode"),
            "shipping_date": valid.get("shippingDate"),
            "courier_codes": valid.get("courierCode") or [],
            "courier_name": valid.get("courierName"),
            "tracking_url": valid.get("trackingUrl"),
            "order_number": valid.get("orderNumber"),
            "title": valid.get("title"),
            "restrict_to_couriers": bool((valid.get("settings") or {}).get("restrictTrackingToCourierCode")),
            "given_recipient": recipient or None,
        }


class SearchSerializer(TrackerCreateSerializer):
    """Those fields of a create that tell which parcel is meant; others are ignored, as in a create."""

    _ASKED: ClassVar = frozenset(
        {
            "trackingNumber",
            "originCountryCode",
            "destinationCountryCode",
            "destinationPostCode",
            "shippingDate",
            "courierCode",
        }
    )

    def get_fields(self) -> dict[str, Any]:
        return {name: field for name, field in super().get_fields().items() if name in self._ASKED}


class DetectQuery(Strict):
    """The query of detection: a number as a create takes it."""

    trackingNumber = TrackingNumber()
