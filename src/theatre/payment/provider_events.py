"""Callbacks of providers: stored as they came, believed only after the object was read again, never lost."""

from datetime import datetime
from functools import partial
from typing import TypeAlias

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session, Sessions, transact, transaction
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.payment import disputes, outcomes, refunds
from theatre.payment.checks import pause_after
from theatre.payment.errors import ForgedCallback, OutcomeUnknown
from theatre.payment.models import EventStatus, ProviderEvent
from theatre.payment.outcomes import Verdict
from theatre.payment.outside import Outside
from theatre.payment.providers import (
    Callback,
    DisputeReading,
    Notice,
    ObjectKind,
    Provider,
    Reading,
    RefundReading,
)

# by the pauses of `checks` the last question comes after three days
MAX_CHECKS = 10

Confirmed: TypeAlias = Reading | RefundReading | DisputeReading

log = get_logger(__name__)


async def receive(sessions: Sessions, provider: Provider, callback: Callback, *, outside: Outside) -> None:
    """Store a callback and do what it says; one that is known changes nothing. Returns when all is durable.

    The object is read from the provider first, outside any transaction; if that does not answer, the callback is
    stored and judged later. Twins that come at the same moment share one reading.

    Raises:
        ForgedCallback: wrong sender, or the provider does not confirm it; nothing was stored.
        MalformedCallback, UnsupportedMediaType
    """
    provider.authenticate(callback)
    notice = provider.parse(callback.body)
    judge = partial(_judge, sessions, provider, notice, raw=callback.body, outside=outside)
    await outside.flights.join((provider.name, notice.event, notice.object_id), judge)


async def _judge(
    sessions: Sessions, provider: Provider, notice: Notice, *, raw: bytes, outside: Outside
) -> None:
    if await _is_judged(sessions, provider, notice):
        return
    try:
        reading = await _confirm(provider, notice, outside=outside)
    except OutcomeUnknown as unknown:
        log.warning("callback not confirmed yet", object_id=notice.object_id, cause=unknown.detail)
        reading = None
    await _settle(sessions, provider, notice, raw=raw, reading=reading, outside=outside)


async def check(sessions: Sessions, event: ProviderEvent, *, outside: Outside) -> None:
    """Judge a callback that could not be judged when it came; after the last try it is a case for a person.

    Raises:
        OutcomeUnknown
    """
    provider = outside.provider(event.provider)
    notice = provider.parse(event.raw)
    try:
        reading = await _confirm(provider, notice, outside=outside)
    except ForgedCallback:
        await transact(sessions, partial(_reject, event_id=event.id, now=outside.clock.now()))
        return
    await _settle(sessions, provider, notice, raw=event.raw, reading=reading, outside=outside)


async def _is_judged(sessions: Sessions, provider: Provider, notice: Notice) -> bool:
    async with transaction(sessions) as session:
        known = await session.scalar(select(ProviderEvent.status).where(*_same(provider.name, notice)))
    return known not in {None, EventStatus.WAITING}


async def _confirm(provider: Provider, notice: Notice, *, outside: Outside) -> Confirmed | None:
    reading: Confirmed | None
    match notice.kind:
        case None:
            return None
        case ObjectKind.PAYMENT:
            reading = await provider.read(notice.object_id)
        case ObjectKind.REFUND:
            reading = await provider.read_refund(notice.object_id)
        case ObjectKind.DISPUTE:
            reading = await outside.dispute_desks[provider.name].read(notice.object_id)
    if reading is None or not notice.agrees_with(reading):
        raise ForgedCallback
    return reading


async def _settle(
    sessions: Sessions,
    provider: Provider,
    notice: Notice,
    *,
    raw: bytes,
    reading: Confirmed | None,
    outside: Outside,
) -> None:
    now = outside.clock.now()
    apply = partial(_apply, notice=notice, reading=reading, provider=provider, now=now)

    async def judge(session: Session) -> Verdict:
        event = await _store_locked(session, provider.name, notice, raw=raw, now=now)
        if event.status != EventStatus.WAITING:
            return Verdict(EventStatus(event.status))
        verdict = await apply(session)
        _write(event, verdict, now=now)
        return verdict

    verdict = await transact(sessions, judge)
    if verdict.attempt is not None:
        await outside.states.put(verdict.attempt.id, verdict.attempt.status)


async def _apply(
    session: Session,
    *,
    notice: Notice,
    reading: Confirmed | None,
    provider: Provider,
    now: datetime,
) -> Verdict:
    if notice.kind is None:
        return Verdict(EventStatus.REJECTED, "we have no use for this event")
    if reading is None:
        return Verdict(EventStatus.WAITING, "the provider has not confirmed it yet")
    if isinstance(reading, RefundReading):
        return await refunds.apply(session, reading=reading, provider=provider.name, now=now)
    if isinstance(reading, DisputeReading):
        return await disputes.apply(session, reading=reading, provider=provider.name, now=now)
    link_ends_at = now + provider.capabilities.link_lifetime
    return await outcomes.apply(
        session, reading=reading, provider=provider.name, link_ends_at=link_ends_at, now=now
    )


async def _store_locked(
    session: Session, provider: str, notice: Notice, *, raw: bytes, now: datetime
) -> ProviderEvent:
    fresh = {
        "id": new_id(),
        "provider": provider,
        "event": notice.event,
        "object_id": notice.object_id,
        "raw": raw,
        "status": EventStatus.WAITING,
        "received_at": now,
        "next_check_at": now + pause_after(0),
    }
    new = insert(ProviderEvent).values(fresh).on_conflict_do_nothing().returning(ProviderEvent)
    if (stored := await session.scalar(new)) is not None:
        return stored
    known = select(ProviderEvent).where(*_same(provider, notice)).with_for_update()
    return (await session.scalars(known)).one()


def _same(provider: str, notice: Notice) -> tuple[ColumnElement[bool], ...]:
    event = ProviderEvent
    return (event.provider == provider, event.event == notice.event, event.object_id == notice.object_id)


def _write(event: ProviderEvent, verdict: Verdict, *, now: datetime) -> None:
    event.status, event.reason = verdict.status, verdict.reason
    is_given_up = verdict.status == EventStatus.WAITING and event.checks >= MAX_CHECKS
    event.case_opened_at = now if verdict.needs_person or is_given_up else None
    if verdict.status != EventStatus.WAITING:
        event.judged_at = now
    if verdict.status != EventStatus.WAITING or is_given_up:
        event.next_check_at = None
    if event.case_opened_at is not None:
        log.error("a callback needs a person", event_id=str(event.id), reason=verdict.reason)


async def _reject(session: Session, *, event_id: object, now: datetime) -> None:
    event = await session.get_one(ProviderEvent, event_id, with_for_update=True, populate_existing=True)
    if event.status == EventStatus.WAITING:
        _write(event, Verdict(EventStatus.REJECTED, "the provider does not confirm it"), now=now)
