"""Delivering: claim what is due, ask auth for the address, write, send, record. No transaction is open meanwhile.

A claim is a lease: who dies with it loses it, and the next try carries the same Message-ID. The number of tries tells
the present holder from an earlier one.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from theatre.contracts.auth import AuthClient
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.errors import Problem, Transient
from theatre.kit.faults import describe
from theatre.kit.http import Refused
from theatre.kit.logging import get_logger
from theatre.kit.metrics import DELIVERIES
from theatre.kit.telemetry import resumed
from theatre.notification import mailings, preferences, template_versions
from theatre.notification.channels import Channel
from theatre.notification.contents import Content
from theatre.notification.errors import Deferred, Undeliverable, Unwanted, Unwritable
from theatre.notification.kinds import DATA_OF, Category, Data, Kind, MailingData, NoticeData
from theatre.notification.mails import Letter, Writer
from theatre.notification.models import (
    CLAIMABLE,
    GIVE_UP_AFTER,
    ChannelName,
    Delivery,
    DeliveryStatus,
    Notification,
)
from theatre.notification.preferences import NO_WISHES, Wishes
from theatre.notification.wordings import Wording

BATCH = 16
TRY_SECONDS = 40
# longer than a try may take, and short enough that a killed worker's deliveries go out within a minute
LEASE = timedelta(seconds=50)
# more than fit into the time of giving up: only what ends its worker each time gets here
MAX_TRIES = 5_000
FIRST_PAUSE_SECONDS = 5.0
MAX_PAUSE_AWAY_SECONDS = 30.0
MAX_PAUSE_DEFERRED_SECONDS = 900.0
ABSENT = 404
NOTHING_TO_WRITE = "the link does not hold any more, or the account is disabled"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours for the time of a lease."""

    id: UUID
    tries: int
    created_at: datetime
    kind: str
    user_id: UUID
    data: dict[str, Any]
    trace: str | None
    channel: str
    category: Category
    give_up_at: datetime
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a delivery after a try; `pause` only where it is tried again, and the day of giving up begins
    anew where it `is_postponed`.
    """

    status: DeliveryStatus
    error: str | None = None
    pause: timedelta = timedelta()
    is_postponed: bool = False


@dataclass(frozen=True)
class Post:
    """All that a try needs: who knows addresses, who writes, who carries."""

    auth: AuthClient
    writer: Writer
    channel: Channel
    sessions: Sessions


async def deliver_due(sessions: Sessions, post: Post, *, clock: Clock) -> bool:
    """Deliver one batch of what is due, side by side; tell whether there may be more."""
    async with transaction(sessions) as session:
        claims = await claim_due(session, now=clock.now())
    tries = [_deliver(sessions, claim, post, clock=clock) for claim in claims]
    results = await asyncio.gather(*tries, return_exceptions=True)
    if defects := [result for result in results if isinstance(result, Exception)]:
        raise ExceptionGroup("deliveries whose outcome was not recorded", defects)
    return len(claims) == BATCH


async def _deliver(sessions: Sessions, claim: Claim, post: Post, *, clock: Clock) -> None:
    with resumed("deliver", claim.trace):
        outcome = await attempt(claim, post, now=clock.now())
        async with transaction(sessions) as session:
            is_ours = await record(session, claim, outcome, now=clock.now())
        if is_ours:
            DELIVERIES.labels(claim.channel, outcome.status).inc()
        log.info("delivery", id=str(claim.id), status=outcome.status, error=outcome.error, is_ours=is_ours)


async def claim_due(session: Session, *, now: datetime) -> list[Claim]:
    """Claim up to a batch of due deliveries, locking rows that nobody else is claiming. Counts the try."""
    due = (
        select(Delivery.id)
        .where(Delivery.status.in_(CLAIMABLE), Delivery.next_try_at <= now)
        .order_by(Delivery.next_try_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(Delivery)
        .where(Delivery.id == due.c.id, Notification.id == Delivery.notification_id)
        .values(status=DeliveryStatus.SENDING, tries=Delivery.tries + 1, next_try_at=now + LEASE)
        .returning(
            Delivery.id,
            Delivery.tries,
            Delivery.created_at,
            Notification.kind,
            Notification.user_id,
            Notification.data,
            Notification.trace,
            Delivery.channel,
            Notification.category,
            Delivery.give_up_at,
        )
        .execution_options(synchronize_session=False)
    )
    rows = (await session.execute(claimed)).all()
    wishes = await preferences.find_many(session, {row.user_id for row in rows}) if rows else {}
    return [_claim_of(row, wishes.get(row.user_id, NO_WISHES)) for row in rows]


def _claim_of(row: Row[Any], wishes: Wishes) -> Claim:
    return Claim(**{**row._mapping, "category": Category(row.category)}, wishes=wishes)


async def oldest_due_age(session: Session, channel: ChannelName, *, now: datetime) -> timedelta:
    """Tell how long the oldest delivery by a channel has been due; zero if none is."""
    due = select(Delivery.next_try_at).where(Delivery.status.in_(CLAIMABLE), Delivery.channel == channel)
    oldest = await session.scalar(due.order_by(Delivery.next_try_at).limit(1))
    return max(now - oldest, timedelta()) if oldest else timedelta()


async def attempt(claim: Claim, post: Post, *, now: datetime) -> Outcome:
    """Try to deliver; every way it can go is an outcome."""
    if claim.tries > MAX_TRIES:
        return Outcome(DeliveryStatus.DEAD, "ended its worker too often")
    if claim.wishes.forbid_mail(claim.category):
        return Outcome(DeliveryStatus.SUPPRESSED, f"the reader wants no mail about {claim.category}")
    if until := claim.wishes.quiet_until(claim.category, now):
        reason = "waits for the end of the reader's quiet hours"
        return Outcome(DeliveryStatus.QUEUED, reason, until - now, is_postponed=True)
    try:
        async with asyncio.timeout(TRY_SECONDS):
            await _send(claim, post)
    except Refused as error:
        if error.refused_status == ABSENT:
            is_notice = claim.kind == Kind.NOTICE
            return Outcome(DeliveryStatus.FAILED, NOTHING_TO_WRITE if is_notice else "there is no such user")
        return _later(claim, error, now=now)
    except Undeliverable as error:
        return Outcome(DeliveryStatus.FAILED, error.detail)
    except Unwanted as error:
        return Outcome(DeliveryStatus.SUPPRESSED, error.detail)
    except Unwritable as error:
        return Outcome(DeliveryStatus.DEAD, error.detail)
    except (Transient, TimeoutError) as error:
        return _later(claim, error, now=now)
    return Outcome(DeliveryStatus.SENT)


async def record(session: Session, claim: Claim, outcome: Outcome, *, now: datetime) -> bool:
    """Write down what became of a claim; False if it was lost meanwhile, and another worker's word counts."""
    ours = (Delivery.id == claim.id, Delivery.status == DeliveryStatus.SENDING, Delivery.tries == claim.tries)
    due_at = now + outcome.pause
    changed = (
        update(Delivery)
        .where(*ours)
        .values(
            status=outcome.status,
            last_error=outcome.error,
            next_try_at=due_at,
            give_up_at=due_at + GIVE_UP_AFTER if outcome.is_postponed else Delivery.give_up_at,
            sent_at=now if outcome.status == DeliveryStatus.SENT else None,
        )
        .returning(Delivery.id)
    )
    return await session.scalar(changed) is not None


