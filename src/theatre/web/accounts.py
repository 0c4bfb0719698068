"""Accounts and sessions, as auth keeps them."""

from theatre.contracts.auth import PUBLIC
from theatre.web.schemas import Me, Nothing, Tokens
from theatre.web.upstream import Call, Headers, Upstream


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
