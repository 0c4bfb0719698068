"""What billing can be told."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from theatre.kit.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """Settings of billing; `price_list` is a YAML file, by default the demo price list of the package."""

    service: ClassVar[str] = "billing"

    payment_url: str = "http://127.0.0.1:8000"
    notification_url: str = "http://127.0.0.1:8000"
    price_list: Path | None = None
    payment_ttl_seconds: int = Field(24 * 3600, ge=60, description="how long an unpaid payment may be paid")
    refund_window_days: int = Field(14, ge=0, description="how long a user may take money back without staff")
    rental_days: int = Field(30, ge=1)
    period_zone: str = Field("Europe/Moscow", description="zone in which new subscriptions count their days")
    money_rate_limit: str = "1000/minute"

    def production_faults(self) -> list[str]:
        """Add billing's own: the demo price list is not for sale."""
        return [*super().production_faults(), *(["price_list"] if self.price_list is None else [])]
