"""Money given back by staff: what it would do, and asking for it."""

from dataclasses import dataclass
from uuid import UUID

from theatre.web.admin_payment_schemas import RefundPreview, StaffRefund
from theatre.web.desk import Act, Desk


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be given back of a payment, and why."""

    payment_id: UUID
    amount: str
    currency: str
    takes_rights: bool
    reason: str


async def preview(desk: Desk, payment_id: UUID, *, amount: str, takes_rights: bool) -> RefundPreview:
    """Learn what a refund would do; without an amount, of all that is left.

    Raises:
        Forbidden, NotFound
        Declined: it could not be given back, or not so much.
    """
    params = {"takes_rights": str(takes_rights).lower(), **({"amount": amount} if amount else {})}
    return await desk.read(f"/payments/{payment_id}/refunds/preview", RefundPreview, params)


async def ask(desk: Desk, claim: Claim, *, key: str) -> StaffRefund:
    """Give money back; the same key gives it once. Much of it waits for a second person.

    Raises:
        Forbidden, NotFound, Declined
    """
    body = {
        "amount": {"amount": claim.amount, "currency": claim.currency},
        "reason": claim.reason,
        "takes_rights": claim.takes_rights,
    }
    path = f"/payments/{claim.payment_id}/refunds"
    return await desk.act(Act(path=path, key=f"{key}-refund", body=body), StaffRefund)
