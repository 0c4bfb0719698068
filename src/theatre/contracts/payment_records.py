"""What payment-service tells billing for its staff: callbacks of a payment, and how attempts came out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from theatre.kit.http import ServiceClient

DOORS = "/payment/internal/v1"
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


class Referred(BaseModel):
    """The payments whose attempts, refunds or disputes a provider calls so: hardly ever more than one."""

    model_config = ConfigDict(frozen=True)

    payment_ids: list[UUID]


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


class RecordsClient:
    """Payment-service's internal doors for what staff read."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def list_events(self, payment_id: UUID) -> list[ProviderEvent]:
        """List the callbacks about a payment, its refunds and disputes, oldest first: at most the newest hundred.

        Raises:
            Unknown, Refused
        """
        path = f"{DOORS}/payments/{payment_id}/events"
        return (await self._client.get(path, ListingEvents)).items

    async def find_payments(self, reference: str) -> list[UUID]:
        """Find the payments whose attempts, refunds or disputes a provider calls so; also of what brought no money.

        Raises:
            Unknown, Refused
        """
        params = {"reference": reference}
        return (await self._client.get(f"{DOORS}/payments", Referred, params=params)).payment_ids

    async def count_outcomes(self, question: OutcomeQuestion) -> list[OutcomeCount]:
        """Count how attempts came out, by period, provider, currency and state. It changes nothing.

        Raises:
            Unknown, Refused
        """
        return (await self._client.post(f"{DOORS}/attempts/outcomes", question, Outcomes)).items
