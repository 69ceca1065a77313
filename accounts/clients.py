"""Who calls, as far as the network tells: the address that calls without a key are counted by."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

#: Whoever has one IPv6 address usually has the whole of its network.
_IPV6_NETWORK = 64


def address_of(request: HttpRequest) -> str | None:
    """The caller's IPv4 address, or the network of its IPv6 address.

    Behind a proxy it is the last that PROXY_ADDRESS_HEADER names, which the proxy itself has written. None
    where that says nothing: the connection's own address would be the proxy's, and the same for all.
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
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address.packed, _IPV6_NETWORK), strict=False))
