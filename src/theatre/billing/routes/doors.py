"""What billing's routes ask of every request: who, under which key, in which language, and not too often."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Request

from theatre.billing.models import IdempotencyKey
from theatre.billing.resources import Resources
from theatre.kit.access import Principal, User
from theatre.kit.i18n import negotiate
from theatre.kit.idempotency import Once, fingerprint_of, key_of


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


Locale: TypeAlias = Annotated[str, Depends(locale_of)]
Money: TypeAlias = Annotated[MoneyRequest, Depends(money_request)]
