"""Mailings: one text for many, at a time or again and again, and what staff decide of them.

They go out in `mailing_runs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.notification import packaged, template_versions
from theatre.notification.contents import Content
from theatre.notification.errors import MailingNotFound, MailingOver, UnfitMailing, Unwanted
from theatre.notification.kinds import Category, MailingData
from theatre.notification.lines import Lines
from theatre.notification.models import (
    MAILING_TRANSITIONS,
    Mailing,
    MailingRun,
    MailingStatus,
    RunStatus,
)
from theatre.notification.schedules import next_moment
from theatre.notification.wordings import Wording

KEYS = UUID("01a215a0-0000-7000-8000-000000000027")
"""The space in which keys of mailings are turned into ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A mailing to be made: what it says, to whom, when and how fast. Without `starts_at` and `cron`: at once."""

    name: str
    category: Category
    lines: Lines
    link: str
    template_code: str | None
    values: Mapping[str, str]
    audience: Mapping[str, Any]
    rate_per_minute: int
    starts_at: datetime | None
    cron: str | None
    zone: str
    author_id: UUID


async def create_once(session: Session, plan: Plan, key: str, *, now: datetime) -> UUID:
    """Make a mailing for a key; with one that is known, change nothing. Gives the id that belongs to the key."""
    mailing_id = uuid5(KEYS, key)
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
    if await session.get(Mailing, mailing_id) is None:
        await create(session, plan, now=now, mailing_id=mailing_id)
    return mailing_id


async def create(session: Session, plan: Plan, *, now: datetime, mailing_id: UUID | None = None) -> Mailing:
    """Make a mailing. Its template is used as it is now, whatever becomes of it.

    Raises:
        TemplateNotFound
        UnfitMailing: a value of the template is missing, or it has none of that name.
    """
    version = await _check_template(session, plan) if plan.template_code else None
    begins_at = max(plan.starts_at or now, now)
    planned_at = next_moment(plan.cron, plan.zone, after=begins_at) if plan.cron else begins_at
    mailing = Mailing(
        id=mailing_id or new_id(),
        name=plan.name,
        category=plan.category,
        lines=plan.lines,
        link=plan.link,
        template_code=plan.template_code,
        template_version=version,
        values=dict(plan.values),
        audience=dict(plan.audience),
        rate_per_minute=plan.rate_per_minute,
        cron=plan.cron,
        zone=plan.zone,
        status=MailingStatus.SCHEDULED,
        planned_at=planned_at,
        due_at=planned_at,
        turn=0,
        author_id=plan.author_id,
        created_at=now,
    )
    session.add(mailing)
    await session.flush()
    return mailing


async def _check_template(session: Session, plan: Plan) -> int:
    code = plan.template_code or ""
    if code in packaged.list_codes():
        raise UnfitMailing("The templates of the house are not for mailings.")
    template = await template_versions.find_template(session, code)
    declared = (await template_versions.get_version(session, code, template.active_version)).variables
    faults = [
        *({"code": "missing_variable", "name": name} for name in declared.keys() - plan.values.keys()),
        *({"code": "undeclared_variable", "name": name} for name in plan.values.keys() - declared.keys()),
    ]
    if faults:
        errors = [
            {
                "field": f"values.{fault['name']}",
                "code": fault["code"],
                "message": f"{fault['name']}: {fault['code']}",
            }
            for fault in sorted(faults, key=lambda fault: fault["name"])
        ]
        raise UnfitMailing(errors=errors)
    return template.active_version


def find(*, status: MailingStatus | None = None) -> Listing[Mailing]:
    """List mailings, newest first."""
    rows = select(Mailing)
    if status is not None:
        rows = rows.where(Mailing.status == status)
    return Listing(rows, keys=(Mailing.id,))


async def get(session: Session, mailing_id: UUID, *, is_locked: bool = False) -> Mailing:
    """Read a mailing, locked if that is asked for.

    Raises:
        MailingNotFound
    """
    mailing = await session.get(Mailing, mailing_id, with_for_update=is_locked, populate_existing=is_locked)
    if mailing is None:
        raise MailingNotFound
    return mailing


async def find_newest_run(session: Session, mailing_id: UUID) -> MailingRun | None:
    """Read the newest run of a mailing."""
    runs = select(MailingRun).where(MailingRun.mailing_id == mailing_id)
    return await session.scalar(runs.order_by(MailingRun.planned_at.desc()).limit(1))


async def find_newest_runs(session: Session, mailing_ids: Sequence[UUID]) -> Mapping[UUID, MailingRun]:
    """Read the newest run of each of these mailings that has one."""
    runs = select(MailingRun.id).where(MailingRun.mailing_id == Mailing.id)
    newest = runs.order_by(MailingRun.planned_at.desc()).limit(1).correlate(Mailing).scalar_subquery()
    wanted = select(MailingRun).join(Mailing, MailingRun.id == newest).where(Mailing.id.in_(mailing_ids))
    return {run.mailing_id: run for run in await session.scalars(wanted)}


def find_runs(mailing_id: UUID) -> Listing[MailingRun]:
    """List the runs of a mailing, newest first."""
    rows = select(MailingRun).where(MailingRun.mailing_id == mailing_id)
    return Listing(rows, keys=(MailingRun.planned_at,))


async def pause(session: Session, mailing_id: UUID) -> Mailing:
    """Let nobody else be told until it is resumed; repeating it changes nothing. Locks the mailing.

    Raises:
        MailingNotFound, MailingOver
    """
    mailing = await get(session, mailing_id, is_locked=True)
    if mailing.status != MailingStatus.PAUSED:
        move(mailing, MailingStatus.PAUSED)
    return mailing


async def resume(session: Session, mailing_id: UUID, *, now: datetime) -> Mailing:
    """Go on where it was paused; of moments that passed meanwhile, one that was named counts now and cron's do not.

    Repeating it changes nothing. Locks the mailing.

    Raises:
        MailingNotFound, MailingOver
    """
    mailing = await get(session, mailing_id, is_locked=True)
    if mailing.status in {MailingStatus.SCHEDULED, MailingStatus.RUNNING}:
        return mailing
    run = await find_newest_run(session, mailing_id)
    if run is not None and run.status == RunStatus.RUNNING:
        move(mailing, MailingStatus.RUNNING, due_at=now)
        return mailing
    if mailing.cron and mailing.planned_at <= now:
        mailing.planned_at = next_moment(mailing.cron, mailing.zone, after=now)
    move(mailing, MailingStatus.SCHEDULED, due_at=mailing.planned_at)
    return mailing


async def cancel(session: Session, mailing_id: UUID, *, now: datetime) -> Mailing:
    """End a mailing; what of it waits to be mailed is not. Repeating it changes nothing. Locks the mailing.

    Raises:
        MailingNotFound, MailingOver: it has gone out.
    """
    mailing = await get(session, mailing_id, is_locked=True)
    if mailing.status == MailingStatus.CANCELED:
        return mailing
    move(mailing, MailingStatus.CANCELED)
    run = await find_newest_run(session, mailing_id)
    if run is not None and run.status == RunStatus.RUNNING:
        run.status, run.ended_at = RunStatus.CANCELED, now
    return mailing


def move(mailing: Mailing, status: MailingStatus, *, due_at: datetime | None = None) -> None:
    """Bring a locked mailing into another state; whoever has a turn at it loses it.

    Raises:
        MailingOver: nothing leads there.
    """
    if status not in MAILING_TRANSITIONS[MailingStatus(mailing.status)]:
        raise MailingOver
    mailing.status, mailing.due_at = status, due_at
    mailing.turn += 1


async def read_content(session: Session, data: MailingData) -> tuple[Content, Wording | None]:
    """Read what a mailing says, and the wording that it was made with.

    Raises:
        Unwanted: it was canceled.
        MailingNotFound
    """
    mailing = await get(session, data.mailing_id)
    if mailing.status == MailingStatus.CANCELED:
        raise Unwanted("The mailing was canceled.")
    content = Content(mailing.template_code or data.template, mailing.lines, mailing.link, mailing.values)
    if mailing.template_code is None or mailing.template_version is None:
        return content, await template_versions.find_active(session, data.template)
    version = await template_versions.get_version(session, mailing.template_code, mailing.template_version)
    return content, template_versions.wording_of(version)
