"""What the user was told, and what the user wants to be told."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Response

from theatre.kit.fields import Line, Word
from theatre.kit.routing import StrictRoute
from theatre.web import letters
from theatre.web.account_schemas import QuietHours
from theatre.web.errors import Declined
from theatre.web.resources import CurrentVisit, House, User, own_form, see_other
from theatre.web.visits import own_path

INBOX = "/account/notifications"
MAX_CATEGORIES = 20

router = APIRouter(prefix=INBOX, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_inbox(
    house: House,
    visit: CurrentVisit,
    user: User,
    *,
    cursor: Annotated[Line | None, Query()] = None,
    unread: bool = False,
    note: Annotated[Word | None, Query()] = None,
    fault: Annotated[Word | None, Query()] = None,
) -> Response:
    """Show what the user was told, and the choice of what comes by e-mail."""
    inbox, preferences = await asyncio.gather(
        letters.read_inbox(house.notification, user, cursor=cursor, only_unread=unread),
        letters.get_preferences(house.notification, user),
    )
    given = {
        "inbox": inbox,
        "preferences": preferences,
        "cursor": cursor,
        "only_unread": unread,
        "note": note,
        "fault": fault,
    }
    return house.pages.render(visit, "inbox.html", given)


@router.post("/{item_id}/open", dependencies=[Depends(own_form)])
async def open_item(house: House, user: User, item_id: UUID) -> Response:
    """Mark one as read, and go where it leads."""
    item = await letters.mark_read(house.notification, user, item_id)
    return see_other(own_path(item.link))


@router.post("/read_all", dependencies=[Depends(own_form)])
async def read_all(house: House, user: User) -> Response:
    """Mark all as read."""
    await letters.mark_all_read(house.notification, user)
    return see_other(INBOX)


@router.post("/preferences", dependencies=[Depends(own_form)])
async def choose(
    house: House,
    user: User,
    *,
    wanted: Annotated[list[Word], Form(max_length=MAX_CATEGORIES)] = [],  # noqa: B006 - FastAPI copies it
    is_quiet: Annotated[bool, Form()] = False,
    starts: Annotated[Word, Form()] = "22:00",
    ends: Annotated[Word, Form()] = "08:00",
    zone: Annotated[Line, Form()] = "UTC",
) -> Response:
    """Choose what comes by e-mail, and when it does not."""
    quiet_hours = QuietHours(starts=starts, ends=ends, zone=zone) if is_quiet else None
    try:
        await letters.choose_preferences(house.notification, user, wanted=wanted, quiet_hours=quiet_hours)
    except Declined as declined:
        return see_other(INBOX, fault=declined.word)
    return see_other(INBOX, note="preferences_chosen")
