"""What came of asking carriers and of telling subscribers, as entries: one statement for each kind."""

from urllib.parse import urlsplit
from uuid import UUID

from trackers.models import OutcomeChange
from trackers.outcomes import FAILING
from trackers.timeline.entries import Entry, Kind, Place, older
from webhooks.models import Attempt, Delivery, Message


def outcomes(tracker_id: UUID, below: Place | None, most: int) -> list[Entry]:
    """When polls of its watches began to turn out otherwise, newest first."""
    rows = OutcomeChange.objects.filter(
        older(below, Kind.OUTCOME, "changed_at", "id"), watch__tracker_id=tracker_id
    ).order_by("-changed_at", "-id")
    fields = ("id", "changed_at", "watch__courier", "before", "outcome", "error")
    return [
        Entry(
            place=Place(at, Kind.OUTCOME, id_),
            label="polls",
            title=f"{courier}: {before} to {outcome}" if before else f"{courier}: {outcome}",
            facts=[("error", error)] if error and outcome in FAILING else (),
            tone="bad" if outcome in FAILING else "good",
        )
        for id_, at, courier, before, outcome, error in rows.values_list(*fields)[:most]
    ]


def messages(tracker_id: UUID, below: Place | None, most: int) -> list[Entry]:
    """What subscribers were told, newest first."""
    rows = Message.objects.filter(older(below, Kind.MESSAGE, "created_at", "id"), stream=tracker_id)
    fields = ("id", "created_at", "type", "sequence")
    return [
        Entry(
            place=Place(at, Kind.MESSAGE, id_),
            label="message",
            title=type_,
            facts=[("sequence", str(sequence))],
            model="webhooks_message",
            pk=str(id_),
        )
        for id_, at, type_, sequence in rows.order_by("-created_at", "-id").values_list(*fields)[:most]
    ]


def deliveries(tracker_id: UUID, below: Place | None, most: int) -> list[Entry]:
    """To which endpoints they were owed, newest first."""
    rows = Delivery.objects.filter(
        older(below, Kind.DELIVERY, "created_at", "id"), message__stream=tracker_id
    ).order_by("-created_at", "-id")
    fields = ("id", "created_at", "message__type", "endpoint__url", "state", "attempt_count")
    return [
        Entry(
            place=Place(at, Kind.DELIVERY, id_),
            label="delivery",
            title=f"{type_} to {host(url)}",
            facts=[("state", state), ("tries", str(tries))],
            tone={"delivered": "good", "exhausted": "bad"}.get(state, ""),
            model="webhooks_delivery",
            pk=str(id_),
        )
        for id_, at, type_, url, state, tries in rows.values_list(*fields)[:most]
    ]


def attempts(tracker_id: UUID, below: Place | None, most: int) -> list[Entry]:
    """Every try of them, newest first."""
    rows = Attempt.objects.filter(
        older(below, Kind.ATTEMPT, "started_at", "id"), delivery__message__stream=tracker_id
    ).order_by("-started_at", "-id")
    fields = (
        "id", "started_at", "number", "delivery__endpoint__url", "status_code", "error", "duration_ms",
        "trigger",
    )  # fmt: skip
    return [
        Entry(
            place=Place(at, Kind.ATTEMPT, id_),
            label="try",
            title=f"Try {number} at {host(url)}: {error.replace('_', ' ') or 'success'}",
            facts=[
                (name, text)
                for name, text in (
                    ("answer", str(code or "")),
                    ("took", "" if took is None else f"{took} ms"),
                    ("by", trigger),
                )
                if text
            ],
            tone="bad" if error else "good",
            model="webhooks_attempt",
            pk=str(id_),
        )
        for id_, at, number, url, code, error, took, trigger in rows.values_list(*fields)[:most]
    ]


def host(url: str) -> str:
    """The host of an endpoint's URL."""
    return urlsplit(url).hostname or url
