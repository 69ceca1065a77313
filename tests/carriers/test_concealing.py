"""A key never gets into what is kept of an answer, however it is written and wherever the cut falls."""

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carriers import concealing
from carriers.exceptions import BadResponse

KEY = "k+e/y\"1<&>'2%3\\4=="
WRITTEN = {
    "raw": KEY,
    "in upper case": KEY.upper(),
    "quoted": quote(KEY),
    "quoted with its slashes": quote(KEY, safe=""),
    "quoted with small digits": quote(KEY, safe="").lower(),
    "as a form": quote_plus(KEY),
    "quoted twice": quote(quote(KEY, safe=""), safe=""),
    "in a page": html.escape(KEY),
    "in a page's text": html.escape(KEY, quote=False),
    "in .NET's page": html.escape(KEY).replace("&#x27;", "&#39;"),
    "in JSON": json.dumps(KEY)[1:-1],
    "in PHP's JSON": json.dumps(KEY).replace("/", "\\/")[1:-1],
    "in .NET's JSON": "k\\u002Be/y\\u00221\\u003C\\u0026\\u003E\\u00272%3\\\\4==",
    "a page in JSON": json.dumps(html.escape(KEY))[1:-1],
}
each_form = pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)


@each_form
def test_a_key_is_found_however_it_is_written(written: str) -> None:
    assert concealing.concealed(f"?apikey={written}&b=1", KEY) == "?apikey=[key]&b=1"
    assert concealing.excerpt(f"?apikey={written}&b=1".encode(), KEY) == b"?apikey=[key]&b=1"


@each_form
@pytest.mark.parametrize("before", [485, 490, 499, 500])
def test_a_key_that_the_cut_goes_through_is_concealed_whole(written: str, before: int) -> None:
    shown = concealing.excerpt(b"." * before + written.encode() + b"after", KEY)
    assert shown == (b"." * before + b"[key]")[: concealing.EXCERPT]


def test_a_key_that_comes_again_and_again_does_not_draw_in_what_lies_behind_the_cut() -> None:
    shown = concealing.excerpt(b"s3cret-and-long" * 200, "s3cret-and-long")
    assert set(shown.split(b"[key]")) == {b""}


def test_without_a_key_the_first_bytes_are_kept() -> None:
    assert concealing.excerpt(b"x" * 501, "") == b"x" * concealing.EXCERPT
    assert concealing.concealed("as it is", "") == "as it is"


@given(
    key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=60),
    before=st.binary(max_size=600),
)
def test_any_key_anywhere_is_concealed(key: str, before: bytes) -> None:
    shown = concealing.excerpt(before + key.encode() + before, key)
    assert len(shown) <= concealing.EXCERPT
    assert key.encode() not in shown


def test_an_error_is_concealed_in_its_detail_its_excerpt_and_its_text() -> None:
    body = b"key s3cret-and-long is wrong"
    error = BadResponse("all24 answered 402: s3cret-and-long", excerpt=body).conceal("s3cret-and-long")
    assert (error.detail, error.excerpt) == ("all24 answered 402: [key]", b"key [key] is wrong")
    assert "s3cret" not in f"{error} {error!r}"
