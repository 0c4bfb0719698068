"""What the user was told and wants to be told, as notification keeps it."""

from collections.abc import Collection
from uuid import UUID

from theatre.web.account_schemas import Inbox, InboxItem, Preferences, QuietHours, Unread
from theatre.web.upstream import Call, Headers, Upstream

PREFIX = "/notification/api/v1"
SHOWN = "20"


async def read_inbox(notification: Upstream, who: Headers, *, cursor: str | None, only_unread: bool) -> Inbox:
    """Give a page of the user's inbox, latest first."""
    params = {"limit": SHOWN}
    if cursor:
        params["cursor"] = cursor
    if only_unread:
        params["unread"] = "true"
    call = Call(method="GET", path=f"{PREFIX}/inbox", headers=who, params=params)
    return await notification.ask(call, Inbox)


async def mark_read(notification: Upstream, who: Headers, item_id: UUID) -> InboxItem:
    """Mark one as read.

    Raises:
        NotFound
    """
    return await notification.ask(
        Call(method="POST", path=f"{PREFIX}/inbox/{item_id}/read", headers=who), InboxItem
    )


async def mark_all_read(notification: Upstream, who: Headers) -> None:
    """Mark all as read."""
    await notification.ask(Call(method="POST", path=f"{PREFIX}/inbox/read_all", headers=who), Unread)


async def get_preferences(notification: Upstream, who: Headers) -> Preferences:
    """Give what the user wants to be told by e-mail."""
    return await notification.ask(Call(method="GET", path=f"{PREFIX}/preferences", headers=who), Preferences)


async def choose_preferences(
    notification: Upstream, who: Headers, *, wanted: Collection[str], quiet_hours: QuietHours | None
) -> None:
    """Let categories come by e-mail, and no others but critical ones.

    Raises:
        Declined: the quiet hours make no sense.
    """
    known = await get_preferences(notification, who)
    channels = {
        category: {"email": category in wanted or category in known.critical} for category in known.channels
    }
    body = {"channels": channels, "quiet_hours": quiet_hours.model_dump() if quiet_hours else None}
    call = Call(method="PUT", path=f"{PREFIX}/preferences", headers=who, json=body)
    await notification.ask(call, Preferences)
