"""What is kept for DELIVERIES_KEPT_DAYS and goes then: ended deliveries with their tries, messages, and more.

Tables are walked by id, oldest first, since ids begin with the moment of their making: what is younger is not
read. A batch is a transaction that locks only what nobody else holds, so that it waits for nobody. What it
holds it judges anew by a statement of its own, which sees what was committed meanwhile.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from events.retrying import apart
from webhooks.ages import first_of
from webhooks.stopping import stop

#: Rows that one batch looks at; of endpoints those that it deletes.
BATCH, ENDPOINTS = 500, 100

# The ids find the rows, their own times decide: a delivery stays as long after its last try as after its
# making. One that a try by hand is owed stays too.
_DELIVERY_IS_OVER = """
    t.state IN ('delivered', 'exhausted', 'cancelled')
    AND greatest(t.created_at, t.started_at, t.given_up_at) < statement_timestamp() - %(kept)s
    AND (t.claimed_until IS NULL OR t.claimed_until < statement_timestamp())
    AND NOT EXISTS (SELECT FROM webhooks_extratry x WHERE x.delivery_id = t.id)
"""
_DELETE_DELIVERIES = f"""
WITH gone AS MATERIALIZED (
    SELECT t.id FROM webhooks_delivery t WHERE t.id = ANY (%(ids)s) AND {_DELIVERY_IS_OVER}
),
tries AS (
    DELETE FROM webhooks_attempt a WHERE a.delivery_id = ANY (ARRAY(SELECT id FROM gone))
)
DELETE FROM webhooks_delivery d WHERE d.id = ANY (ARRAY(SELECT id FROM gone))
"""  # noqa: S608 - constants only
# Whatever it is still kept for has a delivery: whoever adds one to an old message holds its row.
_MESSAGE_IS_OVER = """
    t.created_at < statement_timestamp() - %(kept)s
    AND NOT EXISTS (SELECT FROM webhooks_delivery d WHERE d.message_id = t.id)
"""
_RECOVERY_IS_OVER = "t.state <> 'running' AND t.finished_at < statement_timestamp() - %(kept)s"
_NOTICE_IS_OVER = "t.next_try_at IS NULL AND t.created_at < statement_timestamp() - %(kept)s"

# Deleted endpoints sign nothing once all they were owed is cancelled and every try has ended.
_WIPE = """
UPDATE webhooks_endpoint SET secret = '', old_secrets = NULL, headers = '' WHERE id = ANY (ARRAY(
    SELECT e.id FROM webhooks_endpoint e
    WHERE e.deleted_at IS NOT NULL AND e.secret <> ''
      AND NOT EXISTS (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending')
      AND NOT EXISTS (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id AND d.state = 'held')
      AND NOT EXISTS (SELECT FROM webhooks_extratry x WHERE x.endpoint_id = e.id)
    ORDER BY e.deleted_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
))
"""
# No recording that still knew the endpoint is under way after a day.
_DELETED = """
SELECT e.id FROM webhooks_endpoint e
WHERE e.deleted_at < statement_timestamp() - %(kept)s
  AND NOT EXISTS (SELECT FROM webhooks_delivery d WHERE d.endpoint_id = e.id)
ORDER BY e.deleted_at LIMIT %(limit)s
"""
_DELETE_ENDPOINTS = (
    "DELETE FROM webhooks_recovery WHERE endpoint_id = ANY (%(ids)s)",
    "DELETE FROM webhooks_lane WHERE endpoint_id = ANY (%(ids)s)",
    "DELETE FROM webhooks_endpoint WHERE id = ANY (%(ids)s)",
    "DELETE FROM webhooks_tally WHERE endpoint_id = ANY (%(ids)s)",
    "DELETE FROM webhooks_notice WHERE endpoint_id = ANY (%(ids)s)",
)


def kept() -> timedelta:
    """How long deliveries are kept."""
    return timedelta(days=settings.DELIVERIES_KEPT_DAYS)


def forget(budget: float) -> None:
    """Delete what is older than what is kept, for as many seconds, or until nothing is, or the word to stop.

    One batch of each kind at least. Each kind gets its share of the time that is left, and rests after a
    batch for as long as it took. What the database refuses of one kind holds up no other.
    """
    until = time.monotonic() + budget
    for nth, batch in enumerate(_BATCHES):
        left = max(0.0, until - time.monotonic())
        apart(partial(_repeat, batch, time.monotonic() + left / (len(_BATCHES) - nth)))


def _repeat(batch: Callable[[], bool], until: float) -> None:
    while not stop.is_set():
        began = time.monotonic()
        if not batch():
            return
        now = time.monotonic()
        if now >= until or stop.wait(min(now - began, until - now)):
            return


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk along a table `t`. Each process remembers where it is, so that rows which stay hold up none.

    `is_over` is SQL of what goes; `delete` deletes those of the locked rows of which it is still so.
    """

    table: str
    is_over: str
    delete: str = ""

    #: The last id that was looked at, by table.
    reached: ClassVar[dict[str, UUID]] = {}

    def __call__(self) -> bool:
        """One batch. False: the walk is at its end, and the next begins with the oldest row."""
        start = UUID(int=0)
        values: dict[str, Any] = {
            "kept": kept(),
            "after": self.reached.get(self.table, start),
            "before": first_of(datetime.now(UTC) - kept()),
            "limit": BATCH,
        }
        found = _rows(self._look, values)
        is_end = len(found) < BATCH
        # Whatever comes of the batch: one that is refused must not hold up the rest.
        self.reached[self.table] = start if is_end else found[-1][0]
        over = [id_ for id_, is_over in found if is_over]
        if over:
            with transaction.atomic():
                locked = [id_ for (id_,) in _rows(self._lock, {**values, "ids": over})]
                _do(self._delete, {**values, "ids": locked})
        return not is_end

    @property
    def _look(self) -> str:
        return f"""
        SELECT t.id, {self.is_over} FROM {self.table} t
        WHERE t.id > %(after)s AND t.id < %(before)s ORDER BY t.id LIMIT %(limit)s
        """  # noqa: S608 - constants only

    @property
    def _lock(self) -> str:
        return f"SELECT t.id FROM {self.table} t WHERE t.id = ANY (%(ids)s) FOR UPDATE SKIP LOCKED"  # noqa: S608

    @property
    def _delete(self) -> str:
        own = f"DELETE FROM {self.table} t WHERE t.id = ANY (%(ids)s) AND {self.is_over}"  # noqa: S608
        return self.delete or own


def _wipe() -> bool:
    """Secrets of deleted endpoints, as soon as nothing is signed with them any more."""
    return _do(_WIPE, {"limit": ENDPOINTS}) == ENDPOINTS


def _endpoints() -> bool:
    """Deleted endpoints of which nothing is left, with what was kept of them besides."""
    with transaction.atomic():
        ids = [id_ for (id_,) in _rows(_DELETED, {"kept": kept(), "limit": ENDPOINTS})]
        for statement in _DELETE_ENDPOINTS if ids else ():
            _do(statement, {"ids": ids})
    return len(ids) == ENDPOINTS


_BATCHES: tuple[Callable[[], bool], ...] = (
    _wipe,
    _endpoints,
    _Walk("webhooks_recovery", _RECOVERY_IS_OVER),
    _Walk("webhooks_notice", _NOTICE_IS_OVER),
    _Walk("webhooks_delivery", _DELIVERY_IS_OVER, _DELETE_DELIVERIES),
    _Walk("webhooks_message", _MESSAGE_IS_OVER),
)


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _do(statement: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        count: int = cursor.rowcount
    return count
