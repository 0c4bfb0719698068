"""Signatures and amounts as Stripe writes them: pure arithmetic."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from iso4217 import Currency

from theatre.kit.money import Money, MoneyError, digits
from theatre.payment.providers.stripe_amounts import from_wire, to_wire
from theatre.payment.providers.stripe_signature import is_good

SECRET, OTHER = "whsec_sandbox", "whsec_other"
MOMENT = 1777888999
NOW = datetime.fromtimestamp(MOMENT, UTC)
BODY = (
    b'{"id":"evt_sbx1","object":"event","type":"checkout.session.completed",'
    b'"data":{"object":{"id":"cs_test_sbx1","object":"checkout.session"}}}'
)
SIGNATURE = "7515d33655b6ebe9029a06e85268fa82d36413587b6af2a8f60c0cd151617387"
HEADER = f"t={MOMENT},v1={SIGNATURE}"


def accepted(
    header: str = HEADER, body: bytes = BODY, *, secrets: tuple[str, ...] = (SECRET,), now: datetime = NOW
) -> bool:
    return is_good(header, body, secrets=secrets, now=now)


def test_the_known_answer_verifies() -> None:
    assert accepted()


@pytest.mark.parametrize("minutes", [-4, 4])
def test_four_minutes_of_skew_are_accepted_in_both_directions(minutes: int) -> None:
    """T15"""
    assert accepted(now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_six_minutes_of_skew_are_refused_in_both_directions(minutes: int) -> None:
    """T15, F-C8: neither an old callback again nor one for tomorrow."""
    assert not accepted(now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "header",
    [
        f"t={MOMENT},v1={'0' * 64},v1={SIGNATURE}",
        f"t={MOMENT}, v1={SIGNATURE}, v0={'0' * 64}",
        f"v1={SIGNATURE},t={MOMENT}",
    ],
)
def test_one_good_signature_among_several_is_enough(header: str) -> None:
    assert accepted(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        f"t={MOMENT}",
        f"v1={SIGNATURE}",
        f"t={MOMENT},v1={SIGNATURE[:-1]}",
        f"t={MOMENT},v1={SIGNATURE.upper()}",
        f"t={MOMENT},v1={'0' * 64}",
        f"t={MOMENT},v1=",
        f"t={MOMENT},v0={SIGNATURE}",
        f"t={MOMENT + 1},v1={SIGNATURE}",
        f"t={MOMENT},t={MOMENT},v1={SIGNATURE}",
        f"t=-{MOMENT},v1={SIGNATURE}",
        f"t={MOMENT}.0,v1={SIGNATURE}",
        f"t={'9' * 1900},v1={SIGNATURE}",
        f"t=٣,v1={SIGNATURE}",
        f"t={MOMENT},v1={'я' * 64}",
        f"t={MOMENT}," + ",".join([f"v1={'0' * 64}"] * 100),
        SIGNATURE,
    ],
)
def test_any_other_header_is_refused(header: str) -> None:
    """F-C6: none, wrong, truncated, another scheme; and nothing makes it fall over."""
    assert not accepted(header)


def test_another_body_or_secret_is_refused() -> None:
    """F-C6"""
    assert not accepted(body=BODY + b" ")
    assert not accepted(body=b"")
    assert not accepted(secrets=(OTHER,))


def test_while_a_secret_is_changed_both_verify_and_afterwards_the_old_one_does_not() -> None:
    """F-C12"""
    assert accepted(secrets=(OTHER, SECRET))
    assert accepted(secrets=(SECRET, OTHER))
    assert not accepted(secrets=(OTHER,))


def test_an_empty_secret_never_verifies() -> None:
    """F-C9: also not what was signed with one."""
    own = hmac.new(b"", f"{MOMENT}.".encode() + BODY, hashlib.sha256).hexdigest()
    for secrets in ((), ("",)):
        assert not accepted(secrets=secrets)
        assert not accepted(f"t={MOMENT},v1={own}", secrets=secrets)


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(500, "JPY"), 500),
        (Money(50000, "RUB"), 50000),
        (Money(5000, "KWD"), 5000),
        (Money(5010, "KWD"), 5010),
        (Money(500, "ISK"), 50000),
        (Money(500, "UGX"), 50000),
        (Money(50000, "MGA"), 500),
    ],
)
def test_amounts_go_in_the_currencys_smallest_unit(amount: Money, units: int) -> None:
    """M2, with Stripe's special cases."""
    assert to_wire(amount) == units
    assert from_wire(units, amount.currency.lower()) == amount


def test_there_and_back_is_the_same_for_every_currency() -> None:
    """M2"""
    for currency in Currency:
        try:
            digits(currency.code)
        except MoneyError:
            continue
        amount = Money(1_234_500, currency.code)
        assert from_wire(to_wire(amount), currency.code.lower()) == amount


@pytest.mark.parametrize("amount", [Money(5005, "KWD"), Money(1, "BHD"), Money(50001, "MGA")])
def test_what_stripe_cannot_take_is_refused_rather_than_rounded(amount: Money) -> None:
    """M2: rounded here another sum would be taken than was asked for, and the payment would not be paid by it."""
    with pytest.raises(MoneyError):
        to_wire(amount)


@pytest.mark.parametrize(("units", "currency"), [(-1, "rub"), (1, "isk"), (1, "zzz"), (1, "xau")])
def test_what_is_no_amount_is_not_read_as_one(units: int, currency: str) -> None:
    with pytest.raises(MoneyError):
        from_wire(units, currency)
