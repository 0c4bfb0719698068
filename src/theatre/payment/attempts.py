"""Tries to collect a payment with a provider: begun once per id, and brought to what the provider says."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from theatre.contracts import payment as contract
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptStart, AttemptStatus
from theatre.contracts.payment_methods import ChargeStart, SavedMethod
from theatre.contracts.short_link import LinkStart
from theatre.kit.db import Session, Sessions, transact, transaction
from theatre.kit.errors import Transient
from theatre.kit.http import Refused
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.kit.telemetry import current_traceparent
from theatre.payment import outcomes
from theatre.payment.addresses import check_return_url
from theatre.payment.checks import pause_after
from theatre.payment.errors import (
    AttemptIdReused,
    AttemptNotFound,
    ChargesUnsupported,
    OutcomeUnknown,
    PaymentHasOpenAttempt,
)
from theatre.payment.failures import failure_of
from theatre.payment.models import Attempt
from theatre.payment.outside import Outside
from theatre.payment.providers import ChargeOrder, Order, Provider, ProviderRefused, Reading

# a question that somebody waits for; the janitor's may take longer
ASK_SECONDS = 3.0
# a key this near to its end may be gone when it arrives
KEY_MARGIN = timedelta(hours=1)
# by then whatever was under way to a provider has arrived there, or never will
WITHDRAWAL = timedelta(minutes=10)
# nobody goes to a page to pay a charge, so nobody comes back from one
NOWHERE = "/"
LINK_PURPOSE = "payment_confirmation"

R = TypeVar("R")
log = get_logger(__name__)


async def start(sessions: Sessions, asked: AttemptStart, *, outside: Outside) -> contract.Attempt:
    """Begin an attempt, or go on with the one of this id: its provider is asked with the id as the key.

    Raises:
        ProviderUnknown, AmountTooSmall, ReturnUrlForeign, AttemptIdReused, PaymentHasOpenAttempt
        OutcomeUnknown: the attempt is kept and goes on by itself; ask again with the same id.
    """
    provider = outside.choose(asked.provider, asked.total.to_money())
    check_return_url(asked.return_url, public_url=outside.public_url)
    now = outside.clock.now()
    record = partial(_record, asked=asked, provider=provider, now=now)
    attempt = await transact(sessions, record)
    if attempt.status == AttemptStatus.CREATED:
        attempt = await offer(sessions, attempt, outside=outside)
    if attempt.status == AttemptStatus.PENDING and attempt.short_url is None:
        attempt = await _shorten(sessions, attempt, outside=outside)
    return to_contract(attempt)


async def charge(sessions: Sessions, asked: ChargeStart, *, outside: Outside) -> contract.Attempt:
    """Charge a saved method, or go on with the charge of this id: an attempt without a link.

    Raises:
        ProviderUnknown, AmountTooSmall, ChargesUnsupported, AttemptIdReused, PaymentHasOpenAttempt
        OutcomeUnknown: the attempt is kept and goes on by itself; ask again with the same id.
    """
    provider = outside.choose(asked.provider, asked.total.to_money())
    if provider.name not in outside.chargers:
        raise ChargesUnsupported
    now = outside.clock.now()
    attempt = await transact(sessions, partial(_record, asked=asked, provider=provider, now=now))
    if attempt.status == AttemptStatus.CREATED:
        attempt = await offer(sessions, attempt, outside=outside)
    return to_contract(attempt)


async def read(sessions: Sessions, attempt_id: UUID, *, outside: Outside) -> contract.Attempt:
    """Give an attempt; an open one is asked about first, if its provider answers quickly.

    Raises:
        AttemptNotFound
    """
    attempt = await get(sessions, attempt_id)
    if attempt.status == AttemptStatus.PENDING:
        with suppress(OutcomeUnknown):
            attempt = await check(sessions, attempt, outside=outside, limit_seconds=ASK_SECONDS)
    return to_contract(attempt)


async def cancel(sessions: Sessions, attempt_id: UUID, *, outside: Outside) -> contract.Attempt:
    """Make an attempt's link worthless where its provider can, and tell how it stands then.

    It may have been paid first. Where the provider cannot, or does not answer, the attempt stays as it is. A charge
    that nobody knows to have begun is not begun any more.

    Raises:
        AttemptNotFound
    """
    attempt = await get(sessions, attempt_id)
    if attempt.status == AttemptStatus.CREATED and attempt.method_reference is not None:
        attempt = await _withdraw(sessions, attempt, now=outside.clock.now())
    if attempt.status != AttemptStatus.PENDING or attempt.provider_reference is None:
        return to_contract(attempt)
    provider = outside.provider(attempt.provider)
    if not provider.capabilities.has_cancel:
        return await read(sessions, attempt_id, outside=outside)
    with suppress(OutcomeUnknown):
        reading = await _in_time(provider.cancel(attempt.provider_reference), ASK_SECONDS)
        attempt = await settle(sessions, reading, provider=provider.name, outside=outside) or attempt
    return to_contract(attempt)


async def _withdraw(sessions: Sessions, attempt: Attempt, *, now: datetime) -> Attempt:
    take_back = (
        update(Attempt)
        .where(
            Attempt.id == attempt.id,
            Attempt.status == AttemptStatus.CREATED,
            Attempt.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now, next_check_at=now + WITHDRAWAL)
    )
    async with transaction(sessions) as session:
        await session.execute(take_back)
        return await session.get_one(Attempt, attempt.id)


async def find_status(sessions: Sessions, attempt_id: UUID, *, outside: Outside) -> AttemptStatus:
    """Tell the state of an attempt as cheaply as may be; never asks the provider, never changes anything.

    Raises:
        AttemptNotFound
    """
    if remembered := await outside.states.find(attempt_id):
        return remembered
    attempt = await get(sessions, attempt_id)
    await outside.states.put(attempt_id, attempt.status)
    return AttemptStatus(attempt.status)


async def get(sessions: Sessions, attempt_id: UUID) -> Attempt:
    """Give an attempt's row.

    Raises:
        AttemptNotFound
    """
    async with transaction(sessions) as session:
        attempt = await session.get(Attempt, attempt_id)
    if attempt is None:
        raise AttemptNotFound
    return attempt


async def check(
    sessions: Sessions, attempt: Attempt, *, outside: Outside, limit_seconds: float | None = None
) -> Attempt:
    """Ask the provider about an open attempt; one that it may not know yet is offered again.

    Raises:
        OutcomeUnknown
    """
    if attempt.provider_reference is None:
        return await offer(sessions, attempt, outside=outside)
    asking = outside.provider(attempt.provider).read(attempt.provider_reference)
    reading = await _in_time(asking, limit_seconds)
    if reading is None:
        raise OutcomeUnknown("The payment system does not know its own reference.")
    return await settle(sessions, reading, provider=attempt.provider, outside=outside) or attempt


async def _in_time(asking: Awaitable[R], limit_seconds: float | None) -> R:
    try:
        async with asyncio.timeout(limit_seconds):
            return await asking
    except TimeoutError as error:
        raise OutcomeUnknown from error


async def offer(sessions: Sessions, attempt: Attempt, *, outside: Outside) -> Attempt:
    """Make an attempt known to its provider, once; no transaction is open meanwhile.

    Where we chose the provider and it definitely refuses, the next one on the route is asked for the same attempt,
    with the same key. That never makes two links to pay by:

    - A provider turns an attempt away only by saying no to it. An answer that did not come leaves the attempt with
      it, and after a no it is looked whether an earlier question, whose answer was lost, had begun something there.
    - The row says which provider it is with, and moves on under its lock, only forwards, only while no link is known.
      Whoever dies before that finds it at the first provider, which says no again; after it, at the next.
    - A link leaves us only out of the row, which keeps one; what another provider than the row's says about the
      attempt is not applied to it. Should money come by that way all the same, its callback becomes a case.

    Raises:
        OutcomeUnknown
    """
    provider = outside.provider(attempt.provider)
    if attempt.method_reference is not None:
        # a last look: it may have been taken back meanwhile
        attempt = await get(sessions, attempt.id)
    try:
        reading = await _find_or_create(provider, attempt, outside=outside)
    except ProviderRefused as refusal:
        return await _turn(sessions, attempt, refusal, outside=outside)
    return await _keep(sessions, attempt, reading, outside=outside)


async def _turn(
    sessions: Sessions, attempt: Attempt, refusal: ProviderRefused, *, outside: Outside
) -> Attempt:
    total = Money(attempt.amount_minor, attempt.currency)
    turn_to = outside.after(attempt.provider, total) if attempt.is_routed else None
    if turn_to is not None:
        provider = outside.provider(attempt.provider)
        begun = await provider.find_by_attempt(attempt.id, since=attempt.created_at)
        if begun is not None:
            return await _keep(sessions, attempt, begun, outside=outside)
    now = outside.clock.now()
    refuse = partial(outcomes.refuse, asked=attempt, refusal=refusal, turn_to=turn_to, now=now)
    refused = await transact(sessions, refuse)
    await outside.states.put(refused.id, refused.status)
    is_turned = refused.status == AttemptStatus.CREATED
    return await offer(sessions, refused, outside=outside) if is_turned else refused


async def _keep(sessions: Sessions, attempt: Attempt, reading: Reading, *, outside: Outside) -> Attempt:
    settled = await settle(sessions, reading, provider=attempt.provider, outside=outside)
    if settled is None or settled.status == AttemptStatus.CREATED:
        raise OutcomeUnknown
    return settled


async def settle(sessions: Sessions, reading: Reading, *, provider: str, outside: Outside) -> Attempt | None:
    """Bring the attempt that a reading is about to what it says; None if there is no such attempt."""
    now = outside.clock.now()
    lifetime = outside.provider(provider).capabilities.link_lifetime
    verdict = await transact(
        sessions,
        partial(outcomes.apply, reading=reading, provider=provider, link_ends_at=now + lifetime, now=now),
    )
    if verdict.attempt is not None:
        await outside.states.put(verdict.attempt.id, verdict.attempt.status)
    return verdict.attempt


async def _find_or_create(provider: Provider, attempt: Attempt, *, outside: Outside) -> Reading:
    now, withdrawn_at = outside.clock.now(), attempt.withdrawn_at
    key_ends_at = attempt.created_at + provider.capabilities.key_lifetime - KEY_MARGIN
    if now >= key_ends_at or withdrawn_at is not None:
        found = await provider.find_by_attempt(attempt.id, since=attempt.created_at)
        if found is not None:
            return found
    if withdrawn_at is not None:
        if now < withdrawn_at + WITHDRAWAL:
            raise OutcomeUnknown("What was asked for before it was taken back may still arrive.")
        raise ProviderRefused("withdrawn", "taken back before it was begun")
    if attempt.method_reference is not None:
        return await outside.chargers[provider.name].charge(
            ChargeOrder(
                attempt_id=attempt.id,
                payment_id=attempt.payment_id,
                total=Money(attempt.amount_minor, attempt.currency),
                description=attempt.description,
                method_reference=attempt.method_reference,
            )
        )
    return await provider.create(
        Order(
            attempt_id=attempt.id,
            payment_id=attempt.payment_id,
            total=Money(attempt.amount_minor, attempt.currency),
            description=attempt.description,
            return_url=f"{outside.public_url}/payment/return/{attempt.id}",
            save_method=attempt.save_method,
            expires_at=attempt.created_at + provider.capabilities.link_lifetime,
        )
    )


async def _record(
    session: Session, *, asked: AttemptStart | ChargeStart, provider: Provider, now: datetime
) -> Attempt:
    fresh = {
        "id": asked.id,
        "status": AttemptStatus.CREATED,
        "provider": provider.name,
        "is_routed": asked.provider is None,
        "created_at": now,
        "expires_at": now + provider.capabilities.link_lifetime,
        "next_check_at": now + pause_after(0),
        "trace": current_traceparent(),
        **_words(asked),
    }
    await session.execute(insert(Attempt).values(fresh).on_conflict_do_nothing())
    attempt = await session.get(Attempt, asked.id)
    if attempt is None:
        raise PaymentHasOpenAttempt
    is_other_provider = asked.provider not in {None, attempt.provider}
    if is_other_provider or any(getattr(attempt, name) != word for name, word in _words(asked).items()):
        raise AttemptIdReused("This id belongs to another attempt.")
    return attempt


def _words(asked: AttemptStart | ChargeStart) -> dict[str, Any]:
    if isinstance(asked, ChargeStart):
        special = {"return_url": NOWHERE, "save_method": False, "method_reference": asked.method_reference}
    else:
        special = {"return_url": asked.return_url, "save_method": asked.save_method, "method_reference": None}
    return {
        "payment_id": asked.payment_id,
        "user_id": asked.user_id,
        "amount_minor": asked.total.amount_minor,
        "currency": asked.total.currency,
        "description": asked.description,
        **special,
    }


async def _shorten(sessions: Sessions, attempt: Attempt, *, outside: Outside) -> Attempt:
    lifetime = attempt.expires_at - outside.clock.now()
    if attempt.confirmation_url is None or lifetime < timedelta(seconds=1):
        return attempt
    wanted = LinkStart(
        url=attempt.confirmation_url,
        purpose=LINK_PURPOSE,
        user_id=attempt.user_id,
        ttl_seconds=int(lifetime.total_seconds()),
    )
    try:
        link = await outside.links.make(wanted)
    except (Transient, Refused) as error:
        log.warning("no short link", attempt_id=str(attempt.id), cause=repr(error))
        return attempt
    keep = (
        update(Attempt)
        .where(Attempt.id == attempt.id, Attempt.short_url.is_(None))
        .values(short_url=link.short_url)
    )
    async with transaction(sessions) as session:
        await session.execute(keep)
        return await session.get_one(Attempt, attempt.id)


def to_contract(attempt: Attempt) -> contract.Attempt:
    """Write an attempt as other services read it."""
    return contract.Attempt(
        id=attempt.id,
        payment_id=attempt.payment_id,
        status=AttemptStatus(attempt.status),
        provider=attempt.provider,
        provider_reference=attempt.provider_reference,
        confirmation_url=attempt.confirmation_url,
        short_url=attempt.short_url,
        expires_at=attempt.expires_at,
        failure=failure_of(attempt.failure_code, attempt.failure_message),
        captured=_amount(attempt.captured_minor, attempt.captured_currency),
        captured_at=attempt.captured_at,
        fee=_amount(attempt.fee_minor, attempt.fee_currency),
        method=None if attempt.method is None else SavedMethod.model_validate(attempt.method),
    )


def _amount(amount_minor: int | None, currency: str | None) -> Amount | None:
    if amount_minor is None or currency is None:
        return None
    return Amount(amount_minor=amount_minor, currency=currency)
