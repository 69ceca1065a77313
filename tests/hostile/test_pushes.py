"""Every malformed push goes the whole way, with a good one about a neighbour in the same call."""

import json

import pytest
from rest_framework.test import APIClient

from accounts.models import Merchant
from tests.hostile.corpus import FOLDER, about, cases, expected
from tests.hostile.parcels import NEIGHBOUR, NUMBER, Follow, account_at, assert_sound, outcome
from tests.hostile.wire import WireServer
from trackers.models import Tracker

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "alices-push-secret"


def test_each_is_answered_and_stored_as_the_table_says(
    alice: Merchant, wire: WireServer, follow: Follow
) -> None:
    account = account_at(wire, alice, "ship24", push_secret=SECRET)
    url = f"/v1/carriers/ship24/push/{account.push_token}"
    client = APIClient(headers={"Authorization": f"Bearer {SECRET}"})
    found = {}
    for n, case in enumerate(cases("push")):
        tracker = follow(alice, NUMBER.format(n), courierCode="ship24")
        neighbour = follow(alice, NEIGHBOUR.format(n), courierCode="ship24")
        body = beside(case.body(tracker.tracking_number, tracker.id), neighbour)
        status = client.post(url, body, content_type="application/json").status_code
        told = outcome(tracker)
        well = client.post(url, good(tracker), content_type="application/json")
        found[case.name] = {
            "status": status,
            "scans": told.get("scans", 0),
            "neighbours": outcome(neighbour).get("scans", 0),
            "in the end": outcome(tracker)["scans"] if well.status_code == 200 else well.status_code,
        }
    assert found == expected("push")
    assert_sound("ship24")


def beside(body: bytes, neighbour: Tracker) -> bytes:
    """The push with a good part about a neighbour behind its own, where it still has parts."""
    marked = body.rstrip()
    if not marked.endswith(b"]\n}") or not marked.startswith(b'{\n "trackings": ['):
        return body
    part = json.dumps(json.loads(good(neighbour))["trackings"][0]).encode()
    head = marked.removesuffix(b"]\n}").rstrip()
    return head + (b"" if head.endswith(b"[") else b",") + part + b"]}"


def good(tracker: Tracker) -> bytes:
    return about(FOLDER / "well" / "push.json", tracker.tracking_number, tracker.id)
