"""Whom a mailing is for, read by pages in the order of their ids, so that a run can go on where it stopped."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from theatre.contracts.auth import AuthClient


class AudienceKind(StrEnum):
    """All active accounts, or those that are named."""

    ALL = "all"
    USERS = "users"


async def list_page(
    auth: AuthClient, audience: Mapping[str, Any], *, after: UUID | None, limit: int
) -> Sequence[UUID]:
    """Give the next users after one; fewer than `limit` are the last.

    Raises:
        Unknown, Refused: auth does not say.
    """
    if audience["kind"] == AudienceKind.ALL:
        return [reader.id for reader in await auth.list_users(after=after, limit=limit)]
    named = named_in(audience)
    start = 0 if after is None else bisect_right(named, after)
    return named[start : start + limit]


async def count(auth: AuthClient, audience: Mapping[str, Any]) -> int:
    """Count an audience.

    Raises:
        Unknown, Refused: auth does not say.
    """
    if audience["kind"] == AudienceKind.ALL:
        return await auth.count_users()
    return len(named_in(audience))


def named_in(audience: Mapping[str, Any]) -> list[UUID]:
    """Give the users that an audience names."""
    return sorted({UUID(user_id) for user_id in audience["user_ids"]})
