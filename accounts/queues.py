"""What waits in the database to be done at a due time: one word for all such rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows with a due time. `due_since`: of the first that could be done now; None: nothing is due.

    `patience`: for so long something may be due before that needs a person. `page` names the admin's list.
    """

    name: str
    due_since: datetime | None
    patience: timedelta
    page: str

    def waits(self, now: datetime) -> timedelta:
        """For how long the first has been due."""
        return max(now - self.due_since, timedelta()) if self.due_since else timedelta()

    def is_overdue(self, now: datetime) -> bool:
        return self.waits(now) > self.patience
