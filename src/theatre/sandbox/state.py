"""What every call needs and few change: the sandbox's clock, its shops and the faults that are switched on.

Kept in memory and read again after a change, of which all processes hear by PostgreSQL's NOTIFY.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from sqlalchemy import select, text

from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Session, sessions_of
from theatre.kit.wakeup import listen
from theatre.sandbox.models import ClockOffset, Face, Fault, Shop, Webhook, face_of

CHANNEL = "sandbox_state"
CHANGES_STATE = "changes_sandbox_state"


class SandboxClock:
    """The clock it is given plus an offset that only grows, in whole milliseconds as the API writes moments."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self.offset = timedelta()

    def now(self) -> datetime:
        now = self._base.now() + self.offset
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def world_now(self) -> datetime:
        """Tell the time as it is outside, whatever offset there is here."""
        return self._base.now()


class State:
    """The present shops, webhooks, faults and clock. Call `refresh` before reading any of them."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.clock = SandboxClock(clock)
        self.shops: dict[str, Shop] = {}
        self.webhooks: Sequence[Webhook] = ()
        self.faults: Sequence[Fault] = ()
        self._engine = engine
        self._sessions = sessions_of(engine)
        self._changes = 1
        self._read = 0
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read again if something changed since; otherwise free."""
        if self._read == self._changes:
            return
        async with self._lock:
            # a change during the reading leaves it to be done again
            changes = self._changes
            if self._read != changes:
                await self._reread()
                self._read = changes

    def expire(self, _: str = "") -> None:
        """Note that something changed: the next `refresh` reads again."""
        self._changes += 1

    async def _reread(self) -> None:
        async with self._sessions() as session:
            offset = await session.scalar(select(ClockOffset.offset_ms))
            shops = list(await session.scalars(select(Shop)))
            webhooks = list(await session.scalars(select(Webhook)))
            faults = list(await session.scalars(select(Fault).where(Fault.remaining > 0).order_by(Fault.id)))
        self.clock.offset = timedelta(milliseconds=offset or 0)
        self.shops = {shop.id: shop for shop in shops}
        self.webhooks = webhooks
        self.faults = faults

    @asynccontextmanager
    async def following(self) -> AsyncIterator["State"]:
        """Hear of changes that other processes make, while the block runs."""
        task = asyncio.create_task(listen(self._engine, CHANNEL, self.expire), name="sandbox state")
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def addresses_of(self, shop_id: str, event: str) -> list[str]:
        """List the addresses that are told of an event of a shop."""
        shop = self.shops.get(shop_id)
        own = [shop.notification_url] if shop is not None and shop.notification_url else []
        hooks = (hook for hook in self.webhooks if (hook.shop_id, hook.event) == (shop_id, event))
        return own + [hook.url for hook in hooks]

    def find_shop(self, shop_id: str, secret: str) -> Shop | None:
        """Give the shop with this id if the secret key is its own."""
        shop = self.shops.get(shop_id)
        given = digest(secret)
        if face_of(shop_id) is not Face.YOOKASSA:
            return None
        return shop if shop is not None and hmac.compare_digest(shop.secret_digest, given) else None

    def find_application(self, token: str) -> Shop | None:
        """Give the shop whose OAuth token this is."""
        given = digest(token)
        owners = (shop for shop in self.shops.values() if shop.oauth_digest)
        return next((shop for shop in owners if hmac.compare_digest(shop.oauth_digest or "", given)), None)

    def find_account(self, secret: str) -> Shop | None:
        """Give the Stripe account whose secret key this is."""
        given = digest(secret)
        accounts = (shop for shop in self.shops.values() if face_of(shop.id) is Face.STRIPE)
        return next((shop for shop in accounts if hmac.compare_digest(shop.secret_digest, given)), None)


async def announce(session: Session) -> None:
    """Tell all processes, at commit, to read the state again."""
    session.info[CHANGES_STATE] = True
    await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def digest(secret: str) -> str:
    """Give what is stored of a secret key; keys are long and random, so a plain hash keeps them."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
