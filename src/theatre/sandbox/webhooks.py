"""Addresses that OAuth applications register, one for each kind of event."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from theatre.kit.db import Session
from theatre.sandbox import keys
from theatre.sandbox.errors import NoSuchObject
from theatre.sandbox.keys import Call
from theatre.sandbox.models import Webhook
from theatre.sandbox.object_ids import new_webhook_id
from theatre.sandbox.schemas import WebhookOrder
from theatre.sandbox.state import announce


async def create(session: Session, order: WebhookOrder, call: Call) -> Webhook:
    """Register an address.

    Raises:
        InvalidRequest: the key was used for another request.
    """
    webhook_id = new_webhook_id(call.now)
    if (twin := await keys.claim(session, call, webhook_id)) is not None:
        return await _get(session, call.shop.id, twin)
    webhook = Webhook(
        id=webhook_id, shop_id=call.shop.id, event=order.event, url=order.url, created_at=call.now
    )
    session.add(webhook)
    await announce(session)
    return webhook


async def list_all(session: Session, shop_id: str) -> Sequence[Webhook]:
    """List what a shop's application registered."""
    query = select(Webhook).where(Webhook.shop_id == shop_id).order_by(Webhook.created_at, Webhook.id)
    return (await session.scalars(query)).all()


async def remove(session: Session, shop_id: str, webhook_id: str) -> None:
    """Remove a registered address.

    Raises:
        NoSuchObject
    """
    await _get(session, shop_id, webhook_id)
    await session.execute(delete(Webhook).where(Webhook.id == webhook_id))
    await announce(session)


async def _get(session: Session, shop_id: str, webhook_id: str) -> Webhook:
    webhook = await session.get(Webhook, webhook_id)
    if webhook is None or webhook.shop_id != shop_id:
        raise NoSuchObject
    return webhook
