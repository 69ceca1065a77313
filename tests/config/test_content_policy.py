"""Which answers carry a content policy, and that none lets anything be run that is not a file of ours."""

import pytest
from django.test import Client

HEADER = "Content-Security-Policy"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/admin/login/", "/admin/accounts/merchant/", "/track/nobodys"])
def test_a_page_runs_scripts_of_its_own_host_alone(client: Client, address: str) -> None:
    policy = client.get(address)[HEADER]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/v1/openapi.json", "/v1/trackers", "/public/v1/trackers"])
def test_data_carries_none(client: Client, address: str) -> None:
    assert HEADER not in client.get(address)


def test_the_documentation_has_its_own(client: Client) -> None:
    policy = client.get("/docs")[HEADER]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
