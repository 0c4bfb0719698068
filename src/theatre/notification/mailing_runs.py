"""How mailings go out: by pages, each told in one transaction with the place where to go on.

A worker that takes a mailing pushes its `due_at` ahead: that is its lease, so no two fire it. Who dies with it loses
it, and the next one goes on after the last page. A page that is told again tells nobody twice: a notification's
`dedupe_key` is made of run and user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from theatre.contracts.auth import AuthClient
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.notification import audiences, mailings, notifications
from theatre.notification.kinds import Category, Kind, MailingData
from theatre.notification.models import Mailing, MailingRun, MailingStatus, RunStatus
from theatre.notification.notifications import About, News
from theatre.notification.schedules import next_moment

LEASE = timedelta(seconds=60)
MOST_IN_PAGE = 200
# a page every so often, if the rate is not so high that pages become too long
PACE = timedelta(seconds=5)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """A run that is ours to go on with for the time of a lease."""

    mailing_id: UUID
    run_id: UUID
    turn: int
    audience: dict[str, Any]
    after: UUID | None
    limit: int
    is_counted: bool


async def advance(sessions: Sessions, auth: AuthClient, *, clock: Clock) -> bool:
    """Tell one page of one mailing that is due; False if none is.

    Raises:
        Unknown, Refused: auth does not say whom to tell. The lease runs out, then it is tried again.
    """
    async with transaction(sessions) as session:
        turn = await take_due(session, now=clock.now())
    if turn is None:
        return False
    total = None if turn.is_counted else await audiences.count(auth, turn.audience)
    user_ids = await audiences.list_page(auth, turn.audience, after=turn.after, limit=turn.limit)
    async with transaction(sessions) as session:
        told = await tell(session, turn, user_ids, total=total, now=clock.now())
    log.info("mailing", id=str(turn.mailing_id), run=str(turn.run_id), told=told, page=len(user_ids))
    return True


async def take_due(session: Session, *, now: datetime) -> Turn | None:
    """Take the mailing that has been due longest, if there is one that nobody else is taking; open its run if it has
    none.
    """
    due = (
        select(Mailing)
        .where(Mailing.due_at <= now)
        .order_by(Mailing.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    mailing = await session.scalar(due)
    if mailing is None:
        return None
    if mailing.status == MailingStatus.SCHEDULED:
        await _open(session, mailing, now=now)
        mailings.move(mailing, MailingStatus.RUNNING, due_at=now + LEASE)
    mailing.due_at, mailing.turn = now + LEASE, mailing.turn + 1
    run = await _get_open(session, mailing.id)
    return Turn(
        mailing_id=mailing.id,
        run_id=run.id,
        turn=mailing.turn,
        audience=mailing.audience,
        after=run.cursor,
        limit=page_size(mailing.rate_per_minute),
        is_counted=run.total is not None,
    )


async def _open(session: Session, mailing: Mailing, *, now: datetime) -> None:
    row = insert(MailingRun).values(
        id=new_id(),
        mailing_id=mailing.id,
        planned_at=mailing.planned_at,
        status=RunStatus.RUNNING,
        told=0,
        started_at=now,
    )
    await session.execute(row.on_conflict_do_nothing(index_elements=["mailing_id", "planned_at"]))


async def _get_open(session: Session, mailing_id: UUID) -> MailingRun:
    runs = select(MailingRun).where(MailingRun.mailing_id == mailing_id)
    return (await session.scalars(runs.where(MailingRun.status == RunStatus.RUNNING).with_for_update())).one()


async def tell(
    session: Session, turn: Turn, user_ids: Sequence[UUID], *, total: int | None, now: datetime
) -> int:
    """Tell a page of users, and write down where to go on; nothing if the turn was lost. Gives how many were told.

    Locks mailing and run.
    """
    mailing = await mailings.get(session, turn.mailing_id, is_locked=True)
    if mailing.turn != turn.turn:
        return 0
    run = await _get_open(session, mailing.id)
    news = [_news(mailing, run.id, user_id) for user_id in user_ids]
    told = len(await notifications.accept_many(session, news, now=now)) if news else 0
    run.told += told
    run.cursor = user_ids[-1] if user_ids else run.cursor
    run.total = run.total if total is None else total
    if len(user_ids) < turn.limit:
        _end(mailing, run, now=now)
    else:
        mailing.due_at = now + pause_after(len(user_ids), mailing.rate_per_minute)
    return told


def _news(mailing: Mailing, run_id: UUID, user_id: UUID) -> News:
    return News(
        kind=Kind.MAILING,
        user_id=user_id,
        data=MailingData(mailing_id=mailing.id, run_id=run_id),
        dedupe_key=f"mailing:{run_id}:{user_id}",
        about=About(Category(mailing.category), mailing.lines, mailing.link),
    )


def _end(mailing: Mailing, run: MailingRun, *, now: datetime) -> None:
    run.status, run.ended_at = RunStatus.FINISHED, now
    if mailing.cron is None:
        mailings.move(mailing, MailingStatus.FINISHED)
        return
    # what passed while it went out, or while nobody worked, is left out
    mailing.planned_at = next_moment(mailing.cron, mailing.zone, after=max(now, mailing.planned_at))
    mailings.move(mailing, MailingStatus.SCHEDULED, due_at=mailing.planned_at)


def page_size(rate_per_minute: int) -> int:
    """Give how many to tell at a time."""
    return max(1, min(MOST_IN_PAGE, rate_per_minute * PACE // timedelta(minutes=1)))


def pause_after(told: int, rate_per_minute: int) -> timedelta:
    """Give how long to wait after a page, so that no more than the rate are told."""
    return timedelta(minutes=1) * told / rate_per_minute
