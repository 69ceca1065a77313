"""What an answer holds beside its facts: personal data, and the answer itself."""

import hashlib
import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from events.writing import rendered
from trackers.held import Held
from trackers.learned import Learned, Polled
from trackers.models import Tracker, Watch

# What a carrier leaves out of a later answer is not unsaid.
_PERSONAL = """
INSERT INTO trackers_personaldata AS kept (tracker_id, recipient, sender, signed_by, confirm_image)
SELECT told.tracker, nullif(told.recipient, 'null'), nullif(told.sender, 'null'), told.signed_by,
       told.confirm_image
FROM jsonb_to_recordset(%s) AS told (
    tracker uuid, recipient jsonb, sender jsonb, signed_by text, confirm_image text
)
ON CONFLICT (tracker_id) DO UPDATE SET
    recipient = coalesce(excluded.recipient, kept.recipient),
    sender = coalesce(excluded.sender, kept.sender),
    signed_by = coalesce(excluded.signed_by, kept.signed_by),
    confirm_image = coalesce(excluded.confirm_image, kept.confirm_image),
    revision = kept.revision + 1
WHERE (coalesce(excluded.recipient, kept.recipient), coalesce(excluded.sender, kept.sender),
       coalesce(excluded.signed_by, kept.signed_by), coalesce(excluded.confirm_image, kept.confirm_image))
    IS DISTINCT FROM (kept.recipient, kept.sender, kept.signed_by, kept.confirm_image)
"""

_ANSWERS = """
INSERT INTO trackers_rawanswer (watch_id, digest, body, asked_at)
SELECT told.watch, told.digest, decode(told.body, 'base64'), told.asked_at
FROM jsonb_to_recordset(%s) AS told (watch uuid, digest text, body text, asked_at timestamptz)
ON CONFLICT DO NOTHING
"""


def keep(held: Sequence[tuple[Learned, Held | Tracker]]) -> None:
    """Keep what a merchant's own accounts learned; at most two statements.

    Answers fetched with a house account leave neither personal data nor the answer: anyone may ask a house
    account for a number that can be guessed. Nor do those about a tracker that was erased; those that tell of
    another parcel of the number leave no personal data.
    """
    own = [
        (one, tracker)
        for one, tracker in held
        if one.own_account and one.snapshot is not None and tracker.erased_at is None
    ]
    _keep_personal([(one, tracker) for one, tracker in own if not (one.late or one.anothers)])
    _keep_answers(one for one, _ in own)


def _keep_personal(own: Sequence[tuple[Learned, Held | Tracker]]) -> None:
    rows: dict[str, dict[str, Any]] = {}
    for one, tracker in own:
        told = _told(one)
        if told:
            rows.setdefault(str(tracker.id), {"tracker": str(tracker.id)}).update(told)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_PERSONAL, [json.dumps(list(rows.values()))])


def _told(one: Learned) -> dict[str, Any]:
    if one.snapshot is None:
        return {}
    personal = one.snapshot.personal
    told = {
        "recipient": personal.recipient,
        "sender": personal.sender,
        "signed_by": personal.signed_by,
        "confirm_image": personal.confirm_image,
    }
    return {name: value for name, value in told.items() if value}


def _keep_answers(own: Iterable[Learned]) -> None:
    _write(
        _answer(one, one.digest, rendered(one.snapshot.part))
        for one in own
        if one.snapshot is not None and one.digest is not None
    )


def _answer(one: Learned, digest: str, body: bytes) -> dict[str, Any]:
    return {
        "watch": one.watch,
        "digest": digest,
        "body": b64encode(zlib.compress(body)).decode(),
        "asked_at": one.asked_at,
    }


def _write(answers: Iterable[dict[str, Any]]) -> None:
    """What is kept already stays as it is. One statement, none for none."""
    rows = list(answers)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_ANSWERS, [rendered(rows).decode()])


def keep_useless(failed: Iterable[Polled]) -> None:
    """Keep the first bytes of answers that could not be read, for whoever looks into it; three statements.

    A watch that was deleted meanwhile keeps nothing, and must not fail the others; nor does one whose tracker
    was erased, which is looked up once the watch is locked: erasing holds the watches too.
    """
    useless = {one.watch: one for one in failed if one.own_account and one.excerpt}
    if not useless:
        return
    with transaction.atomic():
        there = Watch.objects.select_for_update(no_key=True).filter(id__in=useless).order_by("id")
        held = list(there.values_list("id", flat=True))
        kept = Watch.objects.filter(id__in=held, tracker__erased_at=None).values_list("id", flat=True)
        _keep_excerpts([useless[id_] for id_ in kept])


def _keep_excerpts(useless: Iterable[Polled]) -> None:
    _write(_answer(one, hashlib.sha256(one.excerpt).hexdigest(), one.excerpt) for one in useless)
