"""Whether what arrived can be trusted, and if not, exactly why: how Standard Webhooks says to verify.

Written for the receiving side, apart from `webhooks.signing`, so that one proves the other.
"""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from webhooks.listening.arrivals import Arrival, Past
from webhooks.listening.keys import PUBLIC_KEY, SECRET, Key

#: Seconds that a timestamp may lie in the past or in the future.
TOLERANCE = 300
#: Signatures of one message that are looked at.
MOST_SIGNATURES = 32

_SIGNATURE_BYTES = {SECRET: 32, PUBLIC_KEY: 64}
_WANTED = {SECRET: "secret (whsec_...)", PUBLIC_KEY: "public key (whpk_...)"}
_ANOTHER = "was made with another key: there are several after a rotation"
_TIMESTAMP = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verified` is None where there was no key to verify with. `keys` are those that made a signature."""

    verified: bool | None
    findings: tuple[str, ...]
    keys: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class _Finding:
    """About one signature. `key` made it; None: no known one did, also none of `tried`."""

    words: str
    key: Key | None = None
    signature: bytes = b""
    tried: Sequence[Key] = ()


class _Unchecked(Exception):  # noqa: N818 - it is a finding
    """A signature that no key can be tried on, and why."""


def judge(arrival: Arrival, keys: Sequence[Key], past: Past) -> Verdict:
    """Verified is what has its three headers, a fresh timestamp and a signature that one of the keys made."""
    faults = [*_faults(arrival)]
    if not keys:
        return Verdict(None, (*faults, "no secret was given to verify with"))
    found = [*_signatures(arrival, keys, past)]
    makers = frozenset(each.key for each in found if each.key)
    return Verdict(
        verified=bool(makers) and not faults,
        findings=(*faults, *(each.words for each in found)),
        keys=makers,
    )


def _faults(arrival: Arrival) -> Iterator[str]:
    """What is wrong with the headers, whatever the signatures are worth."""
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        values = arrival.values(name)
        if not values:
            yield f"the header {name} is missing"
        elif not values[0]:
            yield f"the header {name} is empty"
        elif name == "webhook-signature":
            continue  # several mean the same as several in one
        elif len(values) > 1:
            yield f"the header {name} came {len(values)} times"
        elif name == "webhook-timestamp":
            yield from _age(arrival, values[0])


def _age(arrival: Arrival, timestamp: str) -> Iterator[str]:
    if not _TIMESTAMP.fullmatch(timestamp):
        yield "webhook-timestamp is not a number of seconds"
        return
    age = arrival.at.timestamp() - int(timestamp)
    if abs(age) > TOLERANCE:
        when = "old" if age > 0 else "in the future"
        yield (
            f"webhook-timestamp is {abs(age):.0f} s {when}, and {TOLERANCE} s are allowed: an old message"
            " that somebody sent again, or a clock that is wrong"
        )


def _signatures(arrival: Arrival, keys: Sequence[Key], past: Past) -> Iterator[_Finding]:
    texts = " ".join(arrival.values("webhook-signature")).split()
    found = [_checked(arrival, text, keys) for text in texts[:MOST_SIGNATURES]]
    is_whole = any(each.key for each in found)
    for number, each in enumerate(found, start=1):
        words = each.words
        if each.tried:
            # One that fits proves that nothing was changed.
            why = _ANOTHER if is_whole else f"does not verify: {_why_not(arrival, each, past)}"
            words = f"{words} {why}"
        yield _Finding(f"signature {number} {words}", each.key)
    if len(texts) > MOST_SIGNATURES:
        yield _Finding(f"{len(texts) - MOST_SIGNATURES} more signatures were not looked at")


def _checked(arrival: Arrival, text: str, keys: Sequence[Key]) -> _Finding:
    """What one signature is worth, by the keys of its version."""
    version, comma, encoded = text.partition(",")
    if not comma:
        return _Finding("is not a version, a comma and base64")
    tried = [key for key in keys if key.version == version]
    try:
        signature = _decoded(encoded, version, tried)
        maker = _maker(arrival, arrival.body, signature, tried)
    except _Unchecked as reason:
        return _Finding(f"({version}) {reason}")
    if maker:
        return _Finding(f"({version}) verifies with {maker.name}", maker)
    return _Finding(f"({version})", signature=signature, tried=tried)


def _decoded(encoded: str, version: str, keys: Sequence[Key]) -> bytes:
    """The signature's bytes. Raises _Unchecked."""
    if version not in _WANTED:
        raise _Unchecked("is of a version that is not known here")
    if not keys:
        raise _Unchecked(f"was not checked: no {_WANTED[version]} was given")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise _Unchecked("is not base64") from None
    if len(signature) != _SIGNATURE_BYTES[version]:
        raise _Unchecked(f"is {len(signature)} bytes long, where {_SIGNATURE_BYTES[version]} are right")
    return signature


def _maker(arrival: Arrival, body: bytes, signature: bytes, keys: Sequence[Key]) -> Key | None:
    """The key that made this signature for this message with this body. Raises _Unchecked."""
    covered = [arrival.values(name)[:1] for name in ("webhook-id", "webhook-timestamp")]
    if not all(covered):
        raise _Unchecked("could not be checked: a header that it covers is missing")
    content = b".".join([*(values[0].encode("latin-1") for values in covered), body])
    return next((key for key in keys if key.made(signature, content)), None)


def _why_not(arrival: Arrival, finding: _Finding, past: Past) -> str:
    """What is proved to be wrong; where nothing is, what is likely."""
    keys = finding.tried
    for words, origin in _origins(arrival.body):
        if _maker(arrival, origin, finding.signature, keys):
            return f"the body was changed on its way; {words} it would"
    if past.knows_another_body(arrival):
        return "the body was changed: a message of this webhook-id verified before, with another body"
    names = " or ".join(key.name for key in keys)
    if any(past.has_verified(key) for key in keys):
        return (
            f"{names} did not make it, though other messages verified; so the body, the id or the timestamp "
            "was changed on its way, or the endpoint's secret was rotated since"
        )
    return (
        f"{names} did not make it: the wrong secret (another endpoint's, or one from before a rotation), or "
        "the body, the id or the timestamp was changed on its way"
    )


def _origins(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that this one may have been before somebody changed it, with words for how they differ."""
    yield "without the white space at its end", body.rstrip()
    yield "with a line end", body + b"\n"
    try:
        parsed = json.loads(body)
        for ascii_only in (False, True):
            told = "with escaped letters" if ascii_only else "with plain letters"
            yield (
                f"as JSON without spaces, {told}",
                json.dumps(parsed, ensure_ascii=ascii_only, separators=(",", ":")).encode(),
            )
            yield f"as JSON with spaces, {told}", json.dumps(parsed, ensure_ascii=ascii_only).encode()
    except (ValueError, RecursionError):
        return  # no JSON that can be written anew
