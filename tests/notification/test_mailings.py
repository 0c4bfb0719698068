"""Mailings: to whom, when, how fast; one worker fires; nobody is told twice, whatever ends in between."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from tests.factories.auth_door import AuthDoor
from tests.notification.sink import Sink
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.kit.errors import Transient
from theatre.notification import deliveries, jobs, mailing_runs
from theatre.notification.models import (
    MAILING_TRANSITIONS,
    InboxItem,
    Mailing,
    MailingRun,
    MailingStatus,
    Notification,
)
from theatre.notification.resources import WorkerResources
from theatre.notification.schedules import check_cron, next_moment

DOOR = "/notification/api/v1/mailings"
LINES = {
    "ru": {"title": "Премьера", "text": "Новый фильм.\n\nПриходите"},
    "en": {"title": "Premiere", "text": "A new film.\n\nCome in"},
}


def mailing(**changes: Any) -> dict[str, Any]:
    body = {"name": "spring", "category": "offers", "lines": LINES, "audience": {"kind": "all"}}
    return {**body, "rate_per_minute": 60_000, **changes}


@pytest.fixture
def staff(auth: AuthDoor) -> dict[str, str]:
    return auth.user(uuid4(), "notification.manage")


def add_people(auth: AuthDoor, number: int) -> list[UUID]:
    """Let so many users be known; gives them in order."""
    for index in range(number):
        auth.add_contact(email=f"user{index}@mail.example", locale="ru" if index % 2 else "en")
    return sorted(auth.contacts)


async def make(client: httpx.AsyncClient, staff: dict[str, str], **changes: Any) -> str:
    answer = await client.post(DOOR, json=mailing(**changes), headers=staff)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def act(client: httpx.AsyncClient, staff: dict[str, str], mailing_id: str, word: str) -> dict[str, Any]:
    answer = await client.post(f"{DOOR}/{mailing_id}/{word}", headers=staff)
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def look(client: httpx.AsyncClient, staff: dict[str, str], mailing_id: str) -> dict[str, Any]:
    read: dict[str, Any] = (await client.get(f"{DOOR}/{mailing_id}", headers=staff)).json()
    return read


async def advance(held: WorkerResources) -> bool:
    return await mailing_runs.advance(held.sessions, held.post.auth, clock=held.clock)


async def told(held: WorkerResources) -> Counter[UUID]:
    """Count by user what lies in inboxes."""
    async with transaction(held.sessions) as session:
        return Counter(await session.scalars(select(InboxItem.user_id)))


async def test_everybody_is_told_once_in_their_language(
    held: WorkerResources,
    client: httpx.AsyncClient,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    staff: dict[str, str],
) -> None:
    people = add_people(auth, 4)
    mailing_id = await make(client, staff, link="/films?new=1")
    await jobs.mail_out(held)
    await jobs.mail_out(held)
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    assert await told(held) == Counter(people)
    assert Counter(str(caught.message["Subject"]) for caught in sink.caught) == {"Премьера": 2, "Premiere": 2}
    html = sink.caught[0].reading("html")
    assert "https://theatre.example/films?new=1" in html
    assert "List-Unsubscribe" in sink.caught[0].message
    seen = await look(client, staff, mailing_id)
    assert (seen["status"], seen["run"]["status"]) == ("finished", "finished")
    assert (seen["run"]["told"], seen["run"]["total"]) == (4, 4)
    item = (await client.get("/notification/api/v1/inbox", headers=auth.user(people[0]))).json()["items"][0]
    assert (item["kind"], item["category"], item["title"]) == ("mailing", "offers", "Premiere")
    assert (item["text"], item["link"]) == ("A new film.\n\nCome in", "/films?new=1")


async def test_pages_follow_each_other_at_the_rate_that_was_named(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    people = add_people(auth, 5)
    mailing_id = await make(client, staff, rate_per_minute=24)
    started_at = clock.now()
    rounds = 0
    while (await look(client, staff, mailing_id))["status"] != "finished":
        while not await advance(held):
            clock.advance(timedelta(seconds=1))
        rounds += 1
        seen = (await look(client, staff, mailing_id))["run"]
        assert seen["told"] == min(2 * rounds, 5)
        assert seen["told"] <= 2 + 24 * (clock.now() - started_at) / timedelta(minutes=1)
    assert (rounds, await told(held)) == (3, Counter(people))


async def test_of_several_workers_one_fires(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    people = add_people(auth, 9)
    await make(client, staff)
    await make(client, staff, audience={"kind": "users", "user_ids": [str(person) for person in people]})
    fired = await asyncio.gather(*(advance(held) for _ in range(6)))
    assert Counter(fired)[True] == 2
    assert await told(held) == Counter(people * 2)
    async with transaction(held.sessions) as session:
        assert len((await session.scalars(select(MailingRun))).all()) == 2


async def test_who_dies_with_a_page_in_hand_loses_it_and_nobody_is_told_twice(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    people = add_people(auth, 3)
    mailing_id = await make(client, staff)
    async with transaction(held.sessions) as session:
        lost = await mailing_runs.take_due(session, now=clock.now())
    assert lost is not None
    assert not await advance(held)
    clock.advance(mailing_runs.LEASE)
    assert await advance(held)
    async with transaction(held.sessions) as session:
        assert await mailing_runs.tell(session, lost, people, total=3, now=clock.now()) == 0
    assert await told(held) == Counter(people)
    assert (await look(client, staff, mailing_id))["run"]["told"] == 3


async def test_a_page_that_is_told_again_tells_nobody_twice(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    """As after a restore of an older copy of the run."""
    people = add_people(auth, 4)
    mailing_id = await make(client, staff, rate_per_minute=24)
    await advance(held)
    async with transaction(held.sessions) as session:
        await session.execute(update(MailingRun).values(cursor=None, told=0))
    for _ in range(3):
        clock.advance(timedelta(minutes=1))
        await advance(held)
    assert await told(held) == Counter(people)
    assert (await look(client, staff, mailing_id))["status"] == "finished"


async def test_auth_away_is_waited_for(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    people = add_people(auth, 2)
    mailing_id = await make(client, staff)
    auth.is_away = True
    with pytest.raises(Transient):
        await advance(held)
    auth.is_away = False
    clock.advance(mailing_runs.LEASE)
    assert await advance(held)
    assert (await told(held), (await look(client, staff, mailing_id))["status"]) == (
        Counter(people),
        "finished",
    )


async def test_nothing_goes_out_before_its_time(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    add_people(auth, 1)
    at = clock.now() + timedelta(minutes=10)
    mailing_id = await make(client, staff, starts_at=at.isoformat())
    past = (clock.now() - timedelta(days=400)).isoformat()
    await make(client, staff, starts_at=past, audience={"kind": "users", "user_ids": [str(uuid4())]})
    assert await advance(held)
    assert not await advance(held)
    clock.advance(timedelta(minutes=10))
    assert await advance(held)
    assert (await look(client, staff, mailing_id))["status"] == "finished"


async def test_cron_fires_once_for_each_moment_and_leaves_out_those_that_were_slept_through(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    """RELIABILITY F-T5."""
    [person] = add_people(auth, 1)
    mailing_id = await make(client, staff, cron="*/2 * * * *", zone="Europe/Moscow")
    assert not await advance(held)
    for count in (1, 2):
        planned = datetime.fromisoformat((await look(client, staff, mailing_id))["planned_at"])
        assert planned.minute % 2 == 0
        clock.advance(planned - clock.now())
        assert await advance(held)
        assert not await advance(held)
        assert await told(held) == {person: count}
        assert (await look(client, staff, mailing_id))["status"] == "scheduled"
    clock.advance(timedelta(minutes=7))
    assert await advance(held)
    assert not await advance(held)
    assert await told(held) == {person: 3}
    runs = (await client.get(f"{DOOR}/{mailing_id}/runs", headers=staff)).json()["items"]
    listed = (await client.get(DOOR, headers=staff)).json()["items"]
    assert [(one["id"], one["run"]["id"]) for one in listed] == [(mailing_id, runs[0]["id"])]
    assert [run["status"] for run in runs] == ["finished"] * 3
    assert runs[0]["planned_at"] > runs[1]["planned_at"] > runs[2]["planned_at"]


async def test_a_paused_mailing_tells_nobody_until_it_is_resumed(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    people = add_people(auth, 5)
    mailing_id = await make(client, staff, rate_per_minute=24)
    await advance(held)
    async with transaction(held.sessions) as session:
        await session.execute(update(Mailing).values(due_at=clock.now()))
    async with transaction(held.sessions) as session:
        turn = await mailing_runs.take_due(session, now=clock.now())
    assert turn is not None
    for _ in range(2):
        assert (await act(client, staff, mailing_id, "pause"))["status"] == "paused"
    async with transaction(held.sessions) as session:
        assert await mailing_runs.tell(session, turn, people[2:4], total=None, now=clock.now()) == 0
    clock.advance(timedelta(minutes=5))
    assert not await advance(held)
    for _ in range(2):
        assert (await act(client, staff, mailing_id, "resume"))["status"] == "running"
    for _ in range(2):
        await advance(held)
        clock.advance(timedelta(seconds=10))
    assert await told(held) == Counter(people)


async def test_a_mailing_that_was_paused_before_its_time_goes_out_when_it_is_resumed(
    held: WorkerResources,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    staff: dict[str, str],
) -> None:
    add_people(auth, 1)
    once = await make(client, staff, starts_at=(clock.now() + timedelta(minutes=1)).isoformat())
    often = await make(client, staff, cron="* * * * *")
    for mailing_id in (once, often):
        await act(client, staff, mailing_id, "pause")
    clock.advance(timedelta(minutes=5))
    assert not await advance(held)
    assert (await act(client, staff, once, "resume"))["status"] == "scheduled"
    resumed = await act(client, staff, often, "resume")
    assert datetime.fromisoformat(resumed["planned_at"]) > clock.now()
    assert await advance(held)
    assert not await advance(held)
    assert (await look(client, staff, once))["status"] == "finished"


async def test_a_canceled_mailing_ends_and_what_waits_is_not_mailed(
    held: WorkerResources,
    client: httpx.AsyncClient,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    staff: dict[str, str],
) -> None:
    add_people(auth, 5)
    mailing_id = await make(client, staff, rate_per_minute=24)
    await advance(held)
    for _ in range(2):
        seen = await act(client, staff, mailing_id, "cancel")
        assert (seen["status"], seen["run"]["status"], seen["run"]["told"]) == ("canceled", "canceled", 2)
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    assert sink.caught == []
    items = (await client.get("/notification/api/v1/deliveries", headers=staff)).json()["items"]
    assert [(item["status"], item["reason"]) for item in items] == [
        ("suppressed", "The mailing was canceled.")
    ] * 2
    clock.advance(timedelta(minutes=5))
    assert not await advance(held)
    for word in ("pause", "resume"):
        answer = await client.post(f"{DOOR}/{mailing_id}/{word}", headers=staff)
        assert (answer.status_code, answer.json()["code"]) == (409, "notification.mailing_over")
    acts = (await client.get("/notification/api/v1/audit", headers=staff)).json()["items"]
    assert [act["action"] for act in acts] == ["mailing.cancel", "mailing.cancel", "mailing.create"]


async def test_what_has_gone_out_is_over(
    held: WorkerResources, client: httpx.AsyncClient, auth: AuthDoor, staff: dict[str, str]
) -> None:
    add_people(auth, 1)
    mailing_id = await make(client, staff)
    await advance(held)
    for word in ("pause", "resume", "cancel"):
        answer = await client.post(f"{DOOR}/{mailing_id}/{word}", headers=staff)
        assert (answer.status_code, answer.json()["code"]) == (409, "notification.mailing_over")


async def test_a_mailing_by_a_template_says_what_it_was_made_with(
    held: WorkerResources,
    client: httpx.AsyncClient,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    staff: dict[str, str],
) -> None:
    text = {"subject": "{{ title }}: {{ promo }}", "text": "{{ login }} {{ promo }} {{ text }} {{ link }}"}
    template = {"code": "promo", "variables": {"promo": "X"}, "texts": {"ru": text, "en": text}}
    templates = "/notification/api/v1/templates"
    await client.post(templates, json=template, headers=staff)
    for values, name in (({}, "promo"), ({"promo": "A", "other": "B"}, "other")):
        body = mailing(template_code="promo", values=values)
        answer = await client.post(DOOR, json=body, headers=staff)
        assert (answer.status_code, answer.json()["code"]) == (422, "notification.unfit_mailing")
        assert answer.json()["errors"][0]["field"] == f"values.{name}"
    auth.add_contact(email="a@mail.example", locale="en", login="Alice")
    mailing_id = await make(client, staff, template_code="promo", values={"promo": "{{ 7*7 }}"}, link="/")
    assert (await look(client, staff, mailing_id))["template_version"] == 1
    changed = {"texts": {"ru": {**text, "subject": "new"}, "en": text}, "variables": {"promo": ""}}
    await client.post(
        "/notification/api/v1/templates/promo/versions",
        json={**changed, "variables": {"promo": ""}},
        headers=staff,
    )
    await client.delete("/notification/api/v1/templates/promo", headers=staff)
    await advance(held)
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    [caught] = sink.caught
    assert caught.message["Subject"] == "Premiere: {{ 7*7 }}"
    plain = caught.reading("plain").replace("\r", "")
    assert plain.startswith("Alice {{ 7*7 }} A new film.\n\nCome in https://theatre.example/\n")
    for code, status in (("promo", 404), ("registration", 422)):
        answer = await client.post(DOOR, json=mailing(template_code=code), headers=staff)
        assert answer.status_code == status


async def test_a_dry_run_counts_and_tells_nobody(
    held: WorkerResources, client: httpx.AsyncClient, auth: AuthDoor, staff: dict[str, str]
) -> None:
    people = add_people(auth, 3)
    off = {"channels": {"offers": {"email": False}}}
    for person in people[:2]:
        await client.put("/notification/api/v1/preferences", json=off, headers=auth.user(person))

    async def count(category: str, **audience: Any) -> dict[str, int]:
        body = {"category": category, "audience": audience}
        read: dict[str, int] = (await client.post(f"{DOOR}/dry_run", json=body, headers=staff)).json()
        return read

    assert await count("offers", kind="all") == {"total": 3, "without_mail": 2}
    assert await count("new_films", kind="all") == {"total": 3, "without_mail": 0}
    one = [str(people[0]), str(people[0])]
    assert await count("offers", kind="users", user_ids=one) == {"total": 1, "without_mail": 1}
    assert (await told(held), await advance(held)) == (Counter(), False)


async def test_mailings_are_listed_by_state_and_do_not_give_away_whom_they_name(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    named = {"kind": "users", "user_ids": [str(uuid4()), str(uuid4())]}
    made = [await make(client, staff, audience=named) for _ in range(3)]
    await act(client, staff, made[1], "pause")
    page = (await client.get(DOOR, params={"limit": 2}, headers=staff)).json()
    assert [item["id"] for item in page["items"]] == [made[2], made[1]]
    assert page["items"][0]["audience"] == {"kind": "users", "count": 2}
    rest = (await client.get(DOOR, params={"cursor": page["next_cursor"]}, headers=staff)).json()
    assert [item["id"] for item in rest["items"]] == [made[0]]
    paused = (await client.get(DOOR, params={"status": "paused"}, headers=staff)).json()["items"]
    assert [item["id"] for item in paused] == [made[1]]


async def test_the_same_key_makes_one_mailing(
    app: FastAPI, client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    headers = {**staff, "Idempotency-Key": "one"}
    answers = [await client.post(DOOR, json=mailing(), headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    async with transaction(app.state.resources.sessions) as session:
        assert len((await session.scalars(select(Mailing.id))).all()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "payments"},
        {"category": "security"},
        {"name": ""},
        {"name": "a\nb"},
        {"lines": {"ru": LINES["ru"]}},
        {"lines": {**LINES, "en": {"title": "a\r\nBcc: x", "text": "x"}}},
        {"lines": {**LINES, "en": {"title": "x" * 201, "text": "x"}}},
        {"link": "https://evil.example/"},
        {"link": "//evil.example/"},
        {"link": "/\\evil.example"},
        {"link": "films"},
        {"link": "javascript:alert(1)"},
        {"link": "/a\nb"},
        {"audience": {"kind": "users", "user_ids": []}},
        {"audience": {"kind": "users"}},
        {"audience": {"kind": "users", "user_ids": ["me"]}},
        {"audience": {"kind": "all", "user_ids": [str(uuid4())]}},
        {"audience": {"kind": "rich"}},
        {"cron": "* * * *"},
        {"cron": "* * * * * *"},
        {"cron": "61 * * * *"},
        {"cron": "0 0 31 2 *"},
        {"cron": "@daily"},
        {"zone": "Mars"},
        {"starts_at": "tomorrow"},
        {"starts_at": "2026-01-01T00:00:00"},
        {"rate_per_minute": 0},
        {"rate_per_minute": 60_001},
        {"rate_per_minute": "600"},
        {"status": "finished"},
    ],
)
async def test_what_cannot_go_out_is_refused(
    client: httpx.AsyncClient, staff: dict[str, str], changes: dict[str, Any]
) -> None:
    assert (await client.post(DOOR, json=mailing(**changes), headers=staff)).status_code == 422


async def test_mailings_are_for_those_who_keep_notifications(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    for headers, status in (({}, 401), (auth.user(uuid4(), "movies.manage"), 403), (auth.service(), 403)):
        for answer in (
            await client.get(DOOR, headers=headers),
            await client.post(DOOR, json=mailing(), headers=headers),
            await client.post(f"{DOOR}/dry_run", json={}, headers=headers),
            await client.post(f"{DOOR}/{uuid4()}/cancel", headers=headers),
        ):
            assert answer.status_code == status


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, staff: dict[str, str]) -> None:
    for answer in (
        await client.get(f"{DOOR}/{uuid4()}", headers=staff),
        await client.get(f"{DOOR}/{uuid4()}/runs", headers=staff),
        await client.post(f"{DOOR}/{uuid4()}/pause", headers=staff),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "notification.mailing_not_found")


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 18 * * FRI", "Europe/Moscow", "2026-01-01T00:00", "2026-01-02T15:00"),
        ("0 18 * * FRI", "Europe/Moscow", "2026-01-02T15:00", "2026-01-09T15:00"),
        # the hour that Berlin's clocks leave out, and the one that they repeat
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00"),
    ],
)
def test_cron_goes_by_the_clock_of_its_zone(cron: str, zone: str, after: str, expected: str) -> None:
    at = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_moment(check_cron(cron), zone, after=at) == datetime.fromisoformat(expected).replace(
        tzinfo=UTC
    )


@pytest.mark.parametrize("rate", [1, 11, 12, 600, 60_000])
def test_pages_and_pauses_keep_the_rate(rate: int) -> None:
    size = mailing_runs.page_size(rate)
    assert 1 <= size <= mailing_runs.MOST_IN_PAGE
    assert size * timedelta(minutes=1) / mailing_runs.pause_after(size, rate) == pytest.approx(
        rate, rel=0.001
    )


def test_the_table_of_states_is_whole() -> None:
    assert set(MAILING_TRANSITIONS) == set(MailingStatus)
    assert [was for was, becomes in MAILING_TRANSITIONS.items() if not becomes] == ["canceled", "finished"]


async def test_a_user_who_is_named_twice_is_told_once(
    held: WorkerResources, client: httpx.AsyncClient, auth: AuthDoor, staff: dict[str, str]
) -> None:
    [person] = add_people(auth, 1)
    named = {"kind": "users", "user_ids": [str(person)] * 3}
    mailing_id = await make(client, staff, audience=named)
    await advance(held)
    async with transaction(held.sessions) as session:
        [news] = (await session.scalars(select(Notification))).all()
    run_id = (await look(client, staff, mailing_id))["run"]["id"]
    assert news.dedupe_key == f"mailing:{run_id}:{person}"
