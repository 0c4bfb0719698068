"""Deliveries as staff see them, trying them again, and the record of who did."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import tell
from tests.notification.sink import Sink
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions, transaction
from theatre.notification import deliveries
from theatre.notification.models import Delivery, DeliveryStatus
from theatre.notification.resources import WorkerResources
from theatre.notification.routes.staff import AUDIT

DOOR = "/notification/api/v1/deliveries"


@pytest.fixture
def staff(auth: AuthDoor) -> dict[str, str]:
    return auth.user(uuid4(), "notification.manage")


async def become(sessions: Sessions, status: str, *, reason: str | None = None) -> UUID:
    """Let the newest delivery be in a state."""
    async with transaction(sessions) as session:
        newest = (await session.scalars(select(Delivery.id).order_by(Delivery.id.desc()).limit(1))).one()
        changed = update(Delivery).where(Delivery.id == newest)
        sent_at = Delivery.created_at if status == "sent" else None
        await session.execute(changed.values(status=status, last_error=reason, sent_at=sent_at))
        return newest


async def test_staff_find_deliveries_by_what_they_know(
    app: FastAPI, client: httpx.AsyncClient, staff: dict[str, str], clock: MovableClock
) -> None:
    sessions = app.state.resources.sessions
    alice, bob = uuid4(), uuid4()
    made = []
    for user_id, status in ((alice, "sent"), (alice, "dead"), (bob, "dead"), (bob, "queued")):
        await tell(sessions, user_id, clock)
        made.append(str(await become(sessions, status, reason="550 no" if status == "dead" else None)))

    async def found(**params: Any) -> list[int]:
        answer = await client.get(DOOR, params=params, headers=staff)
        assert answer.status_code == 200
        return [made.index(item["id"]) for item in answer.json()["items"]]

    assert await found() == [3, 2, 1, 0]
    assert await found(status="dead") == [2, 1]
    assert await found(status="sent") == [0]
    assert await found(user_id=str(alice)) == [1, 0]
    assert await found(user_id=str(bob), status="dead", kind="payment_status", channel="email") == [2]
    assert await found(kind="registration") == []
    one = (await client.get(f"{DOOR}/{made[1]}", headers=staff)).json()
    assert (one["user_id"], one["status"], one["reason"]) == (str(alice), "dead", "550 no")
    assert (one["kind"], one["channel"], one["next_try_at"]) == ("payment_status", "email", None)


async def test_pages_follow_each_other(
    app: FastAPI, client: httpx.AsyncClient, staff: dict[str, str], clock: MovableClock
) -> None:
    for _ in range(5):
        await tell(app.state.resources.sessions, uuid4(), clock)
    seen, params = [], {"limit": 2}
    while True:
        page = (await client.get(DOOR, params=params, headers=staff)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params = {"limit": 2, "cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "params", [{"status": "gone"}, {"channel": "pigeon"}, {"kind": "x"}, {"user_id": "me"}, {"cursor": "x"}]
)
async def test_filters_that_mean_nothing_are_refused(
    client: httpx.AsyncClient, staff: dict[str, str], params: dict[str, str]
) -> None:
    assert (await client.get(DOOR, params=params, headers=staff)).status_code in {400, 422}


async def test_a_dead_delivery_is_tried_again_with_a_day_of_its_own(
    held: WorkerResources,
    client: httpx.AsyncClient,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    staff: dict[str, str],
) -> None:
    user_id = auth.add_contact(email="alice@mail.example").user_id
    await tell(held.sessions, user_id, clock)
    sink.rcpt_reply = "450 later"
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    delivery_id = await become(held.sessions, "dead", reason="given up")
    async with transaction(held.sessions) as session:
        day_ago = clock.now() - timedelta(days=1)
        await session.execute(update(Delivery).values(give_up_at=day_ago, next_try_at=day_ago))
    answer = await client.post(f"{DOOR}/{delivery_id}/retry", headers=staff)
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    again = await client.post(f"{DOOR}/{delivery_id}/retry", headers=staff)
    assert (again.status_code, again.json()["code"]) == (409, "notification.not_retryable")
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    waiting = (await client.get(f"{DOOR}/{delivery_id}", headers=staff)).json()
    assert (waiting["status"], waiting["tries"], sink.caught) == ("queued", 2, [])
    sink.rcpt_reply = "250 OK"
    clock.advance(timedelta(seconds=20))
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    assert [caught.message_id for caught in sink.caught] == [f"<{delivery_id}@theatre.example>"]
    acts = (await client.get("/notification/api/v1/audit", headers=staff)).json()["items"]
    assert [(act["action"], act["subject_id"], act["after"]) for act in acts] == [
        ("delivery.retry", str(delivery_id), {"reason": "given up"})
    ]


@pytest.mark.parametrize("status", sorted(set(DeliveryStatus) - {"failed", "dead"}))
async def test_only_what_failed_or_is_dead_can_be_tried_again(
    app: FastAPI, client: httpx.AsyncClient, staff: dict[str, str], clock: MovableClock, status: str
) -> None:
    await tell(app.state.resources.sessions, uuid4(), clock)
    delivery_id = await become(app.state.resources.sessions, status)
    answer = await client.post(f"{DOOR}/{delivery_id}/retry", headers=staff)
    assert (answer.status_code, answer.json()["code"]) == (409, "notification.not_retryable")
    assert (await client.get(f"{DOOR}/{delivery_id}", headers=staff)).json()["status"] == status


async def test_what_is_not_there_cannot_be_tried(client: httpx.AsyncClient, staff: dict[str, str]) -> None:
    for answer in (
        await client.get(f"{DOOR}/{uuid4()}", headers=staff),
        await client.post(f"{DOOR}/{uuid4()}/retry", headers=staff),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "notification.delivery_not_found")


async def test_the_doors_are_for_those_who_keep_notifications(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    known = auth.user(uuid4(), "billing.manage", "movies.manage")
    for headers, status in (({}, 401), (known, 403), (auth.service(), 403)):
        for path in (DOOR, f"{DOOR}/{uuid4()}", "/notification/api/v1/audit"):
            assert (await client.get(path, headers=headers)).status_code == status
        assert (await client.post(f"{DOOR}/{uuid4()}/retry", headers=headers)).status_code == status


async def test_nobody_changes_the_record_of_what_staff_did(
    app: FastAPI, client: httpx.AsyncClient, staff: dict[str, str], clock: MovableClock
) -> None:
    sessions = app.state.resources.sessions
    for _ in range(2):
        await tell(sessions, uuid4(), clock)
        delivery_id = await become(sessions, "dead")
        await client.post(f"{DOOR}/{delivery_id}/retry", headers=staff)
    for statement in (
        "UPDATE notification.audit_record SET action = 'x'",
        "DELETE FROM notification.audit_record",
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
            async with transaction(sessions) as session:
                await session.execute(text(statement))
    async with transaction(sessions) as session:
        chain = await AUDIT.verify(session)
    assert (chain.length, chain.broken_number) == (2, None)


async def test_every_filter_has_its_index(app: FastAPI) -> None:
    async with transaction(app.state.resources.sessions) as session:
        for way in ("seqscan", "bitmapscan", "sort"):
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        for condition, index in (
            ("status = 'dead'", "ix_delivery_unsent"),
            (f"user_id = '{uuid4()}'", "ix_delivery_user_id"),
            ("kind = 'mailing'", "ix_delivery_kind"),
        ):
            question = (
                f"EXPLAIN SELECT * FROM notification.delivery WHERE {condition} ORDER BY id DESC LIMIT 51"
            )
            plan = " ".join(await session.scalars(text(question)))
            assert index in plan
            assert "Sort" not in plan
