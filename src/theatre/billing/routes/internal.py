"""Billing's door for our own services: somebody begins to watch."""

from fastapi import APIRouter

from theatre.billing import entitlements
from theatre.billing.routes.doors import Held
from theatre.billing.schemas import VerdictAnswer
from theatre.contracts.billing import PREFIX, PlayStart
from theatre.kit.access import CallingService
from theatre.kit.db import InTransaction
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=PREFIX, tags=["internal"], route_class=StrictRoute)


@router.post("/plays", summary="May a user watch a film now? If so, the right is used from now on")
async def start_play(play: PlayStart, session: InTransaction, held: Held, _: CallingService) -> VerdictAnswer:
    verdict = await entitlements.use(session, play.user_id, play.film_id, now=held.clock.now())
    return VerdictAnswer.model_validate(verdict)
