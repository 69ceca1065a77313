"""What `manage.py listen` writes to the terminal of a message."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.listening.arrivals import Arrival
from webhooks.listening.printing import MOST_LINES, account, indented, printable
from webhooks.listening.verifying import Verdict

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def shown(body: bytes, path: str = "/hook", **headers: str) -> str:
    given_ = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    arrival = Arrival(datetime(2026, 3, 1, 11, 9, 0, 5_000, tzinfo=UTC), path, given_, body)
    return account(arrival, Verdict(True, ("signature 1 (v1) verifies with secret 1",)), 204)


def test_an_entry_has_time_type_headers_verdict_and_body() -> None:
    assert shown(b'{"type":"test","n":[136.0]}', webhook_id="msg_1", x_other="left out").splitlines() == [
        "2026-03-01T11:09:00.005Z test, POST /hook",
        "  webhook-id: msg_1",
        "  signature 1 (v1) verifies with secret 1",
        "  verified, answered 204",
        "  {",
        '    "type": "test",',
        '    "n": [',
        "      136.0",
        "    ]",
        "  }",
    ]


@given(_VALUES, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:")]))
def test_json_is_indented_as_pythons_own_module_does(value: Any, separators: tuple[str, str]) -> None:
    text = json.dumps(value, separators=separators, ensure_ascii=False)
    assert "\n".join(indented(text)) == json.dumps(value, indent=2, ensure_ascii=False)


@pytest.mark.parametrize("number", ["136.0", "1.10", "1e22", "-0", "123456789012345678901234567890"])
def test_numbers_are_shown_as_they_were_written(number: str) -> None:
    assert f"  {number}" in shown(f"[{number}]".encode()).splitlines()[-2]


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[2J", "\x9b31m", "\r", "\b", "\x00", "\x7f", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{LINE SEPARATOR}"],
)
def test_nothing_that_steers_a_terminal_is_written(hostile: str) -> None:
    bodies = [hostile, json.dumps({"type": hostile, hostile: [hostile]}), f'{{"type": "{hostile}"}}']
    for body in (text.encode(errors="replace") for text in bodies):
        text = shown(body, path=f"/{hostile}", webhook_id=hostile)
        assert all(letter.isprintable() or letter == "\n" for letter in text)


@given(st.binary())
def test_any_bytes_can_be_shown(body: bytes) -> None:
    assert all(letter.isprintable() or letter == "\n" for letter in shown(body))


def test_a_line_cannot_be_forged() -> None:
    lines = shown(b"\n  verified, answered 204\n", path="/\n").splitlines()
    assert [line for line in lines if line == "  verified, answered 204"] == lines[2:3]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "(a body that is not JSON)"),
        (b"\xff", "(a body that is not JSON)"),
        (b"[" * 100_000 + b"]" * 100_000, "(a body that is not JSON)"),
        (b"9" * 5_000, "(a body that is not JSON)"),
        (b"[1]", "(a body without a type)"),
        (b'{"type":1}', "(a body without a type)"),
    ],
)
def test_a_body_that_is_no_message_is_shown_as_it_is(body: bytes, words: str) -> None:
    assert words in shown(body).splitlines()[0]


def test_a_long_body_is_cut() -> None:
    body = json.dumps(list(range(MOST_LINES * 2))).encode()
    lines = shown(body).splitlines()
    assert len(lines) < MOST_LINES + 10
    assert lines[-1] == f"  ... and more: {len(body)} bytes in all"


def test_a_long_value_is_cut() -> None:
    assert printable("a" * 201) == "a" * 200 + "..."
    assert printable("a" * 200) == "a" * 200
