"""Which messages an endpoint wants: patterns of message types, and couriers. Pure."""

import hashlib
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from events.statuses import Milestone

#: Every type that a message can have.
MESSAGE_TYPES = (
    "tracker.created",
    "tracker.updated",
    "tracker.stopped",
    "tracker.restarted",
    "tracker.erased",
    *(f"tracking.{milestone}" for milestone in Milestone),
    "tracking.updated",
    "tracking.corrected",
    "tracking.stalled",
    "endpoint.disabled",
    "endpoint.recovered",
    "delivery.exhausted",
    "carrier_account.suspended",
    "carrier_account.resumed",
)
DEFAULT_TYPES = ("tracking.*",)
#: The type of a test, which goes to the endpoint it was asked for, whatever its filters.
TEST = "test"
#: Messages about parcels and accounts at couriers; the others pass a filter of couriers untouched.
_ABOUT_COURIERS = ("tracker.", "tracking.", "carrier_account.")

#: What a URL need not say.
_PORTS = {"https": ":443", "http": ":80"}


def is_about_parcel(kind: str) -> bool:
    """Whether messages of this type are about a tracker, which their stream then is."""
    return kind.startswith(("tracker.", "tracking."))


def matches_type(pattern: str, kind: str) -> bool:
    """Whether a pattern takes this type: itself, `*`, or a beginning that ends in `.*`."""
    if pattern.endswith("*"):
        return kind.startswith(pattern[:-1])
    return pattern == kind


def is_pattern(pattern: str) -> bool:
    """Whether a pattern can match anything: `*` stands alone or after a dot, and some type fits."""
    head, star, tail = pattern.partition("*")
    if star and (tail or not (head == "" or head.endswith("."))):
        return False
    return any(matches_type(pattern, kind) for kind in MESSAGE_TYPES)


def wants(types: Sequence[str], couriers: Sequence[str], kind: str, of: Sequence[str]) -> bool:
    """Whether an endpoint with these filters is told a message of type `kind` about the couriers `of`.

    No couriers in the filter means all of them.
    """
    if not any(matches_type(pattern, kind) for pattern in types):
        return False
    return not couriers or not kind.startswith(_ABOUT_COURIERS) or not set(couriers).isdisjoint(of)


def fingerprint(url: str, types: Sequence[str], couriers: Sequence[str]) -> str:
    """The same for the same URL with the same filters, in whatever order they are given."""
    parts = json.dumps([_requested(url), sorted(set(types)), sorted(set(couriers))])
    return hashlib.sha256(parts.encode()).hexdigest()


def _requested(url: str) -> str:
    """One of all the ways to write a URL that make the same request (RFC 3986, 6.2.3); of no URL, itself."""
    try:
        split = urlsplit(url)
    except ValueError:
        return url
    host = split.netloc.lower().removesuffix(_PORTS.get(split.scheme, ":"))
    return split._replace(netloc=host.removesuffix(":"), path=split.path or "/", fragment="").geturl()
