"""People as auth keeps them: found, seen and acted on by staff. Pages about money go on when auth does not answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import Response

from theatre.kit.errors import Forbidden, NotFound, Transient
from theatre.web.admin_schemas import ReadPage
from theatre.web.desk import Act, Desk, go_to
from theatre.web.errors import Declined
from theatre.web.listings import Listed
from theatre.web.panel import AUTH_MANAGE, AUTH_READ
from theatre.web.people_lists import PEOPLE, ROLES, logins_of
from theatre.web.people_schemas import Person, PersonLine, Role, StaffLoginAttempt
from theatre.web.staff_doors import AUTH

SECONDS = 3.0
"""How long a page about money waits for what auth has to add."""
FOUND_ROWS = "50"
ATTEMPTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen of an account; `trouble` says why it is nothing: `silent`, `absent` or `closed`."""

    person: Person | None = None
    attempts: list[StaffLoginAttempt] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    trouble: str = ""

    @property
    def roles_to_give(self) -> list[Role]:
        """List the roles that this person does not have."""
        held = {role.id for role in self.person.roles} if self.person else set()
        return [role for role in self.roles if role.id not in held]


async def look_at(desk: Desk, user_id: UUID) -> Sight:
    """See an account, its latest tries to sign in and, for who may give them, all roles."""
    try:
        async with asyncio.timeout(SECONDS):
            person, attempts, roles = await asyncio.gather(
                desk.read(f"/users/{user_id}", Person, doors=AUTH),
                desk.list(logins_of(user_id), {}),
                _list_roles(desk),
            )
    except (Transient, TimeoutError):
        return Sight(trouble="silent")
    except NotFound:
        return Sight(trouble="absent")
    except Forbidden:  # taken away since the token was made
        return Sight(trouble="closed")
    return Sight(person, attempts.items[:ATTEMPTS_SHOWN], roles)


async def _list_roles(desk: Desk) -> list[Role]:
    return (await desk.list(ROLES, {})).items if desk.visit.may(AUTH_MANAGE) else []


async def list_people(desk: Desk, query: Mapping[str, str]) -> Listed[PersonLine] | None:
    """List accounts, the newest first; None if auth does not answer."""
    try:
        async with asyncio.timeout(SECONDS):
            return await desk.list(PEOPLE, query)
    except (Transient, TimeoutError):
        return None


async def search(desk: Desk, word: str, cursor: str = "") -> ReadPage[PersonLine]:
    """Find accounts by an id, or by how a login or an e-mail address begins.

    Raises:
        Forbidden, Declined, Transient
    """
    params = {"q": word, "limit": FOUND_ROWS, **({"cursor": cursor} if cursor else {})}
    return await desk.read(PEOPLE.door, PEOPLE.page, params, doors=AUTH)


async def find_one(desk: Desk, word: str) -> UUID | None:
    """Tell whose account a word means, if it is one and auth says so."""
    if not desk.visit.may(AUTH_READ):
        return None
    try:
        async with asyncio.timeout(SECONDS):
            found = (await search(desk, word)).items
    except (Transient, TimeoutError, Forbidden, Declined):
        return None
    return found[0].id if len(found) == 1 else None


async def act_on(desk: Desk, user_id: UUID, act: Act, *, note: str) -> Response:
    """Do something to an account, and say on its page what became of it.

    Raises:
        Forbidden
    """
    back = f"{PEOPLE.path}/{user_id}"
    try:
        return await desk.act_and_return(act, back=back, note=note)
    except NotFound:  # an account, a session or a role that has gone meanwhile
        return go_to(back, fault="admin.gone")
