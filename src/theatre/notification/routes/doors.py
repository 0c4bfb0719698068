"""What the doors for users ask of every request: who, when, in which language."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Request

from theatre.kit.access import User
from theatre.kit.i18n import negotiate
from theatre.kit.pagination import PageRequest, page_request
from theatre.notification.resources import Resources

PUBLIC = "/notification/api/v1"


@dataclass(frozen=True)
class Reader:
    """A user at a door, with what we hold."""

    id: UUID
    locale: str
    held: Resources

    @property
    def now(self) -> datetime:
        return self.held.clock.now()


def language_of(request: Request) -> str:
    """Choose the language of an answer by `Accept-Language`."""
    return negotiate(request.headers.get("accept-language", ""))


async def reader_of(request: Request, user: User) -> Reader:
    """Let in a user."""
    if user.user_id is None:
        raise AssertionError("`User` lets only users in")
    return Reader(user.user_id, language_of(request), request.app.state.resources)


AReader: TypeAlias = Annotated[Reader, Depends(reader_of)]
PageWanted: TypeAlias = Annotated[PageRequest, Depends(page_request)]
