"""Texts that no record and no answer may show, replaced where a subscriber sent them back. Pure."""

import base64
import html
import json
import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import quote

from webhooks.signing import PRIVATE_PREFIX, SECRET_PREFIX, key_bytes

HIDDEN = b"[hidden]"
#: Shorter values are no secrets, and hiding them would leave little to read.
SHORTEST = 4
#: What follows the scheme in `Bearer ...` is hidden by itself from this length on.
SHORTEST_CREDENTIALS = 8
#: More forms than this are not compared with each other, which would take long.
_COMPARED = 100
#: Bytes of a private key whose first part, the seed, is all that it takes to sign.
_PAIR_BYTES, _SEED_BYTES = 64, 32


class Secrets:
    """What an endpoint's messages are or were signed with, and the values of its own headers."""

    def __init__(self, keys: Iterable[str], values: Iterable[str]) -> None:
        texts = set(values)
        texts |= {rest for value in texts if len(rest := value.partition(" ")[2]) >= SHORTEST_CREDENTIALS}
        texts |= {form for key in keys for form in _key_forms(key)}
        self._forms = {form for text in texts if len(text) >= SHORTEST for form in _forms(text)}
        self._marks = _marks(self._forms)

    def are_in(self, data: bytes) -> bool:
        """Whether there is anything to hide."""
        folded = data.lower()
        return any(mark in folded for mark in self._marks)

    def hide(self, data: bytes) -> bytes:
        """The same with `[hidden]` for each of them, in whatever case, and once for some that overlap."""
        shown, begin = [], 0
        for start, end in _apart(self._found(data.lower())):
            shown.append(data[begin:start])
            begin = end
        return HIDDEN.join([*shown, data[begin:]])

    def _found(self, folded: bytes) -> Iterator[tuple[int, int]]:
        """Where they begin and end."""
        # One pattern of all of them would take seconds to compile where headers are many and long.
        for form in self._forms:
            start = folded.find(form)
            while start >= 0:
                yield start, start + len(form)
                start = folded.find(form, start + len(form))


def _marks(forms: Collection[bytes]) -> list[bytes]:
    """Of these the ones of which at least one is in whatever contains any of them."""
    if len(forms) > _COMPARED:
        return list(forms)
    marks: list[bytes] = []
    for form in sorted(forms, key=len):
        if not any(mark in form for mark in marks):
            marks.append(form)
    return marks


def _apart(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """These places in order, those that overlap as one."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _key_forms(key: str) -> Iterator[str]:
    """A secret or private key: whole, without its prefix, and as programs print the bytes it stands for."""
    rest = key.removeprefix(PRIVATE_PREFIX).removeprefix(SECRET_PREFIX)
    yield from (key, rest, rest.rstrip("="))
    try:
        decoded = key_bytes(key)
    except ValueError:
        return
    parts = [decoded, decoded[:_SEED_BYTES]] if len(decoded) == _PAIR_BYTES else [decoded]
    for part in parts:
        yield part.hex()
        yield from (encoded(part).decode().rstrip("=") for encoded in _ENCODINGS)


_ENCODINGS = (base64.b64encode, base64.urlsafe_b64encode)


def _forms(text: str) -> Iterator[bytes]:
    """As it is, and as programs escape it in JSON, in HTML and in URLs."""
    in_json, in_html = json.dumps(text)[1:-1], html.escape(text)
    forms = [text, in_json, in_json.replace("/", "\\/"), quote(text, safe="")]
    forms += [each.sub(_numbered, in_json) for each in _NUMBERED]
    forms += [in_html, in_html.replace("&#x27;", "&#39;"), in_html.replace("&#x27;", "&#039;")]
    for form in forms:
        yield form.lower().encode()


#: What Go, Gson and .NET write as numbers in JSON, lest it be read as HTML.
_NUMBERED = [re.compile(pattern) for pattern in ("[<>&]", "[<>&'=]", r"\\\"|[<>&'+`]")]


def _numbered(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0][-1]):04x}"
