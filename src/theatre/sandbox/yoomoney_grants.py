"""What owners of wallets allow applications: codes, tokens, and how far a token reaches."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import func, select, update

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.sandbox.state import digest
from theatre.sandbox.yoomoney_errors import AskedWrongly, ScopeTooNarrow, TokenInvalid
from theatre.sandbox.yoomoney_models import Application, Grant, Transfer, TransferStatus
from theatre.sandbox.yoomoney_money import read_minor

CODE_LIFETIME = timedelta(minutes=1)
TOKEN_BYTES = 48
RIGHT = re.compile(
    r'(?P<name>[a-z0-9-]+)(?:\.to-(?:account|pattern)\("(?P<to>[0-9A-Za-z_@.-]{1,64})"\))?'
    r"(?:\.limit\((?P<days>[0-9]{0,4}),(?P<sum>[0-9.]{1,12})\))?",
    re.ASCII,
)
RIGHTS = frozenset(
    (
        *("account-info", "operation-history", "operation-details", "incoming-transfers"),
        *("payment", "payment-shop", "payment-p2p", "money-source"),
    )
)


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that is allowed; `payment` to whom, and how much within how many days (None: in one payment)."""

    name: str
    to: str | None
    days: int | None
    limit_minor: int | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What an application asks an owner to allow."""

    application: Application
    redirect_uri: str
    scope: str
    rights: tuple[Right, ...]


async def read_wish(
    session: Session, *, client_id: str, response_type: str, redirect_uri: str, scope: str
) -> Wish:
    """Read what an application asks.

    Raises:
        AskedWrongly: not to be sent back to an address that may be anybody's.
    """
    application = await session.get(Application, client_id)
    if application is None or response_type != "code":
        raise AskedWrongly("No such application, or not the code flow.")
    registered = application.redirect_uri
    if redirect_uri != registered and not redirect_uri.startswith(f"{registered}?"):
        raise AskedWrongly("The application did not register this redirect_uri.")
    return Wish(application, redirect_uri, scope, read_scope(scope))


def read_scope(scope: str) -> tuple[Right, ...]:
    """Read a list of rights.

    Raises:
        AskedWrongly
    """
    rights = tuple(_right(word) for word in scope.split())
    names = {right.name for right in rights}
    is_both = "payment-p2p" in names and "payment" in names
    if not rights or is_both:
        raise AskedWrongly("The scope is empty, or says the same in two ways.")
    return rights


def _right(word: str) -> Right:
    match = RIGHT.fullmatch(word)
    if match is None or match["name"] not in RIGHTS or (match["name"] == "payment") != bool(match["to"]):
        raise AskedWrongly("The scope cannot be read.")
    limit_minor = read_minor(match["sum"]) if match["sum"] else None
    return Right(match["name"], match["to"], int(match["days"]) if match["days"] else None, limit_minor)


def allow(session: Session, wish: Wish, wallet: str, *, now: datetime) -> str:
    """Allow what was asked; give the address with the code."""
    code = secrets.token_hex(TOKEN_BYTES)
    session.add(
        Grant(
            id=new_id(),
            client_id=wish.application.client_id,
            wallet=wallet,
            scope=wish.scope,
            redirect_uri=wish.redirect_uri,
            code_digest=digest(code),
            code_ends_at=now + CODE_LIFETIME,
            created_at=now,
        )
    )
    return back(wish, code=code)


def back(wish: Wish, **answer: str) -> str:
    """Give the address where the browser goes on to."""
    joint = "&" if "?" in wish.redirect_uri else "?"
    return f"{wish.redirect_uri}{joint}{urlencode(answer)}"


async def exchange(
    session: Session, *, code: str, client_id: str, client_secret: str, redirect_uri: str, now: datetime
) -> dict[str, str]:
    """Exchange a code for a token, once; a code that comes again takes the token with it."""
    application = await session.get(Application, client_id)
    if application is None or application.secret_digest != digest(client_secret):
        return {"error": "unauthorized_client"}
    query = select(Grant).where(Grant.code_digest == digest(code)).with_for_update()
    grant = await session.scalar(query)
    if grant is None or (grant.client_id, grant.redirect_uri) != (client_id, redirect_uri):
        return {"error": "invalid_grant"}
    if grant.token_digest is not None:
        grant.revoked_at = now
        return {"error": "invalid_grant"}
    if grant.code_ends_at is None or grant.code_ends_at <= now:
        return {"error": "invalid_grant"}
    token = secrets.token_hex(TOKEN_BYTES)
    grant.token_digest = digest(token)
    return {"access_token": token}


async def find(session: Session, token: str) -> Grant:
    """Give what a token stands for.

    Raises:
        TokenInvalid
    """
    query = select(Grant).where(Grant.token_digest == digest(token), Grant.revoked_at.is_(None))
    grant = await session.scalar(query)
    if grant is None:
        raise TokenInvalid
    return grant


async def revoke(session: Session, grant_id: UUID, *, now: datetime) -> None:
    """Make a token worthless."""
    await session.execute(update(Grant).where(Grant.id == grant_id).values(revoked_at=now))


def check_right(grant: Grant, name: str) -> None:
    """Make sure that a token allows something.

    Raises:
        ScopeTooNarrow
    """
    if all(right.name != name for right in read_scope(grant.scope)):
        raise ScopeTooNarrow


async def is_within_limit(
    session: Session, grant: Grant, *, to: str, charged_minor: int, now: datetime
) -> bool:
    """Tell whether a token allows so much more to a wallet.

    Raises:
        ScopeTooNarrow: nothing to that wallet at all.
    """
    rights = [right for right in read_scope(grant.scope) if right.name in {"payment", "payment-p2p"}]
    right = next((right for right in rights if right.to in {None, to}), None)
    if right is None:
        raise ScopeTooNarrow
    if right.limit_minor is None:
        return True
    spent = select(func.coalesce(func.sum(Transfer.charged_minor), 0)).where(
        Transfer.grant_id == grant.id, Transfer.status == TransferStatus.SUCCESS
    )
    if right.days is not None:
        spent = spent.where(Transfer.created_at > now - timedelta(days=right.days))
    spent_minor = int(await session.scalar(spent) or 0)
    if right.days is None:
        return spent_minor == 0 and charged_minor <= right.limit_minor
    return spent_minor + charged_minor <= right.limit_minor
