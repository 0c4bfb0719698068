"""The rule of reconciliation, without anybody to ask."""

from datetime import date
from itertools import product

import pytest

from theatre.billing.models import Outcome, Reason
from theatre.billing.verdicts import EXPLAINING, MATCHING, Sighting, Sightings, judge, outcome_of
from theatre.kit.money import Money

DAY, NEXT = date(2026, 11, 24), date(2026, 11, 25)
SAME = Sighting(Money(100, "RUB"), DAY)
OTHER_DAY = Sighting(Money(100, "RUB"), NEXT)
MORE = Sighting(Money(101, "RUB"), DAY)
DOLLARS = Sighting(Money(100, "USD"), DAY)
DOUBLED = Sighting(Money(100, "RUB"), DAY, copies=2)
KEPT_4 = Sighting(Money(100, "RUB"), DAY, fee_minor=4)
KEPT_3 = Sighting(Money(100, "RUB"), DAY, fee_minor=3)


@pytest.mark.parametrize(
    ("ledger", "api", "register", "has_register", "reason"),
    [
        (SAME, SAME, SAME, True, Reason.ALL_AGREE),
        (SAME, SAME, None, False, Reason.REGISTER_NOT_IMPORTED),
        (SAME, SAME, None, True, Reason.MISSING_IN_REGISTER),
        (None, SAME, None, False, Reason.UNKNOWN_TO_LEDGER),
        (None, SAME, SAME, True, Reason.UNKNOWN_TO_LEDGER),
        (None, None, SAME, True, Reason.UNKNOWN_TO_LEDGER),
        (SAME, None, None, False, Reason.UNKNOWN_TO_PROVIDER),
        (SAME, None, None, True, Reason.UNKNOWN_TO_PROVIDER),
        (SAME, None, SAME, True, Reason.MISSING_IN_API),
        (SAME, MORE, None, False, Reason.AMOUNT_DIFFERS),
        (SAME, SAME, MORE, True, Reason.AMOUNT_DIFFERS),
        (MORE, SAME, SAME, True, Reason.AMOUNT_DIFFERS),
        (SAME, DOLLARS, None, False, Reason.CURRENCY_DIFFERS),
        (SAME, SAME, DOUBLED, True, Reason.DOUBLED_IN_REGISTER),
        (None, SAME, DOUBLED, True, Reason.DOUBLED_IN_REGISTER),
        (OTHER_DAY, SAME, SAME, True, Reason.OTHER_DAY),
        (SAME, OTHER_DAY, None, True, Reason.OTHER_DAY),
        (SAME, SAME, OTHER_DAY, True, Reason.OTHER_DAY),
        (OTHER_DAY, OTHER_DAY, SAME, True, Reason.OTHER_DAY),
        (KEPT_4, KEPT_3, None, False, Reason.FEE_DIFFERS),
        (SAME, KEPT_3, KEPT_4, True, Reason.FEE_DIFFERS),
        (SAME, KEPT_3, KEPT_3, True, Reason.ALL_AGREE),
        (OTHER_DAY, Sighting(Money(99, "RUB"), DAY), None, False, Reason.AMOUNT_DIFFERS),
    ],
)
def test_each_difference_has_its_reason(
    ledger: Sighting | None,
    api: Sighting | None,
    register: Sighting | None,
    has_register: bool,
    reason: Reason,
) -> None:
    assert judge(Sightings(ledger, api, register), day=DAY, has_register=has_register) is reason


def test_nothing_matches_unless_all_that_know_it_say_the_same_of_this_day() -> None:
    """R14, over every combination of what three sources may say."""
    said = [None, SAME, OTHER_DAY, MORE, DOLLARS, DOUBLED]
    for ledger, api, register in product(said, repeat=3):
        seen = Sightings(ledger, api, register)
        if not seen.present():
            continue
        for has_register in (True, False):
            reason = judge(seen, day=DAY, has_register=has_register)
            if outcome_of(reason) is Outcome.MATCHED:
                money_and_day = {(one.money, one.day) for one in seen.present()}
                assert len(money_and_day) == 1
                assert {one.day for one in seen.present()} == {DAY}
                assert ledger
                assert api
                assert register or not has_register


def test_every_reason_has_one_outcome() -> None:
    outcomes = {reason: outcome_of(reason) for reason in Reason}
    assert {one for one, outcome in outcomes.items() if outcome is Outcome.MATCHED} == MATCHING
    assert {one for one, outcome in outcomes.items() if outcome is Outcome.EXPLAINED} == EXPLAINING
    assert sum(outcome is Outcome.CASE for outcome in outcomes.values()) == 7
