"""The rule of reconciliation: what three sources say of one operation, judged without asking anybody."""

from dataclasses import dataclass
from datetime import date

from theatre.billing.models import Outcome, Reason
from theatre.kit.money import Money

MATCHING = frozenset({Reason.ALL_AGREE, Reason.REGISTER_NOT_IMPORTED})
EXPLAINING = frozenset({Reason.OTHER_DAY, Reason.FEE_DIFFERS, Reason.NOTED})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one source says: how much, on which day; the fee where it knows it, and how often it says so."""

    money: Money
    day: date
    fee_minor: int | None = None
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Sightings:
    """What the three sources say of one operation; None: they do not know it."""

    ledger: Sighting | None
    api: Sighting | None
    register: Sighting | None

    def present(self) -> list[Sighting]:
        """List what there is."""
        return [sighting for sighting in (self.ledger, self.api, self.register) if sighting is not None]


def judge(seen: Sightings, *, day: date, has_register: bool) -> Reason:
    """Say how an operation stands in the reconciliation of a day; `has_register`: that day's was imported."""
    return _find_gap(seen, day=day, has_register=has_register) or _find_difference(seen, day=day)


def outcome_of(reason: Reason) -> Outcome:
    """Say whether a reason matches, explains, or needs a person."""
    if reason in MATCHING:
        return Outcome.MATCHED
    return Outcome.EXPLAINED if reason in EXPLAINING else Outcome.CASE


def _find_gap(seen: Sightings, *, day: date, has_register: bool) -> Reason | None:
    if seen.register is not None and seen.register.copies > 1:
        return Reason.DOUBLED_IN_REGISTER
    if seen.ledger is None:
        return Reason.UNKNOWN_TO_LEDGER
    if seen.api is None:
        return Reason.UNKNOWN_TO_PROVIDER if seen.register is None else Reason.MISSING_IN_API
    # what the provider did on another day stands in that day's register
    if seen.register is None and has_register and seen.api.day == day:
        return Reason.MISSING_IN_REGISTER
    return None


def _find_difference(seen: Sightings, *, day: date) -> Reason:
    present = seen.present()
    if len({sighting.money.currency for sighting in present}) > 1:
        return Reason.CURRENCY_DIFFERS
    if len({sighting.money.amount_minor for sighting in present}) > 1:
        return Reason.AMOUNT_DIFFERS
    if {sighting.day for sighting in present} != {day}:
        return Reason.OTHER_DAY
    if len({sighting.fee_minor for sighting in present} - {None}) > 1:
        return Reason.FEE_DIFFERS
    return Reason.REGISTER_NOT_IMPORTED if seen.register is None else Reason.ALL_AGREE
