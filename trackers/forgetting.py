"""What carriers said, and how asking them turned out, is kept for some time and then goes."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

#: Answers, and changes of outcome, that one statement deletes: a few megabytes.
BATCH = 500

# What somebody else holds is left for the next look.
_FORGET = """
DELETE FROM trackers_rawanswer WHERE id = ANY(ARRAY(
    SELECT id FROM trackers_rawanswer WHERE created_at < statement_timestamp() - %(kept)s
    ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""
# They were numbered as they happened: the oldest come first.
_FORGET_OUTCOMES = """
DELETE FROM trackers_outcomechange WHERE id = ANY(ARRAY(
    SELECT id FROM (
        SELECT id, changed_at FROM trackers_outcomechange ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ) AS oldest WHERE changed_at < statement_timestamp() - %(kept)s))
"""


def forget() -> int:
    """Delete some of the answers that were kept for RAW_ANSWERS_KEPT_DAYS, the oldest first; how many."""
    return _run(_FORGET)


def forget_outcomes() -> int:
    """Delete some of the changes of outcome that were kept as long, the oldest first; how many."""
    return _run(_FORGET_OUTCOMES)


def _run(statement: str) -> int:
    kept = timedelta(days=settings.RAW_ANSWERS_KEPT_DAYS)
    values: dict[str, Any] = {"kept": kept, "batch": BATCH}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
