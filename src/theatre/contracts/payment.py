"""What payment-service promises to billing: its internal doors and the facts it tells.

An attempt's id and a refund's id are made by billing and are the idempotency keys of these doors: the same id again,
with the same words, continues what was begun and never begins it twice.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from theatre.contracts.money import Amount
from theatre.kit.events import Event
from theatre.kit.http import ServiceClient

PREFIX = "/payment/internal/v1"


class AttemptStatus(StrEnum):
    """State of a try to collect a payment. `created`: not yet known to the provider, or its answer is unknown."""

    CREATED = "created"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundStatus(StrEnum):
    """State of money on its way back, as the provider knows it."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttemptStart(_Frozen):
    """Ask for a try: `description` is shown to the payer, `return_url` is where the browser ends up.

    Where no `provider` is named payment-service chooses one, and another if that refuses to begin.
    """

    id: UUID
    payment_id: UUID
    user_id: UUID
    total: Amount
    description: str
    provider: str | None = None
    return_url: str
    save_method: bool = False


class Failure(BaseModel):
    """Why nothing was taken: a stable word of ours and a text for the user."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str


class Attempt(BaseModel):
    """A try as payment-service knows it. The link is absent while the provider has not answered.

    `captured` is what was really taken, by an attempt that succeeded, and `fee` what the provider keeps of it, if it
    says so.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    payment_id: UUID
    status: AttemptStatus
    provider: str
    provider_reference: str | None
    confirmation_url: str | None
    short_url: str | None
    expires_at: datetime
    failure: Failure | None
    captured: Amount | None = None
    captured_at: datetime | None = None
    fee: Amount | None = None


class RefundStart(_Frozen):
    """Ask for money of an attempt to be given back."""

    id: UUID
    payment_id: UUID
    amount: Amount
    reason: str


class RefundState(BaseModel):
    """A refund as payment-service knows it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    attempt_id: UUID
    status: RefundStatus
    failure: Failure | None


class AttemptSucceeded(Event):
    """Money was taken. `captured` is what the provider says, which may differ from what was asked.

    `fee` is what the provider keeps, where it says so; it may be in another currency.
    """

    key: ClassVar[str] = "payment.attempt.succeeded"

    attempt_id: UUID
    payment_id: UUID
    captured: Amount
    provider: str
    provider_reference: str
    captured_at: datetime
    fee: Amount | None = None


class AttemptFailed(Event):
    """The provider confirms that nothing was taken and that its link is worth nothing any more."""

    key: ClassVar[str] = "payment.attempt.failed"

    attempt_id: UUID
    payment_id: UUID
    failure: Failure
    is_expired: bool


class RefundSucceeded(Event):
    """Money was given back."""

    key: ClassVar[str] = "payment.refund.succeeded"

    refund_id: UUID
    attempt_id: UUID
    payment_id: UUID
    amount: Amount
    provider: str


class RefundFailed(Event):
    """The provider refused for good: nothing was given back."""

    key: ClassVar[str] = "payment.refund.failed"

    refund_id: UUID
    attempt_id: UUID
    payment_id: UUID
    failure: Failure


class PaymentClient:
    """Payment-service's internal doors as billing calls them."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def start(self, start: AttemptStart) -> Attempt:
        """Start an attempt, or continue the one with this id. A time-out leaves the outcome unknown: ask again.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/attempts", start, Attempt)

    async def read(self, attempt_id: UUID) -> Attempt:
        """Read an attempt; payment-service asks the provider if it is still open.

        Raises:
            Unknown, Refused: 404 means that payment-service never heard of it: start it, do not fail it.
        """
        return await self._client.get(f"{PREFIX}/attempts/{attempt_id}", Attempt)

    async def cancel(self, attempt_id: UUID) -> Attempt:
        """Have the link made worthless where the provider can; otherwise the attempt stays as it is.

        The answer tells how it stands then: it may have been paid first.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/attempts/{attempt_id}/cancel", _Frozen(), Attempt)

    async def refund(self, attempt_id: UUID, start: RefundStart) -> RefundState:
        """Give money of an attempt back, or learn the state of the refund with this id.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/attempts/{attempt_id}/refunds", start, RefundState)

    async def close(self) -> None:
        await self._client.close()
