"""What payment's doors and jobs work with; opened by `app`."""

from collections.abc import Collection
from dataclasses import dataclass

from theatre.kit.access import Access
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Sessions
from theatre.kit.ratelimit import RateLimit
from theatre.payment.outside import Outside
from theatre.payment.return_page import ReturnPage
from theatre.payment.settings import Network
from theatre.payment.wallet_page import WalletPage
from theatre.payment.wallet_payments import Desk


@dataclass(frozen=True)
class Resources:
    """Opened once per process."""

    engine: Engine
    sessions: Sessions
    access: Access
    broker: Broker
    clock: Clock
    outside: Outside
    ratelimit: RateLimit
    return_page: ReturnPage
    wallet_desk: Desk | None
    wallet_page: WalletPage
    trusted_proxies: Collection[Network]
    forged_callback_rate: str
    wallet_rate: str
