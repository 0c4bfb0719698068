"""YooKassa's objects as they come over the wire, and what they mean in our words.

Their lists of reasons are open: an unknown one is a plain decline. An unknown status decides nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.money import Money, MoneyError, from_decimal
from theatre.payment import failures
from theatre.payment.providers import Notice, ObjectKind, Reading, RefundReading
from theatre.payment.providers.shapes import Shape, id_in
from theatre.payment.providers.yookassa_methods import read_saved

PAYMENT_STATUSES = {
    "pending": AttemptStatus.PENDING,
    "waiting_for_capture": AttemptStatus.PENDING,
    "succeeded": AttemptStatus.SUCCEEDED,
    "canceled": AttemptStatus.FAILED,
}
REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "canceled": RefundStatus.FAILED,
}
FAILURES = {
    "3d_secure_failed": "authentication_failed",
    "identification_required": "authentication_failed",
    "card_expired": "card_expired",
    "country_forbidden": "card_restricted",
    "payment_method_restricted": "card_restricted",
    "payment_method_limit_exceeded": "limit_exceeded",
    "insufficient_funds": "insufficient_funds",
    "invalid_card_number": "card_data_wrong",
    "invalid_csc": "card_data_wrong",
    "issuer_unavailable": "issuer_unavailable",
    "internal_timeout": "issuer_unavailable",
    "canceled_by_merchant": "canceled",
    "permission_revoked": "permission_revoked",
    "expired_on_confirmation": failures.EXPIRED,
    "expired_on_capture": failures.EXPIRED,
}
REFUND_FAILURES = {
    "insufficient_funds": failures.REFUSED,
    "rejected_by_payee": "payee_refused",
    "yoo_money_account_closed": "payee_refused",
}
EVENTS = {
    "payment.waiting_for_capture": (ObjectKind.PAYMENT, AttemptStatus.PENDING),
    "payment.succeeded": (ObjectKind.PAYMENT, AttemptStatus.SUCCEEDED),
    "payment.canceled": (ObjectKind.PAYMENT, AttemptStatus.FAILED),
    "refund.succeeded": (ObjectKind.REFUND, RefundStatus.SUCCEEDED),
}

Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


class Amount(Shape):
    value: str
    currency: str

    def to_money(self) -> Money:
        """Give it in minor units.

        Raises:
            MoneyError: other digits than the currency's, or an unknown currency.
        """
        return from_decimal(self.value, self.currency)


class Confirmation(Shape):
    confirmation_url: str | None = None


class Cancellation(Shape):
    reason: str


class Recipient(Shape):
    account_id: str


class PaymentObject(Shape):
    id: Id
    status: Literal["pending", "waiting_for_capture", "succeeded", "canceled"]
    amount: Amount
    income_amount: Amount | None = None
    recipient: Recipient
    test: bool
    captured_at: AwareDatetime | None = None
    confirmation: Confirmation | None = None
    cancellation_details: Cancellation | None = None
    payment_method: dict[str, object] | None = None
    metadata: Mapping[str, str] | None = None

    def to_reading(self, *, doubt: str | None) -> Reading:
        """Say it in our words.

        Raises:
            MoneyError
        """
        status = PAYMENT_STATUSES[self.status]
        return Reading(
            reference=self.id,
            status=status,
            attempt_id=id_in(self.metadata, "attempt_id"),
            amount=self.amount.to_money(),
            captured_at=self.captured_at,
            confirmation_url=self.confirmation.confirmation_url if self.confirmation else None,
            failure_code=_reason(self.cancellation_details, FAILURES)
            if status == AttemptStatus.FAILED
            else None,
            doubt=doubt,
            fee=self._fee(),
            method=read_saved(self.payment_method),
        )

    def _fee(self) -> Money | None:
        """Give what they keep; what makes no sense is no reason to doubt the money itself."""
        if self.income_amount is None:
            return None
        try:
            fee = self.amount.to_money() - self.income_amount.to_money()
        except MoneyError:
            return None
        return fee if fee.amount_minor >= 0 else None


class RefundObject(Shape):
    id: Id
    payment_id: Id
    status: Literal["pending", "succeeded", "canceled"]
    amount: Amount
    created_at: AwareDatetime
    cancellation_details: Cancellation | None = None
    metadata: Mapping[str, str] | None = None

    def to_reading(self) -> RefundReading:
        """Say it in our words.

        Raises:
            MoneyError
        """
        status = REFUND_STATUSES[self.status]
        return RefundReading(
            reference=self.id,
            status=status,
            refund_id=id_in(self.metadata, "refund_id"),
            amount=self.amount.to_money(),
            failure_code=_reason(self.cancellation_details, REFUND_FAILURES)
            if status == RefundStatus.FAILED
            else None,
            payment_reference=self.payment_id,
            created_at=self.created_at,
        )


class Page(Shape):
    """One page of a list; what is in it is read one by one."""

    items: list[dict[str, object]]
    next_cursor: str | None = None


class ErrorObject(Shape):
    type: Literal["error"]
    code: str
    description: str = ""
    parameter: str | None = None


class NotifiedObject(Shape):
    id: Id


class Notification(Shape):
    type: Literal["notification"]
    event: Annotated[str, Field(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")]
    object: NotifiedObject

    def to_notice(self) -> Notice:
        """Say it in our words; an event that we do not know has no kind."""
        kind, claimed = EVENTS.get(self.event, (None, ""))
        return Notice(self.event, self.object.id, kind, claimed)


def _reason(details: Cancellation | None, words: Mapping[str, str]) -> str:
    return words.get(details.reason if details else "", failures.DECLINED)
