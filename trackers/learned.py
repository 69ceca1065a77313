"""What a poll brought that may have to be recorded."""

from dataclasses import dataclass
from datetime import datetime

from carriers.snapshot import Snapshot
from trackers.claims import Settled


@dataclass(frozen=True, slots=True)
class Learned:
    """A poll that may have something to tell: an answer, or the decision to stop asking."""

    settled: Settled
    snapshot: Snapshot | None = None
    own_account: bool = False
    stop_reason: str | None = None

    @property
    def asked_at(self) -> datetime:
        return self.settled.claim.claimed_at
