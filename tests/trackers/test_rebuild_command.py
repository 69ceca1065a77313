"""`manage.py rebuild_trackers`."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Merchant
from tests.carrier_server import CarrierServer, order
from trackers.models import Tracker

pytestmark = pytest.mark.django_db(transaction=True)


def run(*options: str) -> str:
    out = StringIO()
    call_command("rebuild_trackers", *options, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("account")
def test_a_difference_is_found_with_exit_one_repaired_and_gone(
    alice: Merchant, carrier: CarrierServer, follow: Callable[..., Tracker], poll_all: Callable[[], int]
) -> None:
    carrier.replies["HSAAAA00"] = order("HSAAAA00", "050000", "100000")
    tracker = follow(alice, "HSAAAA00")
    poll_all()
    assert "every tracker is the fold of its log" in run("--check")
    Tracker.objects.update(milestone="delivered", state={"scans": [], "shipments": {}, "counts": {}})
    with pytest.raises(CommandError, match="1 trackers differ") as failed:
        run("--check")
    assert failed.value.returncode == 1
    assert f"{tracker.id}: milestone, state" in run()
    assert "every tracker is the fold of its log" in run("--check")
    tracker.refresh_from_db()
    assert tracker.milestone == "in_transit"