async def _send(claim: Claim, post: Post) -> None:
    async with transaction(post.sessions) as session:
        data, wording = await _read(session, claim)
    notice = await post.auth.notice(data.notice_id) if isinstance(data, NoticeData) else None
    contact = notice.contact if notice else await post.auth.contact(claim.user_id)
    letter = Letter(claim.id, data, claim.created_at, claim.category, wording, notice)
    await post.channel.send(post.writer.write(letter, contact))


async def _read(session: Session, claim: Claim) -> tuple[Data | Content, Wording | None]:
    data = DATA_OF[Kind(claim.kind)].model_validate(claim.data)
    if isinstance(data, MailingData):
        return await mailings.read_content(session, data)
    return data, await template_versions.find_active(session, data.template)


def _later(claim: Claim, error: Problem | TimeoutError, *, now: datetime) -> Outcome:
    longest = MAX_PAUSE_DEFERRED_SECONDS if isinstance(error, Deferred) else MAX_PAUSE_AWAY_SECONDS
    pause = min(longest, FIRST_PAUSE_SECONDS * 2 ** min(claim.tries - 1, 20))
    pause = timedelta(seconds=pause * random.uniform(0.75, 1.25))
    reason = describe(error)
    if now + pause > claim.give_up_at:
        return Outcome(DeliveryStatus.DEAD, f"given up after 24 hours: {reason}")
    return Outcome(DeliveryStatus.QUEUED, reason, pause)
