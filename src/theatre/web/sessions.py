"""The session of a visitor: started, renewed without the visitor noticing, ended."""

from contextlib import suppress

from theatre.kit.clock import Clock
from theatre.kit.errors import Transient, Unauthenticated
from theatre.web import accounts
from theatre.web.errors import Declined
from theatre.web.upstream import Headers, Upstream
from theatre.web.visits import Visit, read_claims

MARGIN_SECONDS = 60


async def join(visit: Visit, auth: Upstream, *, login: str, email: str, password: str) -> None:
    """Open an account and start its first session.

    Raises:
        Declined: the name or address is taken, or a field is not acceptable.
    """
    await accounts.register(auth, login=login, email=email, password=password, who=visit.headers)
    await start(visit, auth, login=login, password=password)


async def start(visit: Visit, auth: Upstream, *, login: str, password: str) -> None:
    """Start a session; `login` may be the e-mail address.

    Raises:
        Declined: not these credentials.
    """
    visit.sign_in(await accounts.sign_in(auth, login=login, password=password, who=visit.headers))


async def end(visit: Visit, auth: Upstream, clock: Clock) -> None:
    """End the session everywhere; in this browser even if auth does not answer.

    Raises:
        Transient: auth does not answer; the tokens live on until they expire.
    """
    try:
        with suppress(Unauthenticated):  # it has ended already
            await accounts.sign_out(auth, await identify(visit, auth, clock))
    finally:
        visit.sign_out()


async def identify(visit: Visit, auth: Upstream, clock: Clock) -> Headers:
    """Give the headers that tell other services who this visitor is.

    Raises:
        Unauthenticated: there is no session, or it has ended.
        Transient: the token has ended and auth does not answer.
    """
    token = await _good_token(visit, auth, clock)
    return {**visit.headers, "Authorization": f"Bearer {token}"}


async def _good_token(visit: Visit, auth: Upstream, clock: Clock) -> str:
    """Give the access token, renewed when it is near its end.

    Requests that renew at the same moment do no harm: auth gives them the same pair.
    """
    seconds_left = _expires_at(visit.access_token) - clock.now().timestamp()
    if seconds_left > MARGIN_SECONDS:
        return visit.access_token
    if not visit.refresh_token:
        raise Unauthenticated
    try:
        visit.renew(await accounts.refresh(auth, visit.refresh_token))
    except Declined as declined:
        raise Unauthenticated from declined
    except Transient:
        if seconds_left <= 0:
            raise
    return visit.access_token


def _expires_at(token: str) -> float:
    expires_at = read_claims(token).get("exp")
    try:
        return float(expires_at) if isinstance(expires_at, int | float) else 0.0
    except OverflowError:  # no moment of any calendar
        return 0.0
