"""Mailings: written, counted before they are made, paused, resumed, canceled."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.routing import StrictRoute
from theatre.web import admin_messages, letter_desk
from theatre.web.admin_forms import Typed, Typing, Written
from theatre.web.admin_message_lists import MAILINGS, runs_of
from theatre.web.admin_message_schemas import Mailing, Reach
from theatre.web.desk import Act, CurrentDesk, Desk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.resources import own_form
from theatre.web.staff_doors import NOTIFICATION


class MailingForm(Typing):
    """A new mailing."""

    name: Typed = ""
    category: Typed = ""
    title_ru: Typed = ""
    text_ru: Written = ""
    title_en: Typed = ""
    text_en: Written = ""
    link: Typed = ""
    template_code: Typed = ""
    values: Written = ""
    audience: Typed = ""
    user_ids: Annotated[str, Form(max_length=450_000)] = ""
    starts_at: Typed = ""
    cron: Typed = ""
    zone: Typed = ""
    rate_per_minute: Typed = ""


router = APIRouter(prefix=MAILINGS.path, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_mailings(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show mailings with how they stand."""
    return desk.show("mailings.html", {"listed": await desk.list(MAILINGS, request.query_params), **said})


@router.get("/new")
async def show_new(desk: CurrentDesk, said: Said, user_id: UUID | None = None) -> Response:
    """Show the form of a new mailing; with `user_id`, of one to that person."""
    named = {"audience": "users", "user_ids": str(user_id)} if user_id else {}
    return await _show_form(desk, named, more=said)


@router.post("/new", dependencies=[Depends(own_form)])
async def change_draft(desk: CurrentDesk, form: Annotated[MailingForm, Form()]) -> Response:
    """Go back from the count to what was typed."""
    return await _show_form(desk, form.model_dump())


@router.post("/count", dependencies=[Depends(own_form)])
async def count(desk: CurrentDesk, form: Annotated[MailingForm, Form()]) -> Response:
    """Show whom a mailing would reach, before it is made."""
    typed = form.model_dump()
    act = Act(path="/mailings/dry_run", body=admin_messages.counted_of(typed), doors=NOTIFICATION)
    try:
        reach = await desk.act(act, Reach)
    except Declined as declined:
        return await _show_refused(desk, typed, declined)
    return desk.show("mailing_count.html", {"typed": typed, "reach": reach})


@router.post("", dependencies=[Depends(own_form)])
async def create_mailing(desk: CurrentDesk, form: Annotated[MailingForm, Form()]) -> Response:
    """Make a mailing; what was typed stays if it is refused."""
    typed = form.model_dump()
    body = admin_messages.mailing_of(typed, desk.visit.zone)
    act = Act(path="/mailings", key=f"{form.key}-mailing", body=body, doors=NOTIFICATION)
    try:
        made = await desk.act(act, Mailing)
    except Declined as declined:
        return await _show_refused(desk, typed, declined)
    return go_to(f"{MAILINGS.path}/{made.id}", note="mailing_created")


@router.get("/{mailing_id}")
async def show_mailing(desk: CurrentDesk, said: Said, request: Request, mailing_id: UUID) -> Response:
    """Show one mailing and the times that it went out."""
    mailing = await desk.read(f"/mailings/{mailing_id}", Mailing, doors=NOTIFICATION)
    listed = await desk.list(runs_of(mailing_id), request.query_params)
    return desk.show("mailing.html", {"mailing": mailing, "listed": listed, **said})


@router.post("/{mailing_id}/{decision}", dependencies=[Depends(own_form)])
async def decide(
    desk: CurrentDesk, mailing_id: UUID, decision: Literal["pause", "resume", "cancel"]
) -> Response:
    """Pause a mailing, go on with it or end it."""
    act = Act(path=f"/mailings/{mailing_id}/{decision}", doors=NOTIFICATION)
    return await desk.act_and_return(act, back=f"{MAILINGS.path}/{mailing_id}", note=f"mailing_{decision}")


async def _show_form(
    desk: Desk, typed: Mapping[str, str], *, status: int = 200, more: Mapping[str, object] | None = None
) -> Response:
    templates = await letter_desk.list_mailable(desk)
    given = {"templates": templates, "typed": typed, "wrong": {}, **(more or {})}
    return desk.show("mailing_new.html", given, status=status)


async def _show_refused(desk: Desk, typed: Mapping[str, str], declined: Declined) -> Response:
    more = {"wrong": admin_messages.beside(declined.faults), "fault": declined.word}
    return await _show_form(desk, typed, status=400, more=more)
