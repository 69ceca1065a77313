"""Which deliveries go out beside which: what is late never keeps a first try waiting. Pure."""

from enum import StrEnum

from webhooks.exchanges import Failure


class Pace(StrEnum):
    """Deliveries that workers of their own send."""

    #: First tries, and the retries that come soon after.
    FIRST = "first"
    #: Later retries, whatever is sent again in bulk, and all of endpoints that keep timing out.
    LATE = "late"


#: The entry of the retry schedule from which on a retry is late: by default the one after five minutes.
LATE_FROM = 2
#: Ends of tries that hold a place up to the deadline.
TIMED_OUT = (Failure.TIMEOUT, Failure.CONNECT_TIMEOUT)
#: So many of them in a row make an endpoint slow; any other end of a try makes it none.
TIMEOUTS_SLOW = 5


def is_late(step: int) -> bool:
    """Whether the next try of a delivery that has used `step` entries of its schedule is a late one."""
    return step > LATE_FROM
