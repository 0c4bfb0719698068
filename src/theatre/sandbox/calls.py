"""A merchant's call: whose it is, with which key, in which transaction, and with which fault switched on."""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeAlias

import orjson
from fastapi import Depends, Request, Response

from theatre.kit.db import Session
from theatre.kit.routing import StrictRoute
from theatre.sandbox import faults
from theatre.sandbox.errors import InvalidCredentials, InvalidRequest, NotAllowed
from theatre.sandbox.keys import HEADER, Call
from theatre.sandbox.models import Shop
from theatre.sandbox.notifications import HAS_NEWS
from theatre.sandbox.resources import Resources
from theatre.sandbox.state import CHANGES_STATE

MAX_KEY_CHARACTERS = 64
ESCAPED_NUL = b"\\u0000"


class JsonAnswer(Response):
    """An object of the API: always 200."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class MerchantRoute(StrictRoute):
    """A route of the merchant's API: it suffers the faults that are switched on."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def suffering(request: Request) -> Response:
            resources = resources_of(request)
            await resources.state.refresh()
            fault = await faults.take_for_call(
                resources.state, resources.sessions, method=request.method, path=request.url.path
            )
            if fault is None:
                return await answer(request)
            instead = await faults.suffer_before(fault)
            if instead is not None:
                return instead
            response = await answer(request)
            return faults.suffer_after(fault, request) or response

        return suffering


def resources_of(request: Request) -> Resources:
    """Give what the doors work with."""
    resources: Resources = request.app.state.resources
    return resources


async def given_resources(request: Request) -> Resources:
    """Give them as a dependency; one that were no coroutine would be run on another thread."""
    return resources_of(request)


async def refreshed(request: Request) -> None:
    """Have the state read again if something changed (a dependency of whole routers)."""
    await resources_of(request).state.refresh()


async def open_session(request: Request) -> AsyncIterator[Session]:
    """Give a route its transaction; notifications written in it are sent as soon as it is committed."""
    resources = resources_of(request)
    async with resources.sessions.begin() as session:
        yield session
    announce_committed(session, resources)


def announce_committed(session: Session, resources: Resources) -> None:
    """Have what a transaction wrote taken notice of at once in this process."""
    if session.info.get(HAS_NEWS):
        resources.sender.wake()
    if session.info.get(CHANGES_STATE):
        resources.state.expire()


async def open_reading(request: Request) -> AsyncIterator[Session]:
    """Give a route that only reads a session without a transaction around it."""
    async with resources_of(request).statements() as session:
        yield session


async def calling_shop(request: Request) -> Shop:
    """Tell which shop calls, by its id and secret key or by an OAuth token.

    Raises:
        InvalidCredentials
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    state = resources_of(request).state
    shop = None
    if scheme.lower() == "basic":
        shop = state.find_shop(*_basic(credentials.strip()))
    elif scheme.lower() == "bearer":
        shop = state.find_application(credentials.strip())
    if shop is None:
        raise InvalidCredentials
    return shop


def _basic(credentials: str) -> tuple[str, str]:
    try:
        shop_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidCredentials from error
    return shop_id, secret


async def calling_application(request: Request, shop: Annotated[Shop, Depends(calling_shop)]) -> Shop:
    """Let OAuth applications in, not shops by their key.

    Raises:
        NotAllowed
    """
    if not request.headers["authorization"].lower().startswith("bearer"):
        raise NotAllowed("Webhooks are set up with an OAuth token only")
    return shop


async def writing_call(request: Request, shop: Annotated[Shop, Depends(calling_shop)]) -> Call:
    """Read the key of a writing call and fingerprint what it asks.

    Raises:
        InvalidRequest: no key or a bad one, or a body that cannot be kept.
    """
    key = request.headers.get(HEADER, "")
    if not 0 < len(key) <= MAX_KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise InvalidRequest("Idempotence key is missing, too long or malformed", parameter=HEADER)
    body = await request.body()
    if ESCAPED_NUL in body:
        raise InvalidRequest("The body has a NUL character")
    return Call(shop, key, _fingerprint(request, body), resources_of(request).state.clock.now())


def _fingerprint(request: Request, body: bytes) -> str:
    try:
        content = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The body is not JSON") from error
    canonical = orjson.dumps(_canonical(content), option=orjson.OPT_SORT_KEYS)
    asked = b"%b %b " % (request.method.encode(), request.url.path.encode())
    return hashlib.sha256(asked + canonical).hexdigest()


def _canonical(content: Any) -> Any:
    """Write amounts alike, so that "100" equals "100.00"."""
    if isinstance(content, list):
        return [_canonical(item) for item in content]
    if not isinstance(content, dict):
        return content
    plain = {name: _canonical(value) for name, value in content.items()}
    if plain.keys() >= {"value", "currency"}:
        plain["value"] = _decimal(plain["value"])
    return plain


def _decimal(value: Any) -> Any:
    try:
        return str(Decimal(str(value)).normalize())
    except InvalidOperation:
        return value


OurResources: TypeAlias = Annotated[Resources, Depends(given_resources)]
InTransaction: TypeAlias = Annotated[Session, Depends(open_session, scope="function")]
Reading: TypeAlias = Annotated[Session, Depends(open_reading, scope="function")]
CallingShop: TypeAlias = Annotated[Shop, Depends(calling_shop)]
CallingApplication: TypeAlias = Annotated[Shop, Depends(calling_application)]
WritingCall: TypeAlias = Annotated[Call, Depends(writing_call)]
