"""Attempts to collect a payment, as billing sees them: at most one is open, and payment-service owns its state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from theatre.billing import payment_methods, payments, renewals
from theatre.billing.errors import (
    AmountTooSmall,
    AttemptSettling,
    CheckoutRefused,
    CheckoutUnknown,
    LinkExpired,
    PaymentNotPayable,
    ProviderUnknown,
    ReturnAddressForeign,
)
from theatre.billing.models import OutboxMessage, Payment, PaymentStatus
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import PaymentFailed
from theatre.contracts.money import Amount
from theatre.contracts.payment import (
    Attempt,
    AttemptFailed,
    AttemptStart,
    AttemptStatus,
    Failure,
    PaymentClient,
)
from theatre.contracts.payment_methods import ChargeStart
from theatre.kit.db import Session, Sessions
from theatre.kit.errors import Problem
from theatre.kit.http import Refused, Unknown
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit

NEVER_BEGUN = Failure(
    code="charge_refused", message="This way to pay cannot be charged; nothing was taken. Choose another one."
)
NOT_FOUND = 404
UNPROCESSABLE = 422
REFUSALS: Mapping[str, type[Problem]] = {
    "payment.amount_too_small": AmountTooSmall,
    "payment.provider_unknown": ProviderUnknown,
    "payment.return_url_foreign": ReturnAddressForeign,
}
"""What payment-service has against an attempt, in our own words."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """How the user wants to pay and where the browser should end up (an address of this site)."""

    provider: str | None = None
    return_url: str | None = None
    save_method: bool | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Where to send the user; `short_url` falls back to the long one."""

    attempt_id: UUID
    confirmation_url: str
    short_url: str
    expires_at: datetime


async def start(
    sessions: Sessions,
    client: PaymentClient,
    payment_id: UUID,
    *,
    user_id: UUID,
    checkout: Checkout,
    settings: BillingSettings,
    now: datetime,
) -> Link:
    """Open an attempt, or give the link of the open one. Calls out between transactions.

    If payment-service or the provider does not answer, the payment stays *pending* with its attempt, and asking again
    goes on with the very same one.

    Raises:
        PaymentUnknown, PaymentNotPayable, ReturnAddressForeign, ProviderUnknown
        AmountTooSmall: no payment system takes so little; the payment is *unpaid* again.
        CheckoutRefused: nothing was taken and nothing will be; the payment is *unpaid* again in a moment.
        AttemptSettling: the open attempt has an outcome that is on its way here, or is a charge without a link.
        LinkExpired: the open attempt cannot be paid any more, but may have been.
        CheckoutUnknown: no answer yet.
    """
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, payment_id, user_id=user_id)
        _open(session, payment, checkout, settings=settings, now=now)
        stored = _stored_link(payment, now=now)
        ask = question_of(payment, settings)
    return stored or await _ask(sessions, client, ask, now=now)


def _open(
    session: Session, payment: Payment, checkout: Checkout, *, settings: BillingSettings, now: datetime
) -> None:
    if payment.status == PaymentStatus.PENDING and payment.cancel_requested_at is None:
        if payment.payment_method_id is not None:
            raise AttemptSettling
        return
    if payment.status != PaymentStatus.UNPAID or payment.expires_at <= now:
        raise PaymentNotPayable
    payment.return_url = _checked_return_url(checkout.return_url, payment.id, settings)
    payment.provider = checkout.provider
    if checkout.save_method is not None:
        payment.save_method = checkout.save_method
    payment.payment_method_id = None
    payment.failure_code = payment.failure_message = None
    payment.open_attempt_id = new_id()
    payment.next_ask_at = now + payments.ASK_AFTER
    payments.move(
        session,
        payment,
        PaymentStatus.PENDING,
        reason="checkout",
        now=now,
        attempt_id=payment.open_attempt_id,
    )


def _checked_return_url(url: str | None, payment_id: UUID, settings: BillingSettings) -> str:
    home = urlsplit(settings.public_url)
    if url is None:
        return f"{settings.public_url.rstrip('/')}/return/{payment_id}"
    try:
        given = urlsplit(url)
        same_port = given.port == home.port
    except ValueError as error:
        raise ReturnAddressForeign from error
    same_place = (given.scheme, given.hostname) == (home.scheme, home.hostname) and same_port
    if not same_place or given.username or given.password or "\\" in url:
        raise ReturnAddressForeign
    return url


def _stored_link(payment: Payment, *, now: datetime) -> Link | None:
    url, until, attempt_id = payment.confirmation_url, payment.link_expires_at, payment.open_attempt_id
    if url is None or until is None or attempt_id is None or until <= now:
        return None
    return Link(attempt_id, url, payment.short_url or url, until)


def question_of(payment: Payment, settings: BillingSettings) -> AttemptStart:
    """Write what payment-service is asked about a pending payment: each time in the same words."""
    if payment.open_attempt_id is None:
        raise AssertionError(f"payment {payment.id} is pending without an attempt")
    return AttemptStart(
        id=payment.open_attempt_id,
        payment_id=payment.id,
        user_id=payment.user_id,
        total=Amount.of(payments.owed(payment)),
        description=payment.title,
        provider=payment.provider,
        return_url=payment.return_url or settings.public_url,
        save_method=payment.save_method,
    )


