"""Refunds on their way to payment-service, which may refuse."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from tests.billing.acts import NOW, buy, pay
from tests.billing.desk import PaymentDesk
from theatre.billing import payments, refund_sending, refunds
from theatre.billing.models import Payment, Refund, RefundSource
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import PaymentClient
from theatre.kit.db import Sessions
from theatre.kit.http import Refused, ServiceClient


@pytest.fixture
async def client(desk: PaymentDesk) -> AsyncIterator[PaymentClient]:
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    yield client
    await client.close()


async def ask_back(sessions: Sessions, settings: BillingSettings) -> tuple[Payment, Refund]:
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        await pay(session, settings, payment)
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "x")
        return payment, await refunds.request(session, payment.id, claim, settings=settings, now=NOW)


@pytest.mark.parametrize(
    "code", ["payment.attempt_not_found", "payment.nothing_captured", "payment.refund_too_large"]
)
async def test_a_refund_that_will_never_begin_frees_what_it_reserved(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, client: PaymentClient, code: str
) -> None:
    payment, refund = await ask_back(sessions, settings)
    desk.answer = lambda _: httpx.Response(409, json={"code": code})
    await refund_sending.send(sessions, client, refund.id, now=NOW)
    async with sessions.begin() as session:
        assert (await session.get_one(Refund, refund.id)).status == "failed"
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "again")
        await refunds.request(session, payment.id, claim, settings=settings, now=NOW)


async def test_a_refusal_that_decides_nothing_leaves_the_refund_pending(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, client: PaymentClient
) -> None:
    payment, refund = await ask_back(sessions, settings)
    desk.answer = lambda _: httpx.Response(404, json={"code": "kit.not_found"})
    with pytest.raises(Refused):
        await refund_sending.send(sessions, client, refund.id, now=NOW)
    async with sessions() as session:
        assert (await session.get_one(Refund, refund.id)).status == "pending"
        assert (await payments.get(session, payment.id)).refunded_minor == 0


async def test_a_refused_refund_does_not_keep_the_others_waiting(
    sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, client: PaymentClient
) -> None:
    wanted = {str((await ask_back(sessions, settings))[1].id) for _ in range(3)}
    desk.answer = lambda _: httpx.Response(403, json={"code": "kit.forbidden"})
    while await refund_sending.ask_due(sessions, client, now=NOW + timedelta(days=1)):
        pass
    assert wanted <= {body["id"] for _, _, body in desk.asked}
