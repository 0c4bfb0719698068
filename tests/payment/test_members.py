"""Members as `app` makes them: which are open, and what they believe in production."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from tests.payment.test_settings import SOUND_STRIPE
from tests.payment.test_stripe_wire import paid as paid_session
from tests.payment.test_stripe_wire import session
from tests.payment.test_yookassa_wire import payment
from theatre.kit.clock import SystemClock
from theatre.payment.app import ask_provider
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers import Reading
from theatre.payment.providers.members import Ground, open_members
from theatre.payment.settings import PaymentSettings

SANDBOX_PAGE = "https://theatre.test/sandbox/checkout/1"


def ground(settings: PaymentSettings, transport: httpx.AsyncBaseTransport | None = None) -> Ground:
    """Say what members are made of; none of them is asked for what it keeps in a database."""
    return Ground(settings, async_sessionmaker(), SystemClock(), transport)


async def read(name: str, body: dict[str, Any], settings: PaymentSettings) -> Reading:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    async with open_members(ground(settings, transport)) as members:
        reading = await members[name].provider.read("1")
    assert reading is not None
    return reading


@pytest.mark.parametrize(
    ("name", "body", "doubt"),
    [
        ("stripe", paid_session(livemode=False), "its money is not real"),
        ("stripe", session(url=SANDBOX_PAGE), "its page is at a strange address"),
        ("stripe", session(), None),
        ("yookassa", payment(test=True), "its money is not real"),
        (
            "yookassa",
            payment(confirmation={"type": "redirect", "confirmation_url": SANDBOX_PAGE}),
            "its page is at a strange address",
        ),
        ("yookassa", payment(), None),
    ],
)
async def test_production_believes_neither_test_money_nor_the_sandboxs_page(
    name: str, body: dict[str, Any], doubt: str | None
) -> None:
    """S-P6, F-C10; elsewhere both are what there is."""
    assert (await read(name, body, PaymentSettings(**SOUND_STRIPE))).doubt == doubt
    elsewhere = PaymentSettings(**{**SOUND_STRIPE, "env": "development"})
    assert (await read(name, body, elsewhere)).doubt is None


async def test_only_what_is_on_is_opened_in_its_order() -> None:
    settings = PaymentSettings(providers="stripe,yookassa", default_provider="stripe")
    async with open_members(ground(settings)) as members:
        assert list(members) == ["stripe", "yookassa"]
    async with open_members(ground(PaymentSettings())) as members:
        assert list(members) == ["yookassa"]


async def test_a_payment_system_that_does_not_know_us_has_not_answered() -> None:
    settings = PaymentSettings(providers="yookassa,stripe", stripe_api_url="http://127.0.0.1:1/v1")
    with pytest.raises(OutcomeUnknown):
        await ask_provider(settings, "stripe")
