"""A secret may stand in a file, and a password apart from its URL."""

from pathlib import Path

import pytest

from config.sections import EVERY
from tests.config.starting import STRONG, faults, start

SECRETS = [one.name for section in EVERY for one in section.variables.values() if one.secret]
_SHOW = "import config.settings as s; print(s.{}, end='')"


def kept(folder: Path, text: str) -> str:
    """The path of a new file."""
    file = folder / "secret"
    file.write_text(text)
    return str(file)


def test_these_are_the_secrets() -> None:
    assert {
        *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "FIELD_ENCRYPTION_KEYS"),
        *("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PARCELWIRE_LISTEN_SECRET"),
        *("DATABASE_PASSWORD", "MIGRATION_DATABASE_PASSWORD", "REDIS_PASSWORD"),
    } <= {*SECRETS}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_comes_from_its_file_without_the_line_break(tmp_path: Path, ending: str) -> None:
    given = STRONG | {"SECRET_KEY": "", "SECRET_KEY_FILE": kept(tmp_path, STRONG["SECRET_KEY"] + ending)}
    done = start(_SHOW.format("SECRET_KEY"), **given)
    assert (done.stdout, done.stderr) == (STRONG["SECRET_KEY"], "")


@pytest.mark.parametrize("name", SECRETS)
def test_both_at_once_are_refused(tmp_path: Path, name: str) -> None:
    given = {name: STRONG.get(name, "hidden"), f"{name}_FILE": kept(tmp_path, "hidden")}
    done = start(**STRONG | given)
    assert faults(done)[0] == f"{name} is set, and so is {name}_FILE; set one of them"
    assert "hidden" not in done.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_file_is_refused_once_and_named(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / "none")
    done = start(**STRONG | {name: "", f"{name}_FILE": path})
    assert faults(done) == [f"{name} cannot be read: {name}_FILE names {path!r}: No such file or directory"]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    (fault,) = faults(start(**STRONG | {"REDIS_URL": "", "REDIS_URL_FILE": str(file)}))
    assert fault.startswith("REDIS_URL cannot be read: REDIS_URL_FILE names")
    assert fault.endswith("which is not text" if content.startswith(b"\xff") else "which is empty")


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    (fault,) = faults(start(**STRONG | {"SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path)}))
    assert fault.endswith("Is a directory")


PARTS = """
import config.settings as s
from kombu.utils.url import url_to_parts
from redis import ConnectionPool
one, two = s.DATABASES["default"], ConnectionPool.from_url(s.REDIS_URL).connection_kwargs
print(one["USER"], one["PASSWORD"], one["HOST"], one["PORT"], one["NAME"])
print(two["password"], two["host"], two.get("port"), two["db"])
print(url_to_parts(s.CELERY_BROKER_URL).password)
"""


def test_passwords_go_into_the_urls_whatever_stands_in_them(tmp_path: Path) -> None:
    password = "a/b@c:d%2F+# é'\"?&=[1]"
    given = {
        "DATABASE_URL": "postgres://app@db:5433/parcels",
        "DATABASE_PASSWORD": password,
        "REDIS_URL": "redis://cache:6380/3",
        "REDIS_PASSWORD_FILE": kept(tmp_path, password + "\n"),
    }
    said = start(PARTS, **STRONG | given).stdout.splitlines()
    assert said == [f"app {password} db 5433 parcels", f"{password} cache 6380 3", password]


def test_a_password_in_the_url_counts_before_the_other() -> None:
    said = start(PARTS, **STRONG, DATABASE_PASSWORD="other", REDIS_PASSWORD="other").stdout.splitlines()
    assert [line.split()[:2] for line in said] == [
        ["parcelwire", "Wm4pT9xQ"],
        ["Zr8kV2nB", "cache"],
        ["Zr8kV2nB"],
    ]


def test_the_password_of_the_migrations_is_theirs() -> None:
    show = f"import sys; sys.argv = ['manage.py', 'migrate']\n{PARTS}"
    given = {
        "MIGRATION_DATABASE_URL": "postgres://owner@db/parcelwire",
        "MIGRATION_DATABASE_PASSWORD": "of the owner",
        "DATABASE_PASSWORD": "of the app",
    }
    assert start(show, **STRONG | given).stdout.splitlines()[0] == "owner of the owner db  parcelwire"
