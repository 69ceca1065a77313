"""Tokens of pages: made of an id and a secret, and of nothing else."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from trackers.page.tokens import read, token_of

SECRET, ANOTHER = "0b" * 32, "0c" * 32
PARCEL = UUID("0195f0c2-7a51-7cc0-8b1a-1f2e3d4c5b6a")


def test_a_token_says_whose_it_is_and_who_signed_it() -> None:
    token = read(token_of(PARCEL, SECRET))
    assert token is not None
    assert token.tracker_id == PARCEL
    assert token.is_signed_with(SECRET)
    assert not token.is_signed_with(ANOTHER)


def test_it_is_43_characters_that_a_url_may_hold_and_always_the_same() -> None:
    made = {token_of(PARCEL, SECRET) for _ in range(3)}
    assert len(made) == 1
    assert len(made.pop()) == 43


def test_a_token_of_one_parcel_is_none_of_another() -> None:
    packed = token_of(PARCEL, SECRET)
    forged = token_of(uuid7(), ANOTHER)[:21] + packed[21:]
    token = read(forged)
    assert token is None or not token.is_signed_with(SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "../../etc/passwd",
        token_of(PARCEL, SECRET)[:-1],
        token_of(PARCEL, SECRET) + "A",
        token_of(PARCEL, SECRET)[:-1] + "=",
        token_of(PARCEL, SECRET)[:-1] + "\n",
        "ü" * 43,
        "\u0661" * 43,
    ],
)
def test_what_has_not_the_form_of_a_token_is_none(text: str) -> None:
    assert read(text) is None


def test_each_token_has_one_spelling() -> None:
    text = token_of(PARCEL, SECRET)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert [one for one in letters if read(text[:-1] + one) == read(text)] == [text[-1]]
