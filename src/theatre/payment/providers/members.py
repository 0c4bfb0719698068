"""The payment systems that are on, put together as the settings say: each with what belongs to it."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx

from theatre.kit.clock import Clock
from theatre.kit.db import Sessions
from theatre.kit.ids import new_id
from theatre.payment.fiscal import FiscalRegister
from theatre.payment.providers import (
    Charger,
    DisputeDesk,
    Provider,
    stripe,
    stripe_wire,
    yookassa,
    yookassa_wire,
)
from theatre.payment.providers.pages import Pages
from theatre.payment.providers.stripe_disputes import StripeDisputes
from theatre.payment.providers.stripe_statement import StripeStatement
from theatre.payment.providers.yookassa_receipts import YooKassaReceipts
from theatre.payment.providers.yookassa_statement import YooKassaStatement
from theatre.payment.providers.yoomoney_parts import open_parts
from theatre.payment.settings import PaymentSettings
from theatre.payment.statements import Statement
from theatre.payment.wallet_port import Wallet


class Wire(Protocol):
    """A way to a payment system."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Member:
    """One payment system, the wire to be closed, and what else it can: register receipts, list its operations, take
    money from wallets whose owners allowed it, show disputes, take money by methods that it keeps."""

    provider: Provider
    wire: Wire
    register: FiscalRegister | None = None
    statement: Statement | None = None
    wallet: Wallet | None = None
    dispute_desk: DisputeDesk | None = None
    charger: Charger | None = None


@dataclass(frozen=True)
class Ground:
    """What members are made of."""

    settings: PaymentSettings
    sessions: Sessions
    clock: Clock
    transport: httpx.AsyncBaseTransport | None


@asynccontextmanager
async def open_members(ground: Ground) -> AsyncIterator[Mapping[str, Member]]:
    """Open the ways to the payment systems that are on, in their order."""
    async with AsyncExitStack() as stack:
        opened = {}
        for name in ground.settings.providers:
            opened[name] = MAKERS[name](ground)
            stack.push_async_callback(opened[name].wire.close)
        yield opened


async def ask(ground: Ground, name: str) -> str:
    """Tell whether a payment system answers and knows us, by asking for what it cannot have.

    Raises:
        OutcomeUnknown
    """
    async with open_members(ground) as members:
        await members[name].provider.read(str(new_id()))
    return "knows us"


def make_yookassa(ground: Ground) -> Member:
    """Make YooKassa, believed only with real money in production."""
    settings = ground.settings
    wire = yookassa_wire.Wire(
        settings.yookassa_api_url,
        shop_id=settings.yookassa_shop_id,
        secret_key=settings.yookassa_secret_key.get_secret_value(),
        transport=ground.transport,
    )
    trust = yookassa.Trust(
        shop_id=settings.yookassa_shop_id,
        networks=settings.callback_networks,
        pages=pages_of(settings, settings.yookassa_confirmation_hosts, settings.yookassa_api_url),
        takes_test_money=settings.env != "production",
    )
    provider = yookassa.YooKassa(wire, trust)
    return Member(
        provider,
        wire,
        register=YooKassaReceipts(wire),
        statement=YooKassaStatement(wire),
        charger=provider,
    )


def make_stripe(ground: Ground) -> Member:
    """Make Stripe, believed only with real money in production."""
    settings = ground.settings
    key = settings.stripe_secret_key.get_secret_value()
    wire = stripe_wire.Wire(settings.stripe_api_url, secret_key=key, transport=ground.transport)
    trust = stripe.Trust(
        webhook_secrets=settings.stripe_webhook_secret_list(),
        pages=pages_of(settings, settings.stripe_page_hosts, settings.stripe_api_url),
        takes_test_money=settings.env != "production",
    )
    desk = StripeDisputes(wire, takes_test_money=trust.takes_test_money)
    provider = stripe.Stripe(wire, trust, ground.clock)
    return Member(provider, wire, statement=StripeStatement(wire), dispute_desk=desk)


def make_yoomoney(ground: Ground) -> Member:
    """Make YooMoney with the payers' wallets that go with it."""
    parts = open_parts(ground.settings, ground.sessions, clock=ground.clock, transport=ground.transport)
    return Member(parts.provider, parts.wire, statement=parts.statement, wallet=parts.wallet)


MAKERS: Mapping[str, Callable[[Ground], Member]] = {
    "yookassa": make_yookassa,
    "stripe": make_stripe,
    "yoomoney": make_yoomoney,
}


def pages_of(settings: PaymentSettings, hosts: Collection[str], api_url: str) -> Pages:
    """Say to which pages of a payment system people may be sent: outside production also to the sandbox's."""
    api = httpx.URL(api_url)
    origins = (settings.public_url.rstrip("/"), f"{api.scheme}://{api.netloc.decode()}")
    return Pages(hosts, () if settings.env == "production" else origins)
