"""Who calls, as far as the network tells: the address that calls without a key are counted by."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

#: Whoever has one IPv6 address usually has the whole of its network.
_IPV6_NETWORK = 64


def counted_address(request: HttpRequest) -> str | None:
    """The caller's IPv4 address, or the network of its IPv6 address; None where the network does not tell."""
    address = _address(request)
    if isinstance(address, IPv6Address):
        return str(_network(address))
    return str(address) if address else None


def noted_address(request: HttpRequest) -> str | None:
    """The same as an address, which failed sign-ins are noted with and counted by: a network's is its first.

    Counted by its own, whoever has a network could guess without end, from another address each time.
    """
    address = _address(request)
    if isinstance(address, IPv6Address):
        return str(_network(address).network_address)
    return str(address) if address else None


def _network(address: IPv6Address) -> IPv6Network:
    return IPv6Network((address.packed, _IPV6_NETWORK), strict=False)


def _address(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """Behind a proxy it is the last that PROXY_ADDRESS_HEADER names, which the proxy itself has written.

    None where that says nothing: the connection's own address would be the proxy's, and the same for all.
    """
    if settings.PROXY_ADDRESS_HEADER:
        written = request.headers.get(settings.PROXY_ADDRESS_HEADER, "").rpartition(",")[2]
    elif settings.PROXY_SCHEME_HEADER:
        return None
    else:
        written = request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(written.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
