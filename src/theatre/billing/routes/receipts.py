"""The door to one's own receipts, as JSON or PDF."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from theatre.billing import payments, receipts, refunds
from theatre.billing.errors import PaymentNotPaid
from theatre.billing.routes.doors import Held, Locale, own_id
from theatre.billing.schemas.receipts import ReceiptAnswer
from theatre.kit.access import User
from theatre.kit.db import transaction
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix="/billing/api/v1", tags=["billing: receipts"], route_class=StrictRoute)

PDF = "application/pdf"
JSON_RANGES = ("application/json", "application/*", "*/*")
MAX_RANGES = 20


async def own_receipt(payment_id: UUID, user: User, held: Held) -> ReceiptAnswer:
    """Gather the receipt of one of one's own payments, in a transaction that is over before anything is drawn.

    Raises:
        PaymentUnknown, PaymentNotPaid
    """
    async with transaction(held.sessions) as session:
        payment = await payments.get(session, payment_id, user_id=own_id(user))
        if payment.paid_at is None:
            raise PaymentNotPaid
        given_back = await refunds.list_of(session, payment.id)
        fiscal = await receipts.list_of(session, payment.id)
    return ReceiptAnswer.of(payment, given_back, fiscal, settings=held.settings)


@router.get(
    "/payments/{payment_id}/receipt",
    response_model=ReceiptAnswer,
    responses={200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}},
    summary="The receipt of one of one's own payments, with `Accept: application/pdf` as PDF",
)
async def get_receipt(
    request: Request,
    receipt: Annotated[ReceiptAnswer, Depends(own_receipt)],
    held: Held,
    locale: Locale,
) -> Response:
    headers = {"Vary": "Accept, Accept-Language", "Content-Language": locale}
    if not prefers_pdf(request.headers.get("accept", "")):
        return Response(receipt.model_dump_json(), media_type="application/json", headers=headers)
    drawn = await held.printer.draw(receipt, locale)
    headers["Content-Disposition"] = f'inline; filename="receipt-{receipt.number}.pdf"'
    return Response(drawn, media_type=PDF, headers=headers)


def prefers_pdf(accept: str) -> bool:
    """Tell whether a PDF is asked for by name and no less than JSON."""
    weights = dict(map(_weighed, accept.split(",")[:MAX_RANGES]))
    wanted = weights.get(PDF, 0)
    json = next((weights[kind] for kind in JSON_RANGES if kind in weights), 0)
    return wanted > 0 and wanted >= json


def _weighed(part: str) -> tuple[str, int]:
    """Read a media range and its weight in thousandths."""
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
    whole, _, rest = (weights[0] if weights else "1").partition(".")
    digits = f"{whole}{rest[:3]:0<3}"
    return kind, int(digits) if digits.isascii() and digits.isdigit() else 0
