"""What every provider must do for us: the same tests for each member of the port.

A member joins by a `Counterpart`: itself, and how people and the payment system act towards it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from tests.payment.network import Network, cut_reply, refuse_connection
from tests.payment.payer import Payer
from tests.payment.stage import (
    GOOD_CARD,
    HOUSE,
    POOR_CARD,
    SLOW_POOR_CARD,
    STRIPE_CARD,
    STRIPE_CREATE,
    STRIPE_REFUND,
    Stage,
)
from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.clock import SystemClock
from theatre.kit.ids import new_id
from theatre.kit.money import Money
from theatre.payment.errors import ForgedCallback, MalformedCallback, OutcomeUnknown
from theatre.payment.failures import MESSAGES
from theatre.payment.providers import Callback, Order, Provider, ProviderRefused, Reading, RefundOrder
from theatre.payment.providers.members import MAKERS
from theatre.payment.settings import KNOWN_PROVIDERS
from theatre.payment.wallet_port import TransferOrder

PRICE = Money(39900, "RUB")


@dataclass(frozen=True)
class Counterpart:
    """A member and the world around it; `create_call` and `refund_call` are how its requests begin.

    `fee` is what is kept of `PRICE`, if it says so; `decline` ends in a failure.
    Without a `create_call` it begins nothing at the payment system: its link is a page of ours.
    """

    provider: Provider
    network: Network
    create_call: str | None
    refund_call: str
    pay: Callable[[Reading], Awaitable[None]]
    decline: Callable[[Reading], Awaitable[None]]
    stranger: Callback
    fee: Money | None


async def pay_with(stage: Stage, reading: Reading, card: str) -> None:
    """Pay on the sandbox's page."""
    await stage.pay({"confirmation_url": reading.confirmation_url}, card)


def yookassa(stage: Stage) -> Counterpart:
    """YooKassa, with the sandbox in its place."""
    return Counterpart(
        provider=stage.resources.outside.providers["yookassa"],
        network=stage.network,
        create_call="POST /sandbox/v3/payments",
        refund_call="POST /sandbox/v3/refunds",
        pay=lambda reading: pay_with(stage, reading, GOOD_CARD),
        decline=lambda reading: pay_with(stage, reading, POOR_CARD),
        stranger=Callback({"content-type": "application/json"}, b"{}", ip_address("203.0.113.9")),
        fee=Money(1397, "RUB"),
    )


def stripe(stage: Stage) -> Counterpart:
    """Stripe, with the sandbox's other face in its place. A declined card alone ends nothing there."""

    async def decline(reading: Reading) -> None:
        await pay_with(stage, reading, SLOW_POOR_CARD)
        await stage.pass_in_sandbox(6)

    return Counterpart(
        provider=stage.resources.outside.providers["stripe"],
        network=stage.network,
        create_call=STRIPE_CREATE,
        refund_call=STRIPE_REFUND,
        pay=lambda reading: pay_with(stage, reading, STRIPE_CARD),
        decline=decline,
        stranger=Callback({"content-type": "application/json"}, b"{}", ip_address("127.0.0.1")),
        fee=Money(1397, "RUB"),
    )


def yoomoney(stage: Stage) -> Counterpart:
    """YooMoney, with the sandbox in its place; a link that nobody pays is worth nothing after its time."""

    async def pay(reading: Reading) -> None:
        form = stage.desk.wallet.pay_form(transfer_of(reading), return_url=f"{HOUSE}/r")
        await Payer(stage).pay_form(form)

    async def let_lapse(reading: Reading) -> None:
        stage.clock.advance(timedelta(hours=2))

    return Counterpart(
        provider=stage.resources.outside.providers["yoomoney"],
        network=stage.network,
        create_call=None,
        refund_call="POST /sandbox/yoomoney/api/process-payment",
        pay=pay,
        decline=let_lapse,
        stranger=Callback(
            {"content-type": "application/x-www-form-urlencoded"}, b"sign=0", ip_address("203.0.113.9")
        ),
        fee=Money(395, "RUB"),
    )


def transfer_of(reading: Reading) -> TransferOrder:
    assert reading.attempt_id is not None
    return TransferOrder(reading.attempt_id, reading.amount, "A month")


MEMBERS: dict[str, Callable[[Stage], Counterpart]] = {
    "yookassa": yookassa,
    "stripe": stripe,
    "yoomoney": yoomoney,
}


@pytest.fixture(params=list(MEMBERS))
def counterpart(request: pytest.FixtureRequest, stage: Stage) -> Counterpart:
    return MEMBERS[request.param](stage)


def test_every_known_member_is_tried() -> None:
    assert set(MEMBERS) == KNOWN_PROVIDERS == set(MAKERS)


def order(**words: Any) -> Order:
    defaults = {"attempt_id": new_id(), "payment_id": new_id(), "total": PRICE, "description": "A month"}
    until = SystemClock().now() + timedelta(hours=1)
    kept = {"return_url": f"{HOUSE}/r", "save_method": False, "expires_at": until}
    return Order(**{**defaults, **kept, **words})


async def paid(counterpart: Counterpart) -> Reading:
    """Begin and pay."""
    begun = await counterpart.provider.create(order())
    await counterpart.pay(begun)
    reading = await counterpart.provider.read(begun.reference)
    assert reading is not None
    return reading


async def test_a_begun_payment_is_pending_with_a_page_to_go_to(counterpart: Counterpart) -> None:
    wanted = order()
    reading = await counterpart.provider.create(wanted)
    assert (reading.status, reading.amount, reading.attempt_id) == (
        AttemptStatus.PENDING,
        PRICE,
        wanted.attempt_id,
    )
    assert reading.confirmation_url
    assert reading.doubt is None


