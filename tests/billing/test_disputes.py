"""Disputes: a payer's bank takes money back, or does not; in any order, twice, beside refunds."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import permutations
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from tests.billing.acts import NOW, ask_back, balances, buy, days, events, give_back, pay, success
from tests.billing.checks import disagreements, faults
from tests.billing.claims import FEE_MINOR, Claim, open_cases, tell
from tests.billing.conftest import Caller
from tests.billing.test_provider_refunds import told as refunded_in_cabinet
from theatre.billing import cases, disputes, entitlements, provider_refunds, refunds, settlements
from theatre.billing.disputes import CaptureUnsettled
from theatre.billing.errors import PaymentDisputed
from theatre.billing.models import (
    Case,
    Dispute,
    Entitlement,
    LedgerEntry,
    Payment,
    RefundSource,
    Subscription,
)
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.contracts.payment import Failure
from theatre.contracts.payment_disputes import (
    DisputeFact,
)
from theatre.kit.db import Session, Sessions
from theatre.kit.ids import new_id

REFUSED = Failure(code="charge_disputed", message="The payment system refused.")
STAFF, SECOND = uuid4(), uuid4()


async def bought(session: Session, settings: BillingSettings, *kinds: str) -> Payment:
    """Make a paid payment."""
    payment = await buy(session, settings, *kinds)
    await pay(session, settings, payment)
    return payment


async def check(session: Session, payment: Payment) -> None:
    """No statement about the ledger is broken by anything, and each amount of the payment can be explained."""
    assert not await faults(session)
    assert not await disagreements(session, payment)


async def may_watch(session: Session, payment: Payment) -> bool:
    """Tell whether every right that a payment gave is held."""
    await session.flush()
    rights = await session.scalars(select(Entitlement).where(Entitlement.payment_id == payment.id))
    held = {right.revoked_at is None for right in rights}
    assert len(held) == 1
    return held.pop()


async def test_an_open_dispute_books_the_loss_and_the_fee_once(
    session: Session, settings: BillingSettings
) -> None:
    """Capability 19"""
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment)
    await tell(session, claim.announced(), claim.opened())
    total = payment.total_minor
    assert await balances(session, payment) == {
        "cash:yookassa": -FEE_MINOR,
        "chargebacks": total,
        "dispute_fees:yookassa": FEE_MINOR,
        "revenue:film": -total,
    }
    assert await open_cases(session, payment) == ["dispute"]
    await check(session, payment)


@pytest.mark.parametrize("end", ["open", "lost"])
async def test_a_disputed_payment_is_not_refunded(
    session: Session, settings: BillingSettings, end: str
) -> None:
    """R2: refund of a payment with an open or lost dispute is refused."""
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment, amount_minor=100)
    await tell(session, claim.opened(), *([claim.lost()] if end == "lost" else []))
    for source in (RefundSource.USER, RefundSource.STAFF):
        asked = refunds.Claim(source, payment.user_id, "I want it back")
        with pytest.raises(PaymentDisputed):
            await refunds.request(session, payment.id, asked, settings=settings, now=NOW)


async def test_a_refund_that_waits_for_a_second_person_is_not_agreed_to_while_the_bank_disputes(
    session: Session, settings: BillingSettings
) -> None:
    """R2"""
    payment = await bought(session, settings, "film")
    asked = refunds.Claim(RefundSource.STAFF, STAFF, "goodwill")
    strict = settings.model_copy(update={"refund_limits": {}})
    refund = await refunds.request(session, payment.id, asked, settings=strict, now=NOW)
    claim = Claim.of(payment)
    await tell(session, claim.opened())
    with pytest.raises(PaymentDisputed):
        await refunds.approve(session, refund.id, staff_id=SECOND, now=NOW)
    await session.refresh(refund)
    await tell(session, claim.won())
    assert (await refunds.approve(session, refund.id, staff_id=SECOND, now=NOW)).status == "pending"


async def test_an_inquiry_takes_nothing_and_forbids_nothing(
    session: Session, settings: BillingSettings
) -> None:
    """The bank only asks; giving the money back is the best answer to it."""
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment)
    await tell(session, claim.inquiry())
    assert await open_cases(session, payment) == ["dispute"]
    assert "chargebacks" not in await balances(session, payment)
    await give_back(session, settings, payment)
    assert payment.status == "refunded"
    await tell(session, claim.won(fee_minor=None))
    assert await open_cases(session, payment) == []
    await check(session, payment)


async def test_a_bank_that_first_asks_and_then_takes_opens_a_second_case(
    session: Session, settings: BillingSettings
) -> None:
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment)
    await tell(session, claim.inquiry())
    case = await session.scalar(select(Case).where(Case.payment_id == payment.id))
    assert case is not None
    await cases.resolve(session, case.id, staff_id=STAFF, note="answered", now=NOW)
    await tell(session, claim.opened())
    assert await open_cases(session, payment) == ["dispute"]


@pytest.mark.parametrize("kind", ["film", "plan", "rental"])
async def test_a_won_dispute_restores_books_and_access_exactly(
    session: Session, settings: BillingSettings, kind: str
) -> None:
    """R4: what was posted is taken back to the kopeck, and the rights are as they were."""
    payment = await bought(session, settings, kind)
    [before] = await session.scalars(select(Entitlement).where(Entitlement.payment_id == payment.id))
    terms, books = (before.starts_at, before.ends_at), await balances(session, payment)
    claim = Claim.of(payment)
    await tell(session, claim.announced())
    assert await may_watch(session, payment)
    await tell(session, claim.opened())
    assert not await may_watch(session, payment)
    await tell(session, claim.won())
    assert await may_watch(session, payment)
    assert (before.starts_at, before.ends_at) == terms
    assert await balances(session, payment) == books
    assert await open_cases(session, payment) == []
    told = await events(session, before.id)
    assert [word.rpartition(".")[2] for word in told] == ["granted", "revoked", "granted"]
    await check(session, payment)


async def test_what_a_won_dispute_takes_back_is_the_negative_of_what_was_recorded(
    session: Session, settings: BillingSettings
) -> None:
    """R4"""
    payment = await bought(session, settings, "plan", "film")
    await give_back(session, settings, payment, amount_minor=777)
    claim = Claim.of(payment, amount_minor=payment.total_minor - 777)
    await tell(session, claim.opened(), claim.lost(), claim.won())
    rows = await session.execute(
        text(
            "SELECT e.kind, e.operation_key, g.account, g.amount_minor FROM billing.ledger_entry e"
            " JOIN billing.ledger_posting g ON g.entry_id = e.id"
            " WHERE e.payment_id = :id AND e.kind LIKE 'dispute%' ORDER BY e.operation_key, g.position"
        ),
        {"id": payment.id},
    )
    by_entry: dict[str, set[tuple[str, int]]] = {}
    for row in rows:
        by_entry.setdefault(row.operation_key, set()).add((row.account, row.amount_minor))
    for kind in ("dispute", "dispute_fee"):
        first, second = by_entry.pop(f"{kind}:{claim.id}:0"), by_entry.pop(f"{kind}:{claim.id}:1")
        assert second == {(account, -minor) for account, minor in first}
    assert not by_entry


async def test_the_fee_of_a_won_dispute_stays_booked_where_the_provider_keeps_it(
    session: Session, settings: BillingSettings
) -> None:
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment)
    await tell(session, claim.opened(), claim.won(fee_minor=FEE_MINOR))
    held = await balances(session, payment)
    assert (held["dispute_fees:yookassa"], "chargebacks" in held) == (FEE_MINOR, False)
    assert held["cash:yookassa"] == payment.total_minor - FEE_MINOR
    await check(session, payment)


@pytest.mark.parametrize("withdrawn", ["nothing", "all"])
async def test_a_dispute_lost_after_a_full_refund_costs_the_fee_only(
    session: Session, settings: BillingSettings, withdrawn: str
) -> None:
    """R3: no second loss of principal. Money that the provider took all the same is unallocated, and a case."""
    payment = await bought(session, settings, "plan")
    total = payment.total_minor
    await give_back(session, settings, payment)
    claim = Claim.of(payment, amount_minor=total)
    taken = 0 if withdrawn == "nothing" else total
    await tell(session, claim.opened(withdrawn_minor=taken), claim.lost(withdrawn_minor=taken))
    held = await balances(session, payment)
    assert "chargebacks" not in held
    assert held["dispute_fees:yookassa"] == FEE_MINOR
    assert held["cash:yookassa"] == -FEE_MINOR - taken
    assert held.get("unallocated", 0) == taken
    assert await open_cases(session, payment) == (["dispute_unexpected"] if taken else [])
    await check(session, payment)


@pytest.mark.parametrize("outcome", ["succeeds", "fails"])
@pytest.mark.parametrize("part", [None, 10000])
async def test_a_refund_on_its_way_is_marked_for_review_and_not_booked_twice(
    session: Session, settings: BillingSettings, outcome: str, part: int | None
) -> None:
    """R2: refund in flight when a dispute arrives. If it fails, the bank's part is the loss."""
    payment = await bought(session, settings, "plan")
    total = payment.total_minor
    refund = await ask_back(session, settings, payment, amount_minor=part)
    claim = Claim.of(payment)
    await tell(session, claim.opened())
    assert "refund_disputed" in await open_cases(session, payment)
    held = await balances(session, payment)
    assert held.get("chargebacks", 0) + refund.amount_minor == total
    assert held["unallocated"] == refund.amount_minor
    await check(session, payment)
    if outcome == "succeeds":
        await refunds.succeed(session, payment.id, refund.id, now=NOW)
        held = await balances(session, payment)
        assert held.get("chargebacks", 0) + refund.amount_minor == total
        assert held["cash:yookassa"] == -FEE_MINOR - refund.amount_minor
    else:
        await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW)
        held = await balances(session, payment)
        assert (held["chargebacks"], held["cash:yookassa"]) == (total, -FEE_MINOR)
        assert "unallocated" not in held
        assert "dispute_unexpected" not in await open_cases(session, payment)
    await check(session, payment)


