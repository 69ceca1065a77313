"""What polls and pushes brought that may have to be recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from carriers.snapshot import Snapshot
from carriers.unmapped import Sighting
from trackers.claims import Settled
from trackers.schedule import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a carrier told of one watch at one moment: as it stands here a push, which settles nothing.

    `written_at`: when the carrier says that it wrote it. Known under the lock alone: whether it comes `late`,
    after something newer, whether it told `news`, and whether all of it is `anothers`, as
    `trackers.changes` has it.
    """

    watch: UUID
    tracker: UUID
    courier: str
    asked_at: datetime
    own_account: bool = False
    snapshot: Snapshot | None = None
    digest: str | None = None
    written_at: datetime | None = None
    late: bool = False
    news: bool = False
    anothers: bool = False

    @property
    def as_of(self) -> datetime:
        """The moment that it speaks of; a carrier's clock may be ahead of ours."""
        return min(self.written_at or self.asked_at, self.asked_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled(Learned):
    """How a poll ended, and what came of it: an answer, or the first bytes of a useless one.

    It is recorded and settled by whoever still holds the claim.
    """

    settled: Settled
    situation: Situation
    #: By what was known when it was claimed, the tracker is to be stopped, or its silence to be told.
    tells: bool = False
    excerpt: bytes = b""


def sightings(learned: Iterable[Learned]) -> list[Sighting]:
    """The answers among what was learned, for `carriers.unmapped`."""
    return [Sighting(one.tracker, one.snapshot, one.asked_at) for one in learned if one.snapshot is not None]


def polled(
    settled: Settled,
    situation: Situation,
    *,
    own_account: bool,
    snapshot: Snapshot | None = None,
    tells: bool = False,
    excerpt: bytes = b"",
) -> Polled:
    """What a poll brought, about the watch that it claimed."""
    claim = settled.claim
    return Polled(
        watch=claim.watch,
        tracker=claim.tracker,
        courier=claim.courier,
        asked_at=claim.claimed_at,
        own_account=own_account,
        snapshot=snapshot,
        digest=settled.digest,
        settled=settled,
        situation=situation,
        tells=tells,
        excerpt=excerpt,
    )
