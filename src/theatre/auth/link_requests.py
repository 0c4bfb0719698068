"""Requests for links by mail.

The door that takes one does not look whether the address is anybody's, so neither its answer nor its time can tell; a
job does, a second later.
"""

from datetime import datetime

from sqlalchemy import delete, select

from theatre.auth import notices
from theatre.auth.models import LinkRequest, User
from theatre.auth.names import fold
from theatre.auth.resources import Resources
from theatre.auth.settings import AuthSettings
from theatre.auth.throttle import subject_of
from theatre.contracts.auth import NoticeKind
from theatre.kit.db import Session, transaction
from theatre.kit.ids import new_id

BATCH = 100


async def add(resources: Resources, kind: NoticeKind, email: str, *, network: str) -> None:
    """Take a request; the same work for every address.

    Raises:
        TooMany: too many for this address, or from this network.
    """
    settings, email_key = resources.settings, fold(email)
    await resources.rate_limit.hit(settings.link_rate, "link", network)
    await resources.rate_limit.hit(settings.link_email_rate, "link", kind, subject_of(email_key))
    asked = LinkRequest(id=new_id(), kind=kind, email_key=email_key, created_at=resources.now())
    async with transaction(resources.sessions) as session:
        session.add(asked)


async def answer_waiting(session: Session, *, now: datetime, settings: AuthSettings) -> None:
    """Answer a batch of requests, taking those that nobody else is taking: one link for each account and kind.

    Nobody is written to whose account is disabled, or whose address is verified already.
    """
    waiting = select(LinkRequest.id).order_by(LinkRequest.id).limit(BATCH).with_for_update(skip_locked=True)
    taken = (
        delete(LinkRequest)
        .where(LinkRequest.id.in_(waiting))
        .returning(LinkRequest.kind, LinkRequest.email_key)
    )
    wanted = {(NoticeKind(kind), key) for kind, key in await session.execute(taken)}
    if not wanted:
        return
    found = await session.scalars(
        select(User).where(User.email_key.in_({key for _, key in wanted}), User.is_active)
    )
    users = {user.email_key: user for user in found}
    for kind, key in sorted(wanted):
        user = users.get(key)
        if user is not None and not (kind is NoticeKind.VERIFY_EMAIL and user.email_verified):
            notices.request(session, user, kind, now=now, settings=settings)
