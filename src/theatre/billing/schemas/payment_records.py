"""Payments, attempts and refunds as staff see them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import Payment, Refund
from theatre.billing.payment_records import Record
from theatre.billing.refund_previews import Preview
from theatre.billing.schemas.disputes import DisputeAnswer
from theatre.billing.schemas.explanations import ExplanationAnswer
from theatre.billing.schemas.ledger import EntryAnswer
from theatre.billing.schemas.money import money
from theatre.billing.schemas.payments import FailureAnswer, PaymentAnswer, payment_fields
from theatre.billing.schemas.receipts import FiscalReceiptAnswer
from theatre.billing.schemas.refunds import RefundAnswer, refund_fields
from theatre.billing.schemas.rights import EntitlementAnswer
from theatre.contracts.notification import DeliveryState
from theatre.contracts.payment import Attempt
from theatre.contracts.payment_records import ProviderEvent
from theatre.kit.fields import Answer, MoneyField


class TransitionAnswer(Answer):
    """One change of state."""

    from_status: str
    to_status: str
    reason: str
    attempt_id: UUID | None
    occurred_at: datetime


class AttemptAnswer(Answer):
    """One try to collect a payment, as payment-service knows it; all but its id is null while that does not answer."""

    id: UUID
    status: str | None = None
    provider: str | None = None
    provider_reference: str | None = None
    expires_at: datetime | None = None
    captured: MoneyField | None = None
    captured_at: datetime | None = None
    failure: FailureAnswer | None = None

    @classmethod
    def of(cls, attempt_id: UUID, attempt: Attempt | None) -> "AttemptAnswer":
        if attempt is None:
            return cls(id=attempt_id)
        captured = attempt.captured
        return cls(
            id=attempt_id,
            status=attempt.status,
            provider=attempt.provider,
            provider_reference=attempt.provider_reference,
            expires_at=attempt.expires_at,
            captured=money(captured.amount_minor, captured.currency) if captured else None,
            captured_at=attempt.captured_at,
            failure=FailureAnswer.model_validate(attempt.failure) if attempt.failure else None,
        )


class DeliveryAnswer(Answer):
    """One delivery of news about a payment: `told` is what became of it, `status` how the delivery stands."""

    id: UUID
    kind: str
    told: str | None
    channel: str
    status: str
    tries: int
    created_at: datetime
    sent_at: datetime | None


class ProviderEventAnswer(Answer):
    """One callback of a payment system, about the payment, a refund or a dispute of it, and what became of it."""

    id: UUID
    provider: str
    event: str
    object_id: str
    status: str
    reason: str | None
    received_at: datetime
    judged_at: datetime | None


class StaffRefundAnswer(RefundAnswer):
    """A refund as staff see it. `decided_by` is the second person."""

    source: str
    provider: str
    takes_rights: bool
    requested_by: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None
    settled_at: datetime | None
    failure: FailureAnswer | None

    @classmethod
    def of(cls, refund: Refund) -> "StaffRefundAnswer":
        failure = None
        if refund.failure_code is not None:
            failure = FailureAnswer(code=refund.failure_code, message=refund.failure_message or "")
        return cls(
            **refund_fields(refund),
            source=refund.source,
            provider=refund.provider,
            takes_rights=refund.takes_rights,
            requested_by=refund.requested_by,
            decided_by=refund.decided_by,
            decided_at=refund.decided_at,
            settled_at=refund.settled_at,
            failure=failure,
        )


class RefundPartAnswer(Answer):
    """What a refund would take back of one line of its payment, and what of its discount."""

    name: str
    amount: MoneyField
    discount: MoneyField


class RefundPreviewAnswer(Answer):
    """What a refund would do once it has arrived: `left` is what could be given back at all, `ended` are the rights
    that would end, `ledger` the entries that would be posted."""

    amount: MoneyField
    left: MoneyField
    needs_second_person: bool
    makes_refunded: bool
    parts: list[RefundPartAnswer]
    ended: list[EntitlementAnswer]
    ledger: list[EntryAnswer]

    @classmethod
    def of(cls, preview: Preview) -> "RefundPreviewAnswer":
        currency = preview.amount.currency
        return cls(
            amount=money(preview.amount.amount_minor, currency),
            left=money(preview.left.amount_minor, currency),
            needs_second_person=preview.needs_second_person,
            makes_refunded=preview.makes_refunded,
            parts=[
                RefundPartAnswer(
                    name=item.name,
                    amount=money(part.amount_minor, currency),
                    discount=money(part.discount_minor, currency),
                )
                for item, part in preview.parts
            ],
            ended=[EntitlementAnswer.model_validate(right) for right in preview.ended],
            ledger=[EntryAnswer.of(entry) for entry in preview.entries],
        )


class StaffPaymentAnswer(PaymentAnswer):
    """A payment as staff see it in a list."""

    user_id: UUID

    @classmethod
    def of(cls, payment: Payment) -> "StaffPaymentAnswer":
        return cls.model_construct(user_id=payment.user_id, **payment_fields(payment))


class StaffPaymentDetails(StaffPaymentAnswer):
    """A payment as staff see it whole.

    Without `are_deliveries_known` notification-service did not answer, and that none is shown says nothing; likewise
    payment-service without `are_events_known`.
    """

    open_attempt_id: UUID | None
    paid_attempt_id: UUID | None
    history: list[TransitionAnswer]
    attempts: list[AttemptAnswer]
    events: list[ProviderEventAnswer]
    are_events_known: bool
    refunds: list[StaffRefundAnswer]
    disputes: list[DisputeAnswer]
    ledger: list[EntryAnswer]
    explanation: ExplanationAnswer
    receipts: list[FiscalReceiptAnswer]
    deliveries: list[DeliveryAnswer]
    are_deliveries_known: bool

    @classmethod
    def of_record(
        cls,
        record: Record,
        attempts: dict[UUID, Attempt],
        *,
        events: list[ProviderEvent] | None,
        deliveries: list[DeliveryState] | None,
    ) -> "StaffPaymentDetails":
        """Show a payment with all that billing knows of it and what other services said of it, if they did."""
        payment = record.payment
        return cls(
            **payment_fields(payment),
            user_id=payment.user_id,
            open_attempt_id=payment.open_attempt_id,
            paid_attempt_id=payment.paid_attempt_id,
            history=[TransitionAnswer.model_validate(change) for change in record.history],
            attempts=[AttemptAnswer.of(id, attempts.get(id)) for id in record.attempt_ids],
            events=[ProviderEventAnswer.model_validate(event) for event in events or []],
            are_events_known=events is not None,
            refunds=[StaffRefundAnswer.of(refund) for refund in record.refunds],
            disputes=[DisputeAnswer.of(dispute) for dispute in record.disputes],
            ledger=[EntryAnswer.of(entry) for entry in record.entries],
            explanation=ExplanationAnswer.of(payment.id, record.steps),
            receipts=[FiscalReceiptAnswer.of(receipt) for receipt in record.receipts],
            deliveries=[DeliveryAnswer.model_validate(one) for one in deliveries or []],
            are_deliveries_known=deliveries is not None,
        )
