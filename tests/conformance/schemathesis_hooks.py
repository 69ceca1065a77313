"""Loaded by Schemathesis: no Idempotency-Key is sent twice, else most POSTs only tell of the conflict."""

import itertools
import re
from typing import Any

import schemathesis

_calls = itertools.count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Make a good key one of its own; a bad one stays bad."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch(r"[\x20-\x7e]{1,240}", key):
        case.headers["Idempotency-Key"] = f"{key.strip()}-{next(_calls)}"
