"""When two creates are the same: a digest over what was sent, made canonical."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: Fields that make a different tracker when they differ. Title and recipient do not.
IDENTIFYING = (
    "tracking_number",
    "shipment_reference",
    "client_tracker_id",
    "origin_country_code",
    "destination_country_code",
    "destination_post_code",
    "courier_name",
    "tracking_url",
    "order_number",
)


def digest_of(wishes: Mapping[str, Any]) -> str:
    """SHA-256 in hex over the wishes, with country codes as alpha-2 already.

    Couriers count in any order, the shipping date by its day; null, absent and default values are alike.
    """
    canonical = {name: wishes[name] for name in IDENTIFYING if wishes.get(name)}
    if wishes.get("courier_codes"):
        canonical["courier_codes"] = sorted(set(wishes["courier_codes"]))
    if wishes.get("shipping_date"):
        canonical["shipping_date"] = wishes["shipping_date"][:10]
    if wishes.get("restrict_to_couriers"):
        canonical["restrict_to_couriers"] = True
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()
