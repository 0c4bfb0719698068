"""What a payer types, checked as a payment page does: spaces are forgiven, an unreadable card is not."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from theatre.sandbox.cards import is_luhn

NUMBER = re.compile(r"^[0-9]{13,19}$", re.ASCII)
MONTH = re.compile(r"^(0?[1-9]|1[0-2])$", re.ASCII)
YEAR = re.compile(r"^(?:20)?([0-9]{2})$", re.ASCII)
CVC = re.compile(r"^[0-9]{3,4}$", re.ASCII)
CODE = re.compile(r"^[0-9]{1,12}$", re.ASCII)
MAX_CARDHOLDER_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class CardForm:
    """The fields as they came."""

    card_number: str = ""
    expiry_month: str = ""
    expiry_year: str = ""
    cvc: str = field(default="", repr=False)
    cardholder: str = ""
    save_card: str = ""


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A card that could exist. Lives as long as the request; the whole number goes nowhere else."""

    number: str = field(repr=False)
    expiry_month: str
    expiry_year: str
    wants_saving: bool


def read_card(form: CardForm, now: datetime) -> tuple[CardEntry | None, set[str]]:
    """Read a card form; give the card, or the names of the fields at fault."""
    number = re.sub(r"[ \u00a0-]", "", form.card_number)
    month, year = MONTH.match(form.expiry_month.strip()), YEAR.match(form.expiry_year.strip())
    faults = set()
    if not NUMBER.match(number) or not is_luhn(number):
        faults.add("card_number")
    if month is None:
        faults.add("expiry_month")
    if year is None or (month is not None and (2000 + int(year[1]), int(month[1])) < (now.year, now.month)):
        faults.add("expiry_year")
    if not CVC.match(form.cvc.strip()):
        faults.add("cvc")
    if len(form.cardholder) > MAX_CARDHOLDER_CHARACTERS:
        faults.add("cardholder")
    if faults or month is None or year is None:
        return None, faults
    return CardEntry(
        number, f"{int(month[1]):02d}", f"20{year[1]}", wants_saving=bool(form.save_card)
    ), faults


def read_code(text: str) -> str | None:
    """Read a 3-D Secure code; None if it is not digits."""
    code = text.strip()
    return code if CODE.match(code) else None
