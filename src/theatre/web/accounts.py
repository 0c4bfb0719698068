"""Accounts and sessions, as auth keeps them."""

from uuid import UUID

from theatre.contracts.auth import PUBLIC
from theatre.web.account_schemas import (
    DeviceSessionList,
    LoginAttempt,
    LoginAttemptList,
)
from theatre.web.schemas import Me, Nothing, Tokens
from theatre.web.upstream import Call, Headers, Upstream

SESSIONS_SHOWN = "20"
ATTEMPTS_SHOWN = "10"


async def register(auth: Upstream, *, login: str, email: str, password: str, who: Headers) -> None:
    """Open an account.

    Raises:
        Declined: the name or address is taken, or a field is not acceptable.
    """
    body = {"login": login, "email": email, "password": password}
    await auth.ask(Call(method="POST", path=f"{PUBLIC}/register", json=body, headers=who), Nothing)


async def sign_in(auth: Upstream, *, login: str, password: str, who: Headers) -> Tokens:
    """Start a session; `login` may be the e-mail address.

    Raises:
        Declined: not these credentials.
    """
    form = {"username": login, "password": password, "grant_type": "password"}
    return await auth.ask(Call(method="POST", path=f"{PUBLIC}/jwt/login", form=form, headers=who), Tokens)


async def refresh(auth: Upstream, refresh_token: str) -> Tokens:
    """Go on with a session.

    Raises:
        Unauthenticated: the session has ended.
    """
    call = Call(method="POST", path=f"{PUBLIC}/jwt/refresh", json={"refresh_token": refresh_token})
    return await auth.ask(call, Tokens)


async def sign_out(auth: Upstream, who: Headers) -> None:
    """End a session."""
    await auth.ask(Call(method="POST", path=f"{PUBLIC}/jwt/logout", headers=who), Nothing)


async def get_me(auth: Upstream, who: Headers) -> Me:
    """Tell who is signed in."""
    return await auth.ask(Call(method="GET", path=f"{PUBLIC}/users/me", headers=who), Me)


async def change_me(auth: Upstream, who: Headers, *, current_password: str, **changes: str) -> Me:
    """Change the user's `login`, `email` or `password`.

    Raises:
        Declined: the current password is wrong, the new name is taken, or a field is not acceptable.
    """
    body = {**changes, "current_password": current_password}
    return await auth.ask(Call(method="PATCH", path=f"{PUBLIC}/users/me", json=body, headers=who), Me)


async def list_sessions(auth: Upstream, who: Headers, cursor: str | None) -> DeviceSessionList:
    """Give a page of the devices on which the user is signed in."""
    params = {"limit": SESSIONS_SHOWN, **({"cursor": cursor} if cursor else {})}
    call = Call(method="GET", path=f"{PUBLIC}/users/me/sessions", headers=who, params=params)
    return await auth.ask(call, DeviceSessionList)


async def list_login_attempts(auth: Upstream, who: Headers) -> list[LoginAttempt]:
    """Give the latest tries to sign in as the user."""
    params = {"limit": ATTEMPTS_SHOWN}
    call = Call(method="GET", path=f"{PUBLIC}/users/me/login_history", headers=who, params=params)
    return (await auth.ask(call, LoginAttemptList)).items


async def end_session(auth: Upstream, who: Headers, session_id: UUID) -> None:
    """Sign the user out on one device.

    Raises:
        NotFound: the user has no such session.
    """
    path = f"{PUBLIC}/users/me/sessions/{session_id}"
    await auth.ask(Call(method="DELETE", path=path, headers=who), Nothing)


async def end_sessions(auth: Upstream, who: Headers, *, keep_current: bool = False) -> None:
    """Sign the user out everywhere, also here unless `keep_current`."""
    params = {"keep_current": str(keep_current).lower()}
    call = Call(method="DELETE", path=f"{PUBLIC}/users/me/sessions", headers=who, params=params)
    await auth.ask(call, Nothing)


async def ask_verification(auth: Upstream, who: Headers, email: str) -> None:
    """Have a link sent that verifies an address; whether it is known is not told."""
    call = Call(method="POST", path=f"{PUBLIC}/email/verify", headers=who, json={"email": email})
    await auth.ask(call, Nothing)


async def verify_email(auth: Upstream, who: Headers, token: str) -> None:
    """Verify an address by the token of its link.

    Raises:
        Declined: the link was used, is too old, or none of ours.
    """
    call = Call(method="POST", path=f"{PUBLIC}/email/verify", headers=who, json={"token": token})
    await auth.ask(call, Nothing)


async def forget_password(auth: Upstream, who: Headers, email: str) -> None:
    """Have a link sent that sets a new password; whether the address is known is not told.

    Raises:
        Declined: it is no address.
    """
    call = Call(method="POST", path=f"{PUBLIC}/password/forgot", headers=who, json={"email": email})
    await auth.ask(call, Nothing)


async def reset_password(auth: Upstream, who: Headers, *, token: str, password: str) -> None:
    """Set a new password by the token of a link: every session ends.

    Raises:
        Declined: the link was used, is too old, or none of ours; or the password is too weak.
    """
    body = {"token": token, "password": password}
    await auth.ask(Call(method="POST", path=f"{PUBLIC}/password/reset", headers=who, json=body), Nothing)
