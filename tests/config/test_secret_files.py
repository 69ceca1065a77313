"""A secret may stand in a file, and a password apart from its URL."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from psycopg import sql
from redis import Redis

from config.sections import EVERY
from tests.config.starting import STRONG, faults, start

SECRETS = [one.name for section in EVERY for one in section.variables.values() if one.secret]
#: A password with all that a URL would take for something else.
AWKWARD = "a/b@c:d%2F+# é'\"?&=[1]"
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


def test_both_at_once_are_refused_of_every_secret(tmp_path: Path) -> None:
    files = {f"{name}_FILE": kept(tmp_path, "hidden") for name in SECRETS}
    done = start(**STRONG | dict.fromkeys(SECRETS, "hidden") | files)
    assert faults(done) == [f"{name} is set, and so is {name}_FILE; set one of them" for name in SECRETS]
    assert "hidden" not in done.stderr


def test_a_missing_file_is_refused_once_and_named_of_every_secret(tmp_path: Path) -> None:
    path = str(tmp_path / "none")
    files = {f"{name}_FILE": path for name in SECRETS}
    assert faults(start(**STRONG | dict.fromkeys(SECRETS, "") | files)) == [
        f"{name} cannot be read: {name}_FILE names {path!r}: No such file or directory" for name in SECRETS
    ]


def test_a_pipe_that_nobody_writes_to_holds_no_start(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    done = start(**STRONG | {"SECRET_KEY": "", "SECRET_KEY_FILE": str(pipe)})
    assert faults(done) == [
        f"SECRET_KEY cannot be read: SECRET_KEY_FILE names {str(pipe)!r}, which is a pipe"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "is not text"), (b"a\0b", "holds a NUL")],
)
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    (fault,) = faults(start(**STRONG | {"REDIS_URL": "", "REDIS_URL_FILE": str(file)}))
    assert fault.startswith("REDIS_URL cannot be read: REDIS_URL_FILE names")
    assert fault.endswith(f"which {said}")


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
    given = {
        "DATABASE_URL": "postgres://app@db:5433/parcels",
        "DATABASE_PASSWORD": AWKWARD,
        "REDIS_URL": "redis://cache:6380/3",
        "REDIS_PASSWORD_FILE": kept(tmp_path, AWKWARD + "\n"),
    }
    said = start(PARTS, **STRONG | given).stdout.splitlines()
    assert said == [f"app {AWKWARD} db 5433 parcels", f"{AWKWARD} cache 6380 3", AWKWARD]


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


SERVERS = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.conf import settings
from django.db import connection
from config.celery import app
from redis import Redis
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print(cursor.fetchone()[0])
print(Redis.from_url(settings.REDIS_URL).acl_whoami())
with app.connection_for_write() as broker:
    broker.ensure_connection(max_retries=1)
    print(broker.connected)
"""


@pytest.fixture
def awkward() -> Iterator[tuple[str, str]]:
    """URLs, without passwords, for a user of each real server whose password is AWKWARD."""
    database, cache = urlsplit(settings.DATABASE_URL), urlsplit(settings.REDIS_URL)
    name = f"awkward_{uuid4().hex}"
    with (
        psycopg.connect(settings.DATABASE_URL, autocommit=True) as owner,
        Redis.from_url(settings.REDIS_URL) as redis,
    ):
        owner.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(AWKWARD))
        )
        redis.acl_setuser(name, enabled=True, passwords=[f"+{AWKWARD}"], commands=["+@all"], keys=["*"])
        yield (
            database._replace(netloc=f"{name}@{database.hostname}:{database.port}").geturl(),
            cache._replace(netloc=f"{name}@{cache.hostname}:{cache.port}").geturl(),
        )
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
        redis.acl_deluser(name)


def test_real_servers_let_in_whoever_has_an_awkward_password(
    awkward: tuple[str, str], tmp_path: Path
) -> None:
    given = {
        "PARCELWIRE_ENV": "development",
        "PARCELWIRE_DATA": str(tmp_path),
        "DATABASE_URL": awkward[0],
        "DATABASE_PASSWORD": AWKWARD,
        "REDIS_URL": awkward[1],
        "REDIS_PASSWORD_FILE": kept(tmp_path, AWKWARD + "\n"),
    }
    done = start(SERVERS, **STRONG | given)
    name = urlsplit(awkward[0]).username
    assert done.stdout.split() == [name, name, "True"], done.stderr
