"""SQL of lanes: which endpoints are owed something that is due, and how much of it may start now.

A lane has deliveries of two kinds, late ones and others, which are claimed by statements of their own. Each
kind is a range of its own in the index, so that a million of one cost the claims of the other nothing.
"""

from dataclasses import dataclass

#: Tries under way at once at an endpoint that keeps timing out.
SLOW_IN_FLIGHT = 2
#: Seconds for which a try counts against its endpoint's `rate_limit`. One would do if each were sent at the
#: moment of its claim; the rest is for those that leave later than the next ones do, so that the subscriber
#: sees no second with more than it bears. It costs a tenth of the rate: all of it goes out in 1.1 seconds.
WINDOW = 1.1
#: Seconds of its rate that a lane which used it up saves before it is looked at again: sends come in small
#: batches then, and no claimer is kept busy by single tries. So many are worth a claim at any rate.
SAVED, ENOUGH = 0.25, 100


@dataclass(frozen=True, slots=True)
class Kind:
    """Deliveries that one statement claims: those that are late, or not; `slow`: of which endpoints only."""

    late: bool
    slow: bool | None = None

    @property
    def through(self) -> str:
        """The lane's column of the last of this kind that was under way."""
        return "late_through" if self.late else "claimed_through"


EARLY = Kind(late=False, slow=False)
EARLY_OF_SLOW = Kind(late=False, slow=True)
LATE = Kind(late=True)

#: SQL: nobody holds the delivery `d`; and somebody does.
FREE = "(d.claimed_until IS NULL OR d.claimed_until < statement_timestamp())"
_HELD = "d.claimed_until >= statement_timestamp()"
_NIL = "00000000-0000-0000-0000-000000000000"

# A skip scan finds each endpoint that is owed something, and the first of that: where it is late, all are.
_OWED = """
WITH RECURSIVE owed AS (
    (SELECT endpoint_id, late, next_attempt_at FROM webhooks_delivery WHERE state = 'pending'
     ORDER BY endpoint_id, late, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT next.endpoint_id, next.late, next.next_attempt_at
    FROM owed
    CROSS JOIN LATERAL (
        SELECT d.endpoint_id, d.late, d.next_attempt_at FROM webhooks_delivery d
        WHERE d.state = 'pending' AND d.endpoint_id > owed.endpoint_id
        ORDER BY d.endpoint_id, d.late, d.next_attempt_at LIMIT 1
    ) AS next
)"""
_FIRST_OF_KIND = """
    CROSS JOIN LATERAL (
        SELECT d.next_attempt_at FROM webhooks_delivery d
        WHERE d.endpoint_id = {endpoint} AND d.state = 'pending' AND d.late = {late}
        ORDER BY d.next_attempt_at LIMIT 1
    ) AS first"""
_HEADS = {
    EARLY: f"""{_OWED},
head AS (
    SELECT endpoint_id, next_attempt_at AS due FROM owed
    WHERE NOT late AND next_attempt_at <= statement_timestamp()
)""",  # noqa: S608 - constants only
    LATE: f"""{_OWED},
head AS (
    SELECT owed.endpoint_id, first.next_attempt_at AS due
    FROM owed {_FIRST_OF_KIND.format(endpoint="owed.endpoint_id", late=True)}
    WHERE (NOT owed.late OR owed.next_attempt_at <= statement_timestamp())
      AND first.next_attempt_at <= statement_timestamp()
)""",  # noqa: S608 - constants only
    EARLY_OF_SLOW: f"""
WITH head AS (
    SELECT e.id AS endpoint_id, first.next_attempt_at AS due
    FROM (SELECT id FROM webhooks_endpoint WHERE slow_since IS NOT NULL OFFSET 0) AS e
    {_FIRST_OF_KIND.format(endpoint="e.id", late=False)}
    WHERE first.next_attempt_at <= statement_timestamp()
)""",  # noqa: S608 - constants only
}  # fmt: skip

#: SQL: the lane's tries that count against a rate limit now, as rows of (at, tries). One that is far ahead
#: was claimed before the clock was set back.
RECENT = f"""(
    SELECT at, tries FROM unnest(l.recent_at, l.recent) AS steps (at, tries)
    WHERE abs(extract(epoch FROM statement_timestamp() - at)) < {WINDOW}
)"""  # noqa: S608 - constants only

