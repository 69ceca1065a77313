"""What a page may load and run: its own host's files, and nothing written into the page itself.

https://www.w3.org/TR/CSP3/. A view that needs another policy says so with django-csp's decorators or sets the
header itself, as /docs does.
"""

from typing import Any

from csp.constants import NONE, SELF

#: Answers of the API are data, and are not opened as pages.
API = ("/v1/", "/public/v1/", "/api/", "/healthz", "/readyz")

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": API,
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
