"""How instants are written in every answer and message: ISO 8601 in UTC with milliseconds and Z."""

from datetime import UTC, datetime


def written(moment: datetime | None) -> str | None:
    """`2026-03-01T11:09:00.000Z`; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
