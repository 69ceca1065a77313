"""Texts that no record and no answer may show, replaced where a subscriber sent them back. Pure."""

import json
import re
from collections.abc import Iterable, Iterator

from webhooks.signing import SECRET_PREFIX

HIDDEN = b"[hidden]"
#: Shorter values are no secrets, and hiding them would leave little to read.
SHORTEST = 4
#: What follows the scheme in `Bearer ...` is hidden by itself from this length on.
SHORTEST_CREDENTIALS = 8


class Secrets:
    """An endpoint's secret and the values of its own headers."""

    def __init__(self, secret: str, values: Iterable[str]) -> None:
        texts = {secret, secret.removeprefix(SECRET_PREFIX), *values}
        texts |= {rest for value in values if len(rest := value.partition(" ")[2]) >= SHORTEST_CREDENTIALS}
        forms = {form for text in texts if len(text) >= SHORTEST for form in _forms(text)}
        # The longest first: a part of it may be another.
        self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, data: bytes) -> bytes:
        """The same with `[hidden]` for each of them, in whatever case."""
        folded = data.lower()
        if not any(form in folded for form in self._forms):
            return data
        pattern = b"|".join(re.escape(form) for form in self._forms)
        return re.sub(pattern, HIDDEN, data, flags=re.IGNORECASE)


def _forms(text: str) -> Iterator[bytes]:
    """As it is, and as it stands in JSON, where some escape slashes too."""
    in_json = json.dumps(text)[1:-1]
    for form in (text, in_json, in_json.replace("/", "\\/")):
        yield form.lower().encode()
