"""The ledger: the chart of accounts over the life of a payment, its balances, and that it explains itself."""

from contextlib import suppress
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.billing.acts import (
    NOW,
    REFUSED,
    ask_back,
    balances,
    buy,
    days,
    discounted,
    give_back,
    open_attempt,
    pay,
    success,
)
from tests.billing.checks import disagreements, faults
from tests.billing.claims import Claim
from theatre.billing import (
    disputes,
    ledger,
    recognition,
    refunds,
    settlements,
    verification,
)
from theatre.billing.errors import (
    PaymentDisputed,
    PaymentNotRefundable,
    RefundExceedsPayment,
)
from theatre.billing.models import Case, Payment, Refund
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.kit.db import Session, Sessions


async def test_a_sale_is_booked_before_its_discount_and_paid_by_its_capture(
    session: Session, settings: BillingSettings
) -> None:
    """M14: Σ lines − discounts = total = captured."""
    payment = await discounted(session, settings, "film", off_minor=900)
    await pay(session, settings, payment)
    assert await balances(session, payment) == {
        "cash:yookassa": 29000,
        "promo": 900,
        "revenue:film": -29900,
    }


async def test_the_fee_of_a_provider_is_kept_apart_and_not_given_back(
    session: Session, settings: BillingSettings
) -> None:
    """R15: provider fee is not returned on refund; the fee account keeps it."""
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id).model_copy(update={"fee": Amount(amount_minor=1047, currency="RUB")})
    await settlements.settle(session, event, settings=settings, now=NOW)
    await session.flush()
    await give_back(session, settings, payment)
    assert await balances(session, payment) == {"cash:yookassa": -1047, "fees:yookassa": 1047}
    assert not await disagreements(session, payment)


async def test_a_refund_on_its_way_is_owed_and_no_longer_earned(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    await ask_back(session, settings, payment, amount_minor=10000)
    assert await balances(session, payment) == {
        "cash:yookassa": 29900,
        "refunds_payable": -10000,
        "revenue:film": -19900,
    }
    assert not await disagreements(session, payment)


async def test_a_failed_refund_is_taken_back_as_it_was_recorded_and_opens_a_case(
    session: Session, settings: BillingSettings
) -> None:
    """R8: the refund of a closed card has a named error and a way by hand."""
    payment = await discounted(session, settings, "plan", "film", off_minor=333)
    await pay(session, settings, payment)
    before = await balances(session, payment)
    refund = await ask_back(session, settings, payment, amount_minor=20001)
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
    assert await balances(session, payment) == before
    case = (await session.scalars(select(Case).where(Case.refund_id == refund.id))).one()
    assert (case.kind, case.details["code"]) == ("refund_failed", "payee_refused")
    assert not await disagreements(session, payment)


async def test_stored_balances_equal_the_postings_and_only_the_database_changes_them(
    session: Session, settings: BillingSettings
) -> None:
    """R13, I-05: in every moment of a transaction, too."""
    before = {row.account: row.balance_minor for row in await ledger.list_balances(session)}
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    after = {row.account: row.balance_minor for row in await ledger.list_balances(session)}
    assert after["cash:yookassa"] - before.get("cash:yookassa", 0) == 29900
    assert not [fault for fault in await faults(session) if fault.startswith("stored balances")]
    with pytest.raises(Exception, match="permission denied"):
        await session.execute(text("UPDATE billing.account_balance SET balance_minor = 0"))


async def test_balances_can_be_built_anew(session: Session, settings: BillingSettings) -> None:
    await pay(session, settings, await buy(session, settings, "film"))
    before = await ledger.list_balances(session)
    await verification.rebuild_balances(session)
    assert await ledger.list_balances(session) == before


ACTS = st.one_of(
    st.tuples(st.just("refund"), st.integers(1, 80000)),
    st.tuples(st.just("succeed"), st.integers(0, 5)),
    st.tuples(st.just("fail"), st.integers(0, 5)),
    st.tuples(st.just("recognize"), st.integers(0, 40)),
    st.tuples(st.just("late"), st.just(0)),
    st.tuples(st.just("dispute"), st.integers(1, 80000)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("win"), st.integers(0, 5)),
)


@trials(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=14), off_minor=st.sampled_from([0, 1, 333, 39899]))
async def test_whatever_happens_to_a_payment_every_amount_is_explained(
    sessions: Sessions, settings: BillingSettings, acts: list[tuple[str, int]], off_minor: int
) -> None:
    """R1–R4, R11, R13: any order of refunds, disputes, late money and time leaves a ledger that explains itself."""
    async with sessions() as session:
        payment = await discounted(session, settings, "plan", "film", off_minor=off_minor)
        await pay(session, settings, payment)
        made, claims = list[Refund](), list[Claim]()
        for act, number in acts:
            if act in {"dispute", "lose", "win"}:
                await contest(session, payment, claims, act=act, number=number)
            else:
                await happen(session, settings, payment, made, act=act, number=number)
            await session.flush()
            assert not await disagreements(session, payment)
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        mine = [str(id) for id in (payment.id, *(one.id for one in made), *(one.id for one in claims))]
        assert not [fault for fault in await faults(session) if any(id in fault for id in mine)]
        await session.rollback()


async def contest(session: Session, payment: Payment, claims: list[Claim], *, act: str, number: int) -> None:
    """Let the payer's bank dispute some of a payment, also more than is left, or one of its disputes end."""
    if act == "dispute":
        claims.append(Claim.of(payment, amount_minor=number))
        await disputes.take_note(session, claims[-1].opened(), now=NOW)
    elif claims:
        claim = claims[number % len(claims)]
        ended = {str(dispute.id): dispute.status for dispute in await disputes.list_of(session, payment.id)}
        if ended[str(claim.id)] == "open" or (act == "win" and ended[str(claim.id)] == "lost"):
            fact = claim.won() if act == "win" else claim.lost()
            await disputes.take_note(session, fact, now=NOW)


async def happen(
    session: Session,
    settings: BillingSettings,
    payment: Payment,
    made: list[Refund],
    *,
    act: str,
    number: int,
) -> None:
    """Let one thing happen; what is refused changes nothing."""
    if act == "refund":
        with suppress(RefundExceedsPayment, PaymentNotRefundable, PaymentDisputed):
            made.append(await ask_back(session, settings, payment, amount_minor=number))
    elif act == "recognize":
        await recognition.recognize_due(session, now=NOW + days(number))
    elif act == "late":
        await settlements.settle(session, success(payment, uuid4()), settings=settings, now=NOW)
    elif made:
        refund = made[number % len(made)]
        if act == "succeed":
            await refunds.succeed(session, payment.id, refund.id, now=NOW)
        else:
            await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
