"""Stripe's objects as they come over the wire, and what they mean in our words.

A session that is open may still be paid, whatever card was declined in it. One that is complete is paid or, with slow
ways to pay, about to be. Only the money that its payment intent received counts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.money import Money, MoneyError
from theatre.payment import failures
from theatre.payment.providers import Notice, ObjectKind, Reading, RefundReading
from theatre.payment.providers.shapes import Shape, id_in
from theatre.payment.providers.stripe_amounts import from_wire

DECLINES = {
    "authentication_required": "authentication_failed",
    "expired_card": "card_expired",
    "insufficient_funds": "insufficient_funds",
    "incorrect_number": "card_data_wrong",
    "invalid_number": "card_data_wrong",
    "incorrect_cvc": "card_data_wrong",
    "invalid_cvc": "card_data_wrong",
    "card_velocity_exceeded": "limit_exceeded",
    "withdrawal_count_limit_exceeded": "limit_exceeded",
    "card_not_supported": "card_restricted",
    "currency_not_supported": "card_restricted",
    "lost_card": "card_restricted",
    "stolen_card": "card_restricted",
    "restricted_card": "card_restricted",
    "issuer_not_available": "issuer_unavailable",
    "processing_error": "issuer_unavailable",
}
REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
REFUND_FAILURES = {
    "declined": "payee_refused",
    "expired_or_canceled_card": "payee_refused",
    "lost_or_stolen_card": "payee_refused",
    "merchant_request": "canceled",
}
# an intent that takes no more part in a complete session: a slow way to pay came to nothing
OVER = frozenset({"requires_payment_method", "canceled"})
# the claim that every reading agrees with
NOTHING_CLAIMED = AttemptStatus.PENDING
SESSION_EVENTS = {
    "checkout.session.completed": NOTHING_CLAIMED,
    "checkout.session.async_payment_succeeded": AttemptStatus.SUCCEEDED,
    "checkout.session.async_payment_failed": AttemptStatus.FAILED,
    "checkout.session.expired": AttemptStatus.FAILED,
}
REFUND_EVENTS = {
    # a refund that succeeded may fail afterwards, so its news may be old
    "refund.created": NOTHING_CLAIMED,
    "refund.updated": NOTHING_CLAIMED,
    "refund.failed": RefundStatus.FAILED,
}
REFUNDED = "charge.refunded"
DISPUTE_EVENTS = frozenset(
    f"charge.dispute.{news}"
    for news in ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
)

Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,255}$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,100}$")]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
Whole = Annotated[int, Field(strict=True)]
Seconds = Annotated[int, Field(strict=True, ge=0, le=253_402_300_799)]


def unless_bare(value: Any) -> Any:
    """Take a reference that was not opened for us as nothing."""
    return None if isinstance(value, str) else value


class BalanceTransaction(Shape):
    fee: Whole
    currency: Currency


class Charge(Shape):
    created: Seconds
    balance_transaction: Annotated[BalanceTransaction | None, BeforeValidator(unless_bare)] = None


class Decline(Shape):
    code: str | None = None
    decline_code: str | None = None


class Intent(Shape):
    id: Id
    status: Word
    amount_received: Whole
    currency: Currency
    latest_charge: Annotated[Charge | None, BeforeValidator(unless_bare)] = None
    last_payment_error: Decline | None = None

    @property
    def failure_code(self) -> str:
        """Say why it came to nothing."""
        error = self.last_payment_error
        words = (error.decline_code, error.code) if error else ()
        return next((DECLINES[word] for word in words if word in DECLINES), failures.DECLINED)

    @property
    def captured_at(self) -> datetime | None:
        """Say when the money was taken, where the charge is shown."""
        return moment(self.latest_charge.created) if self.latest_charge else None

    @property
    def fee(self) -> Money | None:
        """Say what they keep, where the charge shows it; what makes no sense is no reason to doubt the money."""
        kept = self.latest_charge.balance_transaction if self.latest_charge else None
        try:
            return from_wire(kept.fee, kept.currency) if kept else None
        except MoneyError:
            return None


class Session(Shape):
    id: Id
    object: Literal["checkout.session"]
    mode: Word
    status: Literal["open", "complete", "expired"]
    payment_status: Literal["paid", "unpaid", "no_payment_required"]
    amount_total: Whole
    currency: Currency
    livemode: bool
    expires_at: Seconds
    url: str | None = None
    payment_intent: Annotated[Intent | None, BeforeValidator(unless_bare)] = None
    metadata: Mapping[str, str] | None = None

    def to_reading(self, *, doubt: str | None) -> Reading:
        """Say it in our words.

        Raises:
            MoneyError
        """
        status, intent = self._status(), self.payment_intent
        has_money = status == AttemptStatus.SUCCEEDED and intent is not None
        return Reading(
            reference=self.id,
            status=status,
            attempt_id=id_in(self.metadata, "attempt_id"),
            amount=from_wire(intent.amount_received, intent.currency)
            if has_money and intent
            else from_wire(self.amount_total, self.currency),
            captured_at=intent.captured_at if has_money and intent else None,
            confirmation_url=self.url if self.status == "open" else None,
            failure_code=self._failure_code() if status == AttemptStatus.FAILED else None,
            doubt=doubt,
            fee=intent.fee if has_money and intent else None,
            expires_at=moment(self.expires_at),
        )

    def _status(self) -> AttemptStatus:
        if self.payment_status == "paid":
            return AttemptStatus.SUCCEEDED
        if self.status == "expired" or (self.status == "complete" and self._is_over()):
            return AttemptStatus.FAILED
        return AttemptStatus.PENDING

    def _is_over(self) -> bool:
        return self.payment_intent is not None and self.payment_intent.status in OVER

    def _failure_code(self) -> str:
        if self.status == "expired" or self.payment_intent is None:
            return failures.EXPIRED
        return self.payment_intent.failure_code


class Refund(Shape):
    id: Id
    object: Literal["refund"]
    status: Literal["pending", "requires_action", "succeeded", "failed", "canceled"]
    amount: Whole
    currency: Currency
    created: Seconds
    payment_intent: Id | None = None
    failure_reason: str | None = None
    metadata: Mapping[str, str] | None = None

    def to_reading(self, *, payment_reference: str | None) -> RefundReading:
        """Say it in our words; which session its payment is of it does not tell.

        Raises:
            MoneyError
        """
        status = REFUND_STATUSES[self.status]
        is_failed = status == RefundStatus.FAILED
        return RefundReading(
            reference=self.id,
            status=status,
            refund_id=id_in(self.metadata, "refund_id"),
            amount=from_wire(self.amount, self.currency),
            failure_code=REFUND_FAILURES.get(self.failure_reason or "", failures.REFUSED)
            if is_failed
            else None,
            payment_reference=payment_reference,
            created_at=moment(self.created),
        )


class ListedCharge(Shape):
    """A charge as the list of transactions shows it. Its metadata are its intent's."""

    id: Id
    object: Literal["charge"]
    amount_captured: Whole
    currency: Currency
    created: Seconds
    payment_intent: Id | None = None
    metadata: Mapping[str, str] | None = None


