"""Results by tracker and by number: what they show, and when they need not be sent again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import Merchant
from carriers.identity import keyed
from carriers.snapshot import Party, PersonalFacts, Reason, Snapshot
from events import log
from events.statuses import Milestone, StatusCode
from tests.trackers.cast import scan
from trackers import results
from trackers.changes import changes
from trackers.fold import fold
from trackers.keeping import _PERSONAL
from trackers.models import PersonalData, Tracker
from trackers.projecting import apply_projection, projection_of, write_projections

Follow = Callable[..., Tracker]


def learn(tracker: Tracker, *scans: Any) -> None:
    """Record what a carrier's answer tells, without a carrier."""
    tracker.refresh_from_db()
    answer = Snapshot(courier="all24", scans=keyed(scans), personal=PersonalFacts())
    facts = changes(tracker.state, answer, asked_at=timezone.now(), absent={}).facts
    first = tracker.version + 1
    recorded = log.append(
        tracker.merchant_id, [log.event_of(tracker.id, first + n, fact) for n, fact in enumerate(facts)]
    )
    apply_projection(tracker, fold(projection_of(tracker), recorded))
    write_projections([tracker])


def keep_personal(tracker: Tracker, **told: Any) -> None:
    with connection.cursor() as cursor:
        rows = Tracker.objects.filter(id=tracker.id).values_list("id", flat=True)
        cursor.execute(_PERSONAL, [f'[{{"tracker": "{rows[0]}", "signed_by": "{told["signed_by"]}"}}]'])


def url_of(tracker: Tracker) -> str:
    return f"/v1/trackers/{tracker.id}/results"


def held(client: APIClient, url: str, tag: str) -> Any:
    return client.get(url, headers={"If-None-Match": tag})


def statements(call: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured]


@pytest.fixture
def parcel(alice: Merchant, follow: Follow) -> Tracker:
    tracker = follow(alice, "PARCEL-1", clientTrackerId="mine")
    learn(tracker, scan("created", 0), scan("moving", 10), scan("delivered", 60))
    return tracker


def test_a_scan_has_every_field_of_the_contract(as_alice: APIClient, parcel: Tracker) -> None:
    tracking = as_alice.get(url_of(parcel)).json()["data"]["trackings"][0]
    newest = tracking["events"][0]
    logged = as_alice.get("/v1/events?types=tracking.scanned").json()["data"]["events"]
    assert newest["eventId"] == logged[-1]["eventId"]
    assert set(newest) == {
        *("eventId", "trackingNumber", "eventTrackingNumber", "status", "occurrenceDatetime", "order"),
        *("location", "sourceCode", "courierCode", "statusCode", "statusCategory", "statusMilestone"),
        *("datetime", "utcOffset", "hasNoTime", "carrierEventCode", "timeCertainty", "reason"),
    }
    assert (newest["sourceCode"], newest["carrierEventCode"]) == ("all24-tracking", "delivered")
    assert [one["statusMilestone"] for one in tracking["events"]] == [
        "delivered",
        "in_transit",
        "info_received",
    ]


@pytest.mark.parametrize("path", ["{}/results", "mine/results?searchBy=clientTrackerId"])
def test_key_and_results_are_one_statement(as_alice: APIClient, parcel: Tracker, path: str) -> None:
    url = f"/v1/trackers/{path.format(parcel.id)}"
    tag = as_alice.get(url)["ETag"]
    assert len(statements(lambda: as_alice.get(url))) == 1
    assert len(statements(lambda: held(as_alice, url, tag))) == 1
    assert len(statements(lambda: held(as_alice, url, '"older"'))) == 2


def test_without_a_good_key_nothing_is_told_of_a_tracker(parcel: Tracker) -> None:
    stranger = APIClient(headers={"Authorization": "Bearer apik_none"})
    for url in (url_of(parcel), "/v1/trackers/x/results", "/v1/trackers/x/results?searchBy=y"):
        assert stranger.get(url).status_code == 401
        assert APIClient().get(url).status_code == 400
        assert APIClient().get(url).json()["errors"][0]["code"] == "auth_missing_header"


def test_a_tracker_is_found_by_the_merchants_own_id(as_alice: APIClient, parcel: Tracker) -> None:
    answer = as_alice.get("/v1/trackers/mine/results?searchBy=clientTrackerId")
    assert answer.json() == as_alice.get(url_of(parcel)).json()
    assert as_alice.get("/v1/trackers/mine/results?searchBy=title").status_code == 400


