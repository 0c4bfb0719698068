"""Transfers that applications ask for: prepared, then sent; the same id is done once, however often it is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.ids import new_id
from theatre.sandbox import yoomoney_grants, yoomoney_operations, yoomoney_wallets
from theatre.sandbox.object_ids import read_id
from theatre.sandbox.state import State
from theatre.sandbox.yoomoney_errors import NothingHere
from theatre.sandbox.yoomoney_models import Behaviour, Grant, Transfer, TransferStatus, Wallet
from theatre.sandbox.yoomoney_money import charged, credited, number, read_minor

RETRY_MS = 1000
BATCH = 50

Answer = dict[str, object]


@dataclass(frozen=True, slots=True)
class TransferWish:
    """What an application asks for; one of the amounts is given."""

    to: str
    amount: str
    amount_due: str
    label: str
    message: str


async def prepare(session: Session, grant: Grant, wish: TransferWish, *, now: datetime) -> Answer:
    """Prepare a transfer, or say why not; nothing moves.

    Raises:
        ScopeTooNarrow
    """
    charged_minor, credited_minor = _amounts(wish)
    if not charged_minor or not credited_minor:
        return _refused("illegal_param_amount" if wish.amount else "illegal_param_amount_due")
    receiver = await session.get(Wallet, wish.to)
    payer = await session.get_one(Wallet, grant.wallet)
    if receiver is None or receiver is payer:
        return _refused("illegal_param_to")
    is_within = await yoomoney_grants.is_within_limit(
        session, grant, to=wish.to, charged_minor=charged_minor, now=now
    )
    if not is_within:
        return _refused("limit_exceeded")
    if payer.balance_minor < charged_minor:
        return _refused("not_enough_funds")
    transfer = Transfer(
        id=new_id(),
        grant_id=grant.id,
        payer=payer.number,
        receiver=receiver.number,
        charged_minor=charged_minor,
        credited_minor=credited_minor,
        label=wish.label,
        message=wish.message,
        status=TransferStatus.REQUESTED,
        created_at=now,
    )
    session.add(transfer)
    return {
        "status": "success",
        "request_id": str(transfer.id),
        "contract_amount": number(charged_minor),
        "balance": number(payer.balance_minor),
        "money_source": {"wallet": {"allowed": True}},
        "recipient_account_status": "identified",
        "recipient_account_type": "personal",
    }


async def send(
    session: Session,
    grant: Grant,
    request_id: str,
    *,
    return_url: str,
    public_url: str,
    delay: timedelta,
    now: datetime,
) -> Answer:
    """Send a prepared transfer, or tell how it stands."""
    transfer = await _find_locked(session, request_id)
    if transfer is None or transfer.payer != grant.wallet:
        return _refused("contract_not_found")
    if transfer.status == TransferStatus.REQUESTED:
        await _begin(session, transfer, return_url=return_url, delay=delay, now=now)
    elif transfer.is_approved or (transfer.ends_at is not None and transfer.ends_at <= now):
        await _finish(session, transfer, now=now)
    return _answer(transfer, public_url)


async def approve(session: Session, transfer_id: str, *, is_approved: bool) -> str:
    """Take what the owner told the bank; give the address to go on to.

    Raises:
        NothingHere
    """
    transfer = await _find_locked(session, transfer_id)
    if transfer is None or transfer.return_url is None:
        raise NothingHere
    if transfer.status == TransferStatus.ASKED and not is_approved:
        transfer.status, transfer.error = TransferStatus.REFUSED, "authorization_reject"
    elif transfer.status == TransferStatus.ASKED:
        transfer.is_approved = True
    return transfer.return_url


async def get(session: Session, transfer_id: str) -> Transfer:
    """Give a transfer that its owner is asked about.

    Raises:
        NothingHere
    """
    transfer = await session.get(Transfer, read_id(transfer_id))
    if transfer is None or transfer.return_url is None:
        raise NothingHere
    return transfer


async def settle_due(sessions: Sessions, state: State) -> None:
    """End transfers whose moment has come; several processes may work side by side."""
    await state.refresh()
    now = state.clock.now()
    due = select(Transfer).where(Transfer.ends_at <= now).order_by(Transfer.ends_at).limit(BATCH)
    async with transaction(sessions) as session:
        for transfer in await session.scalars(due.with_for_update(skip_locked=True)):
            await _finish(session, transfer, now=now)


def _amounts(wish: TransferWish) -> tuple[int | None, int | None]:
    if wish.amount:
        charged_minor = read_minor(wish.amount)
        return charged_minor, credited(charged_minor, by_card=False) if charged_minor else None
    credited_minor = read_minor(wish.amount_due)
    return charged(credited_minor) if credited_minor else None, credited_minor


async def _find_locked(session: Session, request_id: str) -> Transfer | None:
    try:
        identity = UUID(request_id)
    except ValueError:
        return None
    return await session.get(Transfer, identity, with_for_update=True)


async def _begin(
    session: Session, transfer: Transfer, *, return_url: str, delay: timedelta, now: datetime
) -> None:
    payer = await session.get_one(Wallet, transfer.payer)
    if payer.behaviour == Behaviour.REFUSED:
        transfer.status, transfer.error = TransferStatus.REFUSED, "payment_refused"
    elif payer.behaviour == Behaviour.SLOW:
        transfer.status, transfer.ends_at = TransferStatus.IN_PROGRESS, now + delay
    elif payer.behaviour == Behaviour.ASKED and urlsplit(return_url).scheme in {"http", "https"}:
        transfer.status, transfer.return_url = TransferStatus.ASKED, return_url
    else:
        await _finish(session, transfer, now=now)


async def _finish(session: Session, transfer: Transfer, *, now: datetime) -> None:
    transfer.ends_at, transfer.is_approved = None, False
    wallets = await yoomoney_wallets.lock(session, transfer.payer, transfer.receiver)
    payer = wallets[transfer.payer]
    if payer.balance_minor < transfer.charged_minor:
        transfer.status, transfer.error = TransferStatus.REFUSED, "not_enough_funds"
        return
    transfer.status = TransferStatus.SUCCESS
    await yoomoney_operations.move(
        session,
        payer=payer,
        receiver=wallets[transfer.receiver],
        charged_minor=transfer.charged_minor,
        credited_minor=transfer.credited_minor,
        label=transfer.label,
        message=transfer.message,
        now=now,
    )


def _answer(transfer: Transfer, public_url: str) -> Answer:
    if transfer.status == TransferStatus.REFUSED:
        return _refused(transfer.error or "payment_refused")
    if transfer.status == TransferStatus.ASKED:
        page = f"{public_url}/sandbox/yoomoney/bank/{transfer.id}"
        return {"status": "ext_auth_required", "acs_uri": page, "acs_params": {"MD": str(transfer.id)}}
    if transfer.status == TransferStatus.IN_PROGRESS:
        return {"status": "in_progress", "next_retry": RETRY_MS}
    return {
        "status": "success",
        "payment_id": str(transfer.id),
        "payer": transfer.payer,
        "payee": transfer.receiver,
        "credit_amount": number(transfer.credited_minor),
    }


def _refused(error: str) -> Answer:
    return {"status": "refused", "error": error}
