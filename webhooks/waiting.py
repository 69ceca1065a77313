"""Who waits for rate limits: one pump of each pace, so that a slow lane keeps no other from its work."""

import logging
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, connection

from webhooks.lanes import rate_allows_in
from webhooks.paces import Pace

logger = logging.getLogger(__name__)

#: The advisory locks' first key: no other code of this database may use it. The second is the pace's place.
_LOCK = 0x1068


class Turn:
    """The right to wait for rate limits at these paces. It ends with `end`, or with the connection."""

    def __init__(self, paces: Sequence[Pace] = tuple(Pace)) -> None:
        self._paces = paces
        self._ours: set[Pace] = set()

    def due_in(self) -> float | None:
        """Seconds until a rate limit lets go of something due, 0: now; None: never, or another waits.

        None also while the database is away.
        """
        try:
            found = [self._waits(pace) for pace in self._paces]
        except (OperationalError, InterfaceError) as error:
            logger.warning("nobody waits for rate limits until the next sweep: %s", error)
            return None
        return min((seconds for seconds in found if seconds is not None), default=None)

    def end(self) -> None:
        for pace in sorted(self._ours):
            self._ask("SELECT pg_advisory_unlock(%s, %s)", pace)
        self._ours.clear()

    def _waits(self, pace: Pace) -> float | None:
        seconds = rate_allows_in([pace])
        if seconds is None:
            return None
        if pace not in self._ours and self._ask("SELECT pg_try_advisory_lock(%s, %s)", pace):
            self._ours.add(pace)
        return seconds if pace in self._ours else None

    def _ask(self, statement: str, pace: Pace) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(statement, [_LOCK, list(Pace).index(pace)])
            return bool(cursor.fetchone()[0])