async def test_money_given_back_in_the_cabinet_besides_is_not_lost_twice(
    session: Session, settings: BillingSettings
) -> None:
    """R3, the other way round: we refuse to, but somebody may still do it at the provider's."""
    payment = await bought(session, settings, "plan")
    claim = Claim.of(payment)
    await tell(session, claim.opened())
    event = refunded_in_cabinet(payment, claim.attempt_id, payment.total_minor)
    for _ in range(2):
        await provider_refunds.recognize(session, event, now=NOW)
    held = await balances(session, payment)
    assert (held["cash:yookassa"], held["unallocated"]) == (
        -FEE_MINOR - payment.total_minor,
        payment.total_minor,
    )
    assert "chargebacks" not in held
    assert "dispute_unexpected" in await open_cases(session, payment)
    await tell(session, claim.won(fee_minor=None))
    assert await open_cases(session, payment) == []
    assert not await may_watch(session, payment)
    await check(session, payment)


async def test_rights_that_a_refund_took_meanwhile_do_not_come_back(
    session: Session, settings: BillingSettings
) -> None:
    """R4: only what the dispute took."""
    payment = await bought(session, settings, "plan")
    refund = await ask_back(session, settings, payment)
    claim = Claim.of(payment)
    await tell(session, claim.opened())
    assert not await may_watch(session, payment)
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    await tell(session, claim.won())
    assert payment.status == "refunded"
    assert not await may_watch(session, payment)
    await check(session, payment)


