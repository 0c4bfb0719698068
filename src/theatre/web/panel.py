"""The rooms of the admin panel. Pure: no I/O.

A further room is one line here, its title in the texts (`admin.room.…`), and a module of routes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

AUTH_READ = "auth.read"
AUTH_MANAGE = "auth.manage"
READ = "billing.read"
REFUND = "billing.refund"
MANAGE = "billing.manage"
NOTIFY = "notification.manage"


@dataclass(frozen=True, slots=True)
class Room:
    """One entry of the navigation; `key` opens it after the key `g`.

    Shown to whoever has the permission, or the one that opens a part of it (`part`); guarded by the doors.
    """

    path: str
    word: str
    permission: str
    group: str
    key: str = ""
    part: str = ""

    def holds(self, path: str) -> bool:
        """Whether a page is in this room."""
        below = () if self.path == "/admin" else (f"{self.path.removesuffix('/revenue')}/",)
        return path == self.path or path.startswith((*below, f"{self.path}?"))


ROOMS = (
    Room("/admin", "overview", READ, "top", "h"),
    Room("/admin/payments", "payments", READ, "money", "p"),
    Room("/admin/refunds", "refunds", READ, "money", "r"),
    Room("/admin/disputes", "disputes", READ, "money", "d"),
    Room("/admin/cases", "cases", READ, "money", "c"),
    Room("/admin/users", "users", READ, "sales", "u", AUTH_READ),
    Room("/admin/subscriptions", "subscriptions", READ, "sales", "s"),
    Room("/admin/products", "products", READ, "sales", "o"),
    Room("/admin/promo_codes", "promo_codes", READ, "sales", "m"),
    Room("/admin/ledger", "ledger", READ, "books", "l"),
    Room("/admin/reconciliation", "reconciliation", READ, "books", "n"),
    Room("/admin/receipts", "receipts", READ, "books", "e"),
    Room("/admin/reports/revenue", "reports", READ, "books", "w"),
    Room("/admin/templates", "templates", NOTIFY, "letters", "i"),
    Room("/admin/mailings", "mailings", NOTIFY, "letters", "y"),
    Room("/admin/deliveries", "deliveries", NOTIFY, "letters", "v"),
    Room("/admin/audit", "audit", MANAGE, "house", "a", AUTH_MANAGE),
    Room("/admin/roles", "roles", AUTH_READ, "house", "t"),
    Room("/admin/messages", "messages", MANAGE, "house", "b"),
)


class Person(Protocol):
    """Whoever looks at the panel."""

    def may(self, permission: str) -> bool:
        """Tell whether their token claims a permission."""


def rooms_of(person: Person) -> list[Room]:
    """List the rooms to show somebody."""
    return [room for room in ROOMS if person.may(room.permission) or (room.part and person.may(room.part))]


def grouped(rooms: Iterable[Room]) -> dict[str, list[Room]]:
    """Sort rooms into their groups, in the order in which these are first named."""
    groups: dict[str, list[Room]] = {}
    for room in rooms:
        groups.setdefault(room.group, []).append(room)
    return groups
