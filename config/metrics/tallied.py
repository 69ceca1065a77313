"""Counters made from the tallies, which are counted once a minute and forgotten after a month.

A sum over rows that are deleted one day would go back then, and a counter must not. So this remembers, for as
long as the process lives, how far each hour's rows had grown, and adds what they grow by. A counter that
starts anew with its process is what Prometheus expects.
"""

from collections.abc import Iterable, Iterator, Mapping

from django.db import connection
from prometheus_client.metrics_core import Metric

from accounts.rollups import HOUR
from carriers.outcome import Outcome
from config.metrics.families import counter, gauge, single
from webhooks.exchanges import Failure

#: Hours whose rows may still grow, seen from now: whoever scrapes seldom misses nothing within them.
HOURS = 3

# `what` is one of three short words, `outcome` of a closed list.
_TALLIED = f"""
SELECT 'polls', outcome, since, polls FROM carriers_polltally
WHERE account_id IS NULL AND since > {HOUR.format("statement_timestamp()")} - interval '{HOURS} hours'
UNION ALL
SELECT 'tries', error, since, tries FROM webhooks_hourtally
WHERE since > {HOUR.format("statement_timestamp()")} - interval '{HOURS} hours'
UNION ALL
SELECT 'scans', '', since, scans FROM trackers_scantally
WHERE since > {HOUR.format("statement_timestamp()")} - interval '{HOURS} hours'
"""  # noqa: S608 - constants only

_PARCELS = """
SELECT milestone, parcels FROM trackers_milestonetally
WHERE since = (SELECT max(since) FROM trackers_milestonetally)
"""

_COUNTED = """
SELECT extract(epoch FROM statement_timestamp() - least(
    (SELECT max(counted_at) FROM carriers_polltally
     WHERE account_id IS NULL AND since = (SELECT max(since) FROM carriers_polltally)),
    (SELECT max(counted_at) FROM webhooks_hourtally
     WHERE since = (SELECT max(since) FROM webhooks_hourtally)),
    (SELECT max(counted_at) FROM trackers_scantally
     WHERE since = (SELECT max(since) FROM trackers_scantally))
))::float8
"""


class Growing:
    """A counter for each label, from figures of hours that grow and then are gone.

    It begins at nothing: what was there before was told by whoever told it then.
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self._totals = dict.fromkeys(labels, 0)
        self._seen: Mapping[tuple[str, object], int] | None = None

    def take(self, rows: Mapping[tuple[str, object], int]) -> dict[str, int]:
        """The totals after these rows, by label and hour."""
        seen = rows if self._seen is None else self._seen
        for (label, hour), figure in rows.items():
            grown = figure - seen.get((label, hour), 0)
            self._totals[label] = self._totals.get(label, 0) + max(0, grown)
        self._seen = rows
        return dict(self._totals)


class Tallied:
    """Polls, tries and scans counted so; and how the parcels stand. Three statements."""

    def __init__(self) -> None:
        self._polls = Growing([one.value for one in Outcome])
        self._tries = Growing(["", *(one.value for one in Failure)])
        self._scans = Growing([""])

    def read(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(_TALLIED)
            rows = cursor.fetchall()
            cursor.execute(_PARCELS)
            parcels = cursor.fetchall()
            cursor.execute(_COUNTED)
            (counted,) = cursor.fetchone()
        polls = self._polls.take(_of("polls", rows))
        yield counter(
            "polls", "Polls by what came of them, counted once a minute", ["outcome"],
            [([outcome], figure) for outcome, figure in polls.items()],
        )  # fmt: skip
        tries = self._tries.take(_of("tries", rows))
        yield counter(
            "delivery_tries", "Tries of deliveries by how they ended, counted once a minute", ["outcome"],
            [([outcome or "success"], figure) for outcome, figure in tries.items()],
        )  # fmt: skip
        scans = self._scans.take(_of("scans", rows))
        yield counter("scans", "New scans that were recorded, counted a minute later", [], [([], scans[""])])
        yield gauge("parcels", "Parcels that are followed, by milestone", ["milestone"],
                    [([milestone], figure) for milestone, figure in parcels])  # fmt: skip
        if counted is not None:
            yield single("counted_age_seconds", "Since when the oldest of these counts stands", counted)


def _of(what: str, rows: list[tuple[str, str, object, int]]) -> dict[tuple[str, object], int]:
    return {(label, hour): int(figure) for each, label, hour, figure in rows if each == what}
