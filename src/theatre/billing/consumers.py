"""What `worker-billing-notify` hears: outcomes of attempts, refunds, disputes; refunds and charges to send;
what to tell users.

Three queues, so that a payment system or a notification service that is away holds up nothing else.
"""

from theatre.billing import (
    attempts,
    disputes,
    open_attempts,
    provider_refunds,
    refund_sending,
    refunds,
    renewals,
    settlements,
)
from theatre.billing.models import InboxMessage
from theatre.billing.resources import WorkerResources
from theatre.contracts.billing import (
    AttemptAbandoned,
    ChargeRequested,
    PaymentFailed,
    PaymentMethodChosen,
    PaymentPaid,
    PaymentRefunded,
    RefundRequested,
)
from theatre.contracts.money import Amount
from theatre.contracts.notification import PAYMENT_STATUS, NotificationEvent
from theatre.contracts.payment import AttemptFailed, AttemptSucceeded, RefundFailed, RefundSucceeded
from theatre.contracts.payment_disputes import (
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
)
from theatre.kit.db import Session
from theatre.kit.events import Envelope
from theatre.kit.money import to_decimal
from theatre.kit.worker import Consumer

outcomes: Consumer[WorkerResources] = Consumer("worker-billing-notify.outcomes", InboxMessage)
sending: Consumer[WorkerResources] = Consumer("worker-billing-notify.refunds", InboxMessage)
telling: Consumer[WorkerResources] = Consumer(
    "worker-billing-notify.notify", InboxMessage, ignores=["billing.#"]
)


@outcomes.on(AttemptSucceeded)
async def settle(session: Session, event: AttemptSucceeded, _: Envelope, held: WorkerResources) -> None:
    await settlements.settle(session, event, settings=held.settings, now=held.clock.now())


@outcomes.on(AttemptFailed)
async def fail_attempt(session: Session, event: AttemptFailed, _: Envelope, held: WorkerResources) -> None:
    await attempts.fail(session, event, now=held.clock.now())


@outcomes.on(RefundSucceeded)
async def succeed_refund(
    session: Session, event: RefundSucceeded, _: Envelope, held: WorkerResources
) -> None:
    await provider_refunds.recognize(session, event, now=held.clock.now())


@outcomes.on(RefundFailed)
async def fail_refund(session: Session, event: RefundFailed, _: Envelope, held: WorkerResources) -> None:
    await refunds.fail(
        session, event.payment_id, event.refund_id, failure=event.failure, now=held.clock.now()
    )


async def follow_dispute(session: Session, fact: DisputeFact, _: Envelope, held: WorkerResources) -> None:
    await disputes.take_note(session, fact, now=held.clock.now())


for fact in (DisputeOpened, DisputeWon, DisputeLost):
    outcomes.on(fact)(follow_dispute)


@sending.call(RefundRequested)
async def send_refund(event: RefundRequested, _: Envelope, held: WorkerResources) -> None:
    await refund_sending.send(held.sessions, held.payment, event.refund_id, now=held.clock.now())


@sending.call(ChargeRequested)
async def charge(event: ChargeRequested, _: Envelope, held: WorkerResources) -> None:
    await open_attempts.ask_about(
        held.sessions, held.payment, event.payment_id, settings=held.settings, now=held.clock.now()
    )


@sending.call(PaymentMethodChosen)
async def try_other_method(event: PaymentMethodChosen, _: Envelope, held: WorkerResources) -> None:
    await renewals.try_other_method(
        held.sessions, event.user_id, settings=held.settings, now=held.clock.now()
    )


@sending.call(AttemptAbandoned)
async def revoke_attempt(event: AttemptAbandoned, _: Envelope, held: WorkerResources) -> None:
    await attempts.revoke(held.payment, event.attempt_id)


@telling.call(PaymentPaid)
async def tell_paid(event: PaymentPaid, message: Envelope, held: WorkerResources) -> None:
    await tell(held, message, event, status="succeeded", amount=event.total)


@telling.call(PaymentFailed)
async def tell_failed(event: PaymentFailed, message: Envelope, held: WorkerResources) -> None:
    await tell(held, message, event, status="failed", amount=event.total, reason=event.failure_message)


@telling.call(PaymentRefunded)
async def tell_refunded(event: PaymentRefunded, message: Envelope, held: WorkerResources) -> None:
    await tell(held, message, event, status="refunded", amount=event.amount)


async def tell(
    held: WorkerResources,
    message: Envelope,
    event: PaymentPaid | PaymentFailed | PaymentRefunded,
    *,
    status: str,
    amount: Amount,
    reason: str = "",
) -> None:
    """Hand an outcome to notification-service, which knows a repeat by the message's id."""
    data = {
        "status": status,
        "payment_id": str(event.payment_id),
        "title": event.title,
        "amount": to_decimal(amount.to_money()),
        "currency": amount.currency,
        "message": reason,
    }
    told = NotificationEvent(user_id=event.user_id, data=data, dedupe_key=str(message.id))
    await held.notification.tell(PAYMENT_STATUS, told)
