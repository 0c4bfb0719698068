"""The ledger: the chart of accounts over the life of a payment, its balances, and statements that are always true."""

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.billing.acts import NOW, balances, buy, days, failure, give_back, open_attempt, pay, success
from tests.billing.claims import Claim
from theatre.billing import (
    attempts,
    audit,
    disputes,
    entitlements,
    explanations,
    ledger,
    recognition,
    refunds,
    settlements,
    verification,
)
from theatre.billing.errors import (
    CaseNotOpen,
    CaseNotRefundable,
    PaymentDisputed,
    PaymentNotRefundable,
    RefundExceedsPayment,
    RefundNotRequested,
    RefundUnknown,
    RefundUsed,
    SecondPersonNeeded,
)
from theatre.billing.models import (
    Case,
    Payment,
    Refund,
    RefundSource,
    RefundStatus,
)
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.contracts.payment import Failure
from theatre.kit.db import Session, Sessions
from theatre.kit.money import Money

REFUSED = Failure(code="payee_refused", message="The bank of the card did not take the money back.")


async def ask_back(
    session: Session, settings: BillingSettings, payment: Payment, *, amount_minor: int | None = None
) -> Refund:
    amount = None if amount_minor is None else Money(amount_minor, payment.currency)
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "changed my mind", amount)
    return await refunds.request(session, payment.id, claim, settings=settings, now=NOW)


async def discounted(session: Session, settings: BillingSettings, *kinds: str, off_minor: int) -> Payment:
    """Make a payment whose first line has a discount."""
    payment = await buy(session, settings, *kinds)
    payment.items[0].discount_minor = payment.discount_minor = off_minor
    payment.total_minor -= off_minor
    await session.flush()
    return payment


async def faults(session: Session) -> list[str]:
    """List the statements about the ledger that do not hold, with examples."""
    await session.flush()
    found = []
    for statement, query in verification.CHECKS.items():
        rows = (await session.scalars(text(query))).all()
        found += [f"{statement}: {row}" for row in rows]
    return found


async def disagreements(session: Session, payment: Payment) -> list[explanations.Step]:
    """List the steps of a payment's explanation that do not agree with what is stored."""
    await session.flush()
    return [step for step in await explanations.explain(session, payment.id) if not step.agrees]


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


async def test_another_amount_opens_one_case(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id, amount_minor=5)
    for _ in range(2):
        await settlements.settle(session, event, settings=settings, now=NOW)
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    assert case.details["captured"] == {"amount": "0.05", "currency": "RUB"}
    assert not [fault for fault in await faults(session) if str(attempt_id) in fault]


async def test_staff_give_unallocated_money_back_and_the_case_is_closed(
    session: Session, settings: BillingSettings
) -> None:
    """F-C10: money of another amount is nobody's until a person decides; above the limit two of them."""
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id, amount_minor=29899)
    await settlements.settle(session, event, settings=settings, now=NOW)
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    none = settings.model_copy(update={"refund_limits": {}})
    staff = uuid4()
    refund = await refunds.give_back_unallocated(
        session, case.id, staff_id=staff, note="called the buyer", settings=none, now=NOW
    )
    assert (refund.status, case.status, case.note) == ("requested", "resolved", "called the buyer")
    await refunds.approve(session, refund.id, staff_id=uuid4(), now=NOW)
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    assert await balances(session, payment) == {}
    with pytest.raises(CaseNotOpen):
        await refunds.give_back_unallocated(
            session, case.id, staff_id=staff, note="again", settings=none, now=NOW
        )


async def test_late_money_whose_refund_failed_can_be_given_back_by_staff(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    await settlements.settle(session, success(payment, uuid4()), settings=settings, now=NOW)
    refund = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).one()
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
    assert (await balances(session, payment))["unallocated"] == -29900
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    again = await refunds.give_back_unallocated(
        session, case.id, staff_id=uuid4(), note="by another card", settings=settings, now=NOW
    )
    await refunds.succeed(session, payment.id, again.id, now=NOW)
    assert await balances(session, payment) == {"cash:yookassa": 29900, "revenue:film": -29900}


