"""Sends notifications until the shop takes them, on the schedule of `notifications.TRIES_AFTER`."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import httpx

from theatre.kit.db import Sessions
from theatre.kit.faults import describe, is_unavailability
from theatre.kit.logging import get_logger
from theatre.kit.tasks import finish
from theatre.kit.wakeup import LOST
from theatre.sandbox import faults
from theatre.sandbox.cards import NotificationCourse
from theatre.sandbox.models import Face, FaultKind, Notification, face_of
from theatre.sandbox.notifications import Outcome, claim_due, record
from theatre.sandbox.sending import MAX_ERROR_CHARACTERS
from theatre.sandbox.state import State
from theatre.sandbox.stripe_events import signature

BATCH = 32
MAX_BATCHES = 4
IDLE_SECONDS = 0.5
COURSE_OF_FAULT = {
    FaultKind.NOTIFICATION_LOST: NotificationCourse.LOST,
    FaultKind.NOTIFICATION_DUPLICATED: NotificationCourse.DUPLICATED,
    FaultKind.NOTIFICATION_LATE: NotificationCourse.LATE,
}

log = get_logger(__name__)


class Sender:
    """Claims due notifications and sends them, a few batches side by side. Any number of senders may work."""

    def __init__(
        self, statements: Sessions, state: State, http: httpx.AsyncClient, *, timeout_seconds: float
    ) -> None:
        self._statements = statements
        self._state = state
        self._http = http
        self._timeout_seconds = timeout_seconds
        self._news = asyncio.Event()
        self._slots = asyncio.Semaphore(MAX_BATCHES)

    def wake(self) -> None:
        """Have the sender look at once: something was committed."""
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled; a batch at work is finished."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._slots.acquire()
                self._news.clear()
                batch = await self._claim()
                if batch:
                    group.create_task(finish(self._send_batch(batch)))
                else:
                    self._slots.release()
                if len(batch) < BATCH:
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return

    async def _claim(self) -> Sequence[Notification]:
        try:
            await self._state.refresh()
            async with self._statements() as session:
                return await claim_due(session, now=self._state.clock.now(), limit=BATCH)
        except LOST as error:
            report(error)
            return []

    async def _send_batch(self, batch: Sequence[Notification]) -> None:
        try:
            outcomes = await asyncio.gather(*(self._send(notification) for notification in batch))
            async with self._statements() as session:
                await record(session, list(zip(batch, outcomes, strict=True)), now=self._state.clock.now())
        except LOST as error:
            # their lease ends by itself and they are sent again: at least once
            report(error)
        finally:
            self._slots.release()

    async def _send(self, notification: Notification) -> Outcome:
        course = await self._course_of(notification)
        if course in {NotificationCourse.LOST, NotificationCourse.LATE}:
            return Outcome(course=course)
        outcome = await self._post(notification)
        if course is NotificationCourse.DUPLICATED:
            outcome = await self._post(notification)
        return outcome

    async def _course_of(self, notification: Notification) -> NotificationCourse | None:
        if notification.course is not None:
            return NotificationCourse(notification.course)
        if notification.tries or notification.next_try_at != notification.created_at:
            return None
        fault = await faults.take_for_event(self._state, self._statements, notification.event)
        return COURSE_OF_FAULT[fault.kind] if fault is not None else None

    async def _post(self, notification: Notification) -> Outcome:
        urls = self._state.addresses_of(notification.shop_id, notification.event)
        if not urls:
            return Outcome(error="the shop has no notification address")
        outcomes = [await self._post_to(url, notification) for url in urls]
        return next((outcome for outcome in outcomes if not outcome.is_taken), outcomes[0])

    async def _post_to(self, url: str, notification: Notification) -> Outcome:
        body = notification.body.encode()
        headers = {"Content-Type": "application/json", **self._signed(notification.shop_id, body)}
        try:
            # our own limit around the client's: an in-process transport has none
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._http.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return Outcome(error=repr(error)[:MAX_ERROR_CHARACTERS])
        is_stripe = face_of(notification.shop_id) is Face.STRIPE
        is_taken = answer.is_success if is_stripe else answer.status_code == HTTPStatus.OK
        return Outcome(is_taken, answer.status_code)

    def _signed(self, shop_id: str, body: bytes) -> dict[str, str]:
        shop = self._state.shops.get(shop_id)
        if shop is None or not shop.webhook_secret:
            return {}
        # by the world's clock: the shop, which checks it, does not live by ours
        return {"Stripe-Signature": signature(body, shop.webhook_secret, self._state.clock.world_now())}


def report(error: Exception) -> None:
    """Log what kept notifications from being claimed or recorded: the database being away, or a defect."""
    if is_unavailability(error):
        log.warning("notifications wait for the database", error=describe(error))
    else:
        log.exception("defect", error=describe(error))
