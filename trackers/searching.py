"""Look for a number at the carriers without following it: `POST /v1/tracking/search`. Nothing is stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import ceil
from typing import Any
from uuid import UUID, uuid5

from django.utils import timezone

from accounts.errors import ApiError, not_found
from carriers.choosing import Choice, choices, known_to
from carriers.consulting import Consultation, Heard
from carriers.exceptions import KeyRejected, NotFoundYet, Refused
from carriers.registry import adapter
from events.log import Recorded
from trackers import waiting
from trackers.changes import changes
from trackers.detection import couriers_for
from trackers.drafting import Wishes, draft, objection
from trackers.fold import fold
from trackers.models import PersonalData, Tracker
from trackers.presentation import results_shape
from trackers.projecting import apply_projection, projection_of
from trackers.quarantine import oldest_of

#: Seconds after which a search that carriers failed may be repeated, where they name none; and at most.
_RETRY_AFTER, _LONGEST_RETRY_AFTER = 5, 3600
#: What a carrier says of the number, once and for all.
_DENIALS = (NotFoundYet, Refused)


def search(merchant_id: UUID, wishes: Wishes) -> dict[str, Any]:
    """Ship24's `tracking` of this number without `tracker`, from what the couriers answer now.

    Raises ApiError: 400 as a create of the payload would, 422 `no_active_subscription` (no courier can be
    asked), 429 `too_many_requests` (a quarter of the threads wait already), 404 `parcel_not_found`, 503
    `processing_error` (a courier did not answer, and no other knows the parcel).
    """
    parcel = draft(merchant_id, wishes)
    if refused := objection(parcel):
        raise refused
    able = _able(parcel)
    ends = waiting.deadline()
    with waiting.room.place() as given:
        if not given:
            message = "Too many requests wait for carriers at this moment."
            raise ApiError(429, "too_many_requests", message, {"Retry-After": "1"})
        heard = Consultation(parcel.tracking_number, _hints(parcel), ends).hold(able)
    if not any(one.snapshot for one in heard):
        raise _fruitless(heard)
    return _told(parcel, heard)


def parcel_id(merchant_id: UUID, number: str) -> UUID:
    """The id under which a search shows this number to this merchant, each time."""
    return uuid5(merchant_id, number)


def _able(parcel: Tracker) -> Mapping[str, Sequence[Choice]]:
    """The couriers to ask, each with its accounts. Raises ApiError where there is none, or all rest."""
    known = known_to(parcel.merchant_id)
    reachable = {code for code, is_reachable in known.items() if is_reachable and adapter(code).per_call}
    fitting = couriers_for(parcel.tracking_number, parcel.courier_codes, reachable)
    asked = [
        code
        for code in fitting
        if code in reachable and adapter(code).takes.fullmatch(parcel.tracking_number)
    ]
    found = choices(parcel.merchant_id, asked)
    if not any(found.values()):
        raise _nobody(found)
    return {courier: accounts_ for courier, accounts_ in found.items() if accounts_}


def _nobody(couriers: Collection[str]) -> ApiError:
    if couriers:
        message = f"No account at {', '.join(couriers)} can ask at present: the day's look-ups are used up."
        return _failed(message, _LONGEST_RETRY_AFTER)
    return ApiError(422, "no_active_subscription", "None of your carrier accounts can ask for this number.")


def _hints(parcel: Tracker) -> dict[str, str]:
    """What of the payload helps carriers, as `carriers.adapter.Query` names it."""
    told = {
        "originCountryCode": parcel.origin_country_code,
        "destinationCountryCode": parcel.destination_country_code,
        "destinationPostCode": parcel.destination_post_code,
        "shippingDate": parcel.shipping_date,
    }
    return {name: value for name, value in told.items() if value}


def _fruitless(heard: Iterable[Heard]) -> ApiError:
    """Why there is nothing to show. One courier that did not answer may have been the one that knows."""
    left = [one for one in heard if not isinstance(one.error, KeyRejected)]
    if not left:
        return ApiError(
            422, "no_active_subscription", "The carriers do not accept the keys of your accounts."
        )
    failed = [one for one in left if not isinstance(one.error, _DENIALS)]
    if not failed:
        return not_found("parcel_not_found", "No carrier that was asked knows this number.")
    said = [f"{one.courier}: {one.error.detail if one.error else 'no answer in time.'}" for one in failed]
    asked_for = [one.error.retry_after for one in failed if one.error and one.error.retry_after]
    return _failed(" ".join(said), ceil(min(max([_RETRY_AFTER, *asked_for]), _LONGEST_RETRY_AFTER)))


def _failed(message: str, retry_after: int) -> ApiError:
    return ApiError(503, "processing_error", message, {"Retry-After": str(retry_after)})


def _told(parcel: Tracker, heard: Iterable[Heard]) -> dict[str, Any]:
    """The answers as a tracker would hold them, whose ids are the same at every call for the number."""
    parcel.id = parcel_id(parcel.merchant_id, parcel.tracking_number)
    parcel.created_at = now = timezone.now()
    personal = PersonalData(tracker=parcel)
    oldest = oldest_of(parcel.shipping_date)
    facts = []
    for one in heard:
        if one.snapshot is not None:
            found = changes(parcel.state, one.snapshot, asked_at=now, absent={}, oldest=oldest)
            facts += found.facts
            if not found.anothers:
                _add_personal(personal, one)
    events = [
        Recorded(uuid5(parcel.id, fact.key), parcel.id, version, fact.type, fact.key, fact.data(), now)
        for version, fact in enumerate(facts, start=parcel.version + 1)
    ]
    apply_projection(parcel, fold(projection_of(parcel), events))
    shape = results_shape(parcel, personal)
    del shape["tracker"]
    return shape


def _add_personal(personal: PersonalData, one: Heard) -> None:
    """What a house account learns is nobody's: anyone may ask it for a number that can be guessed."""
    if one.own_account and one.snapshot is not None:
        personal.recipient = one.snapshot.personal.recipient or personal.recipient
        personal.signed_by = one.snapshot.personal.signed_by or personal.signed_by
