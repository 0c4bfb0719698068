"""What the doors for staff ask of every request: who, by which right; and how what they do is written down."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from theatre.billing import audit
from theatre.billing.resources import Resources
from theatre.billing.routes.doors import own_id, resources_of
from theatre.kit.access import Principal, having
from theatre.kit.db import InTransaction, Session
from theatre.kit.listing import Listing, give_rows, give_sheet, read_page
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.sheets import SheetKind, wanted_kind

T = TypeVar("T")
MAX_WORD_CHARACTERS = 200
PRIVATE = frozenset({"q"})
"""What may be somebody's name or address: the audit is kept for ever, and names are auth's alone."""
UUID_WORD = re.compile(r"[0-9a-fA-F-]{32,36}")
HIDDEN = "…"


@dataclass(frozen=True)
class Staff:
    """A member of staff at a door, with what we hold."""

    id: UUID
    request: Request
    held: Resources

    @property
    def now(self) -> datetime:
        return self.held.clock.now()

    async def record(
        self,
        session: Session,
        action: str,
        subject_id: UUID | str | None,
        *,
        reason: str | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down, in the transaction that does it, that this person did or looked at something.

        `action` is `noun.verb`; the noun is the kind of the subject. It is the last thing that a transaction does:
        acts are written one at a time, and who writes one holds up the others until its commit.
        """
        subject = None if subject_id is None else str(subject_id)
        act = replace(self.act(action), subject_id=subject, reason=reason, before=before, after=after)
        await audit.record(session, act, now=self.now)

    def act(self, action: str) -> audit.Act:
        """Say who does what, before it is known to which subject."""
        return audit.Act(
            actor_id=self.id,
            action=action,
            subject_kind=action.partition(".")[0],
            subject_id=None,
            request_id=self.request.scope["request_id"],
        )


def staff_with(permission: str) -> Callable[..., Any]:
    """Make the dependency that lets in staff with a permission."""

    async def staff_of(request: Request, user: Annotated[Principal, Depends(having(permission))]) -> Staff:
        return Staff(own_id(user), request, await resources_of(request))

    return staff_of


@dataclass(frozen=True)
class FileRequest:
    """How an answer of many rows is wanted: as JSON, or as a file of some kind."""

    session: Session
    kind: SheetKind | None

    async def give_rows(
        self, staff: Staff, name: str, *, names: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> Response:
        """Answer with the file of rows of named columns; that it was taken away is written down."""
        if self.kind is None:
            raise AssertionError("no file is wanted")
        await self.record(staff, name)
        return give_rows(names, rows, name=name, kind=self.kind)

    async def record(self, staff: Staff, name: str) -> None:
        """Write down that staff took a whole list away."""
        asked = {
            _short(key): HIDDEN if key in PRIVATE and not UUID_WORD.fullmatch(value) else _short(value)
            for key, value in staff.request.query_params.items()
        }
        await staff.record(self.session, f"{name}.export", None, after=asked)


@dataclass(frozen=True)
class ListRequest(FileRequest):
    """How a list is wanted: one page of it, or all of it as a file."""

    page: PageRequest

    async def give(
        self, staff: Staff, name: str, listing: Listing[T], answer: Callable[[T], BaseModel]
    ) -> Response | PageAnswer[Any]:
        """Answer with the page, or with the file."""
        if self.kind is not None:
            sheet = await give_sheet(staff.held.exports, listing, name=name, kind=self.kind)
            await self.record(staff, name)
            return sheet
        page = await read_page(self.session, listing, self.page)
        return PageAnswer(items=[answer(row) for row in page.items], next_cursor=page.next_cursor)

    async def give_short(
        self, staff: Staff, name: str, items: Sequence[BaseModel], *, kind: type[BaseModel]
    ) -> Response | PageAnswer[Any]:
        """Answer likewise with a list that is short and read already."""
        if self.kind is None:
            return PageAnswer(items=list(items), next_cursor=None)
        names = list(kind.model_fields)
        rows = [[getattr(item, field) for field in names] for item in items]
        return await self.give_rows(staff, name, names=names, rows=rows)


def _short(word: str) -> str:
    """Keep of a word of the query, which may be anything, what can be stored and read."""
    return "".join(filter(str.isprintable, word[:MAX_WORD_CHARACTERS]))


async def file_request(
    request: Request,
    session: InTransaction,
    kind: Annotated[
        SheetKind | None, Query(alias="format", description="a file, for links, which cannot set `Accept`")
    ] = None,
) -> FileRequest:
    """Read whether a file is wanted, and of which kind."""
    return FileRequest(session, wanted_kind(request, kind))


async def list_request(
    file: Annotated[FileRequest, Depends(file_request)], page: Annotated[PageRequest, Depends(page_request)]
) -> ListRequest:
    """Read how a list is wanted."""
    return ListRequest(file.session, file.kind, page)


Reader: TypeAlias = Annotated[Staff, Depends(staff_with("billing.read"))]
Refunder: TypeAlias = Annotated[Staff, Depends(staff_with("billing.refund"))]
Manager: TypeAlias = Annotated[Staff, Depends(staff_with("billing.manage"))]
Wanted: TypeAlias = Annotated[ListRequest, Depends(list_request)]
FileWanted: TypeAlias = Annotated[FileRequest, Depends(file_request)]