async def test_a_dispute_of_a_part_leaves_the_rights(session: Session, settings: BillingSettings) -> None:
    """Rights follow the money: they go when nothing of it is left."""
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment, amount_minor=payment.total_minor - 1)
    await tell(session, claim.opened())
    assert await may_watch(session, payment)
    other = Claim.of(payment, amount_minor=1)
    await tell(session, other.opened())
    assert not await may_watch(session, payment)
    await tell(session, claim.won())
    assert await may_watch(session, payment)
    await check(session, payment)


async def test_a_plan_comes_back_with_its_subscription_and_the_renewal_behind_it(
    session: Session, settings: BillingSettings
) -> None:
    """R4, with a period that was bought before and follows the disputed one."""
    user_id = uuid4()
    first = await buy(session, settings, "plan", user_id=user_id)
    await pay(session, settings, first)
    second = await buy(session, settings, "plan", user_id=user_id)
    await pay(session, settings, second)
    subscription = await session.scalar(select(Subscription).where(Subscription.user_id == user_id))
    assert subscription is not None
    until = subscription.paid_until
    claims = [Claim.of(second), Claim.of(first)]
    for claim in claims:
        await tell(session, claim.opened())
    assert subscription.status == "canceled"
    for claim in claims:
        await tell(session, claim.won())
    assert (subscription.status, subscription.paid_until) == ("active", until)
    assert (await entitlements.check(session, user_id, uuid4(), now=NOW)).allowed
    await check(session, first)


