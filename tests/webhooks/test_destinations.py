"""Which URLs an endpoint may have. `data/addresses.json` has the forms that an address can be written in."""

import pytest

from webhooks import destinations
from webhooks.destinations import check
from webhooks.exceptions import UrlRefused


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    """A resolver that knows these names only."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, port: int, deadline: float) -> list[str]:
        if host not in known:
            raise OSError(f"[Errno -2] Name or service not known: {host}")
        return known[host]

    monkeypatch.setattr(destinations, "resolve", resolve)
    return known


@pytest.mark.parametrize(
    "url",
    [
        "https://93.184.216.34/hook",
        "https://93.184.216.34",
        "https://93.184.216.34:8443/a?b=c&d=%20#e",
        "HTTPS://93.184.216.34/hook",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/hook",
    ],
)
def test_a_public_https_url_is_taken(url: str) -> None:
    check(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("hook", "https://"),
        ("", "printable ASCII"),
        (" https://93.184.216.34/", "printable ASCII"),
        ("https://93.184.216.34/a b", "printable ASCII"),
        ("https://93.184.216.34/\\@evil", "printable ASCII"),
        ("https://93.184.216.34/\r\nx: y", "printable ASCII"),
        ("https://93.184.216.34/\u0000", "printable ASCII"),
        ("https://93.184.216.34/\U0001f4e6", "printable ASCII"),
        ("https://\u00fcber.example/", "printable ASCII"),
        ("https://alice:secret@93.184.216.34/hook", "user names"),
        ("https://93.184.216.34/" + "a" * 2048, "2070 characters"),
        ("https://nobody.invalid/hook", "does not resolve"),
        ("https://" + "a" * 64 + ".example/hook", "does not resolve"),
    ],
)
def test_another_url_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(UrlRefused, match=reason):
        check(url)


def test_plain_http_and_private_addresses_are_for_the_allowed_networks(settings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    check("http://127.0.0.1:9000/hook")
    check("https://127.0.0.1:9000/hook")
    check("http://localhost:9000/hook")
    with pytest.raises(UrlRefused, match="private"):
        check("http://10.0.0.1/hook")
    with pytest.raises(UrlRefused, match="only https"):
        check("http://93.184.216.34/hook")


def test_a_name_that_leads_to_private_addresses_only_is_refused(names: dict[str, list[str]]) -> None:
    names["inside.example"] = ["10.0.0.1", "fd00::1"]
    names["both.example"] = ["10.0.0.1", "93.184.216.34"]
    with pytest.raises(UrlRefused, match=r"10\.0\.0\.1 is a private address"):
        check("https://inside.example/")
    check("https://both.example/")


def test_a_resolver_that_does_not_answer_is_a_reason_too(monkeypatch) -> None:
    def resolve(*_: object) -> list[str]:
        raise TimeoutError("no answer within 3 s")

    monkeypatch.setattr(destinations, "resolve", resolve)
    with pytest.raises(UrlRefused, match=r"slow.example does not resolve: no answer within 3 s"):
        check("https://slow.example/")
