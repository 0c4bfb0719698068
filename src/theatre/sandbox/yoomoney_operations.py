"""Money that moves to a wallet: every movement is made here, and told to the wallet's owner in the same transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from theatre.kit.db import Session
from theatre.sandbox import yoomoney_notifications
from theatre.sandbox.yoomoney_models import Operation, OperationStatus, Wallet
from theatre.sandbox.yoomoney_money import number

TYPES = {"deposition": ("in",), "payment": ("out",)}


async def move(
    session: Session,
    *,
    payer: Wallet | None,
    receiver: Wallet,
    charged_minor: int,
    credited_minor: int,
    label: str,
    message: str,
    now: datetime,
) -> Operation:
    """Move money between wallets that are locked; without a payer it comes from a card."""
    if payer is not None:
        payer.balance_minor -= charged_minor
    receiver.balance_minor += credited_minor
    operation = Operation(
        # grows with time, so that the newest sorts last
        id=f"{int(now.timestamp() * 1000):015d}{secrets.randbelow(10**6):06d}",
        payer=payer.number if payer else None,
        receiver=receiver.number,
        charged_minor=charged_minor,
        credited_minor=credited_minor,
        label=label,
        message=message,
        status=OperationStatus.SUCCESS,
        happened_at=now,
    )
    session.add(operation)
    yoomoney_notifications.tell(session, operation, receiver, now=now)
    return operation


async def find(session: Session, wallet: str, operation_id: str) -> Operation | None:
    """Give an operation of a wallet."""
    operation = await session.get(Operation, operation_id)
    is_own = operation is not None and wallet in {operation.payer, operation.receiver}
    return operation if is_own else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which operations of a wallet are listed: `since` a moment and before `till`, `limit` of them from `start` on."""

    label: str
    kind: str
    since: datetime | None
    till: datetime | None
    start: int
    limit: int


async def list_page(session: Session, wallet: str, wanted: Wanted) -> Sequence[Operation]:
    """List operations of a wallet, the newest first, one more than wanted if there are more."""
    sides = TYPES.get(wanted.kind, ("in", "out"))
    own = {"in": Operation.receiver == wallet, "out": Operation.payer == wallet}
    query = select(Operation).where(or_(*(own[side] for side in sides)))
    if wanted.label:
        query = query.where(Operation.label == wanted.label)
    if wanted.since is not None:
        query = query.where(Operation.happened_at >= wanted.since)
    if wanted.till is not None:
        query = query.where(Operation.happened_at < wanted.till)
    ordered = query.order_by(Operation.id.desc()).offset(wanted.start).limit(wanted.limit + 1)
    return (await session.scalars(ordered)).all()


def to_object(operation: Operation, wallet: str, *, with_details: bool) -> dict[str, object]:
    """Write an operation as one side sees it."""
    is_in = operation.receiver == wallet
    plain: dict[str, object] = {
        "operation_id": operation.id,
        "status": str(operation.status),
        "datetime": operation.happened_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "title": "Incoming transfer" if is_in else "Transfer",
        "direction": "in" if is_in else "out",
        "amount": number(operation.credited_minor if is_in else operation.charged_minor),
        "label": operation.label,
        "type": "incoming-transfer" if is_in else "outgoing-transfer",
    }
    if not with_details:
        return plain
    details: dict[str, object] = {"message": operation.message, "codepro": False}
    if is_in and operation.payer:
        details["sender"] = operation.payer
    if not is_in:
        fee_minor = operation.charged_minor - operation.credited_minor
        details |= {
            "recipient": operation.receiver,
            "recipient_type": "account",
            "amount_due": number(operation.credited_minor),
            "fee": number(fee_minor),
        }
    return {**plain, **details}
