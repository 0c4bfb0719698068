"""A worker of notification in a process of its own, to be killed: `python -m … <database> <smtp> <user id>`."""

import asyncio
import sys
from uuid import UUID

from tests.factories.auth_door import AuthDoor
from theatre.contracts.auth import Contact
from theatre.notification.app import create_worker
from theatre.notification.settings import NotificationSettings


async def main(database_url: str, smtp_url: str, user_id: str) -> None:
    """Deliver until killed."""
    auth = AuthDoor()
    auth.contacts[UUID(user_id)] = Contact(
        user_id=UUID(user_id), login="alice", email="alice@mail.example", locale="en", is_active=True
    )
    settings = NotificationSettings.model_validate(
        {"database_url": database_url, "smtp_url": smtp_url, "mail_from": "no-reply@theatre.example"}
    )
    async with create_worker(settings, transport=auth.transport) as worker:
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
