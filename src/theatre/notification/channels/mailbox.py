"""Mail that stays here: caught in a table, for people and tests to read at `/mail`."""

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from theatre.kit.clock import Clock
from theatre.kit.db import Sessions, transaction
from theatre.kit.ids import new_id
from theatre.notification.channels import Mail
from theatre.notification.models import StoredMail


@dataclass(frozen=True)
class MailboxChannel:
    """The local mailbox. A repeat of a mail is not stored twice."""

    sessions: Sessions
    clock: Clock

    async def send(self, mail: Mail) -> None:
        """Store the mail."""
        row = insert(StoredMail).values(
            id=new_id(),
            message_id=mail.message_id,
            to=mail.to,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            sent_at=self.clock.now(),
        )
        async with transaction(self.sessions) as session:
            await session.execute(row.on_conflict_do_nothing(index_elements=["message_id"]))
