"""What the checker says of subscribers' doors, from histories made up here, and what it is made of."""

import ast
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tests.faults.harness import judging
from tests.faults.harness.history import History
from tests.faults.harness.judging import doors
from tests.faults.harness.judging.evidence import Evidence, Row

_SCANS = ({"n": 0, "text": "Parcel 0 scan 0"}, {"n": 1, "text": "Parcel 0 scan 1"})
_PLAN = {
    "parcels": [
        {"number": "ALICES", "merchant": 0, "scans": _SCANS},
        {"number": "BOBS", "merchant": 1, "scans": [{"n": 0, "text": "Parcel 1 scan 0"}]},
    ],
    "endpoints": [
        {"n": 0, "merchant": 0, "behaviour": "quick"},
        {"n": 1, "merchant": 0, "behaviour": "gone"},
        {"n": 2, "merchant": 1, "behaviour": "quick"},
    ],
}


class Story:
    """A run's folder, to be written by a test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._posts = 0
        (folder / "plan.json").write_text(json.dumps(_PLAN))
        (folder / "run.json").write_text(json.dumps({"environment": {"DELIVERY_DEADLINE": "3"}}))

    def follow(self, number: str, status: int = 201) -> None:
        """The creation of a tracker is answered."""
        self._note("callers", what="answered", key="once", status=status, number=number)

    def tell(self, endpoint: int, scans: Sequence[str], status: int | None = 200) -> None:
        """A message arrives. `status`: None, it is never answered."""
        self._posts += 1
        named = {"n": self._posts, "endpoint": endpoint, "id": f"message {self._posts}"}
        self._note("subscribers", what="arrived", scans=scans, **named)
        if status is not None:
            self._note("subscribers", what="answered", status=status, **named)

    def evidence(self) -> Evidence:
        return Evidence(self._folder, cast("Any", None))

    def _note(self, file: str, **facts: Any) -> None:
        History(self._folder / f"{file}.jsonl").note(**facts)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Alice and Bob have their parcels followed, and each is told of every scan."""
    told = Story(tmp_path)
    told.follow("ALICES")
    told.follow("BOBS")
    told.tell(2, ["Parcel 1 scan 0"])
    return told


def _arrived(story: Story) -> Row:
    return doors.every_scan_reaches_every_door(story.evidence()).as_json()


def test_scans_that_all_arrive_are_no_violation(story: Story) -> None:
    story.tell(0, ["Parcel 0 scan 0"])
    story.tell(0, ["Parcel 0 scan 1"])
    assert _arrived(story) == {"looked_at": 2, "violations": [], "nothing": ""}
    assert not doors.nobody_hears_of_others(story.evidence()).violations


@pytest.mark.parametrize("status", [None, 0, 307, 503])
def test_a_scan_that_nobody_took_has_not_arrived(story: Story, status: int | None) -> None:
    story.tell(0, ["Parcel 0 scan 0"])
    story.tell(0, ["Parcel 0 scan 1"], status)
    assert _arrived(story)["violations"] == ["endpoint 0 was never told ['Parcel 0 scan 1']"]


def test_a_scan_at_another_door_has_not_arrived_at_this_one(story: Story) -> None:
    story.tell(1, ["Parcel 0 scan 0", "Parcel 0 scan 1"])
    (violation,) = _arrived(story)["violations"]
    assert violation.startswith("endpoint 0 was never told")


def test_a_parcel_that_nobody_follows_owes_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.follow("BOBS")
    story.follow("ALICES", 503)
    story.tell(2, ["Parcel 1 scan 0"])
    assert _arrived(story) == {"looked_at": 1, "violations": [], "nothing": ""}


def test_a_run_in_which_nothing_is_followed_proves_nothing(tmp_path: Path) -> None:
    assert _arrived(Story(tmp_path))["violations"] == ["no creation was answered"]


@pytest.mark.parametrize("status", [None, 200, 503])
def test_a_merchant_must_not_hear_of_anothers_parcel(story: Story, status: int | None) -> None:
    story.tell(2, ["Parcel 0 scan 0"], status)
    (violation,) = doors.nobody_hears_of_others(story.evidence()).violations
    assert "endpoint 2 was told 'Parcel 0 scan 0'" in violation


def test_nor_of_what_no_carrier_ever_said(story: Story) -> None:
    story.tell(0, ["Parcel 9 scan 9"])
    assert doors.nobody_hears_of_others(story.evidence()).violations


def test_the_checker_is_made_without_the_product() -> None:
    own = ("psycopg", "tests.faults.harness.judging", "tests.faults.harness.history")
    for file in Path(judging.__file__).parent.glob("*.py"):
        for name in _imports(ast.parse(file.read_text())):
            standard = name.partition(".")[0] in sys.stdlib_module_names
            assert standard or name.startswith(own), f"{file.name} imports {name}"


def _imports(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found
