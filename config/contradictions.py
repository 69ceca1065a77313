"""Values that are right one by one and do not fit together."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http.request import validate_host

from config import faults

#: Seconds that a call may take at most so that a process which is told to end does it in time (30 s).
LONGEST_CALL = 25.0
#: Seconds from the end's beginning to the last answer: a call may come when the draining is over, nearly.
LONGEST_DRAIN = 28.0
#: What https://hstspreload.org asks for.
_PRELOAD_SECONDS = 31_536_000
#: Seconds: a shorter lease is lost by a worker that pauses for a moment, and its work is done twice.
_SHORT_LEASE = 5.0

Said = Iterator[tuple[str, str]]


def note(values: Mapping[str, Any]) -> None:
    """Note what does not fit together in the settings, by their names."""
    for name, problem in refused(values):
        faults.add(name, problem)
    for name, problem in (*doubted(values), *slow(values)):
        faults.doubt(name, problem)


def refused(values: Mapping[str, Any]) -> Said:
    """What cannot work."""
    public = urlsplit(values["PUBLIC_URL"])
    if values["PRODUCTION"] and public.scheme == "http":
        yield "PUBLIC_URL", "begins with http://, and production answers over HTTPS alone"
    preload = values["HSTS_SUBDOMAINS"] and values["HSTS_SECONDS"] >= _PRELOAD_SECONDS
    if values["HSTS_PRELOAD"] and not preload:
        wanted = f"HSTS_SUBDOMAINS, and HSTS_SECONDS of at least {_PRELOAD_SECONDS}"
        yield "HSTS_PRELOAD", f"is on; browsers' lists want {wanted} with it"


def doubted(values: Mapping[str, Any]) -> Said:
    """What works, and hardly as it was meant."""
    host = urlsplit(values["PUBLIC_URL"]).hostname
    if host and not validate_host(host, values["ALLOWED_HOSTS"]):
        yield "PUBLIC_URL", f"has the host {host}, which ALLOWED_HOSTS lacks: its pages are answered with 400"
    if values["EMAIL_FROM"] and not values["EMAIL_URL"]:
        yield "EMAIL_FROM", "is set, and EMAIL_URL is not: no e-mail is sent"
    whole = values["DELIVERY_DEADLINE"]
    for name in ("DELIVERY_CONNECT_DEADLINE", "DELIVERY_DNS_DEADLINE"):
        if values[name] > whole:
            yield name, f"is {values[name]:g}; DELIVERY_DEADLINE, {whole:g}, ends the whole try before"


def slow(values: Mapping[str, Any]) -> Said:
    """What a process in production cannot end in time, and what ends too early there."""
    if not values["PRODUCTION"]:
        return
    for name in ("CARRIER_DEADLINE", "DELIVERY_DEADLINE", "TRACK_WAIT"):
        if values[name] > LONGEST_CALL:
            late = f"above {LONGEST_CALL:g} a process that is stopped may be killed before its work is done"
            yield name, f"is {values[name]:g}; {late}"
    drained = values["DRAIN_SECONDS"] + values["TRACK_WAIT"]
    if drained > LONGEST_DRAIN:
        late = f"with TRACK_WAIT it makes {drained:g}; above {LONGEST_DRAIN:g} a call may be cut off"
        yield "DRAIN_SECONDS", f"is {values['DRAIN_SECONDS']:g}; {late}"
    for name in ("POLL_LEASE", "DELIVERY_LEASE"):
        if values[name] < _SHORT_LEASE:
            yield (
                name,
                f"is {values[name]:g}; below {_SHORT_LEASE:g} a short pause of a worker doubles its work",
            )
