"""What short-link-service promises to other services."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from theatre.kit.http import ServiceClient

PREFIX = "/short_link/internal/v1"


class LinkStart(BaseModel):
    """Ask for a short link. Without `ttl_seconds` the service's default life time is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    purpose: str
    user_id: UUID | None = None
    ttl_seconds: int | None = None


class Link(BaseModel):
    """A short link; `short_url` is absolute."""

    model_config = ConfigDict(frozen=True)

    code: str
    short_url: str
    expires_at: datetime


class ShortLinkClient:
    """Short-link-service's internal door."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def make(self, start: LinkStart) -> Link:
        """Make a short link.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/links", start, Link)

    async def close(self) -> None:
        await self._client.close()
