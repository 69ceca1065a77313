"""What a pump does beside other things, done at once."""

from collections.abc import Sequence
from uuid import UUID

from accounts.running import to_end
from webhooks.claims import Claimed, renewing
from webhooks.overdue import marking


def renew(claimed: Sequence[Claimed]) -> set[UUID]:
    return to_end(renewing(claimed))


def mark(limit: int) -> int:
    return to_end(marking(limit))