async def test_beginning_again_with_the_same_id_gives_the_same_payment(counterpart: Counterpart) -> None:
    wanted = order()
    first = await counterpart.provider.create(wanted)
    assert await counterpart.provider.create(wanted) == first
    assert (await counterpart.provider.create(order())).reference != first.reference


async def test_a_payment_whose_answer_was_lost_is_there_and_can_be_found(counterpart: Counterpart) -> None:
    wanted = order()
    if counterpart.create_call is None:
        await counterpart.provider.create(wanted)
        assert counterpart.network.calls == []
        return
    counterpart.network.fail(counterpart.create_call, cut_reply)
    with pytest.raises(OutcomeUnknown):
        await counterpart.provider.create(wanted)
    found = await counterpart.provider.find_by_attempt(wanted.attempt_id, since=SystemClock().now())
    assert found == await counterpart.provider.create(wanted)
    assert await counterpart.provider.find_by_attempt(new_id(), since=SystemClock().now()) is None


async def test_a_payment_that_was_made_succeeded_with_moment_and_amount(counterpart: Counterpart) -> None:
    reading = await paid(counterpart)
    assert (reading.status, reading.amount, reading.failure_code) == (AttemptStatus.SUCCEEDED, PRICE, None)
    assert reading.fee == counterpart.fee
    assert reading.captured_at is not None
    assert reading.captured_at.tzinfo is not None


async def test_a_declined_payment_failed_for_a_reason_that_we_have_words_for(
    counterpart: Counterpart,
) -> None:
    begun = await counterpart.provider.create(order())
    await counterpart.decline(begun)
    reading = await counterpart.provider.read(begun.reference)
    assert reading is not None
    assert reading.status == AttemptStatus.FAILED
    assert reading.failure_code in MESSAGES


async def test_a_page_is_made_worthless_where_that_can_be(counterpart: Counterpart) -> None:
    provider = counterpart.provider
    begun, done = await provider.create(order()), await paid(counterpart)
    if not provider.capabilities.has_cancel:
        with pytest.raises(ProviderRefused):
            await provider.cancel(begun.reference)
        return
    for _ in range(2):
        canceled = await provider.cancel(begun.reference)
        assert (canceled.status, canceled.failure_code) == (AttemptStatus.FAILED, "canceled")
    assert await provider.cancel(done.reference) == done


async def test_what_nobody_knows_is_absent(counterpart: Counterpart) -> None:
    reading = await paid(counterpart)
    assert await counterpart.provider.read(str(new_id())) is None
    assert await counterpart.provider.read_refund(str(new_id())) is None
    assert await counterpart.provider.find_refund(new_id(), payment_reference=reading.reference) is None


async def test_money_is_given_back_once_per_id(counterpart: Counterpart) -> None:
    reading = await paid(counterpart)
    wanted = RefundOrder(new_id(), reading.reference, Money(100, "RUB"), "not wanted")
    first = await counterpart.provider.refund(wanted)
    assert (first.status, first.amount, first.refund_id) == (
        RefundStatus.SUCCEEDED,
        Money(100, "RUB"),
        wanted.refund_id,
    )
    assert (await counterpart.provider.refund(wanted)).reference == first.reference
    # its moment may be known only once it is in a list
    for again in (
        await counterpart.provider.read_refund(first.reference),
        await counterpart.provider.find_refund(wanted.refund_id, payment_reference=reading.reference),
    ):
        assert again is not None
        assert again.created_at is not None
        assert replace(again, created_at=first.created_at) == first


async def test_a_refund_whose_answer_was_lost_is_unknown_and_not_repeated(counterpart: Counterpart) -> None:
    reading = await paid(counterpart)
    wanted = RefundOrder(new_id(), reading.reference, PRICE, "not wanted")
    counterpart.network.fail(counterpart.refund_call, cut_reply)
    with pytest.raises(OutcomeUnknown):
        await counterpart.provider.refund(wanted)
    assert (await counterpart.provider.refund(wanted)).amount == PRICE


async def test_more_than_was_taken_is_refused_for_good(counterpart: Counterpart) -> None:
    reading = await paid(counterpart)
    with pytest.raises(ProviderRefused):
        await counterpart.provider.refund(
            RefundOrder(new_id(), reading.reference, Money(39901, "RUB"), "greed")
        )


async def test_nobody_there_is_unknown(counterpart: Counterpart) -> None:
    counterpart.network.fail("", refuse_connection, times=7)
    provider = counterpart.provider
    questions: list[Callable[[], Awaitable[object]]] = [
        *([lambda: provider.create(order())] if counterpart.create_call else []),
        lambda: provider.read("1"),
        lambda: provider.refund(RefundOrder(new_id(), "1", PRICE, "why")),
        lambda: provider.read_refund("1"),
        lambda: provider.find_refund(new_id(), payment_reference="1"),
        *([lambda: provider.cancel("1")] if provider.capabilities.has_cancel else []),
    ]
    for question in questions:
        with pytest.raises(OutcomeUnknown):
            await question()


async def test_strangers_and_rubbish_are_refused(counterpart: Counterpart) -> None:
    with pytest.raises(ForgedCallback):
        counterpart.provider.authenticate(counterpart.stranger)
    for body in (b"", b"\xff", b"{}", b"a=b"):
        with pytest.raises(MalformedCallback):
            counterpart.provider.parse(body)


async def test_terms_are_told(counterpart: Counterpart) -> None:
    capabilities = counterpart.provider.capabilities
    assert capabilities.title
    assert capabilities.link_lifetime.total_seconds() > 0
    assert capabilities.key_lifetime > capabilities.link_lifetime
