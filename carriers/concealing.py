"""Keep an account's key out of what is kept of an answer: some carriers repeat the whole request. Pure."""

import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

#: First bytes of a useless answer that are kept for whoever looks into it.
EXCERPT = 500
CONCEALED = "[key]"

#: Ways that carriers, their frameworks and their proxies write a text into JSON, a page or a URL.
_ENCODERS: tuple[Callable[[str], str], ...] = (
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    html.escape,
    lambda text: html.escape(text, quote=False),
    lambda text: html.escape(text).replace("&#x27;", "&#39;"),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    lambda text: re.sub(r"[&<>'\"+`]", lambda found: f"\\u{ord(found[0]):04x}", text.replace("\\", "\\\\")),
)


def concealed(text: str, key: str) -> str:
    """`text` with [key] wherever the key stands in it, as it is or encoded, once or twice over."""
    return re.sub(_pattern(_forms(key)), CONCEALED, text, flags=re.IGNORECASE) if key else text


def excerpt(body: bytes, key: str) -> bytes:
    """The first EXCERPT bytes of `body`, without the key: one that the cut goes through is found before."""
    if not key:
        return body[:EXCERPT]
    forms = _forms(key)
    window = body[: EXCERPT + max(len(form.encode()) for form in forms)]
    shown = bytearray()
    at = 0
    for found in re.finditer(_pattern(forms).encode(), window, re.IGNORECASE):
        if found.start() >= EXCERPT:
            break
        shown += window[at : found.start()] + CONCEALED.encode()
        at = found.end()
    shown += window[at:EXCERPT]
    return bytes(shown[:EXCERPT])


def _forms(key: str) -> set[str]:
    forms = {key}
    for _ in range(2):
        forms |= {encode(form) for form in forms for encode in _ENCODERS}
    return forms


def _pattern(forms: set[str]) -> str:
    """Whole forms, the longest first: nothing that a hostile body could make slow."""
    return "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
