"""Parcels whose carrier answers with the corpus, and what of the answers is stored."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from accounts.models import Merchant
from carriers.models import CarrierAccount, Health
from events.models import Event
from tests.factories import CarrierAccountFactory
from tests.hostile.corpus import Case, well
from tests.hostile.wire import WireServer
from tests.polled import poll_due
from trackers.models import PersonalData, RawAnswer, Tracker, Watch
from trackers.rebuilding import check

Follow = Callable[..., Tracker]
#: A parcel's number; a well neighbour's begins otherwise.
NUMBER, NEIGHBOUR = "HOST{:04}", "WELL{:04}"


def account_at(carrier: WireServer, merchant: Merchant, courier: str, **more: Any) -> CarrierAccount:
    """The merchant's own account there; its answers are kept."""
    made: CarrierAccount = CarrierAccountFactory(
        merchant=merchant, courier=courier, base_url=carrier.url, time_zone="UTC", **more
    )
    return made


@dataclass(frozen=True)
class Batch:
    """One parcel for each case, and well ones among them: all are due at once."""

    carrier: WireServer
    parcels: Mapping[Case, Tracker]
    neighbours: Sequence[Tracker]

    @classmethod
    def of(cls, carrier: WireServer, merchant: Merchant, cases: Sequence[Case], follow: Follow) -> "Batch":
        courier = cases[0].courier
        parcels = {
            case: follow(merchant, NUMBER.format(n), courierCode=courier) for n, case in enumerate(cases)
        }
        neighbours = [
            follow(merchant, NEIGHBOUR.format(n), courierCode=courier) for n in range(1 + len(cases) // 20)
        ]
        batch = cls(carrier, parcels, neighbours)
        for case, tracker in parcels.items():
            batch.sends(tracker, case.message(tracker.tracking_number, tracker.id))
            if case.is_broken:
                carrier.broken |= {tracker.tracking_number, str(tracker.id)}
        for tracker in neighbours:
            batch.sends(tracker, well(courier, tracker.tracking_number, tracker.id))
        return batch

    def sends(self, tracker: Tracker, answer: Any) -> None:
        self.carrier.messages[tracker.tracking_number] = self.carrier.messages[str(tracker.id)] = answer

    def recovers(self) -> None:
        """From now on the carrier answers well about every parcel, and each is due."""
        self.carrier.broken.clear()
        for case, tracker in self.parcels.items():
            self.sends(tracker, well(case.courier, tracker.tracking_number, tracker.id))
        Watch.objects.update(next_poll_at=Now())

    def found(self) -> dict[str, dict[str, Any]]:
        """What has become of each case."""
        return {case.name: outcome(tracker) for case, tracker in self.parcels.items()}


def outcome(tracker: Tracker) -> dict[str, Any]:
    """How the poll ended, and what is stored of it."""
    watch = Watch.objects.get(tracker=tracker)
    tracker.refresh_from_db()
    told = {
        "outcome": watch.last_outcome,
        "error": watch.last_error,
        "scans": len(tracker.state["scans"]) if tracker.state else 0,
        "set_aside": watch.set_aside,
        "milestone": tracker.milestone,
    }
    return {name: value for name, value in told.items() if value not in (None, 0)}


def poll() -> None:
    poll_due()
    assert not Watch.objects.exclude(claim_id=None).exists()


def assert_sound(courier: str) -> None:
    """Nothing is half stored: log and rows agree, each kept answer can be read, nobody was shut out."""
    assert list(check()) == []
    for kept in RawAnswer.objects.all():
        zlib.decompress(kept.body)
    for event in Event.objects.all():
        assert "\\u0000" not in json.dumps(event.data, allow_nan=False)
    polled = Watch.objects.exclude(last_outcome=None).exclude(last_outcome__in=("ok", "unchanged"))
    failed = list(polled.values_list("tracker_id", flat=True))
    assert not Event.objects.filter(stream__in=failed, type="tracking.scanned").exists()
    assert not PersonalData.objects.filter(tracker_id__in=failed).exists()
    assert set(CarrierAccount.objects.filter(courier=courier).values_list("state", flat=True)) == {"active"}
    assert set(Health.objects.values_list("circuit", flat=True)) <= {Health.Circuit.CLOSED}
