"""The drain of deliveries that are all due at once, as several rows measure it."""

from dataclasses import dataclass

from bench.deliveries.recorded import arrivals, check_arrivals, check_records, wait_until_delivered
from bench.deliveries.run import ONE_WORKER
from bench.stage import Stage, fetch_text


@dataclass(frozen=True, slots=True)
class Drained:
    """Deliveries a second, from the first arrival until every row says that it was delivered."""

    rate: float
    count: int
    #: The most that were under way at once, where the subscriber answers after so many seconds.
    in_flight: int = 0

    def __str__(self) -> str:
        return f"{self.rate:,.0f} a second" + (f", {self.in_flight} in flight" if self.in_flight else "")


def drain(on: Stage, url: str, count: int, *, answers_after: float = 0.0) -> Drained:
    """Wait until `count` deliveries, which are due and which workers have begun to send, are delivered."""
    fetch_text(f"{url}/heard/{count}")
    ended = wait_until_delivered(on)
    heard = arrivals(url)
    check_arrivals(heard, count)
    check_records(on, count)
    moments = sorted(each.at for each in heard)
    in_flight = most_at_once(moments, answers_after) if answers_after else 0
    return Drained(count / (ended - moments[0]), count, in_flight)


def drained(on: Stage, url: str, count: int, path: str = "/at-once/{}") -> Drained:
    """The drain of `count` first tries by one worker process, to the usual endpoints.

    All is due, and the worker is asked for it, before it starts: what making the rows takes is nobody's.
    """
    fetch_text(f"{url}/forget")
    on.command("bench_owe", url + path, str(count))
    with on.workers(ONE_WORKER):
        return drain(on, url, count)


def most_at_once(moments: list[float], seconds: float) -> int:
    """How many of what begins at these moments, in order, and lasts so long is under way at most."""
    most = ended = 0
    for nth, moment in enumerate(moments):
        while moments[ended] + seconds <= moment:
            ended += 1
        most = max(most, nth + 1 - ended)
    return most
