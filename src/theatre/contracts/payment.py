"""What payment-service promises to billing: its internal doors and the facts it tells.

An attempt's id and a refund's id are made by billing and are the idempotency keys of these doors: the same id again,
with the same words, continues what was begun and never begins it twice.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from theatre.contracts.money import Amount
from theatre.contracts.payment_methods import ChargeStart, SavedMethod
from theatre.contracts.payment_records import RecordsClient
from theatre.kit.events import Event

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
    says so; `method` is what the payer let it keep, where that was asked for.
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
    method: SavedMethod | None = None


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


class ReceiptStatus(StrEnum):
    """State of a fiscal receipt, as the provider knows it. `pending`: the provider has it and is registering it."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ReceiptLine(_Frozen):
    """One line: quantity × `unit`, which is what a unit was really paid, tax included."""

    description: Annotated[str, Field(min_length=1, max_length=128)]
    quantity: Annotated[int, Field(strict=True, ge=1)]
    unit: Amount


class ReceiptStart(_Frozen):
    """Ask for a fiscal receipt of an attempt's money, or with `refund_id` of a refund's, to be registered.

    The id is the idempotency key: the same id always with the same words. `is_first`: nobody can have handed this
    receipt in before; otherwise the provider is asked for it first. `reference`: the provider's own, once known.
    `vat_code` and `tax_system_code` are the codes of the fiscal format.
    """

    id: UUID
    payment_id: UUID
    attempt_id: UUID
    refund_id: UUID | None = None
    reference: str | None = None
    is_first: bool
    email: Annotated[str, Field(min_length=3, max_length=254, repr=False)]
    vat_code: int
    tax_system_code: int | None
    lines: Annotated[list[ReceiptLine], Field(min_length=1, max_length=100)]
    total: Amount


class FiscalDocument(BaseModel):
    """By what a registered receipt is found at the tax service; what the provider does not tell is absent."""

    model_config = ConfigDict(frozen=True)

    document_number: str | None = None
    storage_number: str | None = None
    attribute: str | None = None
    registered_at: datetime | None = None


class ReceiptState(BaseModel):
    """A fiscal receipt as the provider has it. `document` is of one that succeeded."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    status: ReceiptStatus
    reference: str | None
    document: FiscalDocument | None = None
    failure: Failure | None = None


class AttemptSucceeded(Event):
    """Money was taken. `captured` is what the provider says, which may differ from what was asked.

    `fee` is what the provider keeps, where it says so; it may be in another currency. `method` is what the payer let
    the provider keep for later charges, where that was asked for.
    """

    key: ClassVar[str] = "payment.attempt.succeeded"

    attempt_id: UUID
    payment_id: UUID
    captured: Amount
    provider: str
    provider_reference: str
    captured_at: datetime
    fee: Amount | None = None
    method: SavedMethod | None = None


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


class OperationKind(StrEnum):
    """What a provider does with money."""

    CAPTURE = "capture"
    REFUND = "refund"


class Operation(BaseModel):
    """Money that a provider says it has taken or given back.

    `operation_id` is the attempt's or the refund's, where payment-service knows it; `fee` what the provider kept.
    """

    model_config = ConfigDict(frozen=True)

    kind: OperationKind
    reference: str
    payment_reference: str
    operation_id: UUID | None
    amount: Amount
    fee: Amount | None
    happened_at: datetime


class OperationPage(BaseModel):
    """A part of a provider's list; on the last `next_cursor` is null."""

    model_config = ConfigDict(frozen=True)

    items: list[Operation]
    next_cursor: str | None


class OperationQuestion(_Frozen):
    """Which operation is meant: by our id, or by the provider's reference."""

    kind: OperationKind
    operation_id: UUID | None = None
    reference: str | None = None


class SettledOperation(BaseModel):
    """How an operation stands: its names as far as payment-service knows them, and what the provider did, if it did."""

    model_config = ConfigDict(frozen=True)

    reference: str | None
    operation_id: UUID | None
    operation: Operation | None


class ListingProviders(BaseModel):
    """The payment systems that can list what they did."""

    model_config = ConfigDict(frozen=True)

    items: list[str]


class PaymentClient(RecordsClient):
    """Payment-service's internal doors as billing calls them."""

    async def start(self, start: AttemptStart) -> Attempt:
        """Start an attempt, or continue the one with this id. A time-out leaves the outcome unknown: ask again.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/attempts", start, Attempt)

    async def charge(self, start: ChargeStart) -> Attempt:
        """Charge a saved method, or continue the charge with this id. A time-out leaves the outcome unknown: ask again.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/charges", start, Attempt)

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

    async def register_receipt(self, start: ReceiptStart) -> ReceiptState:
        """Have a fiscal receipt registered, or learn how the one with this id stands.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/receipts", start, ReceiptState)

    async def list_providers(self) -> list[str]:
        """Name the payment systems that can list what they did.

        Raises:
            Unknown, Refused
        """
        return (await self._client.get(f"{PREFIX}/providers", ListingProviders)).items

    async def list_operations(
        self, provider: str, *, since: datetime, until: datetime, cursor: str | None = None
    ) -> OperationPage:
        """Read a page of what a provider took and gave back from `since` until before `until`, in its own order.

        Raises:
            Unknown, Refused
        """
        asked = {"since": since.isoformat(), "until": until.isoformat()}
        params = asked if cursor is None else {**asked, "cursor": cursor}
        return await self._client.get(
            f"{PREFIX}/providers/{provider}/operations", OperationPage, params=params
        )

    async def settle_operation(self, provider: str, question: OperationQuestion) -> SettledOperation:
        """Have payment-service read an operation again from its provider and take note of it.

        Raises:
            Unknown, Refused
        """
        path = f"{PREFIX}/providers/{provider}/operations"
        return await self._client.post(path, question, SettledOperation)

    async def close(self) -> None:
        await self._client.close()