@pytest.mark.parametrize(
    "path",
    ["mine/results", "x%00/results?searchBy=clientTrackerId", "00000000-0000-7000-8000-000000000000/results"],
)
def test_an_unknown_tracker_has_no_results(as_alice: APIClient, parcel: Tracker, path: str) -> None:
    for tag in ("", "*"):
        answer = held(as_alice, f"/v1/trackers/{path}", tag)
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"] == "tracker_not_found"


def test_another_merchants_results_are_not_found_even_with_their_tag(
    as_alice: APIClient, as_bob: APIClient, parcel: Tracker
) -> None:
    tag = as_alice.get(url_of(parcel))["ETag"]
    assert held(as_bob, url_of(parcel), tag).status_code == 404
    assert as_bob.get("/v1/trackers/mine/results?searchBy=clientTrackerId").status_code == 404
    assert as_bob.get("/v1/trackers/search/PARCEL-1/results").json() == {"data": {"trackings": []}}


def test_what_is_held_is_not_sent_again_nor_read(as_alice: APIClient, parcel: Tracker) -> None:
    tag = as_alice.get(url_of(parcel))["ETag"]
    assert tag.startswith('"')
    answers: list[Any] = []
    asked = statements(lambda: answers.append(held(as_alice, url_of(parcel), tag)))
    assert (answers[0].status_code, answers[0].content, answers[0]["ETag"]) == (304, b"", tag)
    assert not any("state" in sql for sql in asked)


def test_what_is_not_sent_again_has_no_length(as_alice: APIClient, parcel: Tracker) -> None:
    answer = held(as_alice, url_of(parcel), "*")
    assert not {"Content-Length", "Content-Type"} & set(answer.headers)
    assert {"ETag", "Vary", "RateLimit-Remaining"} <= set(answer.headers)


@pytest.mark.parametrize("form", ["W/{}", '"other", {}', '{},W/"x"', "*", ' "a" ,  {} '])
def test_every_form_of_if_none_match_is_understood(as_alice: APIClient, parcel: Tracker, form: str) -> None:
    tag = as_alice.get(url_of(parcel))["ETag"]
    assert held(as_alice, url_of(parcel), form.format(tag)).status_code == 304


@pytest.mark.parametrize("header", ['"other"', "nonsense", '"', "W/", ",,,", "\x7f", '""' * 5000])
def test_what_names_another_answer_gets_the_whole(as_alice: APIClient, parcel: Tracker, header: str) -> None:
    answer = held(as_alice, url_of(parcel), header)
    assert (answer.status_code, len(answer.json()["data"]["trackings"])) == (200, 1)


def test_news_change_the_tag(as_alice: APIClient, parcel: Tracker) -> None:
    tag = as_alice.get(url_of(parcel))["ETag"]
    learn(parcel, scan("created", 0), scan("moving", 10), scan("delivered", 60), scan("puzzling", 70))
    answer = held(as_alice, url_of(parcel), tag)
    assert answer.status_code == 200
    assert answer["ETag"] != tag


def test_personal_data_changes_the_tag_only_when_it_is_other(as_alice: APIClient, parcel: Tracker) -> None:
    tags = [as_alice.get(url_of(parcel))["ETag"]]
    for signed_by in ("R. Recipient", "R. Recipient", "A. Neighbour"):
        keep_personal(parcel, signed_by=signed_by)
        tags.append(as_alice.get(url_of(parcel))["ETag"])
    assert tags[0] != tags[1] == tags[2] != tags[3]
    assert tags[3] != tags[0]
    assert PersonalData.objects.get().revision == 1


def test_another_release_may_word_it_otherwise(
    as_alice: APIClient, parcel: Tracker, settings: Settings
) -> None:
    tag = as_alice.get(url_of(parcel))["ETag"]
    settings.VERSION = "99.0.0"
    assert held(as_alice, url_of(parcel), tag).status_code == 200


def test_two_trackers_never_share_a_tag(as_alice: APIClient, alice: Merchant, follow: Follow) -> None:
    tags = {as_alice.get(url_of(follow(alice, number)))["ETag"] for number in ("PARCEL-1", "PARCEL-2")}
    assert len(tags) == 2


def test_all_trackers_of_a_number_are_found_newest_first(
    as_alice: APIClient, alice: Merchant, bob: Merchant, follow: Follow
) -> None:
    mine = [follow(alice, "PARCEL-1", shipmentReference=str(n)) for n in range(3)]
    follow(bob, "PARCEL-1")
    follow(alice, "PARCEL-10")
    url = "/v1/trackers/search/PARCEL-1/results"
    as_alice.get(url)
    asked = statements(lambda: as_alice.get(url))
    found = as_alice.get(url).json()["data"]["trackings"]
    assert [one["tracker"]["trackerId"] for one in found] == [str(one.id) for one in mine[::-1]]
    assert len(asked) == 2


