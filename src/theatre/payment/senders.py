"""From which address a request really comes: proxies are believed only if they are ours."""

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from fastapi import Request

Address = IPv4Address | IPv6Address


def sender_in(request: Request, *, trusted: Collection[IPv4Network | IPv6Network]) -> Address | None:
    """Give the address that a request comes from."""
    peer = request.client.host if request.client else None
    return sender_of(peer, request.headers.getlist("x-forwarded-for"), trusted=trusted)


def sender_of(
    peer: str | None, forwarded: Sequence[str], *, trusted: Collection[IPv4Network | IPv6Network]
) -> Address | None:
    """Give the nearest address that is not a trusted proxy's; None if it cannot be told.

    `forwarded` are the `X-Forwarded-For` headers, in their order; each proxy adds whom it sees at the right end.
    """
    hops = [hop for header in forwarded for hop in header.split(",")]
    address = _address(peer or "")
    while address is not None and hops and any(address in network for network in trusted):
        address = _address(hops.pop())
    return address


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
