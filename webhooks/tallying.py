"""Tries counted by endpoint, five minutes and outcome, by a part of the statement that ends them."""


def counting(tries: str) -> str:
    """SQL that adds `tries` to the tallies: a FROM clause of rows (endpoint_id, error, duration_ms).

    It locks the tallies in one order. What locks endpoints does so before.
    """
    return f"""
    INSERT INTO webhooks_tally AS t (endpoint_id, since, error, tries, duration_ms, slowest_ms)
    SELECT endpoint_id, date_bin('5 minutes', statement_timestamp(), TIMESTAMPTZ 'epoch'), error, count(*),
           coalesce(sum(duration_ms), 0), coalesce(max(duration_ms), 0)
    FROM {tries}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (endpoint_id, since, error) DO UPDATE
    SET tries = t.tries + excluded.tries, duration_ms = t.duration_ms + excluded.duration_ms,
        slowest_ms = greatest(t.slowest_ms, excluded.slowest_ms)
    """  # noqa: S608 - what callers give is constant
