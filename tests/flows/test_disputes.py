"""A dispute from the payer's bank to the books: sandbox, signed callbacks, payment, its outbox, billing, staff."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.flows.world import World, open_world
from tests.payment.stage import DISPUTED_CARD, STRIPE_CALLBACKS, STRIPE_CARD, sign
from tests.services import Services
from theatre.billing.verification import CHECKS

FEE_MINOR = 1500
CARD = {"expiry_month": "12", "expiry_year": "2040", "cvc": "123"}


@dataclass
class Buyer:
    """Somebody who buys by Stripe, whose bank then disputes it."""

    world: World
    id: UUID = field(default_factory=uuid4)
    told: set[UUID] = field(default_factory=set)

    async def pay(self, card: str = STRIPE_CARD) -> dict[str, Any]:
        """Buy the cheapest thing by Stripe; nobody has called back yet."""
        body = {"items": [{"price_id": str(self.world.prices[0]), "quantity": 1}]}
        payment: dict[str, Any] = (await self.world.buy("POST", "/payments", body, user_id=self.id)).json()
        path = f"/payments/{payment['id']}/checkout"
        link = (await self.world.buy("POST", path, {"provider": "stripe"}, user_id=self.id)).json()
        form = {"card_number": card, **CARD}
        page = httpx.URL(link["confirmation_url"]).path
        paid = await self.world.call("POST", page, data=form)
        assert paid.status_code == httpx.codes.SEE_OTHER, paid.text
        return payment

    async def hear(self, *, times: int = 1, backwards: bool = False) -> None:
        """Let Stripe's face call back with all that is new, so often, and everybody do what follows from it."""
        news = [one for one in await self.world.notifications() if one[0] not in self.told]
        for _ in range(times):
            for notification in reversed(news) if backwards else news:
                await self.call_back(notification[1].encode())
        self.told.update(one[0] for one in news)
        await self.world.move_on(with_callbacks=False)

    async def call_back(self, body: bytes) -> None:
        """Call back as Stripe does."""
        moment = int(self.world.clock.now().timestamp())
        headers = {"Content-Type": "application/json", "Stripe-Signature": sign(body, moment)}
        answer = await self.world.call("POST", STRIPE_CALLBACKS, content=body, headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text

    async def dispute(self, **terms: Any) -> str:
        """Have one's bank dispute the money; gives the dispute's id there."""
        there = await self.world.oracle.fetchval("SELECT id FROM sandbox.payment")
        answer = await self.world.control("POST", f"payments/{there}/disputes", terms)
        return str(answer.json()["id"])

    async def may_watch(self) -> bool:
        """Tell whether one has any right to watch now."""
        listed = await self.world.buy("GET", "/entitlements", user_id=self.id)
        return bool(listed.json()["items"])

    async def ask_back(self, payment: dict[str, Any]) -> httpx.Response:
        """Ask for the money back."""
        body = {"reason": "I changed my mind"}
        return await self.world.buy("POST", f"/payments/{payment['id']}/refunds", body, user_id=self.id)


@pytest.fixture
async def world(services: Services) -> AsyncIterator[World]:
    async with open_world(services) as world:
        yield world


@pytest.fixture
def buyer(world: World) -> Buyer:
    return Buyer(world)


async def books(world: World, payment: dict[str, Any]) -> dict[str, int]:
    """Check every statement about the ledger and each amount of the payment; gives what its accounts hold."""
    for statement, query in CHECKS.items():
        assert not await world.oracle.fetch(query), statement
    explained = await world.look(f"/payments/{payment['id']}/explain")
    assert explained["agrees"], [step for step in explained["steps"] if not step["agrees"]]
    rows = await world.oracle.fetch(
        "SELECT account, sum(amount_minor)::bigint AS held FROM billing.ledger_posting GROUP BY 1"
    )
    return {row["account"]: row["held"] for row in rows if row["held"]}


async def open_cases(world: World) -> set[str]:
    """Name the kinds of cases that wait for a person; receipts are no business of Stripe."""
    listed = (await world.look("/cases?status=open"))["items"]
    return {case["kind"] for case in listed} - {"receipt_failed"}


async def disputes_of(world: World, payment: dict[str, Any]) -> Sequence[dict[str, Any]]:
    """Read a payment's disputes as staff do: on its page and in the list, which say the same."""
    shown: list[dict[str, Any]] = (await world.look(f"/payments/{payment['id']}"))["disputes"]
    assert (await world.look(f"/disputes?payment_id={payment['id']}"))["items"] == shown
    return shown


async def test_a_disputed_purchase_is_locked_lost_money_and_won_back(world: World, buyer: Buyer) -> None:
    """R2, R4, capability 19"""
    payment = await buyer.pay()
    await buyer.hear()
    before = await books(world, payment)
    assert await buyer.may_watch()

    there = await buyer.dispute()
    await buyer.hear(times=2)
    [dispute] = await disputes_of(world, payment)
    assert (dispute["status"], dispute["amount"], dispute["withdrawn"]) == (
        "open",
        payment["total"],
        payment["total"],
    )
    assert dispute["provider_reference"] == f"du_{UUID(there).hex}"
    assert (await world.look(f"/payments?q={dispute['provider_reference']}"))["items"][0]["id"] == payment[
        "id"
    ]
    assert await open_cases(world) == {"dispute"}
    refused = await buyer.ask_back(payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "billing.payment_disputed")
    assert not await buyer.may_watch()
    held = await books(world, payment)
    assert held["chargebacks"] + held["dispute_fees:stripe"] == before["cash:stripe"] - held["cash:stripe"]

    await world.control("POST", f"disputes/{there}/win")
    await buyer.hear(times=2)
    [dispute] = await disputes_of(world, payment)
    assert dispute["status"] == "won"
    assert await buyer.may_watch()
    held = await books(world, payment)
    assert held.pop("dispute_fees:stripe") == FEE_MINOR
    assert held == before | {"cash:stripe": before["cash:stripe"] - FEE_MINOR}
    assert await open_cases(world) == set()
    assert (await buyer.ask_back(payment)).status_code == 201
    await buyer.hear()
    assert (await world.look(f"/payments/{payment['id']}"))["status"] == "refunded"
    await books(world, payment)


async def test_a_dispute_lost_after_a_full_refund_costs_the_fee_only(world: World, buyer: Buyer) -> None:
    """R3"""
    payment = await buyer.pay()
    await buyer.hear()
    assert (await buyer.ask_back(payment)).status_code == 201
    await world.move_on(with_callbacks=False)
    await buyer.hear()
    before = await books(world, payment)
    there = await buyer.dispute()
    await world.control("POST", f"disputes/{there}/lose")
    await buyer.hear(times=2, backwards=True)
    [dispute] = await disputes_of(world, payment)
    assert (dispute["status"], dispute["withdrawn"]["amount"]) == ("lost", "0.00")
    held = await books(world, payment)
    assert "chargebacks" not in held
    assert held["cash:stripe"] == before["cash:stripe"] - FEE_MINOR


async def test_a_refund_that_the_dispute_overtakes_fails_and_is_reviewed(world: World, buyer: Buyer) -> None:
    """R2: refund in flight when a dispute arrives; Stripe does not give back what is disputed."""
    payment = await buyer.pay()
    await buyer.hear()
    assert (await buyer.ask_back(payment)).status_code == 201
    await buyer.dispute()
    news = [one for one in await world.notifications() if "charge.dispute" in one[1]]
    for notification in news:
        await buyer.call_back(notification[1].encode())
    # payment tells of the dispute before billing has sent its refund
    await world.relay(len(world.relays) - 1)
    for parcel in [one for one in world.undelivered() if "dispute" in one.message.key]:
        await world.deliver(parcel)
    assert await open_cases(world) == {"dispute", "dispute_unexpected", "refund_disputed"}
    await books(world, payment)

    await world.move_on(with_callbacks=False)
    assert await open_cases(world) == {"dispute", "refund_disputed", "refund_failed"}
    held = await books(world, payment)
    total_minor = int(payment["total"]["amount"].replace(".", ""))
    assert (held["chargebacks"], "refunds_payable" in held) == (total_minor, False)


@pytest.mark.parametrize("backwards", [False, True])
async def test_the_card_that_is_disputed_at_once(world: World, buyer: Buyer, backwards: bool) -> None:
    """PROVIDERS 5.2: also if the news of the dispute comes before that of the money."""
    payment = await buyer.pay(DISPUTED_CARD)
    await buyer.hear(times=2, backwards=backwards)
    for _ in range(2):
        await world.oracle.execute(
            "UPDATE payment.provider_event SET next_check_at = now() - interval '1 day'"
            " WHERE status = 'waiting'"
        )
        await world.move_on(with_callbacks=False)
    [dispute] = await disputes_of(world, payment)
    assert dispute["status"] == "open"
    assert not await buyer.may_watch()
    held = await books(world, payment)
    assert held["chargebacks"] == int(payment["total"]["amount"].replace(".", ""))
