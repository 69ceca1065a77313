"""What a page shows, read from the database: whose it is in one statement, the parcel in a second."""

import secrets
from typing import Any, NamedTuple
from uuid import UUID

from accounts.asking import Row, ask
from accounts.encryption import sealed
from trackers.page.links import secret_of
from trackers.page.tokens import Token
from trackers.storing import from_store

# By the primary key alone: a token is judged before anything large is read.
_WHOSE = """
SELECT json_build_array(
    tracker.id, tracker.version, tracker.erased_at IS NULL AND merchant.page_is_enabled
    AND merchant.deleted_at IS NULL, merchant.id, merchant.page_secret,
    COALESCE(NULLIF(merchant.page_name, ''), merchant.name), merchant.page_colour,
    logo.public_id, logo.width, logo.height)
FROM trackers_tracker AS tracker
JOIN accounts_merchant AS merchant ON merchant.id = tracker.merchant_id
LEFT JOIN accounts_pagelogo AS logo ON logo.merchant_id = merchant.id
WHERE tracker.id = $1
"""
_PARCEL = """
SELECT json_build_array(
    tracker.version, tracker.tracking_number, tracker.milestone, tracker.stalled_at,
    tracker.origin_country_code, tracker.destination_country_code, tracker.state)
FROM trackers_tracker AS tracker WHERE tracker.id = $1
"""


class Brand(NamedTuple):
    """How a merchant's pages look. `colour` is "" for Parcelwire's own."""

    name: str
    colour: str
    logo: str | None
    logo_width: int | None
    logo_height: int | None


class Found(NamedTuple):
    """A tracker whose page may be shown to whoever holds the token."""

    tracker_id: str
    version: int
    brand: Brand


class Parcel(NamedTuple):
    """What a page tells of a tracker, before it is put into words."""

    version: int
    tracking_number: str
    milestone: str
    stalled_at: str | None
    origin_country_code: str | None
    destination_country_code: str | None
    state: Any


# What is found where there is no tracker: opened and compared with all the same, so that it takes as long.
_NOBODYS: Row = [
    None,
    0,
    False,
    UUID(int=0),
    sealed(secrets.token_hex(32)),
    *[None] * len(Brand._fields),
]


def find(token: Token) -> Found | None:
    """The tracker that a token opens. One statement.

    None for one that never was, is deleted or erased, whose merchant has switched its pages off, and for a
    token that is not signed by that merchant: nobody can tell which.
    """
    rows = ask(_WHOSE, str(token.tracker_id))
    row: Row = rows[0][0] if rows else _NOBODYS
    tracker_id, version, may_be_shown, merchant_id, page_secret, *brand = row
    secret = secret_of(merchant_id, page_secret)
    if secret is None or not token.is_signed_with(secret) or not may_be_shown:
        return None
    return Found(tracker_id, version, Brand(*brand))


def parcel(found: Found) -> Parcel | None:
    """The parcel; None where it was deleted meanwhile. One statement."""
    rows = ask(_PARCEL, found.tracker_id)
    if not rows:
        return None
    *columns, stored = rows[0][0]
    return Parcel(*[*columns, from_store(stored)])
