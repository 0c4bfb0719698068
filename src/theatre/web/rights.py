"""How rights to watch are shown: one line for each thing, until its last end. Pure: no I/O."""

from collections.abc import Iterable

from theatre.web.schemas import Entitlement


def merge(entitlements: Iterable[Entitlement]) -> list[Entitlement]:
    """Leave for each product the right that ends last: a plan bought twice is one right, twice as long."""
    last: dict[object, Entitlement] = {}
    for right in entitlements:
        subject = right.product_id or right.id
        if subject not in last or _ends_later(right, last[subject]):
            last[subject] = right
    return list(last.values())


def _ends_later(right: Entitlement, other: Entitlement) -> bool:
    if right.ends_at is None or other.ends_at is None:
        return right.ends_at is None
    return right.ends_at > other.ends_at
