"""The schedule applied to one watch as the database knows it."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from carriers.registry import adapter
from events.statuses import Milestone
from trackers.claims import Claim
from trackers.schedule import Decision, Situation, decide

#: Polls are spread by up to this share of their delay, so that a batch does not stay a batch for ever.
SPREAD = 0.1


def next_poll(
    claim: Claim, partly: Situation, *, milestone: str | None = None, news_at: datetime | None = None
) -> Decision:
    """The next poll of this watch; `milestone` and `news_at` where the answer changed them.

    A tracker that is stopped or unsubscribed is asked when asked for, and not again.
    """
    if not claim.tracked:
        return Decision(None)
    return decide(
        replace(
            partly,
            milestone=Milestone(milestone or claim.milestone),
            silence=max(claim.claimed_at - (news_at or claim.news_at), timedelta()),
            poll_every=adapter(claim.courier).poll_every,
        )
    )


def seconds(decision: Decision) -> float | None:
    """The delay, spread a little; None for never."""
    if decision.delay is None:
        return None
    return decision.delay.total_seconds() * random.uniform(1, 1 + SPREAD)  # noqa: S311 (spread, not secrecy)
