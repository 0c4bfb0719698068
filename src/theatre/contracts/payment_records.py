"""What payment-service tells billing for its staff: callbacks of a payment, and how attempts came out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_MOMENTS = 402
"""A report has at most one period less."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProviderEvent(BaseModel):
    """One callback of a provider, and what became of it: `waiting`, `applied` or `rejected` with a reason."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    provider: str
    event: str
    object_id: str
    status: str
    reason: str | None
    received_at: datetime
    judged_at: datetime | None


class ListingEvents(BaseModel):
    """Callbacks about a payment, its refunds and disputes, oldest first: at most the newest hundred."""

    model_config = ConfigDict(frozen=True)

    items: list[ProviderEvent]


class OutcomeQuestion(_Frozen):
    """How did attempts come out that were begun between each two of these moments?"""

    moments: Annotated[list[AwareDatetime], Field(min_length=2, max_length=MAX_MOMENTS)]


class OutcomeCount(BaseModel):
    """How many attempts of a provider begun in period `place` (between moments `place` and `place + 1`) stand so.

    `status` is a word of `AttemptStatus`.
    """

    model_config = ConfigDict(frozen=True)

    place: int
    provider: str
    currency: str
    status: str
    count: int


class Outcomes(BaseModel):
    """The answer to an `OutcomeQuestion`: what there was; periods without attempts are absent."""

    model_config = ConfigDict(frozen=True)

    items: list[OutcomeCount]
