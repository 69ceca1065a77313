"""Pages of other origins that may call the API from a browser (CORS): which, where, what they may read."""

from corsheaders.defaults import default_headers

#: Scheme and host, and nothing after them: no wildcard either.
ORIGIN = r"https?://[A-Za-z0-9.-]+(:\d+)?"
#: The API and the dialects, not the admin.
URLS = r"^/(v1|public/v1|api)/"
SENT = (*default_headers, "idempotency-key", "if-none-match", "x-request-id", "hs-api-key")
READ = (
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"),
    *("Link", "X-Total-Count", "ETag", "Idempotent-Replayed", "x-request-id", "Content-Disposition"),
)
