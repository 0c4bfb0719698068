"""Having receipts registered: once each, whatever payment-service, auth and our own processes do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.billing.acts import NOW, buy, pay
from tests.billing.desk import PaymentDesk, receipt
from tests.billing.fiscal import answering, cases_of, silent, sold, stored
from tests.factories.auth_door import AuthDoor
from theatre.billing import payments, receipt_registration, receipts
from theatre.billing.models import ReceiptStatus
from theatre.billing.receipt_registration import MAX_TRIES, Counter, register, register_due
from theatre.billing.settings import BillingSettings
from theatre.contracts.auth import AuthClient
from theatre.contracts.payment import PaymentClient, ReceiptState
from theatre.kit.db import Sessions
from theatre.kit.http import ServiceClient, Unknown
from theatre.kit.money import Money, to_decimal

Open = Callable[..., Counter]


class Standing:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
async def open_counter(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk
) -> AsyncIterator[Open]:
    payment = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    auth = AuthClient(ServiceClient("http://auth", transport=desk.transport))

    def open_one(now: datetime = NOW, **changes: Any) -> Counter:
        changed = settings.model_copy(update=changes)
        return Counter(sessions, payment, auth, settings=changed, clock=Standing(now))

    yield open_one
    await payment.close()
    await auth.close()


@pytest.fixture(autouse=True)
def signed_in(auth: AuthDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Auth's door of these tests asks for no token of ours; it is there again for every test."""
    monkeypatch.setattr(auth, "is_away", False)


@pytest.fixture
def buyer_id(auth: AuthDoor) -> UUID:
    return auth.add_contact(email="viewer@example.com").user_id


def asked_of(desk: PaymentDesk) -> list[dict[str, Any]]:
    """List what was handed in."""
    return [body for _, path, body in desk.asked if path.endswith("/receipts")]


async def test_a_registered_receipt_has_its_numbers_and_no_address(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, "plan", "film", user_id=buyer_id)
    desk.answer = answering("succeeded")
    await register(open_counter(tax_system_code=2, tax_vat_code=11), made_id)
    made = await stored(sessions, made_id)
    assert (made.status, made.fiscal_document_number, made.next_try_at) == ("succeeded", "31415", None)
    assert (made.vat_code, made.tax_system_code, made.email) == (11, 2, None)
    (asked,) = asked_of(desk)
    assert (asked["id"], asked["email"], asked["is_first"]) == (str(made_id), "viewer@example.com", True)
    assert (asked["vat_code"], asked["tax_system_code"], asked["refund_id"]) == (11, 2, None)
    units = [line["unit"]["amount_minor"] * line["quantity"] for line in asked["lines"]]
    assert sum(units) == asked["total"]["amount_minor"] == made.amount_minor


async def test_an_unknown_outcome_is_handed_in_again_with_the_same_words(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, auth: AuthDoor
) -> None:
    """F2: unknown is not failed; another address or tax code in between changes nothing under the same key."""
    buyer = auth.add_contact(email="old@example.com")
    made_id = await sold(sessions, settings, user_id=buyer.user_id)
    desk.answer = silent
    with pytest.raises(Unknown):
        await register(open_counter(), made_id)
    made = await stored(sessions, made_id)
    assert (made.status, made.email, made.failure_code) == ("pending", "old@example.com", None)
    auth.contacts[buyer.user_id] = buyer.model_copy(update={"email": "new@example.com"})
    desk.answer = answering("succeeded")
    await register(open_counter(tax_vat_code=11), made_id)
    first, second = asked_of(desk)
    assert (first.pop("is_first"), second.pop("is_first")) == (True, False)
    assert first == second
    assert (await stored(sessions, made_id)).status == "succeeded"


