"""What `worker-notification` hears: new users are greeted, and users written to about their accounts."""

from theatre.contracts.auth import NoticeRequested, UserRegistered
from theatre.kit.db import Session
from theatre.kit.events import Envelope
from theatre.kit.worker import Consumer
from theatre.notification import notifications
from theatre.notification.kinds import Kind, NoticeData, RegistrationData
from theatre.notification.models import InboxMessage
from theatre.notification.notifications import News
from theatre.notification.resources import WorkerResources

# the other facts of auth, and those of movies, are taken too, so that none of them is without a queue
facts: Consumer[WorkerResources] = Consumer(
    "worker-notification", InboxMessage, ignores=["auth.#", "movies.#"]
)


@facts.on(UserRegistered)
async def greet(session: Session, event: UserRegistered, message: Envelope, held: WorkerResources) -> None:
    news = News(
        kind=Kind.REGISTRATION, user_id=event.user_id, data=RegistrationData(), dedupe_key=str(message.id)
    )
    await notifications.accept(session, news, now=held.clock.now())


@facts.on(NoticeRequested)
async def tell_notice(
    session: Session, event: NoticeRequested, message: Envelope, held: WorkerResources
) -> None:
    data = NoticeData(notice_id=event.notice_id, kind=event.kind)
    news = News(kind=Kind.NOTICE, user_id=event.user_id, data=data, dedupe_key=str(event.notice_id))
    await notifications.accept(session, news, now=held.clock.now())
