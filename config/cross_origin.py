"""Pages of other origins that may call the API from a browser (CORS): which, where, what they may read."""

from collections.abc import Sequence
from re import fullmatch

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

NOBODY: list[str] = []
#: The API and the dialects, not the admin.
URLS = r"^/(v1|public/v1|api)/"
SENT = (*default_headers, "idempotency-key", "if-none-match", "x-request-id", "hs-api-key")
READ = (
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"),
    *("Link", "X-Total-Count", "ETag", "Idempotent-Replayed", "x-request-id", "Content-Disposition"),
)


def origins(given: Sequence[str]) -> list[str]:
    """The origins as given. Raises ImproperlyConfigured for what is none, a wildcard included."""
    for origin in given:
        if not fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", origin):
            raise ImproperlyConfigured(
                f"CORS_ALLOWED_ORIGINS holds {origin!r}; expected origins such as https://shop.example"
            )
    return list(given)
