"""Notifications to owners of wallets: signed forms, tried three times and never again by themselves."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx
from sqlalchemy import select, update

from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.ids import new_id
from theatre.kit.pagination import Page, PageRequest
from theatre.sandbox import sending
from theatre.sandbox.sending import MAX_ERROR_CHARACTERS
from theatre.sandbox.state import State
from theatre.sandbox.yoomoney_errors import NothingHere
from theatre.sandbox.yoomoney_models import Operation, Signing, Wallet, WalletNotification
from theatre.sandbox.yoomoney_money import CURRENCY_NUMBER, written

TRIES_AFTER = (timedelta(), timedelta(minutes=10), timedelta(hours=1))
BATCH = 20
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CLAIMING = sending.claiming(WalletNotification)
HASHED = ("notification_type", "operation_id", "amount", "currency", "datetime", "sender", "codepro")


def tell(session: Session, operation: Operation, wallet: Wallet, *, now: datetime) -> None:
    """Have a wallet's owner told what came in, if they want to be."""
    if wallet.notification_url is None:
        return
    fields = fields_of(operation)
    fields |= signatures_of(fields, wallet)
    session.add(
        WalletNotification(
            id=new_id(),
            wallet=wallet.number,
            operation_id=operation.id,
            label=operation.label,
            body=urlencode(fields),
            created_at=now,
            next_try_at=now,
        )
    )


def fields_of(operation: Operation) -> dict[str, str]:
    """Write what came in, unsigned."""
    return {
        "notification_type": "p2p-incoming" if operation.payer else "card-incoming",
        "operation_id": operation.id,
        "amount": written(operation.credited_minor),
        "withdraw_amount": written(operation.charged_minor),
        "currency": CURRENCY_NUMBER,
        "datetime": operation.happened_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "sender": operation.payer or "",
        "codepro": "false",
        "label": operation.label,
        "unaccepted": "false",
    }


def signatures_of(fields: Mapping[str, str], wallet: Wallet) -> dict[str, str]:
    """Sign by the schemes that the wallet is switched to."""
    signed = {}
    if wallet.signing != Signing.SIGN:
        signed["sha1_hash"] = hash_of(fields, wallet.notification_secret)
    if wallet.signing != Signing.SHA1:
        signed["sign"] = sign_of({**fields, **signed}, wallet.notification_secret)
    return signed


def hash_of(fields: Mapping[str, str], secret: str) -> str:
    """Write `sha1_hash`: nine values, the secret among them, in their fixed order."""
    values = [*(fields[name] for name in HASHED), secret, fields["label"]]
    return hashlib.sha1("&".join(values).encode(), usedforsecurity=False).hexdigest()


def sign_of(fields: Mapping[str, str], secret: str) -> str:
    """Write `sign`: an HMAC over all fields by name."""
    text = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(fields.items())
    )
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


async def send_due(sessions: Sessions, state: State, http: httpx.AsyncClient) -> None:
    """Send what is due; several processes may work side by side."""
    await state.refresh()
    async with transaction(sessions) as session:
        batch = await _claim(session, now=state.clock.now())
    outcomes = await asyncio.gather(*(_post(http, url, row.body) for row, url in batch))
    for (row, _), (status, error) in zip(batch, outcomes, strict=True):
        async with transaction(sessions) as session:
            await _record(session, row, status=status, error=error, now=state.clock.now())


async def _claim(session: Session, *, now: datetime) -> Sequence[tuple[WalletNotification, str | None]]:
    rows = (await session.scalars(CLAIMING, {"now": now, "limit": BATCH})).all()
    owners = select(Wallet).where(Wallet.number.in_({row.wallet for row in rows}))
    urls = {owner.number: owner.notification_url for owner in await session.scalars(owners)}
    return [(row, urls.get(row.wallet)) for row in rows]


async def _post(http: httpx.AsyncClient, url: str | None, body: str) -> tuple[int | None, str | None]:
    if url is None:
        return None, "the wallet has no notification address"
    try:
        answer = await http.post(url, content=body.encode(), headers=FORM)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return None, repr(error)[:MAX_ERROR_CHARACTERS]
    return answer.status_code, None


async def _record(
    session: Session, row: WalletNotification, *, status: int | None, error: str | None, now: datetime
) -> None:
    is_done = status == HTTPStatus.OK
    values = {
        "tries": WalletNotification.tries + 1,
        "last_status": status,
        "last_error": error,
        "claimed_until": None,
        "delivered_at": now if is_done else None,
        "next_try_at": None if is_done else sending.next_try(row.created_at, TRIES_AFTER, now=now),
    }
    change = update(WalletNotification).where(WalletNotification.id == row.id).values(values)
    await session.execute(change, execution_options={"synchronize_session": False})


async def list_page(session: Session, page: PageRequest, *, label: str | None) -> Page[WalletNotification]:
    """List notifications, newest first, with one label if it is named.

    Raises:
        BadCursor
    """
    of_one = [WalletNotification.label == label] if label is not None else []
    return await sending.list_page(session, WalletNotification, page, *of_one)


async def redeliver(session: Session, notification_id: UUID, *, now: datetime) -> WalletNotification:
    """Have one sent again at once, whatever became of it before.

    Raises:
        NothingHere
    """
    row = await sending.find_again(session, WalletNotification, notification_id, now=now)
    if row is None:
        raise NothingHere
    return row
