"""YooMoney put together as settings say: the provider, and the payers' wallets that go with it."""

from dataclasses import dataclass

import httpx

from theatre.kit.clock import Clock
from theatre.kit.db import Sessions
from theatre.kit.money import Money
from theatre.payment.attempt_totals import KeptTotals
from theatre.payment.providers.yoomoney import Trust, YooMoney
from theatre.payment.providers.yoomoney_history import Books
from theatre.payment.providers.yoomoney_objects import CURRENCY
from theatre.payment.providers.yoomoney_statement import YooMoneyStatement
from theatre.payment.providers.yoomoney_transfers import Transfers
from theatre.payment.providers.yoomoney_wallet import Application, YooMoneyWallet
from theatre.payment.providers.yoomoney_wire import Wire
from theatre.payment.settings import PaymentSettings
from theatre.payment.wallet_permits import TOKEN_TTL_SECONDS
from theatre.payment.wallet_transfers import KeptTransfers


@dataclass(frozen=True)
class Parts:
    """What belongs together; `wire` is to be closed."""

    provider: YooMoney
    statement: YooMoneyStatement
    wallet: YooMoneyWallet
    wire: Wire


def open_parts(
    settings: PaymentSettings,
    sessions: Sessions,
    *,
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None,
) -> Parts:
    """Open the way to YooMoney."""
    wire = Wire(settings.yoomoney_api_url or settings.yoomoney_url, transport=transport)
    token = settings.yoomoney_wallet_token
    transfers = Transfers(wire, page_origins=origins_of(settings))
    books, totals = Books(wire, token), KeptTotals(sessions, YooMoney.name)
    provider = YooMoney(
        books,
        transfers,
        KeptTransfers(sessions, clock),
        totals=totals,
        trust=Trust(settings.yoomoney_secret_list(), takes_sha1=settings.yoomoney_legacy_sha1),
        token=token,
        page_url=f"{settings.public_url.rstrip('/')}/payment/{YooMoney.name}",
        clock=clock,
    )
    application = Application(
        url=settings.yoomoney_url.rstrip("/"),
        client_id=settings.yoomoney_client_id,
        client_secret=settings.yoomoney_client_secret,
        receiver=settings.yoomoney_wallet,
        limit=Money(settings.yoomoney_limit_roubles * 100, CURRENCY),
        limit_days=TOKEN_TTL_SECONDS // (24 * 3600),
    )
    return Parts(
        provider,
        YooMoneyStatement(books, totals),
        YooMoneyWallet(wire, transfers, application),
        wire,
    )


def origins_of(settings: PaymentSettings) -> tuple[str, ...]:
    """Give where a payer may be sent though it is not https: outside production to the sandbox."""
    if settings.env == "production":
        return ()
    page = httpx.URL(settings.yoomoney_url)
    return (f"{page.scheme}://{page.netloc.decode()}",)
