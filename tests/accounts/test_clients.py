"""Who calls without a key is known by the network alone."""

import axes.helpers
import pytest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.clients import counted_address


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", None),
        ("unix:", None),
    ],
)
def test_the_connections_own_address_counts(settings: Settings, remote: str, address: str | None) -> None:
    settings.PROXY_ADDRESS_HEADER = settings.PROXY_SCHEME_HEADER = ""
    forged = {"X-Forwarded-For": "203.0.113.1"}
    assert counted_address(RequestFactory().get("/", headers=forged, REMOTE_ADDR=remote)) == address


def test_behind_a_proxy_the_last_address_that_it_names_counts(settings: Settings) -> None:
    settings.PROXY_ADDRESS_HEADER = "X-Forwarded-For"
    told = {"X-Forwarded-For": "203.0.113.1, 192.0.2.7"}
    assert counted_address(RequestFactory().get("/", headers=told)) == "192.0.2.7"
    assert counted_address(RequestFactory().get("/")) is None


@pytest.mark.parametrize(
    ("remote", "address"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("unix:", None)],
)
def test_failed_sign_ins_are_counted_by_network_too(
    settings: Settings, remote: str, address: str | None
) -> None:
    settings.PROXY_ADDRESS_HEADER = settings.PROXY_SCHEME_HEADER = ""
    request = RequestFactory().get("/", REMOTE_ADDR=remote)
    assert axes.helpers.get_client_ip_address(request) == address


def test_a_proxy_that_does_not_say_who_calls_is_nobodys_address(settings: Settings) -> None:
    settings.PROXY_ADDRESS_HEADER, settings.PROXY_SCHEME_HEADER = "", "X-Forwarded-Proto"
    assert counted_address(RequestFactory().get("/")) is None
