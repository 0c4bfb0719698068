"""What billing's routes ask of every request: who, under which key, in which language, and not too often."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Depends, Request

from theatre.billing.errors import PromoCodeUnknown
from theatre.billing.models import IdempotencyKey
from theatre.billing.resources import Resources
from theatre.kit.access import Principal, User
from theatre.kit.i18n import negotiate
from theatre.kit.idempotency import Once, fingerprint_of, key_of

T = TypeVar("T")


async def resources_of(request: Request) -> Resources:
    """Give what the application holds."""
    resources: Resources = request.app.state.resources
    return resources


Held: TypeAlias = Annotated[Resources, Depends(resources_of)]


async def locale_of(request: Request) -> str:
    """Choose the language of names by `Accept-Language`."""
    return negotiate(request.headers.get("accept-language", ""))


@dataclass(frozen=True)
class MoneyRequest:
    """A request that moves money: by whom, under which key, in which language, with what we hold.

    One dependency instead of five: every purchase pays for each.
    """

    once: Once
    held: Resources
    locale: str

    @property
    def user_id(self) -> UUID:
        return self.once.user_id


async def money_request(request: Request, user: User) -> MoneyRequest:
    """Let a money-moving request in, under its key, unless its user sends too many.

    Raises:
        KeyMissing, KeyInvalid, TooMany
    """
    held = await resources_of(request)
    await held.limit.hit(held.settings.money_rate_limit, "money", str(user.user_id))
    once = Once(
        request=request,
        sessions=held.sessions,
        table=IdempotencyKey,
        flights=held.flights,
        clock=held.clock,
        user_id=own_id(user),
        key=key_of(request),
        fingerprint=await fingerprint_of(request),
    )
    return MoneyRequest(once, held, await locale_of(request))


def own_id(user: Principal) -> UUID:
    """Give the id of a calling user."""
    if user.user_id is None:
        raise AssertionError("`User` lets only users in")
    return user.user_id


class Watch(Protocol):
    """Carries something out and sees whether it failed for an unknown promo code."""

    async def __call__(self, carried_out: Awaitable[T]) -> T: ...


@asynccontextmanager
async def guessing(held: Resources, user_id: UUID, code: str | None) -> AsyncIterator[Watch]:
    """Let a user try a promo code, unless they tried too many unknown ones: then right ones too are not tried.

    Raises:
        TooMany
    """
    missed = False

    async def watch(carried_out: Awaitable[T]) -> T:
        nonlocal missed
        try:
            return await carried_out
        except PromoCodeUnknown:
            missed = True
            raise

    rule, identity = held.settings.promo_guess_limit, ("promo_guess", str(user_id))
    if code is not None:
        await held.limit.check(rule, *identity)
    try:
        yield watch
    finally:
        if missed:
            await held.limit.hit(rule, *identity)


Locale: TypeAlias = Annotated[str, Depends(locale_of)]
Money: TypeAlias = Annotated[MoneyRequest, Depends(money_request)]
