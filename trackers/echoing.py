"""What a caller sent, as an answer may show it: JSON can be read that cannot be written again."""

import math
import re
from typing import Any

_UNWRITABLE = re.compile("[\ud800-\udfff]")
#: Levels of nesting that are shown.
_DEEPEST = 32


def echo(sent: Any, depth: int = 0) -> Any:
    """The same; only lone surrogates become U+FFFD, infinite numbers and what is nested too deep null."""
    match sent:
        case str():
            return _UNWRITABLE.sub("\ufffd", sent)
        case float():
            return sent if math.isfinite(sent) else None
        case dict() | list() if depth >= _DEEPEST:
            return None
        case dict():
            return {echo(name): echo(value, depth + 1) for name, value in sent.items()}
        case list():
            return [echo(value, depth + 1) for value in sent]
    return sent
