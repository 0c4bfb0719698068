"""What YooKassa shows of the ways to pay that payers let it keep."""

from collections.abc import Mapping

from pydantic import ValidationError

from theatre.contracts.payment_methods import SavedMethod
from theatre.kit.logging import get_logger

log = get_logger(__name__)


def read_saved(method: Mapping[str, object] | None) -> SavedMethod | None:
    """Give the way to pay of a payment if it was kept; one that makes no sense is no reason to doubt the money."""
    if method is None or method.get("saved") is not True:
        return None
    card = method.get("card")
    shown: Mapping[str, object] = card if isinstance(card, dict) else {}
    try:
        return SavedMethod.model_validate(
            {
                "reference": method.get("id"),
                "kind": method.get("type"),
                "brand": shown.get("card_type"),
                "last4": shown.get("last4"),
                "expiry_month": shown.get("expiry_month"),
                "expiry_year": shown.get("expiry_year"),
            }
        )
    except ValidationError as error:
        log.warning("a saved way to pay cannot be read", faults=error.error_count())
        return None
