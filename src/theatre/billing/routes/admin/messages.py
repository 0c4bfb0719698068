"""Dead messages: what was put aside, why, and sending it on its way again."""

from uuid import UUID

from fastapi import APIRouter, Response

from theatre.billing import dead_messages
from theatre.billing.routes.staff import Manager, Wanted
from theatre.billing.schemas import DeadLetterAnswer
from theatre.kit.db import transaction
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get(
    "/messages/dead",
    response_model=PageAnswer[DeadLetterAnswer],
    responses=IN_OPENAPI,
    summary="Messages put aside, with the reason; the oldest of each place, all on one page",
)
async def list_dead(staff: Manager, wanted: Wanted) -> Response | PageAnswer[DeadLetterAnswer]:
    held = staff.held
    found = await dead_messages.list_all(held.sessions, held.broker, held.queues, limit=wanted.page.limit)
    items = [DeadLetterAnswer.model_validate(letter) for letter in found]
    return await wanted.give_short(staff, "dead_messages", items, kind=DeadLetterAnswer)


@router.post(
    "/messages/dead/{message_id}/replay", status_code=204, summary="Send a dead message on its way again"
)
async def replay(message_id: UUID, staff: Manager) -> None:
    async with transaction(staff.held.sessions) as session:
        was_unsent = await dead_messages.replay_unsent(session, message_id, now=staff.now)
        # before the broker is asked: a replay that nobody wrote down must not be
        await staff.record(session, "message.replay", message_id)
    if not was_unsent:
        await dead_messages.replay_letter(staff.held.broker, staff.held.queues, message_id)
