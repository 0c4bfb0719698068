"""What YooKassa took and gave back, by its lists: payments by the moment of capture, then refunds by that of creation.

Its refunds carry no moment of success: one that was pending belongs to the time in which it was made.
"""

from datetime import datetime
from typing import TypeVar

from pydantic import AwareDatetime, ValidationError

from theatre.contracts.payment import OperationKind
from theatre.kit.money import MoneyError
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.shapes import Shape
from theatre.payment.providers.yookassa_objects import Page, PaymentObject, RefundObject
from theatre.payment.providers.yookassa_wire import Wire
from theatre.payment.statements import ListedOperation, ListedPage, Period

PAGE_ITEMS = "100"
PAYMENTS, REFUNDS = "payments", "refunds"

S = TypeVar("S", bound=Shape)


class CapturedPayment(PaymentObject):
    """A payment of the list."""

    captured_at: AwareDatetime

    def to_operation(self) -> ListedOperation:
        """Say it in our words.

        Raises:
            MoneyError
        """
        reading = self.to_reading(doubt=None)
        return ListedOperation(
            kind=OperationKind.CAPTURE,
            reference=self.id,
            payment_reference=self.id,
            own_id=reading.attempt_id,
            amount=reading.amount,
            fee=reading.fee,
            happened_at=self.captured_at,
        )


class YooKassaStatement:
    """The member. Its cursor is the list's name and YooKassa's own cursor."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def read_page(self, period: Period, cursor: str | None) -> ListedPage:
        """See `Statement`."""
        path, _, theirs = (cursor or PAYMENTS).partition(":")
        moment = "captured_at" if path == PAYMENTS else "created_at"
        asked = {
            f"{moment}.gte": _written(period.since),
            f"{moment}.lt": _written(period.until),
            "status": "succeeded",
            "limit": PAGE_ITEMS,
            **({"cursor": theirs} if theirs else {}),
        }
        page = await self._listed(PAYMENTS if path == PAYMENTS else REFUNDS, asked)
        items = [_operation(item, is_payment=path == PAYMENTS) for item in page.items]
        if page.next_cursor is not None:
            return ListedPage(items, f"{path}:{page.next_cursor}")
        return ListedPage(items, REFUNDS if path == PAYMENTS else None)

    async def _listed(self, path: str, asked: dict[str, str]) -> Page:
        try:
            return await self._wire.get(path, Page, params=asked)
        except ProviderRefused as refusal:
            raise OutcomeUnknown(f"YooKassa shows no list: {refusal.code}") from refusal


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _operation(item: dict[str, object], *, is_payment: bool) -> ListedOperation:
    try:
        if is_payment:
            return CapturedPayment.model_validate(item).to_operation()
        return _refunded(RefundObject.model_validate(item))
    except (ValidationError, MoneyError) as error:
        raise OutcomeUnknown(f"an item of YooKassa's list makes no sense: {item.get('id')!r}") from error


def _refunded(refund: RefundObject) -> ListedOperation:
    reading = refund.to_reading()
    return ListedOperation(
        kind=OperationKind.REFUND,
        reference=reading.reference,
        payment_reference=refund.payment_id,
        own_id=reading.refund_id,
        amount=reading.amount,
        fee=None,
        happened_at=refund.created_at,
    )
