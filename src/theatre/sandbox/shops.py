"""Shops: the demo shop that settings name, and others that a tester makes."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.sandbox.control_schemas import ShopChange
from theatre.sandbox.errors import NoSuchObject
from theatre.sandbox.models import Face, Shop, face_of
from theatre.sandbox.settings import SandboxSettings
from theatre.sandbox.state import announce, digest

GATEWAY_OFFSET = 1_000_000


async def ensure_demo(session: Session, settings: SandboxSettings) -> None:
    """Make the demo shops, or bring their keys and notification addresses to what settings say."""
    token = settings.shop_oauth_token.get_secret_value()
    await _store(
        session,
        settings.shop_id,
        secret_digest=digest(settings.shop_secret_key.get_secret_value()),
        oauth_digest=digest(token) if token else None,
        notification_url=settings.demo_notification_url,
    )
    await _store(
        session,
        settings.stripe_account_id,
        secret_digest=digest(settings.stripe_secret_key.get_secret_value()),
        notification_url=settings.demo_stripe_notification_url,
        webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
    )


async def change(session: Session, shop_id: str, wanted: ShopChange) -> Shop:
    """Change what is wanted of a shop; with a secret key a shop that does not exist is made.

    Raises:
        NoSuchObject
    """
    if wanted.secret_key is not None:
        await _store(session, shop_id, secret_digest=digest(wanted.secret_key.get_secret_value()))
    shop = await session.get(Shop, shop_id, with_for_update=True)
    if shop is None:
        raise NoSuchObject
    if wanted.oauth_token is not None:
        shop.oauth_digest = digest(wanted.oauth_token.get_secret_value())
    if wanted.webhook_secret is not None:
        shop.webhook_secret = wanted.webhook_secret.get_secret_value()
    if wanted.is_cancel_refused is not None:
        shop.is_cancel_refused = wanted.is_cancel_refused
    if "notification_url" in wanted.model_fields_set:
        shop.notification_url = wanted.notification_url
    await announce(session)
    return shop


async def list_all(session: Session) -> Sequence[Shop]:
    """List all shops."""
    return (await session.scalars(select(Shop).order_by(Shop.id))).all()


async def _store(session: Session, shop_id: str, **values: str | None) -> None:
    gateway_id = str(int(shop_id) + GATEWAY_OFFSET) if face_of(shop_id) is Face.YOOKASSA else ""
    statement = insert(Shop).values(id=shop_id, gateway_id=gateway_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[Shop.id], set_=values))
    await announce(session)
