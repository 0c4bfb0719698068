"""Wallets: those that the demo begins with, and others that a tester makes."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.clock import SystemClock
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.sandbox.control_schemas import WalletChange
from theatre.sandbox.settings import SandboxSettings
from theatre.sandbox.state import digest
from theatre.sandbox.yoomoney_errors import NothingHere
from theatre.sandbox.yoomoney_models import Application, Behaviour, Grant, Signing, Wallet

PASSWORD = "sandbox"  # noqa: S105 - everybody may know it, the page says it
PAYERS = {
    "4100100000000002": (Behaviour.PLAIN, 100_000_00),
    "4100100000000003": (Behaviour.PLAIN, 1_00),
    "4100100000000004": (Behaviour.SLOW, 100_000_00),
    "4100100000000005": (Behaviour.REFUSED, 100_000_00),
    "4100100000000006": (Behaviour.ASKED, 100_000_00),
}
SHOP_SCOPE = "account-info operation-history operation-details payment-p2p"
SHOP_BALANCE_MINOR = 10_000_00


async def ensure_demo(session: Session, settings: SandboxSettings) -> None:
    """Make the demo wallets and the theatre's application, or bring secrets and addresses to what settings say."""
    told: dict[str, object] = {
        "notification_url": settings.demo_wallet_notification_url,
        "notification_secret": settings.wallet_notification_secret.get_secret_value(),
    }
    await _store(session, settings.wallet, {"balance_minor": SHOP_BALANCE_MINOR}, always=told)
    for number, (behaviour, balance_minor) in PAYERS.items():
        await _store(session, number, {"balance_minor": balance_minor, "behaviour": behaviour})
    application = {
        "secret_digest": digest(settings.wallet_client_secret.get_secret_value()),
        "redirect_uri": f"{settings.public_url.rstrip('/')}/payment/yoomoney/authorized",
        "title": "Online Theatre",
    }
    fresh = insert(Application).values(client_id=settings.wallet_client_id, **application)
    await session.execute(
        fresh.on_conflict_do_update(index_elements=[Application.client_id], set_=application)
    )
    token = digest(settings.wallet_token.get_secret_value())
    grant = {
        "id": new_id(),
        "client_id": settings.wallet_client_id,
        "wallet": settings.wallet,
        "scope": SHOP_SCOPE,
        "redirect_uri": application["redirect_uri"],
        "token_digest": token,
        "created_at": SystemClock().now(),
    }
    await session.execute(insert(Grant).values(grant).on_conflict_do_nothing())


async def change(session: Session, number: str, wanted: WalletChange) -> Wallet:
    """Make a wallet, or change what is wanted of one."""
    await _store(session, number, {"balance_minor": 0})
    wallet = await session.get_one(Wallet, number, with_for_update=True, populate_existing=True)
    for name in wanted.model_fields_set:
        setattr(wallet, name, getattr(wanted, name))
    return wallet


async def list_all(session: Session) -> Sequence[Wallet]:
    """List all wallets."""
    return (await session.scalars(select(Wallet).order_by(Wallet.number))).all()


async def find_owned(session: Session, number: str, password: str) -> Wallet | None:
    """Give the wallet whose number and password these are."""
    wallet = await session.get(Wallet, number.strip())
    return wallet if wallet is not None and wallet.password_digest == digest(password) else None


async def lock(session: Session, *numbers: str) -> dict[str, Wallet]:
    """Lock wallets, always in the order of their numbers.

    Raises:
        NothingHere: one of them does not exist.
    """
    query = select(Wallet).where(Wallet.number.in_(numbers)).order_by(Wallet.number).with_for_update()
    found = {wallet.number: wallet for wallet in await session.scalars(query)}
    if found.keys() != set(numbers):
        raise NothingHere
    return found


async def _store(
    session: Session, number: str, first: dict[str, object], *, always: dict[str, object] | None = None
) -> None:
    fresh: dict[str, object] = {
        "number": number,
        "password_digest": digest(PASSWORD),
        "behaviour": Behaviour.PLAIN,
        "notification_secret": "",
        "signing": Signing.BOTH,
        **first,
        **(always or {}),
    }
    statement = insert(Wallet).values(fresh)
    if always:
        await session.execute(statement.on_conflict_do_update(index_elements=[Wallet.number], set_=always))
    else:
        await session.execute(statement.on_conflict_do_nothing())
