"""A payer's permission to pay from their wallet: asked for once, kept for the browser in which it was given.

Nothing here is money. With Redis emptied at any moment the payer allows once more.
"""

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import orjson
from pydantic import SecretStr

from theatre.kit.cache import Cache, CacheAway
from theatre.kit.logging import get_logger
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.models import Attempt
from theatre.payment.tokens import Tokens
from theatre.payment.wallet_port import Wallet

STATE_TTL_SECONDS = 600
TOKEN_TTL_SECONDS = 30 * 24 * 3600
STATE_BYTES = 32

log = get_logger(__name__)


class PermitStale(Exception):
    """What came back belongs to no authorisation that was begun in this browser, or is used up."""


@dataclass(frozen=True, slots=True)
class Permits:
    """Asks for permissions and keeps them.

    `browser` is the secret of a cookie. A token is of use only in the browser whose owner gave it: the address of a
    payment is no secret, and whoever opens it must not pay from somebody else's wallet.
    """

    wallet: Wallet
    tokens: Tokens
    cache: Cache
    key: SecretStr

    async def begin(self, attempt_id: UUID, browser: str) -> str:
        """Begin an authorisation for an attempt; give the state that must come back in this browser.

        Raises:
            CacheAway
        """
        state = secrets.token_urlsafe(STATE_BYTES)
        bound = orjson.dumps([str(attempt_id), digest(browser)])
        await self.cache.put(_place(state), bound, ttl_seconds=STATE_TTL_SECONDS)
        return state

    async def finish(self, attempt_id: UUID, *, browser: str, state: str) -> None:
        """Use up a state.

        Raises:
            PermitStale: unknown, used, too old, of another attempt or of another browser.
            CacheAway
        """
        bound = await self.cache.take(_place(state)) if state else None
        expected = orjson.dumps([str(attempt_id), digest(browser)])
        if bound is None or not hmac.compare_digest(bound, expected):
            raise PermitStale

    async def keep(self, attempt: Attempt, *, browser: str, token: SecretStr) -> None:
        """Keep what the owner allowed.

        Raises:
            CacheAway
        """
        sealed = f"{digest(browser)} {token.get_secret_value()}"
        await self.tokens.put(self.wallet.provider, attempt.user_id, sealed, ttl_seconds=TOKEN_TTL_SECONDS)

    async def find(self, attempt: Attempt, *, browser: str | None) -> SecretStr | None:
        """Give the token of an attempt's user, if it was given in this browser; without one the user's own.

        With Redis away there is none.
        """
        try:
            kept = await self.tokens.find(self.wallet.provider, attempt.user_id)
        except CacheAway as error:
            log.warning("wallet token not read", cause=repr(error.__cause__))
            return None
        owner, _, token = (kept or "").partition(" ")
        is_same = browser is None or hmac.compare_digest(owner, digest(browser))
        return SecretStr(token) if token and is_same else None

    async def forget(self, attempt: Attempt, *, browser: str) -> None:
        """Forget a permission and have the wallet do so too, as far as it answers.

        Raises:
            CacheAway
        """
        token = await self.find(attempt, browser=browser)
        if token is None:
            return
        await self.tokens.drop(self.wallet.provider, attempt.user_id)
        with suppress(OutcomeUnknown):
            await self.wallet.revoke(token)

    async def drop(self, attempt: Attempt) -> None:
        """Forget a permission that the wallet does not take any more."""
        with suppress(CacheAway):
            await self.tokens.drop(self.wallet.provider, attempt.user_id)

    def form_token(self, attempt_id: UUID, browser: str) -> str:
        """Give the word that a form of ours must bring back: only pages for this browser have it."""
        said = f"{attempt_id} {browser}".encode()
        return hmac.new(self.key.get_secret_value().encode(), said, hashlib.sha256).hexdigest()

    def is_own_form(self, attempt_id: UUID, *, browser: str, given: str) -> bool:
        """Tell whether a form was written by us for this browser and this attempt."""
        expected = self.form_token(attempt_id, browser)
        return bool(browser) and hmac.compare_digest(expected.encode(), given.encode())


def digest(secret: str) -> str:
    """Give what is kept of a secret of a cookie; it is long and random, so a plain hash keeps it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _place(state: str) -> str:
    return f"wallet-state:{digest(state)}"
