"""Bodies: what is JSON, what is not, and what may be stored."""

import json
from decimal import Decimal
from typing import Any

import pytest

from carriers import reading
from carriers.exceptions import BadResponse
from tests.carriers.payloads import error_of


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Expecting value"),
        (b"<html><body>Bad gateway</body></html>", "Expecting value"),
        (b'{"a": [1, 2', "Expecting"),
        (b'{"a": "tru', "Unterminated"),
        (b"[]", "JSON array"),
        (b'"text"', "JSON string"),
        (b"7", "JSON number"),
        (b"true", "JSON boolean"),
        (b"null", "JSON null"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e400}', "out of range"),
        (b'{"a": 1e999999999999999999999}', "out of range"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "digits"),
        (b'{"a": ' + b"[" * 100_000, "nested"),
        (b'{"a": ' + b"[" * 41 + b"]" * 41 + b"}", "nested"),
        (b"\xff\xfe{}", "Expecting value"),
    ],
)
def test_what_is_no_json_object_is_a_clear_bad_response(body: bytes, said: str) -> None:
    for courier in ("all24", "247express", "sandbox"):
        error = error_of(courier, body, "SHIP24_SAMPLE_DELIVERED_000")
        assert isinstance(error, BadResponse)
        assert said in error.detail
        assert len(error.detail) < 1_000
        assert error.excerpt == body[: reading.EXCERPT]


def test_the_error_quotes_how_the_body_begins_and_holds_no_more_of_it() -> None:
    with pytest.raises(BadResponse) as raised:
        reading.document(b"<html>\x00\xff" + b"x" * 1_000_000)
    assert "It begins '<html>\\x00\ufffdxxx" in raised.value.detail
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', 1),
        (b'{"a": 1, "a": 2}', 2),
        (rb'{"a": "x\u0000y"}', "x\ufffdy"),
        (rb'{"a": "x\ud800y"}', "x\ufffdy"),
        (rb'{"a": "\ud83d\ude00"}', "\U0001f600"),
        (b'{"a": "x\xffy"}', "x\ufffdy"),
        (b'{"a": "\xed\xa0\x80"}', "\ufffd\ufffd\ufffd"),
        (b'{"a": 0.1}', Decimal("0.1")),
        (rb'{"a": [{"\u0000": "\udfff"}]}', [{"\ufffd": "\ufffd"}]),
    ],
)
def test_what_cannot_be_stored_is_replaced_before_anything_is_compared(body: bytes, value: Any) -> None:
    assert reading.document(body) == {"a": value}


def test_a_part_is_json_again() -> None:
    part = reading.as_sent(reading.document(b'{"a": [{"b": 136.0}, 1e-400, null, true]}'))
    assert json.dumps(part) == '{"a": [{"b": 136.0}, 0.0, null, true]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  x ", "x"),
        ("", None),
        (None, None),
        ([], None),
        ({}, None),
        (5, "5"),
        (True, "true"),
        (Decimal("5.0"), "5"),
        (Decimal("5.5"), "5.5"),
        ("y" * 300, "y" * 255),
    ],
)
def test_scalars_are_texts(value: Any, text: str | None) -> None:
    assert reading.text(value) == text