async def test_a_case_about_something_else_gives_nothing_back(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    refund = await ask_back(session, settings, payment)
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
    case = (await session.scalars(select(Case).where(Case.payment_id == payment.id))).one()
    with pytest.raises(CaseNotRefundable):
        await refunds.give_back_unallocated(
            session, case.id, staff_id=uuid4(), note="x", settings=settings, now=NOW
        )


async def test_a_plan_is_earned_day_by_day_to_the_last_kopeck(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    earned = []
    for day in (0, 1, 1, 14, 28, 400):
        while await recognition.recognize_due(session, now=NOW + days(day)):
            await session.flush()
        earned.append(-(await balances(session, payment)).get("revenue:plan", 0))
    # 31 January to 28 February: 28 days of 399.00
    assert earned == [0, 1425, 1425, 19950, 39900, 39900]
    assert await balances(session, payment) == {"cash:yookassa": 39900, "revenue:plan": -39900}
    assert not await disagreements(session, payment)


async def test_a_refund_takes_first_what_was_not_earned_yet(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    await recognition.recognize_due(session, now=NOW + days(7))
    await give_back(session, settings, payment, amount_minor=35000)
    assert await balances(session, payment) == {"cash:yookassa": 4900, "revenue:plan": -4900}
    assert not await disagreements(session, payment)
    assert not await recognition.recognize_due(session, now=NOW + days(6))


async def test_what_a_failed_refund_took_from_deferred_revenue_is_earned_after_all(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    await recognition.recognize_due(session, now=NOW + days(7))
    refund = await ask_back(session, settings, payment)
    await session.flush()
    await recognition.recognize_due(session, now=NOW + days(40))
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW + days(41))
    await session.flush()
    await recognition.recognize_due(session, now=NOW + days(42))
    await session.flush()
    assert await balances(session, payment) == {"cash:yookassa": 39900, "revenue:plan": -39900}


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


async def test_above_their_limit_staff_need_a_second_person(
    session: Session, settings: BillingSettings
) -> None:
    """P2, S-B8: splitting does not help, and nobody is their own second person."""
    strict = settings.model_copy(update={"refund_limits": {"RUB": 10000}})
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    first, second = uuid4(), uuid4()

    async def claim(amount_minor: int) -> Refund:
        claimed = refunds.Claim(RefundSource.STAFF, first, "goodwill", Money(amount_minor, "RUB"))
        return await refunds.request(session, payment.id, claimed, settings=strict, now=NOW)

    assert (await claim(10000)).status == RefundStatus.PENDING
    waiting = await claim(1)
    assert waiting.status == RefundStatus.REQUESTED
    assert (await balances(session, payment))["refunds_payable"] == -10000
    with pytest.raises(SecondPersonNeeded):
        await refunds.approve(session, waiting.id, staff_id=first, now=NOW)
    await refunds.approve(session, waiting.id, staff_id=second, now=NOW)
    assert (waiting.status, waiting.decided_by) == (RefundStatus.PENDING, second)
    with pytest.raises(RefundNotRequested):
        await refunds.reject(session, waiting.id, staff_id=second, now=NOW)
    with pytest.raises(RefundUnknown):
        await refunds.approve(session, uuid4(), staff_id=second, now=NOW)


async def test_a_rejected_refund_frees_what_it_reserved(session: Session, settings: BillingSettings) -> None:
    none = settings.model_copy(update={"refund_limits": {}})
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    claimed = refunds.Claim(RefundSource.STAFF, uuid4(), "goodwill")
    waiting = await refunds.request(session, payment.id, claimed, settings=none, now=NOW)
    with pytest.raises(PaymentNotRefundable):
        await ask_back(session, settings, payment)
    await refunds.reject(session, waiting.id, staff_id=uuid4(), now=NOW)
    assert (await ask_back(session, settings, payment)).amount_minor == 29900


async def test_what_was_watched_is_given_back_by_staff_only(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    assert (await entitlements.use(session, payment.user_id, uuid4(), now=NOW)).allowed
    with pytest.raises(RefundUsed):
        await ask_back(session, settings, payment)
    claimed = refunds.Claim(RefundSource.STAFF, uuid4(), "goodwill")
    given = await refunds.request(session, payment.id, claimed, settings=settings, now=NOW)
    assert given.status == RefundStatus.PENDING


async def test_a_partial_refund_takes_the_rights_where_that_was_chosen(
    session: Session, settings: BillingSettings
) -> None:
    """R9: access ends or stays exactly as chosen."""
    for takes_rights in (False, True):
        payment = await buy(session, settings, "plan")
        await pay(session, settings, payment)
        claimed = refunds.Claim(
            RefundSource.STAFF, uuid4(), "x", Money(100, "RUB"), takes_rights=takes_rights
        )
        refund = await refunds.request(session, payment.id, claimed, settings=settings, now=NOW)
        await refunds.succeed(session, payment.id, refund.id, now=NOW)
        await session.flush()
        verdict = await entitlements.check(session, payment.user_id, uuid4(), now=NOW)
        assert (payment.status, verdict.allowed) == ("paid", not takes_rights)


async def test_paying_by_an_earlier_attempt_abandons_the_open_one(
    session: Session, settings: BillingSettings
) -> None:
    """Capability 1: after any success every other open link is made worthless, where its provider can."""
    payment = await buy(session, settings, "film")
    early = await open_attempt(session, payment)
    await attempts.fail(session, failure(payment, early), now=NOW)
    late = await open_attempt(session, payment)
    await settlements.settle(session, success(payment, early), settings=settings, now=NOW)
    await session.flush()
    told = await session.scalars(
        text(
            "SELECT data ->> 'attempt_id' FROM billing.outbox_message"
            " WHERE aggregate_id = :id AND type = 'billing.attempt.abandoned'"
        ),
        {"id": payment.id},
    )
    assert [UUID(each) for each in told] == [late]


async def test_what_is_earned_after_two_failed_refunds_of_one_moment_is_posted(
    session: Session, settings: BillingSettings
) -> None:
    """R13: each failure makes the schedule due anew; the second recognition is another operation than the first."""
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    for passed in (2, 17):
        refund = await ask_back(session, settings, payment, amount_minor=1000)
        await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
        await recognition.recognize_due(session, now=NOW + days(passed))
        assert not await disagreements(session, payment)


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


# what breaks each statement, done to the rows of one payment
POSTINGS = "entry_id IN (SELECT id FROM billing.ledger_entry WHERE payment_id = :payment)"
NEW_DISPUTE = (
    "INSERT INTO billing.dispute (id, payment_id, attempt_id, provider, provider_reference, status, revision,"
    " amount_minor, currency, withdrawn_minor, reason, opened_at, closed_at)"
    " SELECT id, id, paid_attempt_id, provider, id::text, 'won', 1, 1, 'RUB', 0, '', paid_at, paid_at"
    " FROM billing.payment WHERE id = :payment"
)
PLANTS: dict[str, str] = {
    "what a dispute took is booked, and nothing of one that was won but the fee that was kept": (
        NEW_DISPUTE.replace("'won', 1, 1, 'RUB', 0", "'lost', 1, 1, 'RUB', 1")
    ),
    "refunds and disputes together never cost more than was paid": (
        f"UPDATE billing.ledger_posting SET account = 'chargebacks' WHERE account = 'cash:yookassa' AND {POSTINGS}"
    ),
    "what a dispute took beyond what was left of its payment has a case": (
        f"WITH made AS ({NEW_DISPUTE} RETURNING id, payment_id), posted AS (UPDATE billing.ledger_posting"
        f" SET account = 'unallocated' WHERE account = 'cash:yookassa' AND {POSTINGS})"
        " UPDATE billing.ledger_entry e SET operation_key = concat_ws(':', 'dispute', made.id, 0) FROM made"
        " WHERE e.payment_id = made.payment_id AND e.kind = 'capture'"
    ),
    "no buyer owes anything: every sale is captured": (
        f"UPDATE billing.ledger_posting SET account = 'receivable' WHERE account = 'cash:yookassa' AND {POSTINGS}"
    ),
    "stored balances equal the sum of postings": (
        "UPDATE billing.account_balance SET balance_minor = balance_minor + 1"
    ),
    "every payment that is paid or refunded has its sale, and no other has one": (
        "UPDATE billing.payment SET status = 'canceled', paid_at = NULL WHERE id = :payment"
    ),
    "what a payment sold is what it asked for": (
        "UPDATE billing.payment SET total_minor = total_minor + 1 WHERE id = :payment"
    ),
    "what is to be refunded is owed, refund by refund": (
        "UPDATE billing.refund SET status = 'failed' WHERE payment_id = :payment"
    ),
    "refunds never sum to more than was paid": (
        "UPDATE billing.refund SET amount_minor = amount_minor * 9 WHERE payment_id = :payment"
    ),
    "what a payment says was refunded is what its refunds say": (
        "UPDATE billing.payment SET refunded_minor = 7 WHERE id = :payment"
    ),
    "deferred revenue is what the schedules have still to earn": (
        "UPDATE billing.revenue_schedule SET recognized_minor = 1 WHERE payment_id = :payment"
    ),
    "every line of a paid payment has one right to watch, and no other line has one": (
        "DELETE FROM billing.entitlement WHERE payment_id = :payment"
    ),
    "a refunded payment gives no right to watch": (
        "UPDATE billing.payment SET status = 'refunded' WHERE id = :payment"
    ),
    "every entry has two lines at least and sums to zero per currency": (
        "UPDATE billing.ledger_posting SET amount_minor = amount_minor + 1"
        f" WHERE account = 'cash:yookassa' AND {POSTINGS}"
    ),
    "money that bought nothing is on its way back or has an open case": (
        f"UPDATE billing.ledger_posting SET account = 'unallocated' WHERE account = 'receivable' AND {POSTINGS}"
    ),
}


@pytest.mark.parametrize("statement", verification.CHECKS)
async def test_each_statement_finds_a_planted_fault(
    owner: Session, settings: BillingSettings, statement: str
) -> None:
    """Part 3 of the reliability matrix: a check that cannot fail proves nothing."""
    payment = await buy(owner, settings, "plan")
    await pay(owner, settings, payment)
    await ask_back(owner, settings, payment, amount_minor=10000)
    await owner.flush()
    await owner.execute(text("SET LOCAL session_replication_role = replica"))
    # other tests leave rows of their own
    before = set(await faults(owner))
    await owner.execute(text(PLANTS[statement]), {"payment": payment.id})
    assert [fault for fault in set(await faults(owner)) - before if fault.startswith(statement)]


async def test_the_audit_is_a_chain_that_shows_any_change(owner: Session) -> None:
    """Capability 21: each record carries the hash of the one before."""
    for reason in ("first", "second", "third"):
        act = audit.Act(
            uuid4(), "refund.create", "payment", str(uuid4()), "request-1", reason, after={"x": 1}
        )
        await audit.record(owner, act, now=NOW)
    numbers = (
        await owner.scalars(text("SELECT number FROM billing.audit_record ORDER BY number DESC LIMIT 3"))
    ).all()
    assert (await audit.verify(owner)).broken_number is None
    await owner.execute(text("SET LOCAL session_replication_role = replica"))
    await owner.execute(
        text("UPDATE billing.audit_record SET reason = 'other' WHERE number = :n"), {"n": numbers[1]}
    )
    owner.expire_all()
    assert (await audit.verify(owner)).broken_number == numbers[1]


async def test_the_audit_cannot_be_changed_by_the_service(session: Session) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await session.execute(text("DELETE FROM billing.audit_record"))
