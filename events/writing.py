"""How instants are written in every answer and message: ISO 8601 in UTC with milliseconds and Z. And JSON."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson


def written(moment: datetime | None) -> str | None:
    """`2026-03-01T11:09:00.000Z`; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rendered(value: Any) -> bytes:
    """JSON in UTF-8, without spaces. What orjson does not take (whole numbers beyond 64 bits) the library does."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
