"""The schedule applied to one watch as the database knows it."""

import random
from dataclasses import replace
from datetime import timedelta

from carriers.registry import adapter
from events.statuses import Milestone
from trackers.claims import Claim
from trackers.models import Tracker
from trackers.schedule import Decision, Situation, decide

#: Polls are spread by up to this share of their delay, so that a batch does not stay a batch for ever.
SPREAD = 0.1


def next_poll(claim: Claim, partly: Situation, tracker: Tracker | None = None) -> Decision:
    """The next poll of this watch, by what the tracker was when claimed, or is now where that is given.

    A tracker that is stopped or unsubscribed is asked when asked for, and not again.
    """
    if not claim.tracked or (tracker is not None and not tracker.is_tracked):
        return Decision(None)
    milestone, final, silent_since = claim.milestone, claim.final, claim.silent_since
    if tracker is not None:
        milestone, final = tracker.milestone, tracker.final
        heard = [moment for moment in (tracker.news_at, tracker.milestone_at) if moment]
        silent_since = max([silent_since, *heard])
    return decide(
        replace(
            partly,
            milestone=Milestone(milestone),
            final=final,
            silence=max(claim.claimed_at - silent_since, timedelta()),
            poll_every=adapter(claim.courier).poll_every,
        )
    )


def seconds(decision: Decision) -> float | None:
    """The delay, spread a little; None for never."""
    if decision.delay is None:
        return None
    return decision.delay.total_seconds() * random.uniform(1, 1 + SPREAD)  # noqa: S311 (spread, not secrecy)
