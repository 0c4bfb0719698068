"""A user's own inbox. The language is that of `Accept-Language`."""

from uuid import UUID

from fastapi import APIRouter

from theatre.kit.db import InTransaction
from theatre.kit.listing import read_page
from theatre.kit.routing import StrictRoute
from theatre.notification import inbox
from theatre.notification.routes.doors import PUBLIC, AReader, PageWanted
from theatre.notification.schemas import InboxAnswer, ItemAnswer, UnreadAnswer

router = APIRouter(prefix=f"{PUBLIC}/inbox", tags=["inbox"], route_class=StrictRoute)


@router.get("", summary="What I was told, newest first; with `unread=true` what I have not read")
async def list_items(
    reader: AReader, session: InTransaction, page: PageWanted, unread: bool = False
) -> InboxAnswer:
    found = await read_page(session, inbox.find(reader.id, only_unread=unread), page)
    return InboxAnswer(
        items=[ItemAnswer.of(item, reader.locale) for item in found.items],
        next_cursor=found.next_cursor,
        unread=await inbox.count_unread(session, reader.id),
    )


@router.post("/read_all", summary="Mark all as read")
async def read_all(reader: AReader, session: InTransaction) -> UnreadAnswer:
    await inbox.read_all(session, reader.id, now=reader.now)
    return UnreadAnswer(unread=await inbox.count_unread(session, reader.id))


@router.post("/{item_id}/read", summary="Mark one as read; it stays read since the first time")
async def read_item(item_id: UUID, reader: AReader, session: InTransaction) -> ItemAnswer:
    return ItemAnswer.of(await inbox.read(session, reader.id, item_id, now=reader.now), reader.locale)
