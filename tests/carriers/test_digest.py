"""Two answers that say the same have one digest."""

import json
from dataclasses import replace
from datetime import timedelta

from carriers.digest import digest
from carriers.snapshot import PersonalFacts
from tests.carriers.payloads import Payload, parse

PAYLOAD = Payload("247express", "delivered")
SNAPSHOT = PAYLOAD.parse()


def test_the_way_an_answer_is_written_does_not_matter() -> None:
    body = json.loads(PAYLOAD.body)
    again = dict(reversed(body.items())) | {"statuses": body["statuses"][::-1], "serverTime": "12:00:01"}
    assert digest(parse("247express", again, "EX247-0001"), 1, own_account=True) == digest(
        SNAPSHOT, 1, own_account=True
    )


def test_what_it_says_matters_and_so_do_the_map_and_the_account() -> None:
    scans = (replace(SNAPSHOT.scans[0], location="Elsewhere"), *SNAPSHOT.scans[1:])
    seen = {
        digest(SNAPSHOT, 1, own_account=True),
        digest(SNAPSHOT, 2, own_account=True),
        digest(SNAPSHOT, 1, own_account=False),
        digest(replace(SNAPSHOT, scans=scans), 1, own_account=True),
        digest(replace(SNAPSHOT, set_aside=("not a time",)), 1, own_account=True),
        digest(replace(SNAPSHOT, personal=PersonalFacts(signed_by="Bao")), 1, own_account=True),
    }
    assert len(seen) == 6


def test_personal_facts_count_only_where_they_are_kept() -> None:
    other = replace(SNAPSHOT, personal=PersonalFacts(signed_by="Bao"))
    assert digest(SNAPSHOT, 1, own_account=False) == digest(other, 1, own_account=False)


def test_where_a_scan_without_a_time_stands_is_no_news() -> None:
    snapshot = Payload("all24", "no_date").parse()
    moved = tuple(
        replace(scan, placed=scan.placed + timedelta(days=1))
        if scan.placed and not scan.moment.instant
        else scan
        for scan in snapshot.scans
    )
    assert moved != snapshot.scans
    assert digest(replace(snapshot, scans=moved), 1, own_account=True) == digest(
        snapshot, 1, own_account=True
    )
