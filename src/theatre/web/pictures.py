"""Which pictures of films a page may show: our own, and those of hosts that the operator named. Pure: no I/O."""

from collections.abc import Collection
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID


class Pictured(Protocol):
    """A film with a poster."""

    @property
    def id(self) -> UUID: ...

    @property
    def poster_url(self) -> str: ...


def is_shown(address: str, origins: Collection[str]) -> bool:
    """Tell whether the security policy lets a page show a picture."""
    parts = urlsplit(address)
    if not parts.netloc:
        return address.startswith("/") and not address.startswith("//")
    return f"{parts.scheme}://{parts.netloc}" in origins


def poster_of(film: Pictured, origins: Collection[str]) -> str:
    """Give a film's poster; in place of one that may not be shown the one that movies draws."""
    return (
        film.poster_url
        if is_shown(film.poster_url, origins)
        else f"/movies/api/v1/films/{film.id}/poster.svg"
    )
