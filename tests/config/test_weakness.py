"""Secrets that somebody thought up are told from those that were drawn."""

import secrets

import pytest
from cryptography.fernet import Fernet

from config import weakness


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("k" * 50, "different"),
        ("abcdefghij" * 5, "over and over"),
        ("short", "50 characters"),
        ("django-insecure-" + "0123456789" * 5, "example"),
        ("ChangeMe" + "0123456789" * 5, "example"),
    ],
)
def test_a_weak_secret_key_is_told(key: str, said: str) -> None:
    assert said in weakness.of_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "é" * 44,
        "A" * 43 + "=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",  # 0, 1, 2, …
        "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6MTIzNDU=",  # foobarbaz…
        "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZS04NTE=",  # a phrase
    ],
)
def test_a_weak_fernet_key_is_told(key: str) -> None:
    assert weakness.of_fernet_key(key)


def test_what_is_drawn_at_random_is_strong() -> None:
    for _ in range(1000):
        assert weakness.of_secret_key(secrets.token_urlsafe(50)) == ""
        assert weakness.of_secret_key(secrets.token_hex(32)) == ""
        assert weakness.of_fernet_key(Fernet.generate_key().decode()) == ""
        assert weakness.of_password(secrets.token_hex(24), "parcelwire") == ""


@pytest.mark.parametrize(("password", "user"), [("Password", "app"), ("app", "app"), ("valkey", "")])
def test_a_password_that_anybody_would_guess_is_told(password: str, user: str) -> None:
    assert weakness.of_password(password, user)


def test_a_missing_password_is_not_weak() -> None:
    assert weakness.of_password("", "") == ""
