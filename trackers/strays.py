"""Calls whose claim was taken away while they are under way: they count for their account until they end.

A tracker that is stopped, deleted or asked about anew takes the claim of a poll that is out. So that its
account has no more calls under way than it may, over all processes, the claim is noted here in the same
statement. Whoever made the call takes the note away, or it ends with the lease.
"""

import json
from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol
from uuid import UUID

from django.db import connection, models

#: Before the statement that takes claims away from `%(watches)s`, or deletes these. The caller holds them.
NOTE = """
WITH strays AS (
    INSERT INTO trackers_straycall (watch_id, claim_id, account_id, counted_until)
    SELECT id, claim_id, carrier_account_id, claimed_until FROM trackers_watch
    WHERE id = ANY(%(watches)s::uuid[]) AND claim_id IS NOT NULL AND carrier_account_id IS NOT NULL
      AND claimed_until > clock_timestamp()
    ON CONFLICT DO NOTHING
)
"""
#: How many of an account there are.
COUNT = """
(SELECT count(*) FROM trackers_straycall WHERE account_id = {0} AND counted_until > statement_timestamp())
"""
# And those whose worker died: they count no more.
_END = """
WITH ended AS MATERIALIZED (
    SELECT stray.id FROM trackers_straycall AS stray
    JOIN jsonb_to_recordset(%s) AS ours (watch uuid, claim uuid)
      ON stray.watch_id = ours.watch AND stray.claim_id = ours.claim
    ORDER BY stray.id FOR UPDATE OF stray
),
expired AS MATERIALIZED (
    SELECT id FROM trackers_straycall WHERE counted_until <= statement_timestamp()
    ORDER BY id FOR UPDATE SKIP LOCKED
)
DELETE FROM trackers_straycall WHERE id IN (SELECT id FROM ended UNION ALL SELECT id FROM expired)
"""


class StrayCall(models.Model):
    """A call of an account that no watch's claim speaks of any more."""

    watch_id = models.UUIDField()
    claim_id = models.UUIDField()
    account_id = models.UUIDField()
    #: As long as its claim would have lasted, which whoever makes the call renews.
    counted_until = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "watch_id", "claim_id"], name="stray_call")
        ]

    def __str__(self) -> str:
        return f"of account {self.account_id} until {self.counted_until}"


class Claimed(Protocol):
    """Which claim of which watch a call was made by."""

    @property
    def watch(self) -> UUID: ...

    @property
    def claim(self) -> UUID: ...


def note(watches: Sequence[UUID]) -> None:
    """Note calls of these watches whose claims are to be taken away; one statement, or none."""
    if watches:
        with connection.cursor() as cursor:
            cursor.execute(f"{NOTE} SELECT", {"watches": list(watches)})


def end(calls: Iterable[Claimed]) -> None:
    """These calls have ended, whatever became of their claims; one statement."""
    ended = [{"watch": str(one.watch), "claim": str(one.claim)} for one in calls]
    with connection.cursor() as cursor:
        cursor.execute(_END, [json.dumps(ended)])
