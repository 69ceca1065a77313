"""Every adapter comes with answers for the situations that all carriers have, and reads them as it should."""

import contextlib
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given

from carriers.adapter import Adapter
from carriers.digest import digest
from carriers.exceptions import CarrierError
from carriers.registry import adapters
from carriers.snapshot import Certainty
from tests.carriers.payloads import FOLDER, Payload, line, payloads, query
from tests.hostile.test_totality import VALUES, assert_storable

#: all24 documents no event for a parcel that went wrong: its `exception` is a request that failed.
SITUATIONS = ("delivered", "in_transit", "exception", "unknown_number", "unmapped_code")

each_adapter = pytest.mark.parametrize("adapter", adapters().values(), ids=lambda adapter: adapter.code)
each_payload = pytest.mark.parametrize("payload", payloads(), ids=str)
each_answer = pytest.mark.parametrize(
    "payload", [payload for payload in payloads() if "error" not in payload.expected], ids=str
)


@each_adapter
@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_adapter_comes_with_an_answer_for_every_situation(adapter: Adapter, situation: str) -> None:
    for kind in ("json", "expected.json"):
        file = FOLDER / adapter.code / f"{situation}.{kind}"
        assert file.is_file(), f"{file.relative_to(FOLDER.parents[2])} is missing: docs/adding-a-carrier.md"


@each_payload
def test_an_answer_is_that_of_an_adapter(payload: Payload) -> None:
    assert payload.courier in adapters(), f"no file in carriers/adapters has the code {payload.courier!r}"


@each_payload
def test_an_answer_is_read_as_the_file_beside_it_says(payload: Payload) -> None:
    expected = payload.expected
    if "error" in expected:
        with pytest.raises(CarrierError) as raised:
            payload.parse()
        assert (type(raised.value).__name__, raised.value.detail) == (expected["error"], expected["detail"])
        return
    snapshot = payload.parse()
    assert [line(scan) for scan in snapshot.scans] == expected["scans"]
    assert [unmapped.code for unmapped in snapshot.unmapped] == expected.get("unmapped", [])
    assert len(snapshot.set_aside) == expected.get("set_aside", 0)
    assert snapshot.ignored == expected.get("ignored", 0)
    if "certainty" in expected:
        assert [scan.moment.certainty for scan in snapshot.scans] == expected["certainty"]


@each_answer
def test_keys_are_unique_short_and_the_same_at_every_reading(payload: Payload) -> None:
    keys = [scan.key for scan in payload.parse().scans]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(f"{payload.courier}|") and len(key) <= 200 for key in keys)
    assert keys == [scan.key for scan in payload.parse().scans]


@each_answer
def test_what_is_kept_of_an_answer_is_read_again_as_the_answer_was(payload: Payload) -> None:
    adapter, snapshot = adapters()[payload.courier], payload.parse()
    kept = json.loads(json.dumps(snapshot.part))
    again = adapter.reread(kept, query(payload.courier, payload.expected["number"]))
    assert replace(again, ignored=snapshot.ignored) == snapshot
    assert digest(again, adapter.map_version, True) == digest(snapshot, adapter.map_version, True)


@each_adapter
@given(part=VALUES)
def test_whatever_is_kept_is_read_again_or_refused(adapter: Adapter, part: object) -> None:
    number = Payload(adapter.code, "delivered").expected["number"]
    with contextlib.suppress(CarrierError):
        assert_storable(adapter.reread(part, query(adapter.code, number)))


@each_answer
def test_scans_stand_in_the_order_of_place_and_rank(payload: Payload) -> None:
    placed = [(scan.placed, scan.rank) for scan in payload.parse().scans if scan.placed]
    assert placed == sorted(placed)
    for scan in payload.parse().scans:
        assert (scan.moment.instant is None) == (scan.moment.certainty is Certainty.UNKNOWN)


@each_adapter
def test_an_adapter_says_who_it_is(adapter: Adapter) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,32}", adapter.code)
    assert adapter.name
    assert adapter.needs_account is adapter.default_base_url.startswith("https://")
    sample = Payload(adapter.code, "delivered").expected["number"]
    assert adapter.takes.fullmatch(sample)
    assert adapter.looks_like.fullmatch(sample)


@each_answer
def test_what_has_no_milestone_is_unmapped_and_says_nothing_of_the_status(payload: Payload) -> None:
    snapshot = payload.parse()
    unknown = [scan for scan in snapshot.scans if scan.milestone is None]
    assert {scan.carrier_code for scan in unknown} <= {unmapped.code for unmapped in snapshot.unmapped}
    assert not any(scan.status_code for scan in unknown)
