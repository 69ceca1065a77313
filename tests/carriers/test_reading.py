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
        (b"", "no JSON from line 1, column 1 on"),
        (b"<html><body>Bad gateway</body></html>", "no JSON from line 1, column 1 on"),
        (b'{"a": [1, 2', "no JSON from line 1, column 12 on"),
        (b'{"a": "tru', "no JSON from line 1, column 7 on"),
        (rb'{"a": "\q"}', "no JSON from line 1, column 8 on"),
        (b"[]", "JSON array"),
        (b'"text"', "JSON string"),
        (b"7", "JSON number"),
        (b"true", "JSON boolean"),
        (b"null", "JSON null"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "Infinity is not JSON"),
        (b'{"a": 1e400}', "out of range"),
        (b'{"a": 1e999999999999999999999}', "out of range"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "out of range"),
        (b'{"a": ' + b"[" * 100_000, "nested deeper than 40"),
        (b'{"a": ' + b"[" * 41 + b"]" * 41 + b"}", "nested deeper than 40"),
        (b"\xff\xfe{}", "no JSON from line 1, column 1 on"),
    ],
)
def test_what_is_no_json_object_is_a_clear_bad_response(body: bytes, said: str) -> None:
    for courier in ("all24", "247express", "sandbox"):
        error = error_of(courier, body, "SHIP24_SAMPLE_DELIVERED_000")
        assert isinstance(error, BadResponse)
        assert error.detail.startswith("The answer is not the JSON object that it should be: ")
        assert error.detail.endswith(said)


def test_the_error_quotes_nothing_of_the_body_and_holds_none_of_it() -> None:
    with pytest.raises(BadResponse) as raised:
        reading.document(b'{"receiverName": "Bob Brown", \\' + b"x" * 1_000_000)
    assert "Bob" not in raised.value.detail
    assert (raised.value.__context__, raised.value.excerpt) == (None, b"")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("card_declined", "card_declined"),
        (" E-12.b ", "E-12.b"),
        (402, "402"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "string"),
        ("Nguyễn", "string"),
        ("a/b?key=1", "string"),
        ("two\nlines", "string"),
        ("", "string"),
        ([], "array"),
        (None, "null"),
    ],
)
def test_an_error_names_a_value_by_its_code_or_else_its_type(value: Any, named: str) -> None:
    assert reading.named(value) == named


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


def test_a_part_is_json_again_with_every_fraction_as_it_was_written() -> None:
    body = b'{"a": [{"b": 136.10}, 1e-400, -1E3, 0.1000000000000000000001, 7, "7.0", null, true]}'
    assert json.dumps(reading.to_store(reading.document(body))) == (
        '{"a": [{"b": "136.10"}, "1e-400", "-1E3", "0.1000000000000000000001", 7, "7.0", null, true]}'
    )


def test_what_is_readable_is_read_and_the_rest_is_told() -> None:
    def read(item: dict[str, Any]) -> int:
        return int(item["n"])

    items = [{"n": "1"}, "Nguyễn", {"n": "x"}, None, {"n": "2"}]
    found, set_aside = reading.readable(items, "a count", read)
    assert found == [1, 2]
    assert set_aside[::2] == ["not a count: string", "not a count: null"]
    assert "invalid literal" in set_aside[1]


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
