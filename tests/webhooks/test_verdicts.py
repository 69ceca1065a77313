"""What the end of a try means."""

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from webhooks.exchanges import Failure, Result
from webhooks.verdicts import Verdict, judge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def result(failure: Failure | None, code: int | None = None, **headers: str) -> Result:
    return Result(uuid7(), failure, code, 12, b"", headers, "")


@pytest.mark.parametrize(
    ("ended", "step", "verdict"),
    [
        (result(None, 200), 0, Verdict("delivered", 0)),
        (result(None, 204), 3, Verdict("delivered", 3)),
        (result(Failure.HTTP_STATUS, 500), 0, Verdict("pending", 1, 5.0)),
        (result(Failure.HTTP_STATUS, 404), 1, Verdict("pending", 2, 60.0)),
        (result(Failure.HTTP_STATUS, 429, **{"retry-after": "90"}), 1, Verdict("pending", 2, 90.0)),
        (result(Failure.HTTP_STATUS, 503, **{"retry-after": "soon"}), 1, Verdict("pending", 2, 60.0)),
        (result(Failure.REDIRECT, 301, **{"retry-after": "90"}), 0, Verdict("pending", 1, 90.0)),
        (result(Failure.TIMEOUT), 0, Verdict("pending", 1, 5.0)),
        (result(Failure.ABANDONED), 0, Verdict("pending", 1, 5.0)),
        (result(Failure.HTTP_STATUS, 500), 2, Verdict("exhausted", 2)),
        (result(Failure.HTTP_STATUS, 410), 0, Verdict("pending", 1, 5.0, gone=True)),
        (result(Failure.HTTP_STATUS, 410), 2, Verdict("exhausted", 2, gone=True)),
    ],
)
def test_verdicts(ended: Result, step: int, verdict: Verdict) -> None:
    assert judge(ended, [5, 60], step, chance=0.0, now=NOW) == verdict
