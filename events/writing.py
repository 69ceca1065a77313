"""How instants are written in every answer and message: ISO 8601 in UTC with milliseconds and Z. And JSON."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson


def written(moment: datetime | None) -> str | None:
    """`2026-03-01T11:09:00.000Z`; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rendered(value: Any) -> bytes:
    """JSON in UTF-8, without spaces; UUIDs, days and moments as ISO 8601.

    Whole numbers beyond 64 bits, which orjson does not take, are written by the library.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        told = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_as_text)
        return told.encode(errors="surrogatepass")


def _as_text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no JSON: {type(value).__name__}")