async def test_what_is_being_registered_is_asked_about_by_its_reference(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    await register(open_counter(), made_id)
    made = await stored(sessions, made_id)
    assert (made.status, made.provider_reference) == ("sent", f"rt-{made_id}")
    await register(open_counter(), made_id)
    desk.answer = answering("succeeded")
    await register(open_counter(), made_id)
    assert [asked["reference"] for asked in asked_of(desk)] == [None, f"rt-{made_id}", f"rt-{made_id}"]
    assert (await stored(sessions, made_id)).status == "succeeded"


async def test_a_definite_no_is_tried_anew_under_a_new_key(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = answering("failed")
    await register_due(open_counter())
    made = await stored(sessions, made_id)
    assert (made.status, made.failure_code, made.email) == ("failed", "provider_refused", None)
    desk.answer = answering("succeeded")
    await register_due(open_counter(NOW + timedelta(minutes=1), tax_vat_code=7))
    first, second = asked_of(desk)
    assert first["id"] == str(made_id) != second["id"]
    assert (first["vat_code"], second["vat_code"], second["is_first"]) == (1, 7, False)
    assert (await stored(sessions, made_id)).status == "succeeded"
    assert await cases_of(sessions, made_id) == []


async def turns(counter: Counter, number: int) -> None:
    """Let the clock go on until so many tries more were made."""
    clock = counter.clock
    assert isinstance(clock, Standing)
    for _ in range(number):
        await register_due(counter)
        clock.at += timedelta(hours=6)


async def test_after_its_tries_a_refused_receipt_waits_for_staff(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    """F2: retried with growing pauses, then a case; the payment stays paid."""
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = answering("failed")
    counter = open_counter()
    await turns(counter, MAX_TRIES + 3)
    made = await stored(sessions, made_id)
    assert (made.status, made.tries, made.next_try_at) == ("failed", MAX_TRIES, None)
    assert len({asked["id"] for asked in asked_of(desk)}) == MAX_TRIES
    (opened,) = await cases_of(sessions, made_id)
    assert (opened.kind, opened.details["why"]) == ("receipt_failed", "provider_refused")
    assert "viewer@example.com" not in str(opened.details)
    async with sessions.begin() as session:
        assert (await payments.get(session, made.payment_id)).status == "paid"
        await receipts.retry(session, made_id, now=counter.clock.now())
    desk.answer = answering("succeeded")
    await register_due(counter)
    assert (await stored(sessions, made_id)).status == "succeeded"


async def test_what_stays_unknown_becomes_a_case_and_is_asked_about_all_the_same(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    """F2, W9"""
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = silent
    counter = open_counter()
    await turns(counter, MAX_TRIES - 1)
    assert await cases_of(sessions, made_id) == []
    await turns(counter, 4)
    made = await stored(sessions, made_id)
    assert (made.status, made.tries) == ("pending", MAX_TRIES + 3)
    assert len(await cases_of(sessions, made_id)) == 1
    assert {asked["id"] for asked in asked_of(desk)} == {str(made_id)}
    desk.answer = answering("succeeded")
    await turns(counter, 1)
    assert (await stored(sessions, made_id)).status == "succeeded"


async def test_a_registration_that_takes_too_long_becomes_a_case(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    await turns(open_counter(), MAX_TRIES)
    assert (await stored(sessions, made_id)).status == "sent"
    (opened,) = await cases_of(sessions, made_id)
    assert opened.details["why"] == "being registered for too long"


@pytest.mark.parametrize(
    ("status", "code", "failure", "is_retried"),
    [(409, "payment.receipts_unsupported", "receipts_unsupported", False), (422, "kit.x", "refused", True)],
)
async def test_a_no_of_payment_services_own_fails_the_receipt(
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    open_counter: Open,
    buyer_id: UUID,
    *,
    status: int,
    code: str,
    failure: str,
    is_retried: bool,
) -> None:
    """What nobody can register here needs a person at once; other words may do another time."""
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = lambda _: httpx.Response(status, json={"code": code})
    await register_due(open_counter())
    made = await stored(sessions, made_id)
    assert (made.status, made.failure_code) == ("failed", failure)
    assert (made.next_try_at is not None) == is_retried
    opened = await cases_of(sessions, made_id)
    assert len(opened) == int(not is_retried)
    for case in opened:
        assert (case.details["why"], case.details["amount"], case.details["currency"]) == (
            failure,
            to_decimal(Money(made.amount_minor, made.currency)),
            "RUB",
        )
        assert "with a cash register of your own" in case.details["message"]


@pytest.mark.parametrize("code", ["payment.attempt_not_found", "payment.receipt_untimely", "kit.not_found"])
async def test_a_no_that_may_become_a_yes_decides_nothing(
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    open_counter: Open,
    buyer_id: UUID,
    *,
    code: str,
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = lambda _: httpx.Response(404, json={"code": code})
    await register_due(open_counter())
    made = await stored(sessions, made_id)
    assert (made.status, made.tries) == ("pending", 1)


async def test_with_auth_away_the_receipt_waits(
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    open_counter: Open,
    auth: AuthDoor,
    *,
    buyer_id: UUID,
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    auth.is_away = True
    await register_due(open_counter())
    assert asked_of(desk) == []
    auth.is_away = False
    desk.answer = answering("succeeded")
    await register_due(open_counter(NOW + timedelta(minutes=1)))
    assert (await stored(sessions, made_id)).status == "succeeded"


async def test_the_receipt_of_somebody_who_is_gone_goes_to_the_seller(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open
) -> None:
    """F1: it has to exist all the same."""
    made_id = await sold(sessions, settings, user_id=uuid4())
    desk.answer = answering("succeeded")
    await register(open_counter(seller_email="till@theatre.example"), made_id)
    assert asked_of(desk)[0]["email"] == "till@theatre.example"


async def test_a_process_killed_after_handing_in_leaves_a_receipt_that_goes_on(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    """C12: claimed, handed in, and nobody there to hear the answer."""
    made_id = await sold(sessions, settings, user_id=buyer_id)

    arrived = asyncio.Event()

    async def never_answer() -> None:
        arrived.set()
        await asyncio.Event().wait()

    desk.before_answer = never_answer
    process = asyncio.create_task(register_due(open_counter()))
    await arrived.wait()
    process.cancel()
    with pytest.raises(asyncio.CancelledError):
        await process
    made = await stored(sessions, made_id)
    assert (made.status, made.tries) == ("pending", 1)
    desk.answer = answering("succeeded")
    await register_due(open_counter(NOW + timedelta(minutes=1)))
    assert {asked["id"] for asked in asked_of(desk)} == {str(made_id)}
    assert (await stored(sessions, made_id)).status == "succeeded"


async def test_workers_side_by_side_hand_a_receipt_in_once(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = answering("succeeded")
    await asyncio.gather(*(register_due(open_counter()) for _ in range(5)))
    assert [asked["id"] for asked in asked_of(desk)] == [str(made_id)]


async def test_more_than_one_batch_is_registered_in_one_turn(
    sessions: Sessions,
    settings: BillingSettings,
    desk: PaymentDesk,
    open_counter: Open,
    monkeypatch: pytest.MonkeyPatch,
    *,
    buyer_id: UUID,
) -> None:
    monkeypatch.setattr(receipt_registration, "BATCH", 2)
    await sold(sessions, settings, user_id=buyer_id)
    async with sessions.begin() as session:
        for _ in range(4):
            await pay(session, settings, await buy(session, settings, "film", user_id=buyer_id))
    desk.answer = answering("succeeded")
    await register_due(open_counter())
    assert len(asked_of(desk)) == 5


async def test_news_of_an_older_submission_changes_nothing(
    sessions: Sessions, settings: BillingSettings, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    async with sessions.begin() as session:
        made = await receipts.get_locked(session, made_id)
        receipts.move(made, ReceiptStatus.FAILED)
        made.failure_code = "refused"
        await session.flush()
        receipts.begin_again(made)
    for status in ("pending", "failed", "succeeded"):
        stale = ReceiptState.model_validate(receipt({"id": str(made_id)}, status=status))
        async with sessions.begin() as session:
            await receipt_registration.apply(session, made_id, stale, now=NOW)
    made = await stored(sessions, made_id)
    assert (made.status, made.provider_reference) == ("pending", None)


async def test_a_receipt_that_is_settled_is_not_handed_in(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    made_id = await sold(sessions, settings, user_id=buyer_id)
    desk.answer = answering("succeeded")
    await register(open_counter(), made_id)
    await register(open_counter(), made_id)
    assert len(asked_of(desk)) == 1


async def test_the_answer_of_a_slower_twin_undoes_nothing(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, open_counter: Open, buyer_id: UUID
) -> None:
    """Two processes hand the same in; the one that hears *pending* last does not take back what is registered."""
    made_id = await sold(sessions, settings, user_id=buyer_id)

    async def overtake() -> None:
        usual, desk.answer = desk.answer, answering("succeeded")
        await register(open_counter(), made_id)
        desk.answer = usual

    desk.before_answer = overtake
    await register(open_counter(), made_id)
    made = await stored(sessions, made_id)
    assert (made.status, made.email) == ("succeeded", None)
