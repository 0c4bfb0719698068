"""Products, prices and promo codes as the admin panel reads them."""

from datetime import datetime
from uuid import UUID

from theatre.kit.fields import MoneyField
from theatre.web.schemas import Price, Read


class StaffPrice(Price):
    """A price, sold now or not."""

    product_id: UUID
    is_active: bool
    created_at: datetime
    decided_by: UUID | None


class StaffProduct(Read):
    """A product, sold now or not, with all its prices."""

    id: UUID
    code: str
    kind: str
    names: dict[str, str]
    descriptions: dict[str, str]
    film_id: UUID | None
    is_active: bool
    created_at: datetime
    prices: list[StaffPrice]


class PromoCode(Read):
    """A promo code; `used_count` is how many purchases hold a use of it now."""

    id: UUID
    code: str
    percent: int | None
    amount: MoneyField | None
    product_ids: list[UUID]
    starts_at: datetime
    ends_at: datetime | None
    total_cap: int | None
    per_user_cap: int | None
    used_count: int
    is_active: bool
    created_at: datetime
