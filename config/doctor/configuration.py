"""The settings: how it runs, what Django's own checks say, and what looks like a mistake."""

import platform
from collections.abc import Iterator

import django
from django.conf import settings
from django.core import checks
from django.http.request import validate_host

from config.doctor.findings import Finding, bad, ok, warn


def versions() -> Iterator[Finding]:
    """What runs here, for whoever reads a report."""
    python = platform.python_version()
    running = f"Parcelwire {settings.VERSION}, {settings.PARCELWIRE_ENV}"
    yield ok(f"{running}, Python {python}, Django {django.__version__}")


def system_checks() -> Iterator[Finding]:
    """What `manage.py check` says; in production with --deploy."""
    said = [
        one
        for one in checks.run_checks(include_deployment_checks=settings.PRODUCTION)
        if not one.is_silenced()
    ]
    for one in said:
        make = bad if one.is_serious() else warn
        yield make(
            " ".join(one.msg.split()),
            one.hint or f"see {one.id} in Django's list of system checks, or docs/settings.md",
        )
    if not said:
        deploy = " --deploy" if settings.PRODUCTION else ""
        yield ok(f"manage.py check{deploy} has nothing to say")


def callers() -> Iterator[Finding]:
    """Whether the proxy in front is told of, and shoppers' links lead here."""
    if not settings.PRODUCTION:
        yield ok("development: any host may call, over plain HTTP")
        return
    found = list(_callers())
    yield from found or [
        ok(f"called by HTTPS as {', '.join(settings.ALLOWED_HOSTS)}; shoppers at {settings.PUBLIC_URL}")
    ]


def _callers() -> Iterator[Finding]:
    if not settings.PROXY_SCHEME_HEADER:
        yield warn(
            "PROXY_SCHEME_HEADER is not set: every call that a proxy passes on over plain HTTP is refused",
            "set it to the header in which your proxy says `https`, such as X-Forwarded-Proto",
        )
    elif not settings.PROXY_ADDRESS_HEADER:
        yield warn(
            "PROXY_ADDRESS_HEADER is not set: nobody's address is known, so all shoppers share one limit",
            "set it to the header in which your proxy says who called, such as X-Forwarded-For",
        )
    if not settings.PUBLIC_URL.startswith("https://"):
        yield warn(
            "PUBLIC_URL is no https:// address: links for shoppers begin with whatever the API was called by",
            "set it, such as https://parcels.shop.example",
        )
    elif not _is_allowed(settings.PUBLIC_URL):
        yield bad(
            f"PUBLIC_URL is {settings.PUBLIC_URL}, which is none of ALLOWED_HOSTS: shoppers are answered 400",
            "add its host to ALLOWED_HOSTS",
        )


def _is_allowed(url: str) -> bool:
    host = url.partition("://")[2].partition(":")[0].lower()
    return validate_host(host, settings.ALLOWED_HOSTS)


def mail() -> Iterator[Finding]:
    """Whether merchants can be told that an endpoint was disabled."""
    if settings.EMAIL_URL:
        yield ok(f"sent from {settings.EMAIL_FROM}")
    elif settings.PRODUCTION:
        yield warn(
            "EMAIL_URL is not set: merchants are not told by e-mail that an endpoint was disabled",
            "set EMAIL_URL and EMAIL_FROM",
        )
    else:
        yield ok("none is sent, as EMAIL_URL is not set")
