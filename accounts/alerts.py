"""What needs a person: states that are rows already, told in one form whichever app finds them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices

#: Alerts of one kind that are read at most. Who has more of them has one cause to look for.
MOST = 1_000


class Kind(TextChoices):
    """What is wrong. What stops more comes first."""

    REDIS_AWAY = "redis_out_of_reach", "Redis is out of reach"
    BEAT_SILENT = "beat_silent", "No task comes through"
    OVERDUE = "overdue_queue", "What is due waits"
    SWEEP_STALE = "sweep_stale", "A sweep does not end"
    ACCOUNT_SUSPENDED = "account_suspended", "Carrier account suspended"
    CIRCUIT_OPEN = "circuit_open", "Carrier out of reach"
    QUOTA_USED_UP = "quota_used_up", "The day's calls are used up"
    ACCOUNT_RESTING = "account_resting", "Carrier account resting"
    ENDPOINT_DISABLED = "endpoint_disabled", "Endpoint disabled"
    DELIVERIES_EXHAUSTED = "deliveries_exhausted", "Deliveries exhausted"
    UNMAPPED_CODE = "unmapped_code", "Unmapped code"


@dataclass(frozen=True, slots=True)
class Alert:
    """One state that needs a person. `about` says of what, for people; `detail` why, where that is known.

    `page` names the admin page where it is mended ("carriers_carrieraccount_change"), `page_id` its row.
    Without a page it is mended outside. Nothing in it is secret.
    """

    kind: Kind
    about: str
    detail: str = ""
    #: Since when it is so; None: nobody wrote that down.
    since: datetime | None = None
    page: str = ""
    page_id: str = ""

    @property
    def key(self) -> str:
        """The same for as long as it is the same state of the same thing."""
        return f"{self.kind}:{self.page_id or self.about}"
