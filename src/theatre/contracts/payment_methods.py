"""What payment-service promises about ways to pay that a payer let a payment system keep, and about charging them.

The payment system has the card; what is here would not be enough to pay with anywhere.
"""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from theatre.contracts.money import Amount


class SavedMethod(BaseModel):
    """A way to pay that a payment system keeps for charges without the payer.

    `reference` is the payment system's, which only its shop can charge by. `kind` is its word for what it is
    (`bank_card`); of a card it shows the brand, the last four digits and until when it is good.
    """

    model_config = ConfigDict(frozen=True)

    reference: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,255}$")]
    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]
    brand: Annotated[str, Field(pattern=r"^[0-9A-Za-z ]{1,32}$")] | None = None
    last4: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    expiry_month: Annotated[int, Field(ge=1, le=12)] | None = None
    expiry_year: Annotated[int, Field(ge=2000, le=2199)] | None = None


class ChargeStart(BaseModel):
    """Ask for money without its payer: by the saved method of `method_reference` at `provider`.

    It is an attempt like others but has no link: the id is the key, and its outcome is told by the same facts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    payment_id: UUID
    user_id: UUID
    total: Amount
    description: str
    provider: str
    method_reference: str
