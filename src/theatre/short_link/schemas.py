"""What the doors of short_link take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from theatre.kit.fields import Answer, Body, Storable, Word
from theatre.short_link.addresses import MAX_CHARACTERS

MAX_TTL_SECONDS = 31_536_000

Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_CHARACTERS),
    Storable,
    Field(examples=["https://yoomoney.ru/checkout/payments/v2/contract?orderId=1"]),
]


class LinkStart(Body):
    """A link to make. Without `ttl_seconds` it lives for the service's default time."""

    url: Address
    purpose: Word = Field(examples=["payment"])
    user_id: UUID | None = None
    ttl_seconds: Annotated[int, Field(strict=True, ge=1, le=MAX_TTL_SECONDS)] | None = None


class LinkMade(Answer):
    """A link that was made."""

    code: str
    short_url: str
    expires_at: datetime


class LinkStats(Answer):
    """How often a link was followed."""

    code: str
    purpose: str
    clicks: int
    created_at: datetime
    expires_at: datetime
