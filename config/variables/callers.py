"""Who may call, from where, and how the project learns who they are."""

from re import fullmatch

from config import cross_origin, faults, sections
from config.logs.redacting import redacted
from config.variables.running import DEBUG, PRODUCTION

ALLOWED_HOSTS = sections.callers.words(
    "ALLOWED_HOSTS",
    [] if PRODUCTION else ["*"],
    shown="`*` in development",
    means="host names under which the API is called, separated by commas; no wildcard in production",
)
if PRODUCTION and not ALLOWED_HOSTS:
    faults.add("ALLOWED_HOSTS", "is not set; name the hosts under which it is called: api.shop.example")
if PRODUCTION and {"*", "."} & {*ALLOWED_HOSTS}:
    faults.add("ALLOWED_HOSTS", "lets every host in; name those under which it is called: api.shop.example")
for _host in ALLOWED_HOSTS:
    if not fullmatch(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]", _host):
        faults.add(
            "ALLOWED_HOSTS", f"holds {redacted(_host)!r}; expected names without scheme, port and path"
        )
if PRODUCTION and DEBUG:
    faults.add("DEBUG", "is on; unset it: its pages show strangers what is inside")

PROXY_SCHEME_HEADER = sections.callers.header(
    "PROXY_SCHEME_HEADER",
    means="header in which your proxy says how it was called, such as `X-Forwarded-Proto`: `https` counts as "
    "HTTPS. The proxy must set it on every call, over whatever the client sent, and drop the same name with "
    "underscores, which the server cannot tell from it. Empty: the connection's own scheme counts. In "
    "production a call over plain HTTP fails with 403 `https_required`",
)
HSTS_SECONDS = sections.callers.whole(
    "HSTS_SECONDS",
    24 * 3600,
    least=0,
    means="seconds for which a browser that came over HTTPS comes over HTTPS alone "
    "(`Strict-Transport-Security`), in production; 0: the header is not sent. "
    "[A day](decisions/0111-browsers-are-told-of-https-for-a-day.md) until you are sure, then "
    "31536000, a year",
)
HSTS_SUBDOMAINS = sections.callers.switch(
    "HSTS_SUBDOMAINS",
    default=False,
    means="whether that binds every host below those under which it is called, whoever serves it",
)
HSTS_PRELOAD = sections.callers.switch(
    "HSTS_PRELOAD",
    default=False,
    means="whether browsers may put the host into the list they are shipped with; wants `HSTS_SUBDOMAINS` "
    "and a year",
)
#: Its last address counts.
PROXY_ADDRESS_HEADER = sections.callers.header(
    "PROXY_ADDRESS_HEADER",
    means="header in which your proxy says who called it, such as `X-Forwarded-For`: the last address in it "
    "counts, which the proxy itself has added. By it calls to the "
    "[pages for shoppers](tracking-page.md#who-can-open-it) are limited, and failed sign-ins of staff noted. "
    "Empty: the connection's own address counts, or none where `PROXY_SCHEME_HEADER` is set",
)
PUBLIC_URL = sections.callers.text(
    "PUBLIC_URL",
    form=cross_origin.ORIGIN,
    expected="a URL such as https://track.shop.example",
    means="where shoppers reach their [pages](tracking-page.md), such as `https://parcels.shop.example`; "
    "links in the API begin with it. Empty: where the API was called",
)
CORS_ALLOWED_ORIGINS = sections.callers.words(
    "CORS_ALLOWED_ORIGINS",
    form=cross_origin.ORIGIN,
    expected="origins such as https://shop.example",
    means="origins, such as `https://shop.example`, whose pages may call the API from a browser, separated "
    "by commas; empty: none",
)

#: The session also ends with the browser.
STAFF_SESSION_AGE = sections.staff.whole(
    "STAFF_SESSION_AGE",
    8 * 3600,
    least=60,
    means="seconds, at least 60, after which staff must sign in to the admin again; closing the browser ends "
    "a session too",
)
SIGN_IN_FAILURES = sections.staff.whole(
    "SIGN_IN_FAILURES",
    5,
    least=1,
    means="wrong passwords for one name from one address after which signing in is shut for both together; "
    "of IPv6 its network of 64 bits counts",
)
SIGN_IN_COOL_OFF = sections.staff.number(
    "SIGN_IN_COOL_OFF",
    900,
    least=1,
    means="seconds that it stays shut, whatever is tried meanwhile",
)
