"""All that the checker knows of a run: the files of its folder, and the rows of its database."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.faults.harness.history import read

Row = dict[str, Any]

_ROWS = {
    "events": """
        SELECT position, id::text, merchant_id::text AS merchant, stream::text, version, type, key, data,
               recorded_at FROM events_event ORDER BY position
    """,
    "trackers": """
        SELECT id::text, merchant_id::text AS merchant, tracking_number AS number, version, milestone, state
        FROM trackers_tracker
    """,
    "messages": """
        SELECT id::text, merchant_id::text AS merchant, type, stream::text, sequence,
               convert_from(body, 'UTF8') AS body, encode(sha256(body), 'hex') AS digest
        FROM webhooks_message
    """,
    "deliveries": """
        SELECT id::text, message_id::text AS message, endpoint_id::text AS endpoint, state, attempt_count,
               claim_id IS NOT NULL AS claimed
        FROM webhooks_delivery
    """,
    "attempts": """
        SELECT attempt.delivery_id::text AS delivery, attempt.number, attempt.status_code AS status,
               attempt.error, attempt.response_body AS said
        FROM webhooks_attempt AS attempt ORDER BY attempt.delivery_id, attempt.number
    """,
    "endpoints": """
        SELECT id::text, state, max_in_flight, extract(epoch FROM disabled_at)::float AS disabled_at
        FROM webhooks_endpoint
    """,
}


@dataclass
class Evidence:
    """Files as lists of what was noted, in order; rows as dictionaries. Each is read when first asked for."""

    folder: Path
    database: psycopg.Connection[Any]

    @cached_property
    def plan(self) -> Row:
        found: Row = json.loads((self.folder / "plan.json").read_text())
        return found

    @cached_property
    def run(self) -> Row:
        found: Row = json.loads((self.folder / "run.json").read_text())
        return found

    @cached_property
    def carrier(self) -> list[Row]:
        return read(self.folder / "carrier.jsonl")

    @cached_property
    def callers(self) -> list[Row]:
        return read(self.folder / "callers.jsonl")

    @cached_property
    def subscribers(self) -> list[Row]:
        return read(self.folder / "subscribers.jsonl")

    @cached_property
    def nemesis(self) -> list[Row]:
        return read(self.folder / "nemesis.jsonl")

    @cached_property
    def samples(self) -> list[Row]:
        return read(self.folder / "samples.jsonl")

    @cached_property
    def projections(self) -> list[Row]:
        return read(self.folder / "projections.jsonl")

    def feed(self, file: str) -> dict[int, list[str]]:
        """By merchant: the ids that a reader saw, in the order in which it saw them."""
        seen: dict[int, list[str]] = defaultdict(list)
        for page in read(self.folder / file):
            seen[page["merchant"]] += page["ids"]
        return seen

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        with self.database.cursor(row_factory=dict_row) as cursor:
            return {name: cursor.execute(statement).fetchall() for name, statement in _ROWS.items()}

    @cached_property
    def events(self) -> list[Row]:
        return self.rows["events"]

    @cached_property
    def messages(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.rows["messages"]}

    @cached_property
    def deliveries(self) -> dict[tuple[int, str], Row]:
        """By number of the endpoint and id of the message."""
        return {
            (self.endpoints[row["endpoint"]]["n"], row["message"]): row for row in self.rows["deliveries"]
        }

    @cached_property
    def tries(self) -> dict[tuple[int, str], list[Row]]:
        """By the same: what is on record of its tries, in their order."""
        of_delivery: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows["attempts"]:
            of_delivery[row["delivery"]].append(row)
        found: dict[tuple[int, str], list[Row]] = defaultdict(list)
        return found | {pair: of_delivery[row["id"]] for pair, row in self.deliveries.items()}

    @cached_property
    def endpoints(self) -> dict[str, Row]:
        """By id: the row, and what the plan and the run have of it."""
        told = {one["id"]: one for one in self.run["endpoints"]}
        return {row["id"]: {**told[row["id"]], **row} for row in self.rows["endpoints"] if row["id"] in told}

    @cached_property
    def numbers(self) -> dict[str, str]:
        """By tracker: its number."""
        return {row["id"]: row["number"] for row in self.rows["trackers"]}

    @cached_property
    def merchants(self) -> list[str]:
        """Ids, in the order of the plan."""
        return [one["id"] for one in self.run["merchants"]]

    @cached_property
    def deadline(self) -> float:
        """Seconds that a try may take."""
        return float(self.run["environment"]["DELIVERY_DEADLINE"])

    @cached_property
    def began(self) -> float:
        found: float = json.loads((self.folder / "began.json").read_text())["mono"]
        return found


def evidence(folder: Path, database: psycopg.Connection[Any]) -> Evidence:
    """Of the run in this folder; `database` is a connection of the owner's."""
    return Evidence(folder, database)
