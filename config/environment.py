"""Environment variables, read loudly: a value that makes no sense stops the start and is named."""

from email import policy
from email.errors import ObsoleteHeaderDefect
from ipaddress import ip_network
from re import fullmatch
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

env = environ.Env()

#: Schemes of EMAIL_URL with their usual ports: in clear, STARTTLS, TLS from the start; and none, for trying.
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465, "consolemail": None}


def at_least(least: float, name: str, default: float) -> float:
    """A number from the environment that makes no sense below `least`."""
    given: str = env.str(name, str(default))
    try:
        value = float(given)
    except ValueError:
        value = float("nan")
    if not value >= least:
        raise ImproperlyConfigured(f"{name} is {given!r}; expected a number of at least {least:g}")
    return value


def between(least: float, most: float, name: str, default: float) -> float:
    """The same, for one that makes no sense above `most` either."""
    value = at_least(least, name, default)
    if value > most:
        raise ImproperlyConfigured(f"{name} is {value:g}; expected a number from {least:g} to {most:g}")
    return value


def networks(name: str) -> list[str]:
    """CIDRs from the environment."""
    cidrs: list[str] = env.list(name, default=[])
    for cidr in cidrs:
        try:
            ip_network(cidr)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}; expected networks such as 10.0.0.0/8") from error
    return cidrs


def header_name(name: str) -> str:
    """The name of a header from the environment; "" where none is set."""
    given: str = env.str(name, "")
    if given and not fullmatch(r"[A-Za-z][A-Za-z0-9-]*", given):
        raise ImproperlyConfigured(f"{name} is {given!r}; expected a header's name")
    return given


def origin(name: str) -> str:
    """Scheme and host from the environment; "" where none is set."""
    given: str = env.str(name, "")
    if given and not fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", given):
        raise ImproperlyConfigured(f"{name} is {given!r}; expected a URL such as https://track.shop.example")
    return given


def mail_server(url: str, sender: str) -> dict[str, Any]:
    """Django's settings for EMAIL_URL; none for "". `sender` is EMAIL_FROM, an address then.

    Raises ImproperlyConfigured, which does not quote the URL: a password may be in it.
    """
    if not url:
        return {}
    scheme, slashes, _ = url.partition("://")
    try:
        given: dict[str, Any] = env.email_url_config(url)
    except (ImproperlyConfigured, ValueError):
        given = {}
    complete = slashes and (given.get("EMAIL_HOST") or scheme == "consolemail")
    if scheme not in _MAIL_PORTS or not complete:
        forms = "smtp://, smtp+tls:// or smtp+ssl:// and user:password@host:port, or consolemail://"
        raise ImproperlyConfigured(f"EMAIL_URL is not what was expected: {forms}")
    if not _is_mailbox(sender):
        raise ImproperlyConfigured(f"EMAIL_FROM is {sender!r}; expected an address to send from")
    return given | {"EMAIL_PORT": given["EMAIL_PORT"] or _MAIL_PORTS[scheme]}


def _is_mailbox(text: str) -> bool:
    """Whether it is one e-mail address, with a name before it or without."""
    try:
        _, header = policy.default.header_store_parse("From", text)
        (address,) = header.addresses
        validate_email(address.addr_spec)
    except (ValueError, ValidationError):
        return False
    # A name may have a dot: that is obsolete, and usual.
    return all(isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)
