"""Logging in by password."""

from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select

from theatre.auth import login_history, throttle, user_sessions
from theatre.auth.addresses import Device
from theatre.auth.errors import BadCredentials
from theatre.auth.models import LoginResult, User, UserSession
from theatre.auth.names import fold
from theatre.auth.resources import Resources
from theatre.auth.roles import get_holder
from theatre.auth.tokens import TokenPair
from theatre.kit.db import Session, transact, transaction
from theatre.kit.errors import TooMany


@dataclass(frozen=True)
class _Claim:
    """Who somebody claims to be: `user` is the account of that name, if there is one."""

    user: User | None
    subject: str
    password: str
    device: Device


async def log_in(resources: Resources, device: Device, *, username: str, password: str) -> TokenPair:
    """Begin a session for a login or e-mail address and its password.

    For an unknown name the same work is done as for a known one.

    Raises:
        BadCredentials: unknown name, wrong password or disabled account.
        TooMany: too many tries for this name.
        HashingBusy
    """
    async with transaction(resources.sessions) as session:
        claim = await _find_claim(session, device, username=fold(username), password=password)
    try:
        async with resources.turns.take(claim.subject):
            outcome = await _try(resources, claim)
    except TooMany:
        await _record(resources, claim, LoginResult.THROTTLED)
        raise
    if isinstance(outcome, LoginResult):
        await _record(resources, claim, outcome)
        raise BadCredentials
    await _record(resources, claim, LoginResult.SUCCEEDED)
    return outcome


async def _record(resources: Resources, claim: _Claim, result: LoginResult) -> None:
    attempt = login_history.Attempt(user=claim.user, device=claim.device, result=result)
    await login_history.record(resources, attempt)


async def _find_claim(session: Session, device: Device, *, username: str, password: str) -> _Claim:
    was_here = exists().where(and_(UserSession.user_id == User.id, UserSession.address == device.address))
    query = select(User, was_here).where(or_(User.login_key == username, User.email_key == username))
    found = (await session.execute(query)).one_or_none()
    user, is_known_device = found if found else (None, False)
    subject = throttle.subject_of(username, device.address if is_known_device else "")
    return _Claim(user, subject, password, device)


async def _try(resources: Resources, claim: _Claim) -> TokenPair | LoginResult:
    user = claim.user
    with resources.hasher.place():
        now = resources.now()
        await transact(
            resources.sessions, lambda session: throttle.take_guess(session, claim.subject, now=now)
        )
        right = await resources.hasher.verify(user.password_hash if user else None, claim.password)
        if not right or user is None:
            return LoginResult.WRONG_PASSWORD
        fresh_hash = user.password_hash
        if resources.hasher.is_outdated(fresh_hash):
            fresh_hash = await resources.hasher.hash(claim.password)
    return await transact(
        resources.sessions,
        lambda session: _enter(session, resources, claim, verified=user, fresh_hash=fresh_hash),
    )


async def _enter(
    session: Session, resources: Resources, claim: _Claim, *, verified: User, fresh_hash: str
) -> TokenPair | LoginResult:
    user = await session.get(User, verified.id, with_for_update=True)
    # a password change that came between moves `updated_at`, a new hash of the same password does not
    if user is None or user.updated_at != verified.updated_at:
        return LoginResult.WRONG_PASSWORD
    if not user.is_active:
        return LoginResult.BLOCKED
    now = resources.now()
    user.password_hash = fresh_hash
    await throttle.forget(session, claim.subject)
    started = user_sessions.start(session, user, claim.device, now=now, settings=resources.settings)
    return resources.mint.make_pair(user_sessions.issue_of(started), await get_holder(session, user))
