"""What a carrier account's fields must be, by whatever way they come in: validators of the model."""

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError

from carriers.budget import most_calls
from carriers.registry import adapters, pushing

#: Keys travel in a header or a query: visible ASCII, nothing that could end a line.
_KEY = re.compile(r"[\x21-\x7e]{1,1000}")


#: Calls of one account in one day, and in one second, that can be set.
MOST_A_DAY = 1_000_000_000
SLOWEST, FASTEST = 0.01, 10_000.0


def courier(code: str) -> None:
    """Raises ValidationError, with the codes that there are."""
    if code not in adapters():
        raise ValidationError(f"There is no courier {code!r}; known are {', '.join(adapters())}.")
    if not adapters()[code].needs_account:
        raise ValidationError(f"The courier {code!r} needs no account.")


def key(written: str) -> None:
    """Raises ValidationError, which never repeats the key."""
    if not _KEY.fullmatch(written):
        raise ValidationError("A key is made of visible ASCII characters without spaces, at most 1000.")


def push_secret(written: str | None, courier: str) -> None:
    """Raises ValidationError, which never repeats the secret. None is fine: then no push is taken."""
    if written is None:
        return
    if courier not in pushing():
        raise ValidationError(f"The courier {courier!r} does not call us: it has no push secret.")
    if not _KEY.fullmatch(written):
        raise ValidationError("A push secret is made of visible ASCII without spaces, at most 1000.")


def base_url(written: str) -> None:
    """Raises ValidationError. Whether the address may be called is decided where its socket opens."""
    try:
        parts = urlsplit(written)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or not re.fullmatch(r"[\x21-\x7e]+", written):
        raise ValidationError("The base URL is not a URL.")
    if parts.username is not None or parts.password is not None or "?" in written or "#" in written:
        raise ValidationError("The base URL must be without user, password, query and fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.CARRIER_ALLOWED_NETWORKS):
        raise ValidationError("The base URL must be https; http is for CARRIER_ALLOWED_NETWORKS only.")


def daily_quota(calls: int | None, courier: str) -> None:
    """Raises ValidationError: what one poll takes must fit in a day. None is the carrier's own."""
    least = most_calls(courier)
    if calls is not None and not least <= calls <= MOST_A_DAY:
        raise ValidationError(
            f"The daily quota must be between {least}, the most that one poll takes, and {MOST_A_DAY:,}."
        )


def pace(calls_a_second: float | None) -> None:
    """Raises ValidationError, for what is no number too. None is the carrier's own."""
    if calls_a_second is not None and not SLOWEST <= calls_a_second <= FASTEST:
        raise ValidationError(f"The pace must be between {SLOWEST:g} and {FASTEST:g} calls a second.")


def time_zone(name: str) -> None:
    """Raises ValidationError."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValidationError(f"There is no time zone {name!r}.") from error
