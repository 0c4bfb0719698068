"""Payments as the admin panel reads them."""

from uuid import UUID

from theatre.web.schemas import Payment


class PaymentRow(Payment):
    """A payment in the list of all of them."""

    user_id: UUID
    provider: str | None = None
