"""What came of deliveries: the subscriber's own record, and the rows, which must say the same."""

import time
from dataclasses import dataclass
from typing import LiteralString

from bench.stage import PATIENCE, Stage, fetch_text

#: Seconds between two looks at rows, which should take nothing from whoever writes them.
_PAUSE = 0.02

_NONE_PENDING = """
SELECT NOT EXISTS (
    SELECT FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
    WHERE d.state = 'pending' AND d.created_at <= now() - %(age)s * interval '1 second' AND e.url LIKE %(to)s
)
"""
# Each delivered by one try, and that one on record.
_RECORDS = """
SELECT count(DISTINCT d.id), count(a.id),
       count(*) FILTER (WHERE d.state = 'delivered' AND a.status_code = 204 AND a.error = '')
FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
LEFT JOIN webhooks_attempt a ON a.delivery_id = d.id
WHERE e.url LIKE %(to)s
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST at the subscriber; `at` is a moment of the machine's monotonic clock."""

    message_id: str
    at: float
    path: str


def arrivals(url: str) -> list[Arrival]:
    """What the subscriber heard since it was told to forget."""
    lines = (line.split() for line in fetch_text(f"{url}/arrivals").splitlines())
    return [Arrival(id_, float(at), path) for id_, at, path in lines]


def wait_until_delivered(on: Stage, to: str = "%", age: int = 0) -> float:
    """The moment at which no delivery to such URLs, made so many seconds ago or earlier, is pending."""
    return wait_until(on, _NONE_PENDING, to=to, age=age)


def wait_until(on: Stage, question: LiteralString, **values: object) -> float:
    """The moment at which the database answers this with true. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    with on.database() as database:
        while database.execute(question, values).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so after {PATIENCE:.0f} s: {question}")
            time.sleep(_PAUSE)
    return time.monotonic()


def check_records(on: Stage, count: int, to: str = "%") -> None:
    """Raise unless there are so many deliveries to such URLs, each delivered and recorded by one try."""
    with on.database() as database:
        found = database.execute(_RECORDS, {"to": to}).fetchone()
    if found != (count, count, count):
        raise RuntimeError(f"deliveries, tries, and tries that delivered: {found} instead of {count}")


def check_arrivals(heard: list[Arrival], count: int) -> None:
    """Raise unless so many arrived, each once."""
    once = {(each.message_id, each.path) for each in heard}
    if not len(heard) == len(once) == count:
        raise RuntimeError(f"{len(heard)} arrived, {len(once)} of them once, instead of {count}")
