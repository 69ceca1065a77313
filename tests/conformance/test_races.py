"""The same call twice at once, against the whole stack: one tracker, whoever comes first."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from tests.conformance.conftest import Stack

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("up")]

#: Calls at once, and how often.
CALLERS, ROUNDS = 4, 8


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.merchant()}"}
    with httpx.Client(base_url=f"{stack.up.url}/v1", headers=headers, timeout=120) as made:
        yield made


@pytest.fixture
def at_once() -> Iterator[Callable[..., list[httpx.Response]]]:
    """Make calls that begin at the same moment."""
    with ThreadPoolExecutor(CALLERS) as pool:

        def run(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
            barrier = Barrier(len(calls))

            def one(call: Callable[[], httpx.Response]) -> httpx.Response:
                barrier.wait(60)
                return call()

            return list(pool.map(one, calls))

        yield run


AtOnce = Callable[..., list[httpx.Response]]


def ids_in(answer: httpx.Response) -> set[str]:
    """The trackers of a create or a track; none where it gave way to another."""
    if answer.status_code == 409:
        assert answer.json()["errors"][0]["code"] == "request_conflict"
        assert int(answer.headers["retry-after"]) > 0
        return set()
    assert answer.status_code in {200, 201, 207}, answer.text
    data = answer.json()["data"]
    shapes = [data["tracker"]] if "tracker" in data else [one["tracker"] for one in data["trackings"]]
    return {one["trackerId"] for one in shapes}


def listed(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/trackers", params={"page": 1, "limit": 500}).json()["data"][
        "trackers"
    ]
    return found


@pytest.mark.parametrize(
    ("path", "client_id"), [("/trackers", False), ("/trackers", True), ("/trackers/track", False)]
)
def test_equal_calls_at_once_make_one_tracker(
    client: httpx.Client, at_once: AtOnce, path: str, client_id: bool
) -> None:
    for n in range(ROUNDS):
        body = {"trackingNumber": f"SHIP24_SAMPLE_DELIVERED_{n:03}"} | (
            {"clientTrackerId": f"order-{n}"} if client_id else {}
        )
        answers = at_once(*[lambda body=body: client.post(path, json=body)] * CALLERS)
        assert len(set().union(*map(ids_in, answers))) == 1
        assert len(listed(client)) == n + 1


def test_different_payloads_of_one_client_id_at_once_make_one_tracker(
    client: httpx.Client, at_once: AtOnce
) -> None:
    for n in range(ROUNDS):
        body = {"trackingNumber": "SHIP24_SAMPLE_PENDING_000", "clientTrackerId": f"order-{n}"}
        answers = at_once(
            *(
                lambda k=k, body=body: client.post("/trackers", json=body | {"orderNumber": str(k)})
                for k in range(CALLERS)
            )
        )
        assert Counter(one.status_code in {201, 409} for one in answers)[True] >= 1
        refused = [one.json()["errors"][0]["code"] for one in answers if one.status_code != 201]
        assert set(refused) <= {"tracker_conflict", "request_conflict"}
        assert len(listed(client)) == n + 1


def test_bulks_that_overlap_make_each_tracker_once(client: httpx.Client, at_once: AtOnce) -> None:
    items = [
        {"trackingNumber": f"SHIP24_SAMPLE_PENDING_{n:03}", "clientTrackerId": f"order-{n}"}
        for n in range(60)
    ]
    parts = [items[:40], items[20:], items[::-1], items[10:50]]
    answers = at_once(*(lambda part=part: client.post("/trackers/bulk", json=part) for part in parts))
    assert [one.status_code for one in answers] == [201] * len(parts), [one.text for one in answers]
    told = [item for one in answers for item in one.json()["data"]]
    assert Counter(item["itemStatus"] for item in told)["created"] == 60
    by_name = {(item["inputData"]["clientTrackerId"], item["tracker"]["trackerId"]) for item in told}
    assert len(by_name) == 60
    assert {one["trackerId"] for one in listed(client)} == {id_ for _, id_ in by_name}
