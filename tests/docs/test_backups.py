"""docs/backups.md, followed to the letter: a backup of a stack that runs, restored beside it."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config import servers
from tests.docs.blocks import blocks_for
from tests.docs.newcomer import Terminal
from tests.processes import Up

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("backups")]

APP, OWNER = "parcelwire:of-the-app", "parcelwire_owner:of-the-owner"
#: The embedded PostgreSQL's superuser has the name that the page gives the application.
APP_HERE = "parcelwire_app:of-the-app"


@dataclass
class Followed:
    """The backups that were made, the URLs of what was restored, and what each block printed."""

    folder: Path
    own: str
    restored: str
    as_app: str
    printed: list[str]

    def printed_by(self, piece: str) -> str:
        blocks = [block.text for block in blocks_for(__name__)]
        (found,) = [text for block, text in zip(blocks, self.printed, strict=True) if piece in block]
        return found


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("backups")
    data = folder / "data"
    up = Up(data)
    terminal = None
    try:
        assert up.says("ready "), up.text
        own = up.url_of("DATABASE_URL")
        at = urlsplit(own)
        place = f"{at.hostname}:{at.port}"
        here = {
            "/var/backups/": f"{folder}/",
            f"PGHOST=db.internal PGPORT=5432 PGUSER=parcelwire_owner PGPASSWORD={OWNER.partition(':')[2]}": (
                f"PGHOST={at.hostname} PGPORT={at.port} PGUSER={at.username} PGPASSWORD={at.password}"
            ),
            f"{OWNER}@db.internal:5432": f"{at.username}:{at.password}@{place}",
            f"{APP}@db.internal:5432": f"{APP_HERE}@{place}",
        }
        terminal = Terminal(data, here)
        terminal.paste(f"PATH={servers.postgres_binary('pg_dump').parent}:$PATH")
        _follow_a_parcel(up, terminal)
        printed = [terminal.paste(block.text) for block in blocks_for(__name__)]
        restored = own.rpartition("/")[0] + "/parcelwire_restored"
        yield Followed(folder, own, restored, f"postgres://{APP_HERE}@{place}/parcelwire_restored", printed)
    finally:
        if terminal is not None:
            terminal.close()
        up.stop()


def _follow_a_parcel(up: Up, terminal: Terminal) -> None:
    made = json.loads(terminal.paste(".venv/bin/python manage.py create_merchant Shop --json"))
    request = urllib.request.Request(
        f"{up.url}/v1/trackers/track",
        data=json.dumps({"trackingNumber": "SHIP24_SAMPLE_DELIVERED_000"}).encode(),
        headers={"Authorization": f"Bearer {made['apiKey']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert answer.status in {200, 201}


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as database:
        return database.execute(statement).fetchall()  # type: ignore[call-overload]


def test_the_backup_is_one_file_and_nothing_besides(followed: Followed) -> None:
    (file,) = followed.folder.glob("*.dump")
    assert f"{file}: " in followed.printed_by("manage.py backup")


def test_what_was_restored_has_every_event_and_holds_together(followed: Followed) -> None:
    assert "every tracker is the fold of its log" in followed.printed_by("rebuild_trackers")
    assert "the first key opens all" in followed.printed_by("rebuild_trackers")
    counted = "SELECT type, count(*) FROM events_event GROUP BY type ORDER BY type"
    assert rows(followed.restored, counted) == rows(followed.own, counted) != []


def test_new_events_come_behind_every_position_that_was_given_out(followed: Followed) -> None:
    (own,) = rows(followed.own, "SELECT last_value FROM events_event_position_seq")
    (restored,) = rows(followed.restored, "SELECT last_value FROM events_event_position_seq")
    assert restored > (own[0] + 1_000_000,)  # type: ignore[operator]


@pytest.mark.parametrize("change", ["UPDATE events_event SET key = ''", "DELETE FROM events_event"])
def test_nobody_changes_the_log_that_was_restored(followed: Followed, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(followed.as_app, change)
    with pytest.raises(psycopg.errors.RaiseException):
        rows(followed.restored, change)
