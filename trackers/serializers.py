"""Requests about trackers."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from carriers.registry import adapters
from trackers.fields import Country, Couriers, Flag, ShippingDate, Text, WebAddress


class RecipientSerializer(serializers.Serializer[Any]):
    """Whom the merchant names as recipient; personal, kept apart."""

    email = Text()
    name = Text()


class SettingsSerializer(serializers.Serializer[Any]):
    """How a tracker is to be followed."""

    restrictTrackingToCourierCode = Flag()


class TrackerCreateSerializer(serializers.Serializer[Any]):
    """Ship24's tracker-create-request. Fields it does not know are ignored, as Ship24 ignores them."""

    trackingNumber = serializers.RegexField(
        r"\A[a-zA-Z0-9\-_/.]*\Z",
        min_length=5,
        max_length=50,
        trim_whitespace=False,
        error_messages={"invalid": "expected letters, digits and -_/. only"},
    )
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

    def validate_trackingNumber(self, value: str) -> str:  # noqa: N802 (the field's name)
        if not isinstance(self.initial_data["trackingNumber"], str):
            raise serializers.ValidationError("expected a string")
        return value

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


class ListQuery(serializers.Serializer[Any]):
    """The query of the list: pages in Ship24's manner."""

    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    sort = serializers.ChoiceField(choices=["1", "-1"], default="1")
