"""Which addresses may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.addresses import allows, networks, refusal

REFUSED = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "this network"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.127.255.254", "carrier-grade NAT"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "Azure"),
    ("169.254.169.254", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.1", "reserved"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("0:0:0:0:0:0:0:1", "loopback"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:7f00:1", "loopback"),
    ("::ffff:10.0.0.1", "private"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::ffff:0:127.0.0.1", "IPv4-translated"),
    ("64:ff9b::7f00:1", "NAT64"),
    ("64:ff9b::8.8.8.8", "NAT64"),
    ("64:ff9b:1::1", "NAT64"),
    ("100::1", "discard-only"),
    ("2001::1", "Teredo"),
    ("2001:2::1", "benchmarking"),
    ("2001:20::1", "reserved"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:808:808::1", "6to4"),
    ("3fff::1", "documentation"),
    ("4000::1", "reserved"),
    ("5f00::1", "reserved"),
    ("fc00::1", "unique local"),
    ("fd12:3456:789a::1", "unique local"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
    ("", "not an IP address"),
    ("localhost", "not an IP address"),
    ("127.1", "not an IP address"),
    ("0x7f.1", "not an IP address"),
    ("0177.0.0.1", "not an IP address"),
    ("2130706433", "not an IP address"),
    ("127.0.0.1:80", "not an IP address"),
    ("[::1]", "not an IP address"),
    ("8.8.8.8 ", "not an IP address"),
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "168.63.129.15",
    "168.63.129.17",
    "172.15.255.255",
    "172.32.0.1",
    "191.255.255.255",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:200::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
]


@pytest.mark.parametrize(("address", "reason"), REFUSED)
def test_a_special_address_is_refused_with_its_kind(address: str, reason: str) -> None:
    assert reason in (refusal(address, ()) or "")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert refusal(address, ()) is None


@pytest.mark.parametrize(
    ("address", "cidr"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("::ffff:127.0.0.1", "127.0.0.0/8"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("::1", "::1/128"),
        ("fd00::5", "fd00::/8"),
        ("169.254.1.1", " 169.254.0.0/16 "),
    ],
)
def test_an_address_in_an_allowed_network_may_be_called(address: str, cidr: str) -> None:
    assert refusal(address, networks([cidr])) is None
    assert allows(address, networks([cidr]))


def test_an_allowed_network_opens_nothing_beside_it() -> None:
    allowed = networks(["127.0.0.0/8"])
    assert refusal("10.0.0.1", allowed) is not None
    assert refusal("::1", allowed) is not None
    assert not allows("8.8.8.8", allowed)
    assert not allows("nonsense", allowed)


@pytest.mark.parametrize("cidr", ["nonsense", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_a_setting_that_is_no_network_is_refused_loudly(cidr: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear|host bits"):
        networks([cidr])


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_the_address_in_it(address: object) -> None:
    assert (refusal(str(address), ()) is None) == (refusal(f"::ffff:{address}", ()) is None)


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(text: str) -> None:
    assert refusal(text, ()) is None or refusal(text, ())
