"""Pages of payment systems: people are sent to those that we know and nowhere else."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages must be https on one of `hosts` (or below them), or begin with one of `origins`."""

    hosts: Collection[str]
    origins: Collection[str] = ()

    def doubt(self, url: str | None) -> str | None:
        """Say why nobody must be sent to an address, if so."""
        return None if url is None or self._is_known(url) else "its page is at a strange address"

    def _is_known(self, url: str) -> bool:
        if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
            return False
        if any(url.startswith(f"{origin}/") for origin in self.origins):
            return True
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        host = parts.hostname or ""
        return (
            parts.scheme == "https"
            and parts.netloc == host
            and any(host == own or host.endswith(f".{own}") for own in self.hosts)
        )