# What is under way in a lane is found up to the last that was under way after the claim before, of either
# kind: a lane of a million rows costs no more than one of ten. What nobody holds up to there came back, or
# came late. Extra tries are none of the lane's; OFFSET 0 has them found by their endpoint, however few were
# asked for when this was planned. Of a rate limit is left what did not start within the window;
# no more is saved than there are places for. What is late leaves a place to what is not, and what a rate
# limit lets go at once.
_ROOM = """
CROSS JOIN LATERAL (
    SELECT e.*, e.ctid::text || ':' || e.xmin::text AS version
    FROM webhooks_endpoint e
    WHERE e.id = h.endpoint_id AND e.state = 'active' AND e.deleted_at IS NULL {endpoints} OFFSET 0
) AS e
CROSS JOIN LATERAL (
    SELECT l.xmin AS version, l.ctid AS place, l.recent_at, l.recent,
           CASE WHEN e.rate_limit IS NOT NULL THEN (
               SELECT coalesce(sum(r.tries), 0)::integer FROM {recent} AS r
           ) END AS tries,
           coalesce(l.claimed_through, '-infinity') AS claimed_through,
           coalesce(l.claimed_through_id, '{nil}') AS claimed_through_id,
           coalesce(l.late_through, '-infinity') AS late_through,
           coalesce(l.late_through_id, '{nil}') AS late_through_id
    FROM (VALUES (1)) AS always LEFT JOIN webhooks_lane l ON l.endpoint_id = h.endpoint_id OFFSET 0
) AS l
CROSS JOIN LATERAL (
    SELECT count(*) AS looked_at, count(*) FILTER (WHERE {held}) AS tries,
           array_agg(d.next_attempt_at ORDER BY d.next_attempt_at, d.id) FILTER (WHERE {held}) AS dues,
           array_agg(d.id ORDER BY d.next_attempt_at, d.id) FILTER (WHERE {held}) AS ids
    FROM webhooks_delivery d
    WHERE d.endpoint_id = h.endpoint_id AND d.state = 'pending' AND d.late = {late}
      AND (d.next_attempt_at, d.id) <= (l.{through}, l.{through}_id)
) AS own
CROSS JOIN LATERAL (
    SELECT count(*) AS tries FROM webhooks_delivery d
    WHERE d.endpoint_id = h.endpoint_id AND d.state = 'pending' AND d.late = NOT {late}
      AND (d.next_attempt_at, d.id) <= (l.{other}, l.{other}_id) AND {held}
) AS other
CROSS JOIN LATERAL (
    SELECT count(*) AS tries
    FROM (
        SELECT x.delivery_id, x.claim_id FROM webhooks_extratry x
        WHERE x.endpoint_id = h.endpoint_id AND x.claim_id IS NOT NULL OFFSET 0
    ) AS x
    JOIN webhooks_delivery d ON d.id = x.delivery_id AND d.claim_id = x.claim_id
    WHERE d.state = 'pending' AND {held}
      AND CASE WHEN d.late THEN (d.next_attempt_at, d.id) <= (l.late_through, l.late_through_id)
               ELSE (d.next_attempt_at, d.id) <= (l.claimed_through, l.claimed_through_id) END
) AS extra
CROSS JOIN LATERAL (
    SELECT (CASE WHEN e.slow_since IS NOT NULL THEN least(e.max_in_flight, {slow_in_flight})
                 WHEN {late} AND e.max_in_flight > 1 THEN e.max_in_flight - 1
                 ELSE e.max_in_flight END
            - own.tries - other.tries + extra.tries)::integer AS free
) AS under_way
CROSS JOIN LATERAL (
    SELECT e.rate_limit - l.tries AS left,
           CASE WHEN {late} AND e.slow_since IS NULL AND e.rate_limit > 1
                THEN greatest(1, e.rate_limit * {saved}::float8) ELSE 0 END AS kept,
           least(greatest(1, e.rate_limit * {saved}::float8), {enough}, under_way.free) AS batch
) AS rate
CROSS JOIN LATERAL (
    SELECT least(
        under_way.free,
        CASE WHEN rate.left < rate.batch + rate.kept THEN 0 ELSE floor(rate.left - rate.kept)::integer END
    ) AS room
) AS allowed"""

