"""What billing can be told."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from theatre.kit.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """Settings of billing."""

    service: ClassVar[str] = "billing"

    payment_url: str = Field(
        "http://127.0.0.1:8000", description="payment-service, as this service reaches it"
    )
    notification_url: str = Field(
        "http://127.0.0.1:8000", description="notification-service, as this service reaches it"
    )
    price_list: Path | None = Field(
        None,
        description="YAML file that `init billing` applies; by default the demo price list of the package",
    )
    payment_ttl_seconds: int = Field(24 * 3600, ge=60, description="how long an unpaid payment may be paid")
    refund_window_days: int = Field(14, ge=0, description="how long a user may take money back without staff")
    refund_limits: dict[str, int] = Field(
        {"RUB": 1_000_000},
        description="by currency, what staff may give back of one payment without a second person, in minor units; "
        "a currency without a limit always needs one",
    )
    rental_days: int = Field(30, ge=1, description="how long a rented film may be watched")
    renewal_lead_minutes: int = Field(
        60, ge=0, le=1440, description="how long before the end of what is paid a plan is charged again"
    )
    renewal_reminder_days: int = Field(
        3, ge=1, le=30, description="how long before the end of what is paid the user is told of it"
    )
    renewal_grace_days: int = Field(
        7, ge=1, le=60, description="how long a plan whose renewal failed may be watched unpaid, and paid"
    )
    renewal_retry_days: list[Annotated[int, Field(ge=1, le=60)]] = Field(
        [1, 3, 5], max_length=10, description="how many days after its first try a renewal is tried again"
    )
    period_zone: str = Field("Europe/Moscow", description="zone in which new subscriptions count their days")
    reconciliation_zone: str = Field(
        "Europe/Moscow", description="zone of the day that providers, and so our reports, reckon by"
    )
    reconciliation_delay_hours: int = Field(
        4, ge=0, le=72, description="how long after its end a day is reconciled, so that stragglers are in"
    )
    register_columns: dict[str, dict[str, str]] = Field(
        {},
        description="by provider, the names of a register's columns where they differ from ours: kind, reference, "
        "payment_reference, amount, currency, fee, happened_at",
    )
    money_rate_limit: str = Field("1000/minute", description="what one user may ask of doors that move money")
    promo_guess_limit: str = Field("20/hour", description="how many unknown promo codes one user may try")
    seller_name: str = Field("Online Theatre", min_length=1, max_length=200, description="seller on receipts")
    seller_inn: str = Field(
        "", pattern=r"^([0-9]{10}|[0-9]{12})?$", description="taxpayer number of the seller"
    )
    seller_address: str = Field("", max_length=300, description="address of the seller")
    seller_email: str = Field(
        "billing@theatre.example", min_length=3, max_length=254, description="e-mail address of the seller"
    )
    tax_system_code: int | None = Field(
        None, ge=1, le=6, description="tax system of receipts; without one, the cash register's own"
    )
    tax_vat_code: int = Field(1, ge=1, le=12, description="VAT of receipts' lines; 1: none, 11: 22 %")

    def production_faults(self) -> list[str]:
        """Add billing's own: the demo price list is not for sale, and a receipt names a real seller."""
        checks = {
            "price_list": self.price_list is not None,
            "seller_inn": bool(self.seller_inn),
            "seller_address": bool(self.seller_address),
            "seller_email": not self.seller_email.endswith(".example"),
        }
        return [*super().production_faults(), *(name for name, good in checks.items() if not good)]