async def test_a_plan_that_was_bought_again_meanwhile_is_a_case(
    session: Session, settings: BillingSettings
) -> None:
    """Two periods of one plan never overlap (I-26); a person gives the time or the money."""
    user_id = uuid4()
    payment = await buy(session, settings, "plan", user_id=user_id)
    await pay(session, settings, payment)
    claim = Claim.of(payment)
    await tell(session, claim.opened())
    again = await buy(session, settings, "plan", user_id=user_id)
    await pay(session, settings, again)
    await tell(session, claim.won(), now=NOW + days(1))
    assert not await may_watch(session, payment)
    assert await may_watch(session, again)
    assert await open_cases(session, payment) == ["dispute_unexpected"]
    await check(session, payment)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("end", ["lost", "won"])
async def test_the_order_in_which_a_dispute_is_told_of_does_not_matter(
    session: Session, settings: BillingSettings, end: str, order: Sequence[int]
) -> None:
    """Capability 19: created, updated and closed in every order, each of them twice."""
    payment = await bought(session, settings, "film")
    claim, books = Claim.of(payment), await balances(session, payment)
    facts: list[DisputeFact] = [claim.announced(), claim.opened()]
    facts.append(claim.lost() if end == "lost" else claim.won())
    await tell(session, *(facts[index] for index in order))
    [stored] = await disputes.list_of(session, payment.id)
    assert (stored.status, stored.revision) == (end, 3)
    assert await may_watch(session, payment) is (end == "won")
    held = await balances(session, payment)
    assert held == books if end == "won" else held["chargebacks"] == payment.total_minor
    await check(session, payment)


async def test_a_dispute_that_is_heard_of_before_its_money_is_told_again(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    claim = Claim(payment, new_id(), payment.total_minor)
    with pytest.raises(CaptureUnsettled):
        await disputes.take_note(session, claim.opened(), now=NOW)
    await settlements.settle(session, success(payment, claim.attempt_id), settings=settings, now=NOW)
    await tell(session, claim.opened())
    assert (await balances(session, payment))["chargebacks"] == payment.total_minor


async def test_disputed_money_that_bought_nothing_is_no_loss_of_the_payment(
    session: Session, settings: BillingSettings
) -> None:
    """The payer's bank takes back what we hold for nobody; what was bought stays bought."""
    payment = await bought(session, settings, "film")
    stray = success(payment, new_id(), amount_minor=555)
    await settlements.settle(session, stray, settings=settings, now=NOW)
    claim = Claim.of(payment, attempt_id=stray.attempt_id, amount_minor=555)
    await tell(session, claim.opened())
    held = await balances(session, payment)
    assert "chargebacks" not in held
    assert "unallocated" not in held
    assert await may_watch(session, payment)
    case = await session.scalar(select(Case).where(Case.cause == f"capture:{stray.attempt_id}"))
    assert case is not None
    with pytest.raises(PaymentDisputed):
        await refunds.give_back_unallocated(
            session, case.id, staff_id=STAFF, note="back", settings=settings, now=NOW
        )
    await check(session, payment)


async def test_a_dispute_in_another_currency_is_booked_in_it(
    session: Session, settings: BillingSettings
) -> None:
    payment = await bought(session, settings, "film")
    await tell(session, Claim.of(payment, amount_minor=400, currency="USD").opened())
    entries = await session.scalars(
        select(LedgerEntry.operation_key).where(
            LedgerEntry.payment_id == payment.id, LedgerEntry.kind == "dispute"
        )
    )
    assert len(entries.all()) == 1
    assert await may_watch(session, payment)
    assert "dispute_unexpected" in await open_cases(session, payment)
    assert not await faults(session)


async def test_refund_and_dispute_at_once_end_in_one_of_their_orders(
    sessions: Sessions, settings: BillingSettings
) -> None:
    """F-X3: refund ∥ chargeback; never booked twice, and no deadlock."""
    for _ in range(10):
        async with sessions.begin() as session:
            payment = await bought(session, settings, "plan")
        fact = Claim.of(payment).opened()
        asking = is_asked(sessions, settings, payment)
        asked, _, _ = await asyncio.gather(asking, dispute(sessions, fact), dispute(sessions, fact))
        async with sessions.begin() as session:
            held = await balances(session, payment)
            assert held.get("chargebacks", 0) == (0 if asked else payment.total_minor)
            assert ("refund_disputed" in await open_cases(session, payment)) is asked
            assert not await faults(session)


async def is_asked(sessions: Sessions, settings: BillingSettings, payment: Payment) -> bool:
    """Ask for a refund; tells whether it was begun."""
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "back")
    try:
        async with sessions.begin() as session:
            await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
    except PaymentDisputed:
        return False
    return True