def test_a_number_that_nobody_follows_has_no_results(as_alice: APIClient) -> None:
    assert as_alice.get("/v1/trackers/search/NOBODYS/results").json() == {"data": {"trackings": []}}
    assert as_alice.get("/v1/trackers/search/%00/results").json() == {"data": {"trackings": []}}


def test_a_number_may_hold_a_slash(as_alice: APIClient, alice: Merchant, follow: Follow) -> None:
    follow(alice, "AB/12/CD")
    found = as_alice.get("/v1/trackers/search/AB%2F12%2FCD/results").json()["data"]["trackings"]
    assert [one["tracker"]["trackingNumber"] for one in found] == ["AB/12/CD"]


def test_the_trackers_of_a_number_are_bounded(
    as_alice: APIClient, alice: Merchant, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_BY_NUMBER", results._BY_NUMBER.replace("LIMIT 100", "LIMIT 2"))
    for n in range(3):
        follow(alice, "PARCEL-1", shipmentReference=str(n))
    assert len(as_alice.get("/v1/trackers/search/PARCEL-1/results").json()["data"]["trackings"]) == 2


def test_a_number_has_a_tag_too(as_alice: APIClient, alice: Merchant, follow: Follow) -> None:
    url = "/v1/trackers/search/PARCEL-1/results"
    tracker = follow(alice, "PARCEL-1")
    tag = as_alice.get(url)["ETag"]
    assert held(as_alice, url, tag).status_code == 304
    learn(tracker, scan("created", 0))
    assert held(as_alice, url, tag).status_code == 200
    newer = as_alice.get(url)["ETag"]
    follow(alice, "PARCEL-1", shipmentReference="another")
    assert held(as_alice, url, newer).status_code == 200


REFUSED = Reason(code="7", text="Consignee refused", party=Party.CONSIGNEE)
WEATHER = Reason(code="9", text="Storm", party=Party.WEATHER)


@pytest.mark.parametrize(
    ("milestone", "status", "reason", "party", "code"),
    [
        (Milestone.AVAILABLE_FOR_PICKUP, StatusCode.DELIVERY_AVAILABLE_FOR_PICKUP, None, "consignee",
         "delivery_available_for_pickup"),
        (Milestone.FAILED_ATTEMPT, StatusCode.DELIVERY_ATTEMPTED, REFUSED, "consignee", "7"),
        (Milestone.FAILED_ATTEMPT, StatusCode.DELIVERY_ATTEMPTED, WEATHER, None, None),
        (Milestone.FAILED_ATTEMPT, None, None, None, None),
        (Milestone.EXCEPTION, None, None, "sender", "exception"),
        (Milestone.EXCEPTION, StatusCode.EXCEPTION_RETURN, WEATHER, "sender", "9"),
        (Milestone.EXCEPTION, StatusCode.DATA_ORDER_CANCELLED, None, None, None),
        (Milestone.IN_TRANSIT, None, REFUSED, None, None),
    ],
)  # fmt: skip
def test_the_shipment_says_who_must_act(
    as_alice: APIClient,
    parcel: Tracker,
    milestone: Milestone,
    status: StatusCode | None,
    reason: Reason | None,
    party: str | None,
    code: str | None,
) -> None:
    latest = scan("puzzling", 600, milestone=milestone, status_code=status, reason=reason)
    learn(parcel, scan("created", 0), scan("moving", 10), scan("delivered", 60), latest)
    action = as_alice.get(url_of(parcel)).json()["data"]["trackings"][0]["shipment"]["actionRequired"]
    if party is None:
        assert action is None
        return
    assert (action["party"], action["reason"]["code"]) == (party, code)
    assert action["reason"]["text"] == (reason.text if reason else "Puzzling")
    assert action["sinceDatetime"] == "2026-03-01T22:00:00Z"


def test_nobody_must_act_once_the_parcel_goes_on(
    as_alice: APIClient, alice: Merchant, follow: Follow
) -> None:
    tracker = follow(alice, "PARCEL-2")
    failed = scan("puzzling", 10, milestone=Milestone.FAILED_ATTEMPT, reason=REFUSED)
    learn(tracker, failed)
    assert as_alice.get(url_of(tracker)).json()["data"]["trackings"][0]["shipment"]["actionRequired"]
    learn(tracker, failed, scan("out", 20))
    shipment = as_alice.get(url_of(tracker)).json()["data"]["trackings"][0]["shipment"]
    assert shipment["actionRequired"] is None
