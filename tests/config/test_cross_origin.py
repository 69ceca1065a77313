"""Which pages may call the API from a browser."""

import json

from tests.config.starting import STRONG, start

PREFLIGHT = """
import json, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.test import Client
client = Client(headers={"origin": "https://shop.example", "host": "parcelwire.example"})
asked = client.options("/v1/trackers", headers={"access-control-request-method": "POST"}, secure=True)
got = client.get("/v1/trackers", secure=True)
elsewhere = client.get("/healthz", secure=True)
plain = client.options("/v1/trackers", headers={"access-control-request-method": "POST"})
print(json.dumps([[one.status_code, dict(one.headers)] for one in (asked, got, elsewhere, plain)]))
"""


def cross_origin(**environment: str) -> list[tuple[int, dict[str, str]]]:
    done = start(PREFLIGHT, **STRONG, **environment)
    assert done.returncode == 0, done.stderr
    return [
        (status, {name.lower(): value for name, value in headers.items()})
        for status, headers in json.loads(done.stdout)
    ]


def test_no_page_may_call_the_api_by_default() -> None:
    (status, preflight), (_, got), *_ = cross_origin()
    assert status == 400  # a preflight is a call without a key
    assert "access-control-allow-origin" not in preflight | got
    assert got["vary"] == "Authorization"


def test_a_page_of_a_named_origin_may_call_and_read_the_headers() -> None:
    asked, got, elsewhere, plain = cross_origin(CORS_ALLOWED_ORIGINS="https://shop.example")
    assert asked[0] == 200
    assert {"authorization", "idempotency-key", "if-none-match"} <= set(
        asked[1]["access-control-allow-headers"].split(", ")
    )
    assert got[1]["access-control-allow-origin"] == "https://shop.example"
    exposed = set(got[1]["access-control-expose-headers"].split(", "))
    assert {
        "RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Link",
        "X-Total-Count",
        "ETag",
        "x-request-id",
        "Content-Disposition",
    } <= exposed
    assert "access-control-allow-credentials" not in got[1]
    assert "access-control-allow-origin" not in elsewhere[1]
    assert plain[0] == 403


def test_a_page_of_another_origin_may_not() -> None:
    answers = cross_origin(CORS_ALLOWED_ORIGINS="https://other.example")
    assert not any("access-control-allow-origin" in headers for _, headers in answers)