class Transaction(Shape):
    """What moved the balance. Its own amount and its fee are in the account's currency, not in the payer's."""

    id: Id
    object: Literal["balance_transaction"]
    type: Word
    fee: Whole
    currency: Currency
    source: Annotated[Mapping[str, Any] | None, BeforeValidator(unless_bare)] = None


class Page(Shape):
    """One page of a list; what is in it is read one by one."""

    object: Literal["list"]
    data: list[dict[str, Any]]
    has_more: bool

    @property
    def next_after(self) -> str | None:
        """Name the item after which the next page begins; None if there is none."""
        return str(self.data[-1].get("id")) if self.has_more and self.data else None


class Fault(Shape):
    type: str
    code: str | None = None
    message: str = ""
    param: str | None = None


class ErrorObject(Shape):
    error: Fault


class Listed(Shape):
    id: Id


class Inner(Shape):
    data: list[Listed] = []


class NotifiedObject(Shape):
    id: Id
    status: Word | None = None
    payment_status: Word | None = None
    refunds: Inner | None = None
    balance_transactions: list[dict[str, Any]] | None = None


class Data(Shape):
    object: NotifiedObject


class Event(Shape):
    id: Id
    object: Literal["event"]
    type: Word
    data: Data

    def to_notice(self) -> Notice:
        """Say it in our words; an event that we have no use for has no kind.

        A refund is told of many times, so its status is a part of the event: only the same news twice is one. Of a
        dispute also the number of its movements of money is.
        """
        about = self.data.object
        if self.type in SESSION_EVENTS:
            claimed = "succeeded" if about.payment_status == "paid" else SESSION_EVENTS[self.type]
            return Notice(self.type, about.id, ObjectKind.PAYMENT, claimed)
        if self.type in REFUND_EVENTS:
            event = f"{self.type}:{about.status or ''}"
            return Notice(event, about.id, ObjectKind.REFUND, REFUND_EVENTS[self.type])
        if self.type in DISPUTE_EVENTS:
            event = f"{self.type}:{about.status or ''}:{len(about.balance_transactions or ())}"
            return Notice(event, about.id, ObjectKind.DISPUTE, NOTHING_CLAIMED)
        if self.type == REFUNDED and about.refunds is not None and about.refunds.data:
            # older versions of the API show the refunds of a charge, the newest first; newer ones tell of each
            return Notice(self.type, about.refunds.data[0].id, ObjectKind.REFUND, NOTHING_CLAIMED)
        return Notice(self.type, about.id, None, "")


def moment(seconds: int) -> datetime:
    """Read a moment."""
    return datetime.fromtimestamp(seconds, UTC)
