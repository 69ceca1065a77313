"""Every route of the URL map is fuzzed: by Schemathesis where the document has it, else here.

Whatever is asked of a page, in whatever words, the answer is none of 500, sets no header that the words made,
and shows none of them as markup.
"""

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from tests.hostile.test_tenancy import NO_TENANTS, TABLE
from tests.openapi import operations, the_document

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"
#: Routes that the document has not, each with the paths that are asked for; `{}` is where words go.
PAGES = {
    "healthz": ["/healthz"],
    "readyz": ["/readyz"],
    "docs": ["/docs"],
    "v1/openapi.json": ["/v1/openapi.json"],
    "track/<path:token>": ["/track/{}", "/track/{}/{}"],
    "track/logo/<uuid:logo_id>": [
        "/track/logo/{}",
        "/track/logo/01900000-0000-7000-8000-000000000000",
    ],
    "admin": ["/admin"],
    "admin/": [
        "/admin/",
        "/admin/login/",
        "/admin/{}",
        "/admin/trackers/tracker/{}/change/",
        "/admin/{}/{}/",
    ],
    "admin/alerts/": ["/admin/alerts/"],
    "admin/search/": ["/admin/search/"],
}
WORDS = st.text(max_size=20) | st.sampled_from(
    [
        EVIL,
        "\x00",
        "%00",
        "\r\nX-Made: 1",
        "../../etc/passwd",
        "%2e%2e%2f",
        "�",
        "A" * 5000,
        "-1",
        "1e400",
        "'\"--",
        "{{ 7|add:1 }}",
        "01900000-0000-7000-8000-000000000000",
        "\u202e",
        "٣",
        "NaN",
        "__proto__",
        "*",
        "None",
    ]
)
NAMES = st.sampled_from(
    [
        "lang",
        "s",
        "q",
        "p",
        "o",
        "e",
        "next",
        "all",
        "of",
        "token",
        "text",
        "limit",
        "after",
        "_popup",
        "_to_field",
        "merchant__id__exact",
        "state__exact",
        "date__year",
        "created_at__gte",
        "action",
        "select_across",
    ]
)
METHODS = st.sampled_from(["GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "X-ODD"])
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "If-None-Match",
            "If-Modified-Since",
            "Accept",
            "Accept-Language",
            "Cookie",
            "Range",
            "X-Request-Id",
            "X-Forwarded-For",
            "Authorization",
            "Origin",
            "Content-Encoding",
            "HX-Request",
            "Referer",
        ]
    ),
    WORDS.map(lambda word: re.sub("[\r\n\0]", "", word).encode("utf-8", "replace").decode("latin-1")),
    max_size=3,
)
ASKED = st.fixed_dictionaries(
    {
        "method": METHODS,
        "words": st.lists(WORDS, min_size=2, max_size=2),
        "query": st.dictionaries(NAMES, WORDS, max_size=3),
        "headers": HEADERS,
        "body": st.binary(max_size=40) | st.just(b"username=a&password=b&csrfmiddlewaretoken=c"),
        "kind": st.sampled_from(
            ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""]
        ),
    }
)


def test_every_route_is_in_the_document_or_here() -> None:
    """The document's routes are what Schemathesis asks; the table of tenancy has every route of the map."""
    asked = {re.sub(r"{\w+}", "{}", one.replace(" /", " ")) for one, _ in operations(the_document())}
    routes = {re.sub(r"<\w+:\w+>", "{}", one) for one in TABLE}
    assert routes == asked
    assert {one.removeprefix("* ") for one in NO_TENANTS} == set(PAGES)


@pytest.mark.parametrize("who", ["anybody", "staff"])
@pytest.mark.parametrize("route", PAGES)
def test_a_page_answers_whatever_is_asked(route: str, who: str, settings: Settings) -> None:
    settings.TRACKING_PAGE_RATE_LIMIT = 0
    client = Client(raise_request_exception=False)
    if who == "staff":
        client.force_login(User.objects.create_superuser("olga"))
    asking(client, PAGES[route])


def asking(client: Client, paths: list[str]) -> None:
    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(path=st.sampled_from(paths), asked=ASKED)
    def ask(path: str, asked: dict[str, Any]) -> None:
        words = [quote(word, errors="surrogatepass") for word in asked["words"]]
        query = urlencode(asked["query"], errors="surrogatepass")
        answer = client.generic(
            asked["method"],
            path.format(*words),
            asked["body"],
            content_type=asked["kind"],
            headers=asked["headers"],
            QUERY_STRING=query,
        )
        # The stack that `/readyz` looks at is not there.
        assert answer.status_code < 500 or path == "/readyz", answer.content[-2000:]
        assert "X-Made" not in answer
        assert EVIL.encode() not in b"".join(answer) or not answer["Content-Type"].startswith("text/html")

    ask()
