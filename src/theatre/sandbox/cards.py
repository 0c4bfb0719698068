"""Test cards and what comes of each (PROVIDERS 5.2). The numbers belong to nobody and work nowhere else."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from theatre.sandbox.models import Face


class RefundCourse(StrEnum):
    """How refunds of a payment go."""

    AT_ONCE = "at_once"
    LATER = "later"
    REJECTED_LATER = "rejected_later"
    REFUSED = "refused"


class NotificationCourse(StrEnum):
    """How notifications of a payment go, when not as they should."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who refused and why, in YooKassa's words."""

    party: str
    reason: str

    def to_object(self) -> dict[str, Any]:
        return {"party": self.party, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a card does: refused (`refusal`) or accepted, at once or later, with or without 3-D Secure."""

    refusal: Refusal | None = None
    asks_code: bool = False
    is_delayed: bool = False
    charge_refusal: Refusal | None = None
    refunds: RefundCourse = RefundCourse.AT_ONCE
    notifications: NotificationCourse | None = None
    is_disputed: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A test card: its brand and the name of its scenario."""

    brand: str
    scenario: str


def _network(reason: str) -> Refusal:
    return Refusal("payment_network", reason)


CODE_REFUSED = _network("3d_secure_failed")
CANCELED_BY_PAYER = _network("general_decline")
EXPIRED_ON_CONFIRMATION = Refusal("yoo_money", "expired_on_confirmation")
EXPIRED_ON_CAPTURE = Refusal("yoo_money", "expired_on_capture")
CANCELED_BY_MERCHANT = Refusal("merchant", "canceled_by_merchant")
PERMISSION_REVOKED = Refusal("yoo_money", "permission_revoked")
REFUND_REJECTED = Refusal("refund_network", "rejected_by_payee")
REFUND_WITHOUT_FUNDS = Refusal("yoo_money", "insufficient_funds")

SUCCESS = "success"
UNKNOWN_CARD = "invalid_card_number"

SCENARIOS = {
    SUCCESS: Scenario(),
    "success_3ds": Scenario(asks_code=True),
    "3d_secure_failed": Scenario(refusal=CODE_REFUSED),
    "call_issuer": Scenario(refusal=_network("call_issuer")),
    "card_expired": Scenario(refusal=_network("card_expired")),
    "fraud_suspected_network": Scenario(refusal=_network("fraud_suspected")),
    "general_decline": Scenario(refusal=_network("general_decline")),
    "insufficient_funds": Scenario(refusal=_network("insufficient_funds")),
    UNKNOWN_CARD: Scenario(refusal=_network("invalid_card_number")),
    "invalid_csc": Scenario(refusal=_network("invalid_csc")),
    "issuer_unavailable": Scenario(refusal=_network("issuer_unavailable")),
    "payment_method_limit_exceeded": Scenario(refusal=_network("payment_method_limit_exceeded")),
    "payment_method_restricted": Scenario(refusal=_network("payment_method_restricted")),
    "country_forbidden": Scenario(refusal=Refusal("yoo_money", "country_forbidden")),
    "fraud_suspected_yoo_money": Scenario(refusal=Refusal("yoo_money", "fraud_suspected")),
    "delayed_success": Scenario(is_delayed=True),
    "delayed_refusal": Scenario(is_delayed=True, refusal=_network("general_decline")),
    "charges_refused": Scenario(charge_refusal=_network("insufficient_funds")),
    "refund_later": Scenario(refunds=RefundCourse.LATER),
    "refund_rejected_later": Scenario(refunds=RefundCourse.REJECTED_LATER),
    "refund_refused": Scenario(refunds=RefundCourse.REFUSED),
    "notification_lost": Scenario(notifications=NotificationCourse.LOST),
    "notification_duplicated": Scenario(notifications=NotificationCourse.DUPLICATED),
    "notification_late": Scenario(notifications=NotificationCourse.LATE),
    "internal_timeout": Scenario(refusal=Refusal("yoo_money", "internal_timeout")),
    "disputed": Scenario(is_disputed=True),
    "declined_after_3ds": Scenario(asks_code=True, refusal=_network("general_decline")),
}

# Numbers of one scenario: Mastercard, Visa, Mir.
_THREE_BRANDS = {
    "success_3ds": ("5555555555554477", "4793128161644804", "2200000000000004"),
    SUCCESS: ("5555555555554444", "4111111111111111", "2202474301322987"),
    "3d_secure_failed": ("5555555555554592", "4839665499603842", "2200000000000012"),
    "call_issuer": ("5555555555554535", "4926946416239025", "2200000000000020"),
    "card_expired": ("5555555555554543", "4141435412630840", "2200000000000038"),
    "fraud_suspected_network": ("5555555555554568", "4483274282299972", "2200000000000046"),
    "general_decline": ("5555555555554527", "4889971706588753", "2202202212312379"),
    "insufficient_funds": ("5555555555554600", "4562265587712390", "2200000000000053"),
    UNKNOWN_CARD: ("5555555555554618", "4951017853630544", "2201382000000013"),
    "invalid_csc": ("5555555555554626", "4194180666146368", "2200770212727079"),
    "issuer_unavailable": ("5555555555554501", "4654130848359150", "2201382000000021"),
    "payment_method_limit_exceeded": ("5555555555554576", "4565231022577548", "2201382000000039"),
    "payment_method_restricted": ("5555555555554550", "4233961169071671", "2201382000000047"),
    "country_forbidden": ("5555555555554584", "4969751510013864", "2201382000000054"),
    "fraud_suspected_yoo_money": ("5555555555554634", "4119098878796485", "2201696981989955"),
}
_OTHER_BRANDS = {
    "6759649826438453": "MasterCard",
    "4175001000000017": "Visa",
    "370000000000002": "AmericanExpress",
    "3528000700000000": "JCB",
    "36700102000000": "DinersClub",
}
# Of the sandbox alone: these never existed at the real system.
_OWN = {
    "2200999900000016": "delayed_success",
    "2200999900000024": "delayed_refusal",
    "2200999900000032": "charges_refused",
    "2200999900000040": "refund_later",
    "2200999900000057": "refund_rejected_later",
    "2200999900000065": "refund_refused",
    "2200999900000073": "notification_lost",
    "2200999900000081": "notification_duplicated",
    "2200999900000099": "notification_late",
    "2200999900000107": "internal_timeout",
}
CARDS: dict[str, Card] = {
    **{
        number: Card(brand, scenario)
        for scenario, numbers in _THREE_BRANDS.items()
        for brand, number in zip(("MasterCard", "Visa", "Mir"), numbers, strict=True)
    },
    **{number: Card(brand, SUCCESS) for number, brand in _OTHER_BRANDS.items()},
    **{number: Card("Mir", scenario) for number, scenario in _OWN.items()},
}
# Known at Stripe's face alone.
_STRIPE = {
    "4242424242424242": SUCCESS,
    "4000002500003155": "success_3ds",
    "4000000000003220": "success_3ds",
    "4000002760003184": "success_3ds",
    "4000008400001629": "declined_after_3ds",
    "4000000000000002": "general_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000009987": "payment_method_restricted",
    "4000000000009979": "payment_method_restricted",
    "4000000000000069": "card_expired",
    "4000000000000127": "invalid_csc",
    "4000000000000119": "issuer_unavailable",
    "4100000000000019": "fraud_suspected_network",
    "4000000000006975": "payment_method_limit_exceeded",
    "4000000000007726": "refund_later",
    "4000000000000259": "disputed",
}

STRIPE_CARDS = {**CARDS, **{number: Card("Visa", scenario) for number, scenario in _STRIPE.items()}}
STRANGER = Card("Unknown", UNKNOWN_CARD)


def card_of(number: str, face: Face) -> Card:
    """Tell what a card number does at a face; one that is not in the table is refused as an invalid number."""
    return (STRIPE_CARDS if face is Face.STRIPE else CARDS).get(number, STRANGER)


def is_luhn(number: str) -> bool:
    """Check the last digit of a card number."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(int(digit) for digit in number[::-2]) + sum(doubled)) % 10 == 0