async def _ask(sessions: Sessions, client: PaymentClient, ask: AttemptStart, *, now: datetime) -> Link:
    try:
        attempt = await client.start(ask)
        if attempt.expires_at <= now:
            # its link is dead: the payment system is asked, for its verdict frees the payment
            attempt = await client.read(ask.id)
    except Unknown as error:
        raise CheckoutUnknown from error
    except Refused as error:
        if error.refused_status == UNPROCESSABLE and await _is_unheard_of(client, ask.id):
            await withdraw(sessions, ask, now=now)
            raise REFUSALS.get(error.refused_code, CheckoutRefused) from error
        raise CheckoutUnknown from error
    if attempt.status is AttemptStatus.FAILED:
        raise CheckoutRefused(attempt.failure.message if attempt.failure else None)
    if attempt.status is AttemptStatus.SUCCEEDED:
        raise AttemptSettling
    if attempt.expires_at <= now:
        raise LinkExpired
    if attempt.confirmation_url is None:
        raise CheckoutUnknown
    async with sessions.begin() as session:
        await _keep_link(session, attempt)
    return Link(
        attempt.id,
        attempt.confirmation_url,
        attempt.short_url or attempt.confirmation_url,
        attempt.expires_at,
    )


async def _keep_link(session: Session, attempt: Attempt) -> None:
    payment = await payments.get_locked(session, attempt.payment_id)
    # the outcome may have overtaken this answer; then there is no link to keep
    if payment.open_attempt_id == attempt.id:
        # one that we did not name was chosen there, and with a link there it will not change any more
        payment.provider = attempt.provider
        payment.confirmation_url = attempt.confirmation_url
        payment.short_url = attempt.short_url
        payment.link_expires_at = attempt.expires_at


async def _is_unheard_of(client: PaymentClient, attempt_id: UUID) -> bool:
    """Tell whether payment-service is sure to have no such attempt: what it refuses now it may have begun before."""
    try:
        await client.read(attempt_id)
    except Refused as error:
        return error.refused_status == NOT_FOUND
    except Unknown:
        return False
    return False


async def withdraw(sessions: Sessions, ask: AttemptStart | ChargeStart, *, now: datetime) -> None:
    """Take back an attempt that payment-service would not even store.

    Of a charge its user is told like of any that failed: nobody is at the door.
    """
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, ask.payment_id)
        if payment.open_attempt_id == ask.id and isinstance(ask, ChargeStart):
            await end(session, payment, NEVER_BEGUN, attempt_id=ask.id, now=now)
        elif payment.open_attempt_id == ask.id and not await _close_if_wanted(session, payment, now=now):
            payments.move(
                session, payment, PaymentStatus.UNPAID, reason="never started", now=now, attempt_id=ask.id
            )


async def fail(session: Session, event: AttemptFailed, *, now: datetime) -> None:
    """Take note that an attempt brought nothing and never will. One that is not the open one has no effect.

    A wish to cancel, or the end of the payment's time, that was waiting for this is fulfilled now.
    """
    payment = await payments.get_locked(session, event.payment_id)
    if payment.open_attempt_id == event.attempt_id:
        await end(session, payment, event.failure, attempt_id=event.attempt_id, now=now)


async def end(
    session: Session, payment: Payment, failure: Failure, *, attempt_id: UUID, now: datetime
) -> None:
    """Let a locked payment be tried again after its open attempt ended without paying it; the user is told why."""
    if await _close_if_wanted(session, payment, now=now):
        return
    payment.failure_code, payment.failure_message = failure.code, failure.message
    payments.move(session, payment, PaymentStatus.UNPAID, reason=failure.code, now=now, attempt_id=attempt_id)
    await renewals.fail(session, payment, failure, now=now)
    if payment.payment_method_id is not None:
        await payment_methods.take_note(session, payment.payment_method_id, failure, now=now)
    # of a renewal that is charged without asking its plan's news tell
    if payment.subscription_id is None or payment.payment_method_id is None:
        _tell_failed(session, payment, failure, now=now)


def _tell_failed(session: Session, payment: Payment, failure: Failure, *, now: datetime) -> None:
    told = PaymentFailed(
        payment_id=payment.id,
        user_id=payment.user_id,
        total=Amount.of(payments.owed(payment)),
        title=payment.title,
        failure_code=failure.code,
        failure_message=failure.message,
    )
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


async def revoke(client: PaymentClient, attempt_id: UUID) -> None:
    """Ask payment-service to make an attempt's link worthless. Money that comes all the same is given back by rule.

    Raises:
        Unknown: no answer; asking again does no harm.
        Refused: it would not listen to us.
    """
    try:
        await client.cancel(attempt_id)
    except Refused as error:
        if error.refused_status != NOT_FOUND:
            raise


async def _close_if_wanted(session: Session, payment: Payment, *, now: datetime) -> bool:
    if payment.cancel_requested_at is not None:
        await payments.close(session, payment, PaymentStatus.CANCELED, reason="canceled by user", now=now)
    elif payment.expires_at <= now:
        await payments.close(session, payment, PaymentStatus.EXPIRED, reason="not paid in time", now=now)
    else:
        return False
    return True
