"""Accounts as staff find and see them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, not_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from theatre.auth import login_history, roles, throttle, user_sessions, users
from theatre.auth.models import LoginAttempt, Role, User, UserRole, UserSession
from theatre.auth.names import fold
from theatre.auth.tokens import Holder
from theatre.kit.db import Session
from theatre.kit.listing import Listing, read_page
from theatre.kit.pagination import BadCursor, Page, PageRequest, page_of

LAST_CHARACTER = "\U0010ffff"
MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which accounts are wanted: `q` is an id, or how a login or an address begins; `role` is a role's name."""

    q: str | None = None
    is_active: bool | None = None
    role: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give what the filters ask of an account."""
        has_role = exists().where(
            UserRole.user_id == User.id, UserRole.role_id == Role.id, Role.name == self.role
        )
        asked: list[ColumnElement[bool]] = [] if self.role is None else [has_role]
        return asked if self.is_active is None else [*asked, User.is_active == self.is_active]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All that staff see of an account."""

    user: User
    holder: Holder
    roles: list[Role]
    sessions: list[UserSession]
    last_sign_in: LoginAttempt | None
    waits_until: datetime | None


async def get_card(session: Session, user_id: UUID, *, now: datetime) -> Card:
    """Read an account with what belongs to it: of its live sessions the newest hundred.

    Raises:
        UserNotFound
    """
    user = await users.get_user(session, user_id)
    live = await user_sessions.list_live(session, user_id, PageRequest(MOST_SESSIONS, None), now=now)
    return Card(
        user=user,
        holder=await roles.get_holder(session, user),
        roles=(await roles.read_roles(session, [user_id])).get(user_id, []),
        sessions=list(live.items),
        last_sign_in=await login_history.find_last_success(session, user_id),
        waits_until=await throttle.find_pause(session, user, now=now),
    )


async def search(session: Session, wanted: Wanted, page: PageRequest) -> Page[User]:
    """List accounts: those whose names begin as wanted in the order of these names, all of them from the newest on.

    Raises:
        BadCursor
    """
    conditions = wanted.conditions()
    if wanted.q is None:
        return await read_page(session, Listing(select(User).where(*conditions), keys=(User.id,)), page)
    if user_id := _read_id(wanted.q):
        found = await session.scalars(select(User).where(User.id == user_id, *conditions))
        return Page(found.all(), None)
    return await _search_names(session, fold(wanted.q), conditions, page=page)


async def _search_names(
    session: Session, beginning: str, conditions: list[ColumnElement[bool]], *, page: PageRequest
) -> Page[User]:
    """Merge two reads of a page each, one by the index of logins and one by that of addresses.

    No login is an address, so names are unique in both together; who is found by the login is not found again.
    """
    by_login, by_email = _begins(User.login_key, beginning), _begins(User.email_key, beginning)
    either = union_all(
        _names(User.login_key, [by_login, *conditions], page).subquery().select(),
        _names(User.email_key, [by_email, not_(by_login), *conditions], page).subquery().select(),
    ).subquery()
    merged = select(either.c.id, either.c.name).order_by(either.c.name).limit(page.limit + 1)
    rows = (await session.execute(merged)).all()
    found = await session.scalars(select(User).where(User.id.in_([row.id for row in rows])))
    by_id = {user.id: user for user in found}
    cut = page_of(rows, page, key=lambda row: ("name", row.name))
    return Page([by_id[row.id] for row in cut.items], cut.next_cursor)


def _begins(name: InstrumentedAttribute[str], beginning: str) -> ColumnElement[bool]:
    return and_(name >= beginning, name < beginning + LAST_CHARACTER)


def _names(
    name: InstrumentedAttribute[str], conditions: list[ColumnElement[bool]], page: PageRequest
) -> Select[UUID, str]:
    query = select(User.id, name.label("name")).where(*conditions).order_by(name).limit(page.limit + 1)
    if page.after is None:
        return query
    if len(page.after) != 2 or page.after[0] != "name":
        raise BadCursor
    return query.where(name > page.after[1])


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
