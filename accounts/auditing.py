"""What staff did, in Django's own admin log: who, what, on which row, and what came of it."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

_LONGEST_NAME = 200


def begin(user: Any, what: str, rows: Sequence[Model]) -> list[LogEntry]:
    """Write down that this was asked for, before it is done: should the process die, the trace is there."""
    kinds = ContentType.objects.get_for_models(*{type(row) for row in rows})
    return LogEntry.objects.bulk_create(
        LogEntry(
            user_id=user.pk,
            content_type=kinds[type(row)],
            object_id=str(row.pk),
            object_repr=str(row)[:_LONGEST_NAME],
            action_flag=CHANGE,
            change_message=f"{what}: asked for",
        )
        for row in rows
    )


def end(entries: Sequence[LogEntry], what: str, ends: Sequence[str]) -> None:
    """Write down what came of it, an end for each entry."""
    for entry, its in zip(entries, ends, strict=True):
        entry.change_message = f"{what}: {its}"
    LogEntry.objects.bulk_update(entries, ["change_message"])
