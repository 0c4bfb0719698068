"""Having receipts registered: due ones are handed to payment-service until their outcome is known.

Unknown is not failed: under one key the same words are handed in again, for as long as it takes. A definite no is
tried anew under a new key, up to a limit; then, as after the same number of questions without an answer, a person
must look.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from theatre.billing import cases, receipts
from theatre.billing.fiscal_lines import FiscalLine
from theatre.billing.models import CaseKind, Payment, Receipt, ReceiptStatus
from theatre.billing.settings import BillingSettings
from theatre.contracts.auth import AuthClient
from theatre.contracts.money import Amount
from theatre.contracts.payment import (
    Failure,
    FiscalDocument,
    PaymentClient,
    ReceiptLine,
    ReceiptStart,
    ReceiptState,
)
from theatre.contracts.payment import ReceiptStatus as RegisterStatus
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger
from theatre.kit.money import Money, to_decimal

log = get_logger(__name__)

BATCH = 4
PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
)
LONGEST_PAUSE = timedelta(hours=6)
MAX_TRIES = len(PAUSES)
"""After so many tries, about four hours, a person must look; what is unknown is asked about all the same."""
UNSUPPORTED = Failure(
    code="receipts_unsupported",
    message="The payment system that took the money registers no fiscal receipts, and trying again changes nothing."
    " Register this one with a cash register of your own; then close the case with the fiscal document's number.",
)
REFUSED = Failure(code="refused", message="The receipt was refused.")
NOT_ACCEPTABLE = 422


@dataclass(frozen=True)
class Counter:
    """Where receipts are handed in: by what terms, to whom, and who knows the buyers' addresses."""

    sessions: Sessions
    payment: PaymentClient
    auth: AuthClient
    settings: BillingSettings
    clock: Clock


async def register_due(counter: Counter) -> None:
    """Hand in every receipt that is due, several at a time; any number of workers may do so side by side.

    One is claimed by moving its next try ahead, so a process that dies delays it and no more.
    """
    while due := await _claim(counter):
        async with asyncio.TaskGroup() as group:
            for receipt_id in due:
                group.create_task(_register_calmly(counter, receipt_id))


