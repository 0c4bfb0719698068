"""Where a short link may lead: pure checks of an address, without ever asking the network about it.

One strict pattern takes an address apart, not a forgiving parser, so that no browser can read another host in
it than we do; then its origin must be on the list. Private addresses are there only if somebody wrote them.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from theatre.short_link.errors import AddressRefused

MAX_CHARACTERS = 2_048
SHORT_PATH = "/s/"
USUAL_PORTS = {"http": 80, "https": 443}
# RFC 3986 without userinfo, percent-encoded hosts and anything that is not ASCII
ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:[?#](?:[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|%[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: the part of an address that says who answers."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """The origins that links may lead to; our own is one of them, but not its short links."""

    own: Origin
    origins: frozenset[Origin]

    @classmethod
    def of(cls, public_url: str, allowed_hosts: Iterable[str]) -> "AllowedAddresses":
        """Read the settings.

        Raises:
            AddressRefused: one of them is not an address.
        """
        own = take_apart(public_url)[0]
        others = (take_apart(host if "://" in host else f"https://{host}")[0] for host in allowed_hosts)
        return cls(own, frozenset({own, *others}))

    def check(self, address: str) -> None:
        """Make sure that a link may lead to `address`.

        Raises:
            AddressRefused: it may not.
        """
        origin, path = take_apart(address)
        if origin not in self.origins:
            raise AddressRefused("links may not lead to this host")
        if origin == self.own and is_short_link(path):
            raise AddressRefused("a short link may not lead to a short link")


def take_apart(address: str) -> tuple[Origin, str]:
    """Give the origin and the path of an absolute http(s) address.

    Raises:
        AddressRefused: it has another form.
    """
    match = ADDRESS.fullmatch(address) if len(address) <= MAX_CHARACTERS else None
    if match is None:
        raise AddressRefused("must be an absolute http(s) address")
    scheme = match["scheme"]
    port = int(match["port"] or USUAL_PORTS[scheme])
    return Origin(scheme, match["host"].lower(), port), match["path"] or "/"


def is_short_link(path: str) -> bool:
    """Tell whether a path, however it is written, is one of ours: servers join slashes and resolve dots."""
    return f"{posixpath.normpath('/' + unquote(path).lstrip('/'))}/".startswith(SHORT_PATH)
