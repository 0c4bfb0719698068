"""Rounds of renewals: all that are due, some side by side, each in a transaction of its own."""

import asyncio
from dataclasses import dataclass
from functools import partial

from theatre.billing import renewals
from theatre.billing.renewals import Due
from theatre.billing.settings import BillingSettings
from theatre.contracts.auth import AuthClient
from theatre.kit.clock import Clock
from theatre.kit.db import Sessions, transact
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger

SIDE_BY_SIDE = 4
NOT_FOUND = 404

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """What a round needs. Auth is asked whether there still is somebody to be charged."""

    sessions: Sessions
    auth: AuthClient
    settings: BillingSettings
    clock: Clock


async def renew_due(work: Round) -> None:
    """Renew all that is due. What breaks holds up nothing else, and is looked at again when its claim has run out."""
    while due := await transact(work.sessions, partial(renewals.claim_due, now=work.clock.now())):
        limit = asyncio.Semaphore(SIDE_BY_SIDE)
        ends = await asyncio.gather(*(_renew(work, each, limit) for each in due), return_exceptions=True)
        for fault in ends:
            if isinstance(fault, BaseException):
                raise fault


async def _renew(work: Round, due: Due, limit: asyncio.Semaphore) -> None:
    async with limit:
        is_there = await _is_there(work, due)
        if is_there is None:
            return
        look = partial(renewals.renew, settings=work.settings, now=work.clock.now())
        verb = partial(look if is_there else renewals.stop, subscription_id=due.subscription_id)
        await transact(work.sessions, verb)


async def _is_there(work: Round, due: Due) -> bool | None:
    """Tell whether the user may still be charged: not who was locked out or is gone. None: auth does not answer."""
    try:
        return (await work.auth.contact(due.user_id)).is_active
    except Refused as error:
        if error.refused_status == NOT_FOUND:
            return False
        log.warning("not known who is to be charged", user_id=str(due.user_id), cause=repr(error))
    except Unknown as error:
        log.warning("not known who is to be charged", user_id=str(due.user_id), cause=repr(error))
    return None
