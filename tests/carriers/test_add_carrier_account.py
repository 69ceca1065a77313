"""`manage.py add_carrier_account`."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import Merchant
from carriers.models import CarrierAccount

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("add_carrier_account", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_a_merchants_account_is_added_and_told_as_one_line_of_json(alice: Merchant) -> None:
    line = run(
        "all24", "--merchant", str(alice.id), "--key", "s3cret", "--base-url", "https://carrier.example",
        "--time-zone", "Asia/Tokyo", "--json",
    )  # fmt: skip
    account = CarrierAccount.objects.get()
    assert json.loads(line) == {
        "carrierAccountId": str(account.id),
        "courierCode": "all24",
        "merchantId": str(alice.id),
    }
    assert line.count("\n") == 1
    assert (account.merchant, account.key, account.time_zone) == (alice, "s3cret", "Asia/Tokyo")
    assert account.state == CarrierAccount.State.ACTIVE


def test_a_house_account_has_no_merchant_and_the_key_is_never_printed() -> None:
    assert json.loads(run("247express", "--house", "--key", "s3cret", "--json"))["merchantId"] is None
    said = run("247express", "--house", "--key", "s3cret")
    assert "247express of the house" in said
    assert "s3cret" not in said


def test_an_account_of_a_carrier_that_calls_us_says_where() -> None:
    line = run("ship24", "--house", "--key", "k", "--push-secret", "whsec_1", "--json")
    account = CarrierAccount.objects.get()
    assert json.loads(line)["pushPath"] == f"/v1/carriers/ship24/push/{account.push_token}"
    assert len(account.push_token or "") >= 43
    assert account.push_secret == "whsec_1"
    said = run("ship24", "--house", "--key", "k", "--push-secret", "whsec_1")
    assert "/v1/carriers/ship24/push/" in said
    assert "whsec_1" not in said


def test_each_account_is_called_at_an_address_of_its_own() -> None:
    run("ship24", "--house", "--key", "k")
    run("ship24", "--house", "--key", "k")
    run("all24", "--house", "--key", "k")
    tokens = list(CarrierAccount.objects.values_list("push_token", flat=True))
    assert len(set(tokens)) == 3
    assert tokens.count(None) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["all24", "--house", "--key", "k", "--push-secret", "s"], "does not call us"),
        (["ship24", "--house", "--key", "k", "--push-secret", "two words"], "visible ASCII"),
        (["pigeon", "--house", "--key", "k"], "known are 247express, all24, sandbox, ship24"),
        (["sandbox", "--house", "--key", "k"], "needs no account"),
        (["all24", "--merchant", "42", "--key", "k"], "no merchant 42"),
        (["all24", "--merchant", "018f0000-0000-7000-8000-000000000000", "--key", "k"], "no merchant 018f"),
        (["all24", "--key", "k"], "--merchant --house"),
        (["all24", "--house", "--merchant", "42", "--key", "k"], "not allowed with"),
        (["all24", "--house"], "--key"),
        (["all24", "--house", "--key", ""], "visible ASCII"),
        (["all24", "--house", "--key", "two words"], "visible ASCII"),
        (["all24", "--house", "--key", "line\nbreak"], "visible ASCII"),
        (["all24", "--house", "--key", "k", "--base-url", "carrier.example"], "not a URL"),
        (["all24", "--house", "--key", "k", "--base-url", "http://carrier.example"], "must be https"),
        (["all24", "--house", "--key", "k", "--base-url", "ftp://carrier.example"], "must be https"),
        (["all24", "--house", "--key", "k", "--base-url", "https://u:p@carrier.example"], "without user"),
        (["all24", "--house", "--key", "k", "--base-url", "https://carrier.example/?a=b"], "without user"),
        (["all24", "--house", "--key", "k", "--base-url", "https://[::1"], "not a URL"),
        (["all24", "--house", "--key", "k", "--base-url", "https://carrier.example:99999"], "not a URL"),
        (["all24", "--house", "--key", "k", "--time-zone", "Mars/Base"], "no time zone"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert not CarrierAccount.objects.exists()


def test_plain_http_is_for_allowed_networks(settings: Settings) -> None:
    settings.CARRIER_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    run("all24", "--house", "--key", "k", "--base-url", "http://127.0.0.1:8900")
    assert CarrierAccount.objects.get().base_url == "http://127.0.0.1:8900"


def test_a_quota_and_a_pace_can_be_given() -> None:
    run("all24", "--house", "--key", "k", "--daily-quota", "20000", "--pace", "2.5")
    account = CarrierAccount.objects.get()
    assert (account.daily_quota, account.pace_limit) == (20_000, 2.5)


@pytest.mark.parametrize(
    ("courier", "option", "value", "said"),
    [
        ("all24", "--daily-quota", "0", "^The daily quota must be between 1, "),
        ("all24", "--daily-quota", "-1", "^The daily quota must be between 1, "),
        ("all24", "--daily-quota", "99999999999", "^The daily quota must be between 1, "),
        ("ship24", "--daily-quota", "4", "^The daily quota must be between 5, the most that one poll takes"),
        ("all24", "--pace", "0", "^The pace must be between 0.01 and 10000"),
        ("all24", "--pace", "nan", "^The pace must be between 0.01 and 10000"),
        ("all24", "--pace", "inf", "^The pace must be between 0.01 and 10000"),
        ("all24", "--daily-quota", "many", "argument --daily-quota: invalid int value"),
    ],
)
def test_a_quota_or_pace_that_is_none_is_refused(courier: str, option: str, value: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(courier, "--house", "--key", "k", f"{option}={value}")
    assert not CarrierAccount.objects.exists()
