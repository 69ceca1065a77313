"""The checker of a run: from what its witnesses noted and from the database alone it decides what held.

It uses the standard library and psycopg, and no code of the product: what it knows of the product is what the
documentation promises.
"""

import json
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.harness.judging import calling, doors, logged, sending, telling, withheld
from tests.faults.harness.judging.evidence import Evidence, evidence
from tests.faults.harness.judging.finding import Invariant

#: By name: what must hold. README.md says it in words.
INVARIANTS: dict[str, Invariant] = {
    "I1": logged.nothing_is_lost,
    "I2": logged.nothing_is_doubled,
    "I3": logged.nothing_is_changed,
    "I4": logged.versions_have_no_holes,
    "I5": logged.readers_see_the_same,
    "I6": logged.the_projection_is_the_log,
    "D1": telling.all_that_is_owed_arrives,
    "D2": telling.a_message_stays_the_same,
    "D3": telling.only_faults_double,
    "D4": telling.messages_are_in_order,
    "D5": sending.no_try_is_too_early,
    "D7": sending.the_record_is_true,
    "D8": sending.everything_calms_down,
    "D9": sending.no_more_at_once_than_may_be,
    "E1": doors.every_scan_reaches_every_door,
    "E2": doors.nobody_hears_of_others,
    "S1": withheld.nobody_goes_where_nobody_may,
    "S3": withheld.secrets_stay_secret,
    "C1": calling.each_creation_makes_one_tracker,
    "C2": calling.accounts_are_asked_as_they_may_be,
}


def judge(folder: Path, database_url: str) -> dict[str, Any]:
    """The verdict, which is also written to verdict.json: `holds`, and of each invariant what was looked at.

    `violations` are texts. One that has looked at nothing violates itself, unless it says why in `nothing`.
    """
    with psycopg.connect(database_url, autocommit=True) as database:
        seen = evidence(folder, database)
        found = {name: invariant(seen).as_json() for name, invariant in INVARIANTS.items()}
    holds = not any(one["violations"] for one in found.values())
    verdict = {"holds": holds, "invariants": found}
    (folder / "verdict.json").write_text(json.dumps(verdict, indent=1))
    return verdict


__all__ = ["INVARIANTS", "Evidence", "judge"]