# Of the lane `lane`: what is due of its kind and nobody holds, in order.
_FREE_ONES = """
    SELECT * FROM (
        (SELECT d.id, d.ctid AS place, d.next_attempt_at, d.endpoint_id, d.message_id
         FROM webhooks_delivery d
         WHERE {came_late} AND d.endpoint_id = {lane}.endpoint_id AND d.state = 'pending' AND d.late = {late}
           AND (d.next_attempt_at, d.id) <= ({since})
           AND d.next_attempt_at <= statement_timestamp() AND {free}
         ORDER BY d.next_attempt_at, d.id LIMIT {limit})
        UNION ALL
        (SELECT d.id, d.ctid AS place, d.next_attempt_at, d.endpoint_id, d.message_id
         FROM webhooks_delivery d
         WHERE d.endpoint_id = {lane}.endpoint_id AND d.state = 'pending' AND d.late = {late}
           AND (d.next_attempt_at, d.id) > ({since})
           AND d.next_attempt_at <= statement_timestamp() AND {free}
         ORDER BY d.next_attempt_at, d.id LIMIT {limit})
    ) AS either ORDER BY next_attempt_at, id LIMIT {limit}
"""


def _heads(kind: Kind, columns: str, where: str) -> str:
    """SQL of a query over the lanes that are owed something of this kind, the longest due first.

    `columns` and `where` may speak of `h` and `first` (the first due, and the first of these that nobody
    holds), `e` (the endpoint), `l` (the lane), `under_way`, `rate` and `allowed`.
    """
    values = {
        "endpoints": {None: "", True: "AND e.slow_since IS NOT NULL", False: "AND e.slow_since IS NULL"}[
            kind.slow
        ],
        "late": str(kind.late).upper(),
        "through": kind.through,
        "other": "claimed_through" if kind.late else "late_through",
        "slow_in_flight": SLOW_IN_FLIGHT,
        "recent": RECENT,
        "saved": SAVED,
        "enough": ENOUGH,
        "nil": _NIL,
        "held": _HELD,
    }
    since = f"l.{kind.through}, l.{kind.through}_id"
    first = _free_ones(kind, "h", "own.looked_at > own.tries", since, "1")
    return f"""
    SELECT {columns}
    FROM (SELECT * FROM head ORDER BY due, endpoint_id) AS h {_ROOM.format(**values)}
    CROSS JOIN LATERAL ({first}) AS first
    WHERE {where}
    ORDER BY h.due, h.endpoint_id"""  # noqa: S608 - constants only


def lanes(kind: Kind) -> str:
    """SQL that begins a statement: `lane`, the lanes of which some of this kind may start now, to %(limit)s.

    Those whose heads are due longest have among them the deliveries that are. `version` is null of a lane
    that was never made.
    """
    columns = f"""h.endpoint_id, first.next_attempt_at AS due, e.ordered, e.version AS endpoint_version,
           l.version, l.place, l.{kind.through} AS since, l.{kind.through}_id AS since_id,
           own.looked_at > own.tries AS came_late, own.dues[own.tries::integer] AS through,
           own.ids[own.tries::integer] AS through_id, allowed.room,
           e.rate_limit IS NOT NULL AS limited"""
    return f"""{_HEADS[kind]},
lane AS MATERIALIZED ({_heads(kind, columns, "allowed.room > 0")} LIMIT %(limit)s::integer
)"""


def oldest(kind: Kind) -> str:
    """SQL: since when the first of what could start now has been due."""
    found = _heads(kind, "first.next_attempt_at AS due", "allowed.room > 0")
    return f"{_HEADS[kind]} SELECT min(due) FROM ({found}) AS found"  # noqa: S608 - constants only


def next_of_rate(kind: Kind) -> str:
    """SQL: seconds until a rate limit lets go what is due and not held up otherwise; 0: it does now."""
    seconds = f"""CASE WHEN rate.left >= rate.batch + rate.kept THEN 0 ELSE (
        SELECT extract(epoch FROM r.at - statement_timestamp())::float8 + {WINDOW}
        FROM (SELECT at, sum(tries) OVER (ORDER BY at) AS gone FROM {RECENT} AS r) AS r
        WHERE rate.left + r.gone >= rate.batch + rate.kept ORDER BY r.at LIMIT 1
    ) END AS seconds"""  # noqa: S608 - constants only
    found = _heads(kind, seconds, "e.rate_limit IS NOT NULL AND under_way.free > 0")
    return f"{_HEADS[kind]} SELECT min(seconds) FROM ({found}) AS found"  # noqa: S608 - constants only


def free_ones(kind: Kind, limit: str) -> str:
    """SQL of a query: so many of this kind as are due in `lane` and held by nobody, the longest due first."""
    return _free_ones(kind, "lane", "lane.came_late", "lane.since, lane.since_id", limit)


def _free_ones(kind: Kind, lane: str, came_late: str, since: str, limit: str) -> str:
    return _FREE_ONES.format(
        lane=lane, late=str(kind.late).upper(), came_late=came_late, since=since, limit=limit, free=FREE
    )
