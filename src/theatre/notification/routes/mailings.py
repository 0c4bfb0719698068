"""Mailings for staff: one text for many, at a time or by cron; paused, resumed, canceled; counted before they go."""

from uuid import UUID

from fastapi import APIRouter, Response

from theatre.kit.db import InTransaction, Session, transaction
from theatre.kit.editors import Editor
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.notification import audiences, mailings, preferences
from theatre.notification.mailing_schemas import (
    DryRunAnswer,
    DryRunBody,
    MailingBody,
    MailingDetails,
    NamedField,
    RunAnswer,
)
from theatre.notification.models import MailingStatus
from theatre.notification.resources import Resources
from theatre.notification.routes.doors import PUBLIC, PageWanted
from theatre.notification.routes.staff import Staff

router = APIRouter(prefix=f"{PUBLIC}/mailings", tags=["notification: staff"], route_class=StrictRoute)


@router.get("", summary="Mailings, newest first, each with how far its newest run has come")
async def list_mailings(
    _: Staff, session: InTransaction, page: PageWanted, status: MailingStatus | None = None
) -> PageAnswer[MailingDetails]:
    found = await read_page(session, mailings.find(status=status), page)
    runs = await mailings.find_newest_runs(session, [mailing.id for mailing in found.items])
    items = [MailingDetails.of(mailing, runs.get(mailing.id)) for mailing in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.post(
    "", status_code=201, response_model=MailingDetails, summary="Make a mailing; it goes out when it is time"
)
async def create_mailing(body: MailingBody, staff: Staff) -> Response:
    async def make(session: Session) -> MailingDetails:
        answer = MailingDetails.of(await mailings.create(session, body.plan(staff.id), now=staff.now))
        await staff.record(session, "mailing.create", answer.id, after=answer.model_dump(mode="json"))
        return answer

    return await staff.make(make)


@router.post("/dry_run", summary="Count whom a mailing would reach; nobody is told")
async def dry_run(body: DryRunBody, staff: Staff) -> DryRunAnswer:
    total = await audiences.count(staff.held.auth, body.audience.model_dump(mode="json"))
    named = set(body.audience.user_ids) if isinstance(body.audience, NamedField) else None
    async with transaction(staff.held.sessions) as session:
        without = await preferences.count_without_mail(session, body.category, named)
    return DryRunAnswer(total=total, without_mail=without)


@router.get("/{mailing_id}", summary="A mailing, and how far its newest run has come")
async def get_mailing(mailing_id: UUID, _: Staff, session: InTransaction) -> MailingDetails:
    mailing = await mailings.get(session, mailing_id)
    return MailingDetails.of(mailing, await mailings.find_newest_run(session, mailing_id))


@router.get("/{mailing_id}/runs", summary="The times that a mailing went out, newest first")
async def list_runs(
    mailing_id: UUID, _: Staff, session: InTransaction, page: PageWanted
) -> PageAnswer[RunAnswer]:
    await mailings.get(session, mailing_id)
    found = await read_page(session, mailings.find_runs(mailing_id), page)
    items = [RunAnswer.model_validate(run) for run in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.post("/{mailing_id}/pause", summary="Tell nobody else until it is resumed")
async def pause_mailing(mailing_id: UUID, staff: Staff, session: InTransaction) -> MailingDetails:
    await mailings.pause(session, mailing_id)
    return await record(staff, session, mailing_id, "mailing.pause")


@router.post("/{mailing_id}/resume", summary="Go on where it was paused")
async def resume_mailing(mailing_id: UUID, staff: Staff, session: InTransaction) -> MailingDetails:
    await mailings.resume(session, mailing_id, now=staff.now)
    return await record(staff, session, mailing_id, "mailing.resume")


@router.post("/{mailing_id}/cancel", summary="End it; what of it waits to be mailed is not")
async def cancel_mailing(mailing_id: UUID, staff: Staff, session: InTransaction) -> MailingDetails:
    await mailings.cancel(session, mailing_id, now=staff.now)
    return await record(staff, session, mailing_id, "mailing.cancel")


async def record(staff: Editor[Resources], session: Session, mailing_id: UUID, action: str) -> MailingDetails:
    """Write down what was done to a mailing, and answer with it."""
    mailing = await mailings.get(session, mailing_id)
    answer = MailingDetails.of(mailing, await mailings.find_newest_run(session, mailing_id))
    await staff.record(session, action, mailing_id, after={"status": answer.status})
    return answer
