"""How PostgreSQL would find rows."""

from typing import Any

from django.db import connection, transaction


def reads_by_index(statement: str, values: Any = None) -> bool:
    """Whether an index can find what the statement reads, in its order: no table is read whole, none sorted.

    Asked with scans of whole tables and sorting made dear, since the tables of a test are small.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {statement}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    return "Index" in plan and "Seq Scan" not in plan and "Sort" not in plan
