"""Which IP addresses may be called: the one judge for webhooks and carriers, asked where a socket opens.

The special-purpose ranges are those of IANA's registries (RFC 6890 and its updates), held here as data so
that the answer does not change with the version of Python; and one public address that is a cloud's own.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED_V4 = {
    IPv4Network("0.0.0.0/32"): "the unspecified address",
    IPv4Network("0.0.0.0/8"): "an address of this network",
    IPv4Network("10.0.0.0/8"): "a private address",
    IPv4Network("100.64.0.0/10"): "a carrier-grade NAT address",
    IPv4Network("127.0.0.0/8"): "a loopback address",
    # Public by the registries, but within Azure it is the machine's host, which hands out secrets.
    IPv4Network("168.63.129.16/32"): "Azure's address of the host",
    IPv4Network("169.254.0.0/16"): "a link-local address",
    IPv4Network("172.16.0.0/12"): "a private address",
    IPv4Network("192.0.0.0/24"): "a reserved address",
    IPv4Network("192.0.2.0/24"): "a documentation address",
    IPv4Network("192.88.99.0/24"): "a 6to4 address",
    IPv4Network("192.168.0.0/16"): "a private address",
    IPv4Network("198.18.0.0/15"): "a benchmarking address",
    IPv4Network("198.51.100.0/24"): "a documentation address",
    IPv4Network("203.0.113.0/24"): "a documentation address",
    IPv4Network("224.0.0.0/4"): "a multicast address",
    IPv4Network("255.255.255.255/32"): "the broadcast address",
    IPv4Network("240.0.0.0/4"): "a reserved address",
}
#: First match counts, so a narrow range stands before the wide one around it.
_REFUSED_V6 = {
    IPv6Network("::/128"): "the unspecified address",
    IPv6Network("::1/128"): "a loopback address",
    IPv6Network("::/96"): "an IPv4-compatible address",
    IPv6Network("::ffff:0:0:0/96"): "an IPv4-translated address",
    IPv6Network("64:ff9b::/96"): "a NAT64 address",
    IPv6Network("64:ff9b:1::/48"): "a NAT64 address",
    IPv6Network("100::/64"): "a discard-only address",
    IPv6Network("2001::/32"): "a Teredo address",
    IPv6Network("2001:2::/48"): "a benchmarking address",
    IPv6Network("2001::/23"): "a reserved address",
    IPv6Network("2001:db8::/32"): "a documentation address",
    IPv6Network("2002::/16"): "a 6to4 address",
    IPv6Network("3fff::/20"): "a documentation address",
    IPv6Network("fc00::/7"): "a unique local address",
    IPv6Network("fe80::/10"): "a link-local address",
    IPv6Network("fec0::/10"): "a site-local address",
    IPv6Network("ff00::/8"): "a multicast address",
}
#: All that IANA hands out as global unicast; what lies outside is refused without a range of its own.
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def networks(cidrs: Sequence[str]) -> tuple[Network, ...]:
    """Parse CIDRs of a setting. Raises ValueError naming the one that is none, or that has host bits set."""
    return tuple(ip_network(cidr.strip()) for cidr in cidrs)


def allows(address: str, allowed: Sequence[Network]) -> bool:
    """Whether a numeric address lies in an allowed network; an IPv4-mapped one as its IPv4 address."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in allowed)


def refusal(address: str, allowed: Sequence[Network]) -> str | None:
    """Why this numeric IP address may not be called, as a phrase; None: it may.

    Anything that is not an IP address in its plain form is refused. An IPv4-mapped address is judged as the
    IPv4 address in it. An address in an `allowed` network is always fine.
    """
    parsed = _parsed(address)
    if parsed is None:
        return f"{address[:100]!r} is not an IP address"
    if any(parsed in network for network in allowed):
        return None
    kind = _kind(parsed)
    return f"{address} is {kind}" if kind else None


def _parsed(address: str) -> Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def _kind(address: Address) -> str | None:
    """The special-purpose range an address belongs to, None for a public one."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _REFUSED_V4.items() if address in network), None)
    kind = next((kind for network, kind in _REFUSED_V6.items() if address in network), None)
    return kind if kind or address in _GLOBAL_UNICAST else "a reserved address"
