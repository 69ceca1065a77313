"""However polls, pushes, amendments and repeats fall together: one log content, and one state.

Histories are drawn and played on real rows. Two carriers tell of one parcel: Ship24 adds, changes and takes
back events, is polled and calls; all24 is polled. What was asked, answered and called arrives late, in
another order, twice or not at all. Whatever happened, two polls of each make the tracker what one look would.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rest_framework.test import APIClient

from accounts.models import ApiKey
from carriers.adapter import Answer, Credentials, Query
from carriers.fetching import Fetched
from carriers.models import CarrierAccount
from carriers.registry import adapter
from carriers.snapshot import Snapshot
from events.models import Event
from tests.carrier_server import order
from tests.factories import CarrierAccountFactory, MerchantFactory
from tests.ship24_server import KEY, event, push, tracking
from tests.trackers.cast import Parcel
from tests.trackers.test_push import SECRET, call
from tests.webhooks.cast import EndpointFactory
from trackers.claims import Claim, claim
from trackers.concluding import conclude
from trackers.creating import create
from trackers.models import Watch
from trackers.polling import Asked
from trackers.quarantine import oldest_of
from trackers.rebuilding import check
from webhooks.models import Message

#: Histories that are played, and how long each is.
EXAMPLES, STEPS = 15, 25
#: Noon at all24, whose first scan shares a moment with Ship24's.
NOW = timezone.now().replace(hour=5, minute=0, second=0, microsecond=0)
#: Moments that events share: hours apart, a day alone, and of a parcel that had the number long ago.
MOMENTS = [
    *(f"{NOW - timedelta(days=5, hours=-hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (0, 1, 7, 8, 20)),
    f"{NOW - timedelta(days=4):%Y-%m-%d}",
    f"{NOW - timedelta(days=100):%Y-%m-%dT%H:%M:%SZ}",
]
WORDS = {
    "in_transit": None,
    "out_for_delivery": "delivery_out_for_delivery",
    "delivered": "delivery_delivered",
    "exception": "exception_return",
    "failed_attempt": "delivery_attempted",
}
CODES = ("050000", "100000", "300000", "500000")
#: How the state of a scan depends on when it became known.
BY_HISTORY = {"eventId", "version", "recordedAt", "amendments", "aliases", "order"}

_numbers = count()


@dataclass
class Asking:
    """A poll that is under way, and what it was answered."""

    claim: Claim
    answer: Snapshot | None = None


class Interleavings(RuleBasedStateMachine):
    @initialize(shipped=st.sampled_from([None, 6]))
    def begin(self, shipped: int | None) -> None:
        self.merchant = MerchantFactory()
        EndpointFactory(merchant=self.merchant, types=["*"])
        self.client = APIClient()
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {ApiKey.issue(self.merchant)[1]}")
        self.account: CarrierAccount = CarrierAccountFactory(
            merchant=self.merchant, courier="ship24", key=KEY, push_secret=SECRET, time_zone=""
        )
        CarrierAccountFactory(merchant=self.merchant, courier="all24")
        wishes = {
            "tracking_number": f"PARCEL{next(_numbers):06}",
            "courier_codes": ["all24", "ship24"],
            "shipping_date": shipped and f"{NOW - timedelta(days=shipped):%Y-%m-%d}",
        }
        self.tracker = create(self.merchant.id, wishes)
        self.truth = {"a": event("a", at=MOMENTS[0])}
        self.known_to_all24 = 1
        self.outbox: list[dict[str, Any]] = []
        self.asking: Asking | None = None
        self.told: set[str] = set()

    # What happens at the carriers

    @rule(
        id_=st.sampled_from("abcdef"),
        milestone=st.sampled_from(sorted(WORDS)),
        at=st.sampled_from(MOMENTS),
        place=st.sampled_from(["PARIS, FR", "Paris, France"]),
    )
    def an_event_comes_or_changes(self, id_: str, milestone: str, at: str, place: str) -> None:
        self.truth[id_] = event(id_, milestone, at, statusCode=WORDS[milestone], location=place)

    @precondition(lambda self: len(self.truth) > 1)
    @rule(data=st.data())
    def an_event_goes(self, data: st.DataObject) -> None:
        del self.truth[data.draw(st.sampled_from(sorted(self.truth)))]

    @precondition(lambda self: self.known_to_all24 < len(CODES))
    @rule()
    def all24_learns_more(self) -> None:
        self.known_to_all24 += 1

    # What is asked and told, and when it arrives

    @precondition(lambda self: self.asking is None)
    @rule()
    def ship24_is_asked(self) -> None:
        self.asking = Asking(self._claimed("ship24"))

    @precondition(lambda self: self.asking and not self.asking.answer)
    @rule()
    def ship24_answers(self) -> None:
        self.asking.answer = self._seen("ship24", self.asking.claim)

    @precondition(lambda self: self.asking and self.asking.answer)
    @rule()
    def the_answer_arrives(self) -> None:
        self._conclude(self.asking.claim, self.asking.answer)
        self.asking = None

    @precondition(lambda self: self.asking)
    @rule()
    def the_worker_dies(self) -> None:
        Watch.objects.update(claim_id=None, claimed_until=None)
        self.asking = None

    @rule()
    def all24_is_polled(self) -> None:
        self._poll("all24")

    @rule(data=st.data())
    def ship24_writes_a_push(self, data: st.DataObject) -> None:
        some = data.draw(st.sets(st.sampled_from(sorted(self.truth)), min_size=1, max_size=3))
        told = [one for one in self._listed() if one["eventId"] in some]
        self.outbox.append(push(tracking(self.tracker.id, *told)))

    @precondition(lambda self: self.outbox)
    @rule(data=st.data())
    def a_push_arrives(self, data: st.DataObject) -> None:
        body = data.draw(st.sampled_from(self.outbox))
        assert call(self.account, body).status_code == 200
        self.told |= {f"ship24|{one['eventId']}" for one in body["trackings"][0]["events"]}

    @rule(ago=st.sampled_from([120, 6, 1]))
    def the_merchant_names_another_day(self, ago: int) -> None:
        """Which is refused while a scan counts."""
        body = {"shippingDate": f"{NOW - timedelta(days=ago):%Y-%m-%d}"}
        answer = self.client.patch(f"/v1/trackers/{self.tracker.id}", body, format="json")
        if answer.status_code == 200:
            self.asking = None  # its answer will not be heard
        assert answer.status_code in {200, 400}

    @invariant()
    def the_row_is_the_fold_of_the_log(self) -> None:
        assert list(check()) == []

    # How it ends

    def teardown(self) -> None:
        if not hasattr(self, "tracker"):
            return
        Watch.objects.update(claim_id=None, claimed_until=None)
        for _ in range(2):
            self._poll("ship24")
            self._poll("all24")
            for watch in Watch.objects.exclude(absent={}):
                watch.absent = dict.fromkeys(watch.absent, "2020-01-01T00:00:00+00:00")
                watch.save(update_fields=["absent"])
        assert list(check()) == []
        self._is_what_one_look_would_show()
        self._holds_each_scan_once()
        self._told_each_message_after_the_one_before()
        Watch.objects.update(next_poll_at=None)

    def _is_what_one_look_would_show(self) -> None:
        self.tracker.refresh_from_db()
        plain = Parcel(oldest_of(self.tracker.shipping_date))
        for courier in ("ship24", "all24"):
            plain.polled(self._seen(courier))
        now = self.tracker
        assert essence(now.state["scans"]) == essence(plain.projection.state["scans"])
        assert (now.milestone, now.status_code, now.final) == (
            plain.projection.milestone,
            plain.projection.status_code,
            plain.projection.final,
        )

    def _holds_each_scan_once(self) -> None:
        mine = Event.objects.filter(stream=self.tracker.id)
        scanned = mine.filter(type="tracking.scanned").values_list("key", flat=True)
        assert sorted(scanned) == sorted(f"scan:{key}" for key in self.told)
        assert list(mine.order_by("position").values_list("version", flat=True)) == list(
            range(1, mine.count() + 1)
        )

    def _told_each_message_after_the_one_before(self) -> None:
        before: tuple[int | None, str | None] = (None, None)
        for message in Message.objects.filter(stream=self.tracker.id).order_by("sequence"):
            (told,) = json.loads(bytes(message.body))["trackings"]
            about = told["metadata"]
            assert (about["previousSequence"], about["previousMilestone"]) == before
            before = (about["sequence"], told["shipment"]["statusMilestone"])
        assert before[1] == self.tracker.milestone

    def _poll(self, courier: str) -> None:
        claimed = self._claimed(courier)
        self._conclude(claimed, self._seen(courier, claimed))

    def _claimed(self, courier: str) -> Claim:
        mine = Watch.objects.filter(tracker=self.tracker, courier=courier)
        Watch.objects.update(next_poll_at=None)
        mine.update(next_poll_at=timezone.now() - timedelta(hours=1), claim_id=None, claimed_until=None)
        (found,) = claim(1)
        return found

    def _conclude(self, claimed: Claim, answer: Snapshot) -> None:
        if Watch.objects.filter(id=claimed.watch, claim_id=claimed.claim).exists():
            self.told |= {one.key for one in answer.scans}
        asked = Asked(claimed, own_account=True)
        conclude([(asked, Fetched(asked, snapshot=answer))])

    def _seen(self, courier: str, claimed: Claim | None = None) -> Snapshot:
        """What the courier answers now."""
        at = claimed.claimed_at if claimed else NOW
        number = self.tracker.tracking_number
        credentials = Credentials(self.account.id, "https://carrier.example", KEY, "UTC")
        query = Query(number, credentials, at, at, self.tracker.id)
        if courier == "all24":
            status, body = order(number, *CODES[: self.known_to_all24], day=MOMENTS[0][:10])
        else:
            answer = {"data": {"trackings": [tracking(self.tracker.id, *self._listed())]}}
            status, body = 200, json.dumps(answer).encode()
        return adapter(courier).parse(Answer(status, {}, body), query)

    def _listed(self) -> list[Any]:
        """Ship24's events as it lists them, oldest first."""
        return sorted(self.truth.values(), key=lambda one: (one["occurrenceDatetime"], one["eventId"]))


def essence(scans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is known of the scans that stand, in their order."""
    standing = (one for one in scans if not one["withdrawn"])
    return [{name: value for name, value in one.items() if name not in BY_HISTORY} for one in standing]


@pytest.mark.django_db(transaction=True)
def test_any_interleaving_ends_in_one_log_content_and_one_state() -> None:
    rules = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(Interleavings, settings=rules)
