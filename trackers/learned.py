"""What a poll brought that may have to be recorded."""

from dataclasses import dataclass
from datetime import datetime

from carriers.snapshot import Snapshot
from trackers.claims import Settled
from trackers.schedule import Situation


@dataclass(frozen=True, slots=True)
class Learned:
    """How a poll ended, and what came of it: an answer, first bytes of a useless one, a wish to stop."""

    settled: Settled
    situation: Situation
    snapshot: Snapshot | None = None
    own_account: bool = False
    stop_reason: str | None = None
    excerpt: bytes = b""

    @property
    def asked_at(self) -> datetime:
        return self.settled.claim.claimed_at
