"""What carriers said, as it was kept: see trackers.keeping."""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from trackers.models import RawAnswer

#: Bytes of answers, uncompressed, after which no further one is shown in one page.
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its JSON, or the text of one that was none."""

    courier: str
    digest: str
    asked_at: datetime
    answer: Any
    text: str | None


def answers_of(tracker_id: UUID, *, limit: int, after: int | None) -> tuple[list[Answer], int | None]:
    """A page of the answers about a tracker, the newest first, and the cursor of the next; one statement.

    At least one; then as many as `limit` and MOST_BYTES allow. The caller has seen whose tracker it is.
    """
    rows = RawAnswer.objects.filter(watch__tracker_id=tracker_id).order_by("-id")
    if after is not None:
        rows = rows.filter(id__lt=after)
    found = list(rows.values_list("id", "watch__courier", "digest", "asked_at", "body")[: limit + 1])
    shown: list[Answer] = []
    size = 0
    for nth, (_, courier, digest, asked_at, packed) in enumerate(found[:limit]):
        body = zlib.decompress(packed)
        size += len(body)
        if nth and size > MOST_BYTES:
            break
        answer = _json(body)
        text = body.decode(errors="replace") if answer is None else None
        shown.append(Answer(courier, digest, asked_at, answer, text))
    return shown, found[len(shown) - 1][0] if len(found) > len(shown) else None


def _json(body: bytes) -> Any:
    """The JSON that a body is; None where it is none that could be answered with."""
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value
