"""Where a request comes from: the address that limits count by, and the device as its user may know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = Sequence[IPv4Network | IPv6Network]
MAX_USER_AGENT_CHARACTERS = 300
NO_ADDRESS = "local"


@dataclass(frozen=True, slots=True)
class Device:
    """What a session remembers of where it was begun."""

    address: str
    user_agent: str

    @property
    def network(self) -> str:
        """Give what limits count by: an IPv4 address, or the /64 of IPv6 that one household has."""
        address = _parsed(self.address)
        if isinstance(address, IPv6Address):
            return str(IPv6Network((address, 64), strict=False))
        return self.address

    @property
    def neighbourhood(self) -> str:
        """Give the wider network in which a provider moves its customers about: a /24 of IPv4, a /48 of IPv6."""
        address = _parsed(self.address)
        if address is None:
            return self.address
        return str(ip_network((address, 48 if isinstance(address, IPv6Address) else 24), strict=False))


def find_device(peer: str | None, forwarded: Sequence[str], user_agent: str, *, trusted: Networks) -> Device:
    """Tell the device behind a connection.

    `forwarded` are the X-Forwarded-For headers, which anybody can write: they are read from the end, and
    only as far as trusted proxies wrote them.
    """
    hops = [hop.strip() for header in forwarded for hop in header.split(",")]
    address = _normal(peer or NO_ADDRESS)
    while hops and _is_trusted(address, trusted):
        address = _normal(hops.pop())
    printable = "".join(character for character in user_agent if character.isprintable())
    return Device(address, printable[:MAX_USER_AGENT_CHARACTERS])


def _is_trusted(address: str, trusted: Networks) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _normal(address: str) -> str:
    parsed = _parsed(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed or NO_ADDRESS)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
