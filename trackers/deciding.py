"""The schedule applied to one watch as the database knows it."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from carriers.outcome import Outcome
from carriers.registry import adapter
from carriers.zones import zone_of
from events.statuses import Milestone
from trackers.claims import Claim
from trackers.held import Held
from trackers.models import Tracker
from trackers.schedule import SPREAD, Decision, Situation, decide


def next_poll(claim: Claim, partly: Situation, tracker: Tracker | Held | None = None) -> Decision:
    """The next poll of this watch, by what the tracker was when claimed, or is now where that is given.

    A tracker that is stopped or unsubscribed is asked when asked for, and not again.
    """
    if not claim.tracked or (tracker is not None and not tracker.is_tracked):
        return Decision(None)
    milestone, final, due_on = claim.milestone, claim.final, claim.due_on
    heard_since, stalled = claim.silent_since, claim.stalled
    if tracker is not None:
        milestone, final, due_on = tracker.milestone, tracker.final, tracker.due_on
        heard_since = max(claim.silent_since, silent_since(tracker))
        stalled = tracker.stalled_at is not None
    time_of_day, today = _clock(claim.courier, claim.hints.get("destinationCountryCode"), claim.claimed_at)
    return decide(
        replace(
            partly,
            milestone=Milestone(milestone),
            final=final,
            silence=max(claim.claimed_at - heard_since, timedelta()),
            age=max(claim.claimed_at - claim.followed_since, timedelta()),
            stalled=stalled,
            time_of_day=time_of_day,
            days_late=(today - due_on).days if due_on else None,
            poll_every=adapter(claim.courier).poll_every,
        )
    )


def after_news(tracker: Tracker | Held, courier: str, now: datetime) -> Decision:
    """The next poll of a parcel that this courier told something new of just now."""
    time_of_day, today = _clock(courier, tracker.destination_country_code, now)
    return decide(
        Situation(
            Outcome.OK,
            Milestone(tracker.milestone),
            final=tracker.final,
            age=max(now - (tracker.restarted_at or tracker.created_at), timedelta()),
            time_of_day=time_of_day,
            days_late=(today - tracker.due_on).days if tracker.due_on else None,
        )
    )


def silent_since(tracker: Tracker | Held) -> datetime:
    """Since when nothing new was recorded of it, be it that anybody could ask or not."""
    moments = (tracker.created_at, tracker.restarted_at, tracker.news_at, tracker.milestone_at)
    return max(filter(None, moments))


def _clock(courier: str, destination: str | None, now: datetime) -> tuple[timedelta | None, date]:
    """What has gone of the day at the destination, and which day it is there.

    Where the merchant named no country, at the carrier's home; None, and the day in UTC, where it has none.
    """
    carrier = adapter(courier)
    zone = zone_of(destination or "")
    if zone is None and carrier.country_code:
        zone = ZoneInfo(carrier.time_zone)
    here = now.astimezone(zone or UTC)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return (here.replace(tzinfo=None) - midnight if zone else None), here.date()


def seconds(decision: Decision) -> float | None:
    """The delay, spread a little; None for never."""
    if decision.delay is None:
        return None
    return decision.delay.total_seconds() * random.uniform(1, 1 + SPREAD)  # noqa: S311 (spread, not secrecy)
