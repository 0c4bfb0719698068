"""Paying an attempt on our own page: by the provider's form, or from the payer's wallet once its owner allowed it."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID

from pydantic import SecretStr

from theatre.contracts.payment import AttemptStatus
from theatre.kit.db import Sessions, transact, transaction
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.payment import attempts, wallet_transfers
from theatre.payment.errors import AttemptNotFound, OutcomeUnknown
from theatre.payment.models import Attempt, WalletTransfer
from theatre.payment.outside import Outside
from theatre.payment.wallet_permits import Permits, PermitStale
from theatre.payment.wallet_port import (
    Progress,
    TokenRefused,
    TransferOrder,
    TransferRefused,
    TransferStatus,
    Wallet,
)

BACK = "authorized"

log = get_logger(__name__)


class Stage(StrEnum):
    """What a payer can do: choose a way, confirm with one click, wait, or nothing more."""

    OPEN = "open"
    READY = "ready"
    BUSY = "busy"
    CLOSED = "closed"


class Notice(StrEnum):
    """What a payer is told beside: the words of a wallet are not repeated, they may say anything."""

    STALE = "stale"
    DENIED = "denied"
    UNAVAILABLE = "unavailable"
    NOT_ENOUGH = "not_enough"
    LIMIT = "limit"
    REFUSED = "refused"
    ALLOW = "allow"


NOTICES = {"not_enough_funds": Notice.NOT_ENOUGH, "limit_exceeded": Notice.LIMIT}


@dataclass(frozen=True, slots=True)
class View:
    """An attempt as its page shows it, and whether this browser may pay from a wallet."""

    attempt: Attempt
    stage: Stage
    is_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Where a payer goes next: the end of the way if `is_over`, a bank's page, or our page with a notice."""

    is_over: bool = False
    notice: Notice | None = None
    page: str = ""
    page_fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desk:
    """What these verbs work with."""

    outside: Outside
    permits: Permits

    @property
    def wallet(self) -> Wallet:
        return self.permits.wallet

    def page_url(self, attempt_id: UUID) -> str:
        """Give the address of an attempt's page."""
        return f"{self.outside.public_url}/payment/{self.wallet.provider}/{attempt_id}"

    def return_url(self, attempt_id: UUID) -> str:
        """Give the address of the page that shows how an attempt stands."""
        return f"{self.outside.public_url}/payment/return/{attempt_id}"

    def back_url(self, attempt_id: UUID, state: str) -> str:
        """Give the address where an owner comes back to with a code."""
        query = f"attempt_id={attempt_id}&state={state}"
        return f"{self.outside.public_url}/payment/{self.wallet.provider}/{BACK}?{query}"


async def look(sessions: Sessions, attempt_id: UUID, *, desk: Desk, browser: str) -> View:
    """Tell what can be done about an attempt; changes nothing.

    Raises:
        AttemptNotFound
    """
    attempt = await _get(sessions, attempt_id, desk=desk)
    if not _is_payable(attempt, desk.outside.clock.now()):
        return View(attempt, Stage.CLOSED)
    async with transaction(sessions) as session:
        is_busy = await wallet_transfers.is_under_way(session, attempt_id)
    is_allowed = bool(browser) and await desk.permits.find(attempt, browser=browser) is not None
    stage = Stage.BUSY if is_busy else Stage.READY if is_allowed else Stage.OPEN
    return View(attempt, stage, is_allowed)


async def authorise(sessions: Sessions, attempt_id: UUID, *, desk: Desk, browser: str) -> str:
    """Begin an authorisation; give the address where the owner of a wallet allows it.

    Raises:
        AttemptNotFound, CacheAway
    """
    attempt = await _get(sessions, attempt_id, desk=desk)
    state = await desk.permits.begin(attempt_id, browser)
    return desk.wallet.authorisation_url(_total(attempt), back_url=desk.back_url(attempt_id, state))


async def accept_code(
    sessions: Sessions, attempt_id: UUID, *, desk: Desk, browser: str, state: str, code: str
) -> Notice | None:
    """Exchange what an owner came back with, at once; nothing is paid by it. Without a code it was denied.

    Raises:
        AttemptNotFound, CacheAway
    """
    attempt = await _get(sessions, attempt_id, desk=desk)
    try:
        await desk.permits.finish(attempt_id, browser=browser, state=state)
        if not code:
            return Notice.DENIED
        token = await desk.wallet.exchange(code, back_url=desk.back_url(attempt_id, state))
    except PermitStale:
        return Notice.STALE
    except OutcomeUnknown:
        return Notice.UNAVAILABLE
    if token is None:
        return Notice.STALE
    await desk.permits.keep(attempt, browser=browser, token=token)
    return None


async def forget(sessions: Sessions, attempt_id: UUID, *, desk: Desk, browser: str) -> None:
    """Forget the wallet of an attempt's user.

    Raises:
        AttemptNotFound, CacheAway
    """
    await desk.permits.forget(await _get(sessions, attempt_id, desk=desk), browser=browser)


