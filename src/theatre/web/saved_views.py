"""Views of lists that a member of staff gave a name: kept in a sealed cookie of theirs, so in this browser only."""

from dataclasses import dataclass

import orjson

from theatre.web.visits import Visit

COOKIE = "views"
MAX_VIEWS = 12
MAX_NAME_CHARACTERS = 40
MAX_ADDRESS_CHARACTERS = 300
MAX_COOKIE_CHARACTERS = 3_000
"""What browsers are sure to keep, less the seal."""


@dataclass(frozen=True, slots=True)
class SavedView:
    """A name for an address of the panel."""

    name: str
    address: str


def list_views(visit: Visit) -> list[SavedView]:
    """List the views of who is signed in, in the order in which they were named."""
    kept = visit.read_sealed(COOKIE)
    return [SavedView(*pair) for pair in orjson.loads(kept)] if kept else []


def keep(visit: Visit, name: str, address: str) -> bool:
    """Give a view a name, or a name another view; False if there is no room or it is no view that may be kept.

    What may be somebody's address is not: it would stand in the address of the page.
    """
    path, _, query = address.partition("?")
    is_view = path.startswith("/admin/") and query and "@" not in query and "%40" not in query
    if not is_view or len(address) > MAX_ADDRESS_CHARACTERS or len(name) > MAX_NAME_CHARACTERS:
        return False
    others = [view for view in list_views(visit) if view.name != name]
    return _write(visit, [*others, SavedView(name, address)])


def forget(visit: Visit, name: str) -> None:
    """Forget the view of this name."""
    _write(visit, [view for view in list_views(visit) if view.name != name])


def _write(visit: Visit, views: list[SavedView]) -> bool:
    text = orjson.dumps([(view.name, view.address) for view in views]).decode()
    return len(views) <= MAX_VIEWS and visit.set_sealed(COOKIE, text, most=MAX_COOKIE_CHARACTERS)
