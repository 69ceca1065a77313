"""Environment variables, read loudly: a value that makes no sense stops the start and is named."""

from ipaddress import ip_network

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


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
