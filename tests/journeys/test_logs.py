"""Everything is done on the whole stack, which tells all it can: what its logs say, and where secrets stand.

No line of a log has a secret or a person in it; rows and answers have them only where the tables below say.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts import encryption
from accounts.models import Merchant
from tests.factories import CarrierAccountFactory
from tests.journeys.leaks import beyond, columns, unused
from tests.journeys.story import SERVED, Story, lived
from tests.trackers.persons import PERSONAL
from tests.webhooks.cast import EndpointFactory

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with lived(tmp_path_factory.mktemp("logs")) as told:
        yield told


@pytest.fixture(scope="module")
def told(story: Story) -> dict[str, list[dict[str, Any]]]:
    """The lines of each program that serves; each must be JSON."""
    data = story.data
    texts = {name: (data / "log" / f"{name}.log").read_text() for name in SERVED}
    return {name: [_parsed(line) for line in text.splitlines()] for name, text in texts.items()}


def _parsed(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        raise AssertionError(f"not JSON: {line}") from None
    return found


def test_no_line_of_any_process_has_a_secret_or_a_person_in_it(story: Story) -> None:
    data, secrets = story.data, story.values
    assert len(secrets) > 40
    found = {
        f"{name} in {file.name}"
        for file in (data / "log").iterdir()
        for name, value in secrets.items()
        for text in (file.read_text(errors="replace"),)
        if value in text or json.dumps(value)[1:-1] in text
    }
    assert found == set()
    assert {"postgres.log", "valkey.log", "migrate.log"} <= {file.name for file in (data / "log").iterdir()}


@pytest.mark.parametrize("name", SERVED)
def test_every_line_of_what_serves_is_json_and_says_who_wrote_it(
    told: dict[str, list[dict[str, Any]]], name: str
) -> None:
    always = {"timestamp", "level", "logger", "event", "process", "pid"}
    assert told[name]
    assert {one["process"] for one in told[name]} == {name}
    assert all(always <= one.keys() for one in told[name])


def test_a_request_is_told_with_its_id_its_route_and_its_merchant(
    told: dict[str, list[dict[str, Any]]],
) -> None:
    asked = [one for one in told["web"] if one["event"] == "request"]
    created = [one for one in asked if (one["route"], one["method"]) == ("/v1/trackers", "POST")]
    assert {201, 400, 500} <= {one["status"] for one in created}
    assert all({"request_id", "merchant_id"} <= one.keys() for one in created)
    assert {"/track/<path:token>", "/v1/carriers/<str:courier>/push/<str:token>", "/admin/login/"} <= {
        one["route"] for one in asked
    }


def test_a_crash_is_told_with_the_same_ids_and_without_the_row(told: dict[str, list[dict[str, Any]]]) -> None:
    (crash,) = [one for one in told["web"] if one["logger"] == "django.request"]
    assert "IntegrityError" in crash["exception"]
    assert "Failing row" not in crash["exception"]
    assert {"request_id", "merchant_id"} <= crash.keys()


def test_a_try_that_failed_is_told_with_its_ids(told: dict[str, list[dict[str, Any]]]) -> None:
    failed = [one for one in told["worker-deliveries"] if one["event"] == "a try failed"]
    ids = {"merchant_id", "tracker_id", "message_id", "delivery_id", "endpoint_id", "try", "outcome"}
    assert any(ids <= one.keys() for one in failed)
    assert {"http_status", "connection_reset"} <= {one["outcome"] for one in failed}
    assert any("delivered" in one.get("counts", {}) for one in told["worker-deliveries"])


def test_a_poll_that_failed_is_told_with_its_ids(told: dict[str, list[dict[str, Any]]]) -> None:
    failed = [one for one in told["worker"] if one["event"] == "a poll failed"]
    ids = {"merchant_id", "tracker_id", "watch_id", "carrier_account_id", "courier", "outcome"}
    assert failed
    assert all(ids <= one.keys() for one in failed)
    assert any("answered" in one.get("counts", {}) for one in told["worker"])


def test_what_a_task_writes_names_it(told: dict[str, list[dict[str, Any]]]) -> None:
    lines = [one for name in SERVED for one in told[name] if "task" in one]
    assert any("task_id" in one for one in lines)


#: What may stand in which columns as plain text; all other secrets are there as ciphertext or as digests.
COLUMNS = {
    "trackers_personaldata.(recipient|sender)": ["all24 .*"],
    "trackers_personaldata.(signed_by|confirm_image)": ["247express .*"],
    "trackers_personaldata.given_recipient": ["recipient.*"],
    # Answers as they came, for as long as they are kept.
    "trackers_rawanswer.body": ["all24 .*", "247express .*", "SAID"],
    "webhooks_attempt.(response_body|response_headers)": ["SAID"],
    # An address is shown to its owner, and may be looked for; what guards a hook is its signature.
    "webhooks_endpoint.url": ["HOOK_PATH"],
    "carriers_carrieraccount.push_token": ["the path of pushes"],
    "accounts_merchant.contact_email": ["its address"],
    "auth_user.email": ["the address of staff"],
    "django_session.session_key": ["the cookie session"],
}
#: What whose answers may show: the merchant's own parcels, a secret once, the operator's own page.
ANSWERS = {
    "(GET|POST) /v1/trackers(/.*)? 20[01]": ["the page of .*"],
    "POST /v1/webhooks 201": ["the secret of .*"],
    "(GET|POST) /v1/webhooks(/.*)? 20[01]": ["HOOK_PATH"],
    # The word that is no type of event, in the error that says so.
    "POST /v1/webhooks 400": ["recipient.name"],
    "GET /v1/carrier-accounts 200": ["the path of pushes"],
    "GET /v1/export 200": ["the page of .*", "all24 .*", "247express .*", "recipient.*"],
    "GET /v1/trackers/.*results 200": ["all24 .*", "247express .*", "recipient.*"],
    "GET /v1/trackers/.*/raw 200": ["all24 .*", "247express .*"],
    "GET /v1/deliveries/.* 200": ["SAID"],
    "GET /v1/tracking/orders 200": ["all24 .*"],
    "GET /api/Order/v1/Tracking 200": ["247express .*"],
    "POST /v1/tracking/search 201": ["all24 recipient_location.*"],
    "(GET|POST) /admin/.* 200": ["the address of staff", "the cookie csrf", "the form's token .*"],
}


def test_in_the_database_each_stands_only_where_it_may(story: Story) -> None:
    assert beyond(story.before, COLUMNS) == {}
    assert list(unused(story.before, COLUMNS)) == []


def test_no_answer_shows_what_it_should_not(story: Story) -> None:
    assert beyond(story.answers, ANSWERS) == {}
    assert list(unused(story.answers, ANSWERS)) == []


def test_nothing_of_an_erased_parcel_s_persons_is_left(story: Story) -> None:
    mine = {name for name in PERSONAL if name.startswith("all24")}
    # Two answers that could not be read name one of them; those parcels were not erased.
    others = "all24 recipient_location.location_name"
    left = {place: names & mine for place, names in story.after.items() if names & mine}
    assert left == {"trackers_rawanswer.body": {others}}


@pytest.mark.django_db
@pytest.mark.parametrize("is_on", [True, False])
def test_a_column_that_is_not_encrypted_is_found(
    alice: Merchant, monkeypatch: pytest.MonkeyPatch, is_on: bool
) -> None:
    if not is_on:
        monkeypatch.setattr(encryption, "sealed", lambda text: text)
        monkeypatch.setattr(encryption, "opened", lambda token: token)
    CarrierAccountFactory(merchant=alice, key="a-carriers-key", push_secret="a-push-secret")
    EndpointFactory(merchant=alice, secret="whsec_plain", headers='{"x": "a-header"}')
    values = {one: one for one in ("a-carriers-key", "a-push-secret", "whsec_plain", "a-header")}
    open_ = {
        "carriers_carrieraccount.key": {"a-carriers-key"},
        "carriers_carrieraccount.push_secret": {"a-push-secret"},
        "webhooks_endpoint.secret": {"whsec_plain"},
        "webhooks_endpoint.headers": {"a-header"},
    }
    assert beyond(columns(connection, values), COLUMNS) == ({} if is_on else open_)
