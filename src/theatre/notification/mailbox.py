"""Reading the local mailbox."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from theatre.kit.db import Session
from theatre.notification.errors import MailNotFound
from theatre.notification.models import StoredMail

SHOWN = 100


async def list_newest(session: Session, *, to: str = "") -> Sequence[StoredMail]:
    """Give the newest mails, or those to one address however it is capitalised."""
    newest = select(StoredMail).order_by(StoredMail.sent_at.desc(), StoredMail.id.desc()).limit(SHOWN)
    if to:
        newest = newest.where(func.lower(StoredMail.to) == to.lower())
    return (await session.scalars(newest)).all()


async def get(session: Session, mail_id: UUID) -> StoredMail:
    """Read a mail.

    Raises:
        MailNotFound
    """
    mail = await session.get(StoredMail, mail_id)
    if mail is None:
        raise MailNotFound
    return mail