async def dispute(sessions: Sessions, fact: DisputeFact) -> None:
    """Take note of a dispute."""
    async with sessions.begin() as session:
        await disputes.take_note(session, fact, now=NOW)


async def test_an_illegal_step_is_refused(session: Session, settings: BillingSettings) -> None:
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment)
    await tell(session, claim.won(fee_minor=None))
    with pytest.raises(AssertionError, match="cannot become lost"):
        await disputes.take_note(session, claim.lost(), now=NOW)


async def test_a_new_dispute_is_stored_whole(session: Session, settings: BillingSettings) -> None:
    payment = await bought(session, settings, "film")
    claim = Claim.of(payment)
    await tell(session, claim.opened(), claim.lost())
    stored = await session.get_one(Dispute, claim.id)
    assert (stored.status, stored.revision, stored.closed_at) == ("lost", 2, NOW)
    assert (stored.amount_minor, stored.withdrawn_minor, stored.fee_minor) == (
        payment.total_minor,
        payment.total_minor,
        FEE_MINOR,
    )


async def test_staff_see_disputes_on_the_payment_in_the_list_and_as_csv(
    make_caller: Callable[..., Caller], sessions: Sessions, settings: BillingSettings
) -> None:
    """Capability 19. The fee may be in another currency than the disputed money."""
    async with sessions.begin() as session:
        payment = await bought(session, settings, "film")
        fact = Claim.of(payment, amount_minor=10000).opened()
        fee = Amount(amount_minor=500, currency="JPY")
        await tell(session, fact.model_copy(update={"fee": fee}))
    staff = make_caller("billing.read")
    [listed] = (await staff.get("/admin/disputes", status="open", payment_id=payment.id)).json()["items"]
    assert listed["amount"] == listed["withdrawn"] == {"amount": "100.00", "currency": "RUB"}
    assert (listed["fee"], listed["reason"]) == ({"amount": "500", "currency": "JPY"}, "fraudulent")
    assert (await staff.get(f"/admin/payments/{payment.id}")).json()["disputes"] == [listed]
    explained = (await staff.get(f"/admin/payments/{payment.id}/explain")).json()
    assert explained["agrees"]
    names = {step["name"].partition(": ")[2] for step in explained["steps"] if "dispute" in step["name"]}
    assert names == {"lost", "fee"}
    assert (await staff.get("/admin/disputes", status="lost")).json()["items"] == []
    [row] = await staff.get_csv("/admin/disputes")
    assert (row["amount"], row["withdrawn"], row["currency"]) == ("100.00", "100.00", "RUB")
    assert (row["fee"], row["fee_currency"]) == ("500", "JPY")