async def _claim(counter: Counter) -> Sequence[UUID]:
    now = counter.clock.now()
    statement = (
        select(Receipt)
        .where(Receipt.next_try_at <= now)
        .order_by(Receipt.next_try_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    async with counter.sessions.begin() as session:
        due = (await session.scalars(statement)).all()
        for receipt in due:
            receipt.next_try_at = now + pause_after(receipt.tries)
            receipt.tries += 1
            if receipt.status == ReceiptStatus.FAILED:
                receipts.begin_again(receipt)
        return [receipt.id for receipt in due]


def pause_after(tries: int) -> timedelta:
    """Tell how long to wait for the next try after so many."""
    return PAUSES[tries] if tries < len(PAUSES) else LONGEST_PAUSE


async def _register_calmly(counter: Counter, receipt_id: UUID) -> None:
    try:
        await register(counter, receipt_id)
    except (Unknown, Refused) as error:
        log.warning("receipt not answered for yet", receipt_id=str(receipt_id), error=repr(error))
        async with counter.sessions.begin() as session:
            receipt = await receipts.get_locked(session, receipt_id)
            if receipt.status != ReceiptStatus.SUCCEEDED:
                await _call_for_help(session, receipt, "no answer", now=counter.clock.now())


async def register(counter: Counter, receipt_id: UUID) -> None:
    """Hand a receipt in, or ask how it stands, and take note of what is known. No transaction is open meanwhile.

    Raises:
        Unknown, Refused: nothing is decided; the receipt stays as it is.
    """
    async with counter.sessions.begin() as session:
        receipt = await session.get_one(Receipt, receipt_id)
        payment = await session.get_one(Payment, receipt.payment_id)
    if receipt.status not in {ReceiptStatus.PENDING, ReceiptStatus.SENT}:
        return
    email = receipt.email or await _address_of(counter, payment.user_id)
    start = await _fix(counter, receipt_id, email)
    try:
        state = await counter.payment.register_receipt(start)
    except Refused as error:
        state = _definite(start, error)
    async with counter.sessions.begin() as session:
        await apply(session, receipt_id, state, now=counter.clock.now())


def _definite(start: ReceiptStart, error: Refused) -> ReceiptState:
    """Read a no of payment-service's own: that it will never hand in what we ask; any other decides nothing."""
    failure = UNSUPPORTED if error.refused_code == "payment.receipts_unsupported" else REFUSED
    if failure is REFUSED and error.refused_status != NOT_ACCEPTABLE:
        raise error
    return ReceiptState(id=start.id, status=RegisterStatus.FAILED, reference=None, failure=failure)


async def _address_of(counter: Counter, user_id: UUID) -> str:
    """Give where the buyer's copy goes; where the account is no more, to ourselves: the receipt must exist anyway."""
    try:
        return (await counter.auth.contact(user_id)).email or counter.settings.seller_email
    except Refused as error:
        if error.refused_code != "auth.user_not_found":
            raise
        return counter.settings.seller_email


async def _fix(counter: Counter, receipt_id: UUID, email: str) -> ReceiptStart:
    """Write down with what words a submission goes out, once, and give them."""
    async with counter.sessions.begin() as session:
        receipt = await receipts.get_locked(session, receipt_id)
        is_first = receipt.sent_at is None and receipt.submission_id == receipt.id
        if receipt.sent_at is None:
            receipt.sent_at = counter.clock.now()
            receipt.vat_code = counter.settings.tax_vat_code
            receipt.tax_system_code = counter.settings.tax_system_code
        if receipt.status in {ReceiptStatus.PENDING, ReceiptStatus.SENT}:
            receipt.email = receipt.email or email
        return _start_of(receipt, email, is_first=is_first)


def _start_of(receipt: Receipt, email: str, *, is_first: bool) -> ReceiptStart:
    return ReceiptStart(
        id=receipt.submission_id,
        payment_id=receipt.payment_id,
        attempt_id=receipt.attempt_id,
        refund_id=receipt.refund_id,
        reference=receipt.provider_reference,
        is_first=is_first,
        email=receipt.email or email,
        vat_code=receipt.vat_code or 0,
        tax_system_code=receipt.tax_system_code,
        lines=[_contract_line(FiscalLine.of(line), receipt.currency) for line in receipt.lines],
        total=Amount(amount_minor=receipt.amount_minor, currency=receipt.currency),
    )


def _contract_line(line: FiscalLine, currency: str) -> ReceiptLine:
    unit = Amount(amount_minor=line.unit_minor, currency=currency)
    return ReceiptLine(description=line.description, quantity=line.quantity, unit=unit)


async def apply(session: Session, receipt_id: UUID, state: ReceiptState, *, now: datetime) -> None:
    """Take note of what the register says of a submission. Said again, or of an older one, it changes nothing."""
    receipt = await receipts.get_locked(session, receipt_id)
    is_open = receipt.status in {ReceiptStatus.PENDING, ReceiptStatus.SENT}
    if not is_open or state.id != receipt.submission_id:
        return
    receipt.provider_reference = state.reference or receipt.provider_reference
    match state.status:
        case RegisterStatus.SUCCEEDED:
            _succeed(receipt, state.document or FiscalDocument(), now=now)
        case RegisterStatus.FAILED:
            await _fail(session, receipt, state.failure or REFUSED, now=now)
        case RegisterStatus.PENDING:
            if receipt.status == ReceiptStatus.PENDING:
                receipts.move(receipt, ReceiptStatus.SENT)
            await _call_for_help(session, receipt, "being registered for too long", now=now)


def _succeed(receipt: Receipt, document: FiscalDocument, *, now: datetime) -> None:
    receipts.move(receipt, ReceiptStatus.SUCCEEDED)
    receipt.next_try_at = None
    receipt.fiscal_document_number = document.document_number
    receipt.fiscal_storage_number = document.storage_number
    receipt.fiscal_attribute = document.attribute
    receipt.registered_at = document.registered_at or now


async def _fail(session: Session, receipt: Receipt, failure: Failure, *, now: datetime) -> None:
    receipts.move(receipt, ReceiptStatus.FAILED)
    receipt.failure_code, receipt.failure_message = failure.code, failure.message
    is_hopeless = failure == UNSUPPORTED
    if is_hopeless or receipt.tries >= MAX_TRIES:
        receipt.next_try_at = None
    await _call_for_help(
        session, receipt, failure.code, now=now, message=failure.message, at_once=is_hopeless
    )


async def _call_for_help(
    session: Session,
    receipt: Receipt,
    why: str,
    *,
    now: datetime,
    message: str | None = None,
    at_once: bool = False,
) -> None:
    """Open a case once the tries are used up: one for each submission that people must look at.

    `message` says more than the word `why`: what the register said, or what is to be done.
    """
    if receipt.tries < MAX_TRIES and not at_once:
        return
    trouble = cases.Trouble(
        CaseKind.RECEIPT_FAILED,
        cause=f"receipt:{receipt.submission_id}",
        payment_id=receipt.payment_id,
        refund_id=receipt.refund_id,
        details={
            "receipt_id": str(receipt.id),
            "kind": receipt.kind,
            "amount": to_decimal(Money(receipt.amount_minor, receipt.currency)),
            "currency": receipt.currency,
            "tries": receipt.tries,
            "why": why,
            **({"message": message} if message else {}),
        },
    )
    await cases.open_once(session, trouble, now=now)
