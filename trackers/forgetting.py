"""What carriers said is kept for some time, to be read again, and then goes."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

#: Answers that one statement deletes: a few megabytes.
BATCH = 500

# What somebody else holds is left for the next look.
_FORGET = """
DELETE FROM trackers_rawanswer WHERE id = ANY(ARRAY(
    SELECT id FROM trackers_rawanswer WHERE created_at < statement_timestamp() - %(kept)s
    ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""


def forget() -> int:
    """Delete some of the answers that were kept for RAW_ANSWERS_KEPT_DAYS, the oldest first; how many."""
    kept = timedelta(days=settings.RAW_ANSWERS_KEPT_DAYS)
    values: dict[str, Any] = {"kept": kept, "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, values)
        return int(cursor.rowcount)
