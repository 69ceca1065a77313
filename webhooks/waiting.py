"""Who waits for rate limits: one pump of all, so that a slow lane keeps no second one from other work."""

from django.db import connection

from webhooks.lanes import next_token

#: The advisory lock's two keys: no other code of this database may use the first.
_LOCK = (0x1068, 0)


class Turn:
    """The right to wait for rate limits. It ends with `end`, or with the connection of this thread."""

    def __init__(self) -> None:
        self._ours = False

    def is_worth_it(self) -> bool:
        """Whether something due waits for a rate limit only, and nobody else waits for it."""
        if next_token() is None:
            return False
        if not self._ours:
            self._ours = self._ask("SELECT pg_try_advisory_lock(%s, %s)")
        return self._ours

    def end(self) -> None:
        if self._ours:
            self._ask("SELECT pg_advisory_unlock(%s, %s)")
            self._ours = False

    def _ask(self, statement: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(statement, _LOCK)
            return bool(cursor.fetchone()[0])
