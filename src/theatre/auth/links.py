"""Links by mail, used: an address is verified, a forgotten password replaced. Each holds once."""

from theatre.auth import notices, throttle, users
from theatre.auth.errors import BadLink
from theatre.auth.models import User
from theatre.auth.passwords import check_policy
from theatre.auth.resources import Resources
from theatre.contracts.auth import NoticeKind
from theatre.kit.db import Session, transact, transaction


async def verify_email(resources: Resources, token: str) -> None:
    """Mark the address of an account as verified: its owner has read a mail there.

    Raises:
        BadLink
    """
    notice_id = resources.mint.read_link_token(token, NoticeKind.VERIFY_EMAIL)
    if notice_id is None:
        raise BadLink
    now = resources.now()
    async with transaction(resources.sessions) as session:
        user = await notices.open_link(session, notice_id, now=now)
        user.email_verified = True
        await notices.end_links(session, user.id, NoticeKind.VERIFY_EMAIL, now=now)


async def reset_password(resources: Resources, token: str, password: str) -> None:
    """Set another password for who can read the account's mail. Ends all sessions, forgets wrong tries.

    Raises:
        BadLink
        WeakPassword, HashingBusy: the link goes on holding.
    """
    notice_id = resources.mint.read_link_token(token, NoticeKind.RESET_PASSWORD)
    if notice_id is None:
        raise BadLink
    async with transaction(resources.sessions) as session:
        user = await notices.open_link(session, notice_id, now=resources.now())
    check_policy(password, login=user.login, email=user.email)
    with resources.hasher.place():
        password_hash = await resources.hasher.hash(password)

    async def replace(session: Session) -> None:
        owner = await notices.open_link(session, notice_id, now=resources.now())
        await _replace(session, owner, password_hash, resources=resources)

    await transact(resources.sessions, replace)


async def _replace(session: Session, user: User, password_hash: str, *, resources: Resources) -> None:
    user.email_verified = True
    await users.renew_password(session, user, password_hash, resources=resources)
    await throttle.forget_user(session, user)
