"""What users want to be told: the matrix, quiet hours, and one-click unsubscribing (RFC 8058)."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import PUBLIC_URL, tell, tell_of_offer
from tests.notification.sink import Sink
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.notification import deliveries, preferences
from theatre.notification.kinds import CRITICAL, Category
from theatre.notification.links import BadLink, Links
from theatre.notification.models import Delivery, InboxItem
from theatre.notification.preferences import Wishes
from theatre.notification.quiet_hours import QuietHours
from theatre.notification.resources import WorkerResources

DOOR = "/notification/api/v1/preferences"
ALL_ON: dict[str, Any] = {str(category): {"email": True, "inbox": True} for category in Category}
OFF = {"email": False, "inbox": True}
NIGHT = {"starts": "22:00", "ends": "08:00", "zone": "Europe/Moscow"}


async def deliver(held: WorkerResources) -> Delivery:
    """Deliver what is due; give the one delivery that there is."""
    await deliveries.deliver_due(held.sessions, held.post, clock=held.clock)
    async with held.sessions() as session:
        return (await session.scalars(select(Delivery))).one()


async def wish(
    held: WorkerResources, user_id: UUID, *without: Category, quiet: QuietHours | None = None
) -> None:
    async with transaction(held.sessions) as session:
        wishes = Wishes(frozenset(without), quiet)
        await preferences.replace(session, user_id, wishes, now=held.clock.now())


async def test_at_first_everything_is_on(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    answer = await client.get(DOOR, headers=auth.user(uuid4()))
    assert answer.json() == {"channels": ALL_ON, "quiet_hours": None, "critical": ["payments", "security"]}


async def test_what_was_chosen_is_kept_and_may_be_given_back_as_it_came(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    headers = auth.user(uuid4())
    body = {"channels": {"offers": {"email": False}}, "quiet_hours": NIGHT}
    first = await client.put(DOOR, json=body, headers=headers)
    assert first.json()["channels"] == {**ALL_ON, "offers": OFF}
    assert first.json()["quiet_hours"] == NIGHT
    again = await client.put(DOOR, json=first.json(), headers=headers)
    assert again.json() == first.json() == (await client.get(DOOR, headers=headers)).json()
    back = await client.put(DOOR, json={"channels": {}}, headers=headers)
    assert (back.json()["channels"], back.json()["quiet_hours"]) == (ALL_ON, None)
    assert (await client.get(DOOR, headers=auth.user(uuid4()))).json()["channels"] == ALL_ON


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channels": {"payments": {"email": False}}},
        {"channels": {"security": {"email": False}}},
        {"channels": {"offers": {"inbox": False}}},
        {"channels": {"offers": {"pigeon": True}}},
        {"channels": {"weather": {"email": True}}},
        {"channels": {}, "quiet_hours": {**NIGHT, "zone": "Mars/Olympus"}},
        {"channels": {}, "quiet_hours": {**NIGHT, "zone": "../../etc/passwd"}},
        {"channels": {}, "quiet_hours": {**NIGHT, "zone": "Europe"}},
        {"channels": {}, "quiet_hours": {**NIGHT, "zone": "\u0000"}},
        {"channels": {}, "quiet_hours": {**NIGHT, "starts": "24:00"}},
        {"channels": {}, "quiet_hours": {**NIGHT, "starts": "08:00"}},
        {"channels": {}, "quiet_hours": {"starts": "22:00"}},
        {"channels": {}, "user_id": str(uuid4())},
    ],
)
async def test_what_cannot_be_wished_is_refused(
    client: httpx.AsyncClient, auth: AuthDoor, body: dict[str, Any]
) -> None:
    headers = auth.user(uuid4())
    assert (await client.put(DOOR, json=body, headers=headers)).status_code == 422
    assert (await client.get(DOOR, headers=headers)).json()["channels"] == ALL_ON


async def test_preferences_are_for_users(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    for headers, status in (({}, 401), (auth.service(), 403)):
        assert (await client.get(DOOR, headers=headers)).status_code == status
        assert (await client.put(DOOR, json={"channels": {}}, headers=headers)).status_code == status


async def test_what_is_switched_off_is_not_mailed_and_the_reason_is_kept(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    user_id = auth.add_contact(email="alice@mail.example").user_id
    await wish(held, user_id, Category.OFFERS)
    await tell_of_offer(held.sessions, user_id, clock)
    delivery = await deliver(held)
    clock.advance(timedelta(days=1))
    await deliver(held)
    assert (delivery.status, delivery.last_error) == ("suppressed", "the reader wants no mail about offers")
    assert sink.caught == []
    async with transaction(held.sessions) as session:
        assert len((await session.scalars(select(InboxItem))).all()) == 1


@pytest.mark.parametrize("category", sorted(CRITICAL))
async def test_nothing_holds_back_what_is_critical(category: Category) -> None:
    around_the_clock = QuietHours(time(0), time(23, 59), "UTC")
    wishes = Wishes(frozenset(Category), around_the_clock)
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert not wishes.forbid_mail(category)
    assert wishes.quiet_until(category, noon) is None
    assert wishes.forbid_mail(Category.OFFERS)
    assert wishes.quiet_until(Category.OFFERS, noon) is not None


async def test_a_mail_waits_for_the_end_of_quiet_hours_and_has_a_day_from_then(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    user_id = auth.add_contact(email="alice@mail.example").user_id
    local = clock.now().astimezone(ZoneInfo("Asia/Tokyo"))
    hours = QuietHours(
        (local - timedelta(hours=1)).time().replace(second=0, microsecond=0),
        (local + timedelta(hours=20)).time().replace(second=0, microsecond=0),
        "Asia/Tokyo",
    )
    await wish(held, user_id, quiet=hours)
    await tell_of_offer(held.sessions, user_id, clock)
    waiting = await deliver(held)
    assert (waiting.status, sink.caught) == ("queued", [])
    assert timedelta(hours=19) < waiting.next_try_at - clock.now() <= timedelta(hours=20)
    assert waiting.give_up_at == waiting.next_try_at + timedelta(hours=24)
    await tell(held.sessions, user_id, clock)
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    assert len(sink.caught) == 1
    clock.advance(waiting.next_try_at - clock.now())
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    assert len(sink.caught) == 2


MOSCOW_NIGHT = QuietHours(time(22), time(8), "Europe/Moscow")
LUNCH = QuietHours(time(12), time(13), "UTC")
BERLIN_NIGHT = QuietHours(time(1), time(2, 30), "Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "moment", "over_at"),
    [
        (MOSCOW_NIGHT, "2026-01-02T18:59", None),
        (MOSCOW_NIGHT, "2026-01-02T19:00", "2026-01-03T05:00"),
        (MOSCOW_NIGHT, "2026-01-02T21:30", "2026-01-03T05:00"),
        (MOSCOW_NIGHT, "2026-01-03T04:59", "2026-01-03T05:00"),
        (MOSCOW_NIGHT, "2026-01-03T05:00", None),
        (LUNCH, "2026-01-02T11:59", None),
        (LUNCH, "2026-01-02T12:00", "2026-01-02T13:00"),
        (LUNCH, "2026-01-02T13:00", None),
        # the clocks of Berlin go from 02:00 to 03:00, and from 03:00 back to 02:00
        (BERLIN_NIGHT, "2026-03-29T00:30", "2026-03-29T01:30"),
        (BERLIN_NIGHT, "2026-10-25T00:15", "2026-10-25T00:30"),
        (BERLIN_NIGHT, "2026-10-25T01:15", None),
    ],
)
def test_quiet_hours_end_by_the_clock_of_their_zone(
    hours: QuietHours, moment: str, over_at: str | None
) -> None:
    over = over_at and datetime.fromisoformat(over_at).replace(tzinfo=UTC)
    assert hours.end_after(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == over


async def test_every_mail_that_can_be_left_says_how_with_one_click(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    """RFC 8058; RELIABILITY S-N6."""
    user_id = auth.add_contact(email="alice@mail.example", locale="ru").user_id
    await tell_of_offer(held.sessions, user_id, clock)
    await deliver(held)
    [caught] = sink.caught
    address = str(caught.message["List-Unsubscribe"])
    assert address.startswith(f"<{PUBLIC_URL}/notification/api/v1/unsubscribe/")
    assert f"\r\nList-Unsubscribe: {address}\r\n".encode() in caught.content
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in caught.content
    for reading in ("plain", "html"):
        assert address.strip("<>") in caught.reading(reading)
    token = address.rpartition("/")[2].strip(">")
    raw = base64.urlsafe_b64decode(token + "=")
    assert user_id.bytes not in raw


async def test_a_critical_mail_cannot_be_left(
    held: WorkerResources, sink: Sink, auth: AuthDoor, clock: MovableClock
) -> None:
    await tell(held.sessions, auth.add_contact(email="alice@mail.example").user_id, clock)
    delivery = await deliver(held)
    [caught] = sink.caught
    assert not [name for name in caught.message if "unsubscribe" in name.lower()]
    assert "nsubscribe" not in caught.reading("plain") + caught.reading("html")
    with pytest.raises(BadLink):
        async with transaction(held.sessions) as session:
            await preferences.unsubscribe(session, delivery.id, now=clock.now())


@pytest.fixture
async def offered(app: FastAPI, clock: MovableClock) -> tuple[UUID, str]:
    """A user who was told of an offer, and the path of its link."""
    user_id = uuid4()
    held = app.state.resources
    await tell_of_offer(held.sessions, user_id, clock)
    async with transaction(held.sessions) as session:
        delivery_id = (await session.scalars(select(Delivery.id))).one()
    return user_id, held.writer.links.write(delivery_id).removeprefix(PUBLIC_URL)


@pytest.mark.parametrize(
    ("language", "asked", "done"),
    [("ru", "Отписаться от писем?", "Вы отписаны"), ("en", "Unsubscribe from these", "You are unsubscribed")],
)
async def test_looking_changes_nothing_and_a_click_without_login_does(
    client: httpx.AsyncClient,
    auth: AuthDoor,
    offered: tuple[UUID, str],
    *,
    language: str,
    asked: str,
    done: str,
) -> None:
    """RELIABILITY S-P4: no state change by GET."""
    user_id, path = offered
    headers = auth.user(user_id)
    for _ in range(2):
        page = await client.get(path, headers={"Accept-Language": language})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert asked in page.text
        assert '<form method="post">' in page.text
        assert "form-action 'self'" in page.headers["content-security-policy"]
    assert (await client.get(DOOR, headers=headers)).json()["channels"] == ALL_ON
    for _ in range(3):
        click = await client.post(path, headers={"Accept-Language": language})
        assert (click.status_code, "set-cookie" in click.headers) == (200, False)
        assert done in click.text
        assert "<form" not in click.text
    assert (await client.get(DOOR, headers=headers)).json()["channels"] == {**ALL_ON, "offers": OFF}


async def test_a_mail_programs_click_keeps_what_else_was_chosen(
    client: httpx.AsyncClient, auth: AuthDoor, offered: tuple[UUID, str]
) -> None:
    user_id, path = offered
    headers = auth.user(user_id)
    await client.put(DOOR, json={"channels": {"new_films": OFF}, "quiet_hours": NIGHT}, headers=headers)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    click = await client.post(path, content=b"List-Unsubscribe=One-Click", headers=form)
    assert click.status_code == 200
    seen = (await client.get(DOOR, headers=headers)).json()
    assert (seen["channels"], seen["quiet_hours"]) == ({**ALL_ON, "new_films": OFF, "offers": OFF}, NIGHT)


FORGERIES: list[Callable[[str], str]] = [
    lambda token: token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
    lambda token: ("A" if token[0] != "A" else "B") + token[1:],
    lambda token: token[:21],
    lambda token: token + "AAAA",
    lambda _: "x",
    lambda _: "%00",
    lambda _: "я" * 8,
    lambda _: Links.of(PUBLIC_URL, SecretStr("another")).write(uuid4()).rpartition("/")[2],
]


@pytest.mark.parametrize("forge", FORGERIES)
async def test_a_forged_link_says_only_that_it_does_not_hold(
    client: httpx.AsyncClient, offered: tuple[UUID, str], forge: Callable[[str], str]
) -> None:
    folder, _, token = offered[1].rpartition("/")
    for answer in (
        await client.get(f"{folder}/{forge(token)}"),
        await client.post(f"{folder}/{forge(token)}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "notification.bad_link")


async def test_a_link_to_what_is_gone_does_not_hold(app: FastAPI, client: httpx.AsyncClient) -> None:
    path = app.state.resources.writer.links.write(uuid4()).removeprefix(PUBLIC_URL)
    assert (await client.get(path)).status_code == 404
    assert (await client.post(path)).status_code == 404