async def confirm(sessions: Sessions, attempt_id: UUID, *, desk: Desk, browser: str) -> Step:
    """Pay an attempt from its payer's wallet, or go on with the transfer that was begun for it.

    Raises:
        AttemptNotFound
    """
    attempt = await _get(sessions, attempt_id, desk=desk)
    try:
        attempt = await _read_truth(sessions, attempt, desk=desk)
    except OutcomeUnknown:
        return Step(notice=Notice.UNAVAILABLE)
    if not _is_payable(attempt, desk.outside.clock.now()):
        return Step(is_over=True)
    token = await desk.permits.find(attempt, browser=browser)
    if token is None:
        return Step(notice=Notice.ALLOW)
    now = desk.outside.clock.now()
    claim = partial(wallet_transfers.claim, label=attempt_id, amount=_total(attempt), now=now)
    transfer = await transact(sessions, claim)
    if transfer is None:
        return Step(is_over=True)
    return await _pay(sessions, attempt, transfer, desk=desk, token=token)


async def check(sessions: Sessions, transfer: WalletTransfer, *, desk: Desk) -> None:
    """Go on with a transfer whose outcome was not known, while its attempt is open and its owner's word holds.

    Raises:
        OutcomeUnknown
    """
    attempt = await _read_truth(sessions, await attempts.get(sessions, transfer.id), desk=desk)
    is_open = attempt.status == AttemptStatus.PENDING and transfer.sent_at is not None
    if not is_open:
        await _ask_later(sessions, transfer.id, at=None)
        return
    # the owner confirmed in a browser before it was sent
    token = await desk.permits.find(attempt, browser=None)
    if token is None:
        # its owner has to come back; whether the money came is asked all the same, with the attempt
        await _ask_later(sessions, transfer.id, at=None)
        return
    await _pay(sessions, attempt, transfer, desk=desk, token=token)


async def _pay(
    sessions: Sessions, attempt: Attempt, transfer: WalletTransfer, *, desk: Desk, token: SecretStr
) -> Step:
    try:
        progress = await _send(sessions, attempt, transfer, desk=desk, token=token)
    except TransferRefused as refusal:
        return await _give_up(sessions, attempt, desk=desk, code=refusal.code)
    except TokenRefused:
        await desk.permits.drop(attempt)
        await _ask_later(sessions, attempt.id, at=None)
        return Step(notice=Notice.ALLOW)
    except OutcomeUnknown as unknown:
        log.warning("transfer not known yet", attempt_id=str(attempt.id), cause=unknown.detail)
        return Step(is_over=True)
    return await _follow(sessions, attempt, progress, desk=desk)


async def _send(
    sessions: Sessions, attempt: Attempt, transfer: WalletTransfer, *, desk: Desk, token: SecretStr
) -> Progress:
    request_id = transfer.request_id
    if request_id is None:
        try:
            request_id = await desk.wallet.request(token, order_of(attempt))
        except OutcomeUnknown:
            # nothing was sent, and what was prepared is known to nobody: it is dead
            await _ask_later(sessions, attempt.id, at=None)
            raise TransferRefused("unavailable") from None
        now = desk.outside.clock.now()
        note = partial(wallet_transfers.note_prepared, label=attempt.id, request_id=request_id, now=now)
        await transact(sessions, note)
    return await desk.wallet.send(token, request_id, back_url=desk.page_url(attempt.id))


async def _follow(sessions: Sessions, attempt: Attempt, progress: Progress, *, desk: Desk) -> Step:
    if progress.status == TransferStatus.REFUSED:
        return await _give_up(sessions, attempt, desk=desk, code=progress.code)
    if progress.status == TransferStatus.ASKED:
        await _ask_later(sessions, attempt.id, at=None)
        return Step(page=progress.page, page_fields=dict(progress.page_fields))
    if progress.status == TransferStatus.DONE:
        await _ask_later(sessions, attempt.id, at=None)
        with suppress(OutcomeUnknown):
            await _read_truth(sessions, attempt, desk=desk)
    elif progress.again_after_seconds:
        again = timedelta(seconds=progress.again_after_seconds)
        await _ask_later(sessions, attempt.id, at=desk.outside.clock.now() + again)
    return Step(is_over=True)


async def _give_up(sessions: Sessions, attempt: Attempt, *, desk: Desk, code: str) -> Step:
    """A transfer that came to nothing: the payer may try again, or pay otherwise."""
    log.info("transfer refused", attempt_id=str(attempt.id), code=code)
    await transact(sessions, partial(wallet_transfers.drop, label=attempt.id))
    if code == "limit_exceeded":
        await desk.permits.drop(attempt)
    unavailable = Notice.UNAVAILABLE if code == "unavailable" else Notice.REFUSED
    return Step(notice=NOTICES.get(code, unavailable))


async def _ask_later(sessions: Sessions, attempt_id: UUID, *, at: datetime | None) -> None:
    await transact(sessions, partial(wallet_transfers.ask_later, label=attempt_id, at=at))


async def _read_truth(sessions: Sessions, attempt: Attempt, *, desk: Desk) -> Attempt:
    if attempt.status != AttemptStatus.PENDING:
        return attempt
    return await attempts.check(sessions, attempt, outside=desk.outside, limit_seconds=attempts.ASK_SECONDS)


async def _get(sessions: Sessions, attempt_id: UUID, *, desk: Desk) -> Attempt:
    attempt = await attempts.get(sessions, attempt_id)
    if attempt.provider != desk.wallet.provider:
        raise AttemptNotFound
    return attempt


def order_of(attempt: Attempt) -> TransferOrder:
    """Write what an attempt wants of a wallet."""
    return TransferOrder(attempt.id, _total(attempt), attempt.description)


def _is_payable(attempt: Attempt, now: datetime) -> bool:
    return attempt.status == AttemptStatus.PENDING and now < attempt.expires_at


def _total(attempt: Attempt) -> Money:
    return Money(attempt.amount_minor, attempt.currency)
