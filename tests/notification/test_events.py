"""Telling notification something: by services only, once for each key."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import PUBLIC_URL
from theatre.contracts.notification import PAYMENT_STATUS, NotificationClient, NotificationEvent
from theatre.kit.http import Refused, ServiceClient
from theatre.notification import notifications
from theatre.notification.models import Delivery, Notification

DOOR = "/notification/internal/v1/events"
PAYMENT = {
    "status": "succeeded",
    "payment_id": "0197f000-0000-7000-8000-000000000001",
    "title": "Month",
    "amount": "399.00",
    "currency": "RUB",
}
FILM = {
    "film_id": "0197f000-0000-7000-8000-000000000002",
    "titles": {"ru": "Соната", "en": "Sonata"},
}


def event(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"user_id": str(uuid4()), "data": data, "dedupe_key": str(uuid4()), **changes}


async def stored(app: FastAPI) -> tuple[list[Notification], list[Delivery]]:
    async with app.state.resources.sessions() as session:
        news = list(await session.scalars(select(Notification)))
        return news, list(await session.scalars(select(Delivery)))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("registration", {}),
        ("new_movie", FILM),
        ("payment_status", PAYMENT),
        ("payment_status", {**PAYMENT, "status": "failed", "message": "Card expired"}),
        ("payment_status", {**PAYMENT, "status": "refunded", "amount": "500", "currency": "JPY"}),
        ("payment_status", {**PAYMENT, "something_newer": 1}),
    ],
)
async def test_news_are_stored_with_one_delivery(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor, kind: str, data: dict[str, Any]
) -> None:
    answer = await client.post(f"{DOOR}/{kind}", json=event(data), headers=auth.service("billing"))
    assert answer.status_code == 202
    [news], [delivery] = await stored(app)
    assert answer.json() == {"id": str(news.id)}
    assert (news.kind, delivery.notification_id) == (kind, news.id)
    assert (delivery.channel, delivery.status, delivery.tries) == ("email", "queued", 0)


async def test_the_same_key_again_changes_nothing_whatever_the_body(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    first = event(PAYMENT)
    other = {**first, "user_id": str(uuid4()), "data": {**PAYMENT, "amount": "1.00"}}
    registration = {**first, "data": {}}
    answers = [
        await client.post(f"{DOOR}/payment_status", json=first, headers=auth.service()),
        await client.post(f"{DOOR}/payment_status", json=first, headers=auth.service()),
        await client.post(f"{DOOR}/payment_status", json=other, headers=auth.service()),
        await client.post(f"{DOOR}/registration", json=registration, headers=auth.service()),
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    [news], [_] = await stored(app)
    assert (str(news.user_id), news.data["amount"], news.kind) == (
        first["user_id"],
        "399.00",
        "payment_status",
    )


async def test_the_same_key_at_the_same_moment_stores_one(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    """CORRECTNESS W2: one mail."""
    body, headers = event(PAYMENT), auth.service()
    tries = (client.post(f"{DOOR}/payment_status", json=body, headers=headers) for _ in range(20))
    answers = await asyncio.gather(*tries)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    news, deliveries = await stored(app)
    assert (len(news), len(deliveries)) == (1, 1)


async def test_the_contract_client_and_the_door_agree(app: FastAPI, auth: AuthDoor) -> None:
    service = ServiceClient(PUBLIC_URL, transport=httpx.ASGITransport(app=app))
    service.http.headers.update(auth.service("billing"))
    client = NotificationClient(service)
    told = NotificationEvent(user_id=uuid4(), data=PAYMENT, dedupe_key="k", channels=["email"])
    accepted = await client.tell(PAYMENT_STATUS, told)
    assert isinstance(accepted.id, UUID)
    assert await client.tell(PAYMENT_STATUS, told) == accepted
    with pytest.raises(Refused) as refused:
        await client.tell("new_film", told)
    assert refused.value.refused_status == 404
    await client.close()


async def test_only_services_tell(app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor) -> None:
    """RELIABILITY S-N1."""
    for kind, data in (("registration", {}), ("payment_status", PAYMENT)):
        anonymous = await client.post(f"{DOOR}/{kind}", json=event(data))
        as_user = await client.post(
            f"{DOOR}/{kind}", json=event(data), headers=auth.user(uuid4(), is_superuser=True)
        )
        assert (anonymous.status_code, as_user.status_code) == (401, 403)
    assert await stored(app) == ([], [])


BAD_DATA = [
    {},
    {**PAYMENT, "status": "paid"},
    {**PAYMENT, "payment_id": "1"},
    {**PAYMENT, "amount": 399},
    {**PAYMENT, "amount": "399.0"},
    {**PAYMENT, "amount": "-399.00"},
    {**PAYMENT, "amount": "NaN"},
    {**PAYMENT, "amount": "99999999999999999999.00"},
    {**PAYMENT, "currency": "rub"},
    {**PAYMENT, "currency": "XXX"},
    {**PAYMENT, "title": None},
    {**PAYMENT, "title": "a\u0000b"},
    {**PAYMENT, "title": "x" * 10_001},
    {**PAYMENT, "message": 1},
    None,
    [],
]


@pytest.mark.parametrize("data", BAD_DATA)
async def test_data_that_no_mail_can_be_made_of_are_refused(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor, data: Any
) -> None:
    answer = await client.post(f"{DOOR}/payment_status", json=event(data), headers=auth.service())
    assert answer.status_code == 422
    assert await stored(app) == ([], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": None},
        {"user_id": "me"},
        {"dedupe_key": ""},
        {"dedupe_key": "a\nb"},
        {"dedupe_key": "x" * 201},
        {"dedupe_key": None},
        {"channels": []},
        {"channels": ["pigeon"]},
        {"channels": "email"},
        {"template": "{{7*7}}"},
    ],
)
async def test_other_fields_are_checked_too(
    client: httpx.AsyncClient, auth: AuthDoor, changes: dict[str, Any]
) -> None:
    answer = await client.post(f"{DOOR}/registration", json=event({}, **changes), headers=auth.service())
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["unknown", "REGISTRATION", "payment_status/x"])
async def test_unknown_kinds_are_refused(client: httpx.AsyncClient, auth: AuthDoor, kind: str) -> None:
    answer = await client.post(f"{DOOR}/{kind}", json=event({}), headers=auth.service())
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


DELIVERIES = "/notification/internal/v1/deliveries"


async def test_what_was_told_about_a_payment_is_listed_and_nothing_of_another(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    payment_id = str(uuid4())
    for status, about in (("succeeded", payment_id), ("refunded", payment_id), ("failed", str(uuid4()))):
        news = event({**PAYMENT, "status": status, "payment_id": about})
        await client.post(f"{DOOR}/payment_status", json=news, headers=auth.service("billing"))
    await client.post(f"{DOOR}/registration", json=event({}), headers=auth.service("auth"))
    answer = await client.get(DELIVERIES, params={"payment_id": payment_id}, headers=auth.service("billing"))
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(one["kind"], one["told"], one["status"]) for one in items] == [
        ("payment_status", "succeeded", "queued"),
        ("payment_status", "refunded", "queued"),
    ]
    _, deliveries = await stored(app)
    assert {one["id"] for one in items} < {str(delivery.id) for delivery in deliveries}
    # neither what stands in the mail nor whom it went to
    keys = {"id", "kind", "told", "channel", "status", "tries", "created_at", "sent_at"}
    assert set(items[0]) == keys


async def test_no_more_than_the_newest_hundred_are_listed(
    client: httpx.AsyncClient, auth: AuthDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "MOST_LISTED", 2)
    payment_id = str(uuid4())
    for status in ("failed", "succeeded", "refunded"):
        news = event({**PAYMENT, "status": status, "payment_id": payment_id})
        await client.post(f"{DOOR}/payment_status", json=news, headers=auth.service("billing"))
    params = {"payment_id": payment_id}
    answer = await client.get(DELIVERIES, params=params, headers=auth.service("billing"))
    assert [one["told"] for one in answer.json()["items"]] == ["succeeded", "refunded"]


async def test_deliveries_are_shown_to_services_only(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    params = {"payment_id": str(uuid4())}
    assert (await client.get(DELIVERIES, params=params)).status_code == 401
    user = auth.user(uuid4(), is_superuser=True)
    assert (await client.get(DELIVERIES, params=params, headers=user)).status_code == 403


async def test_a_film_is_told_to_everybody_once_by_a_mailing(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    body = event(FILM, dedupe_key="film")
    del body["user_id"]
    tries = (client.post(f"{DOOR}/new_movie", json=body, headers=auth.service("movies")) for _ in range(5))
    answers = await asyncio.gather(*tries)
    assert {answer.status_code for answer in answers} == {202}
    staff = auth.user(uuid4(), "notification.manage")
    [mailing] = (await client.get("/notification/api/v1/mailings", headers=staff)).json()["items"]
    assert {answer.json()["id"] for answer in answers} == {mailing["id"]}
    assert (mailing["category"], mailing["audience"]) == ("new_films", {"kind": "all"})
    assert mailing["lines"]["ru"]["title"] == "Новый фильм: Соната"
    assert mailing["link"] == f"/films/{FILM['film_id']}"
    assert await stored(app) == ([], [])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {**FILM, "film_id": "x"},
        {**FILM, "titles": {"ru": "x"}},
        {**FILM, "titles": {"ru": "a\nb", "en": "x"}},
    ],
)
async def test_a_film_without_a_name_is_told_to_nobody(
    client: httpx.AsyncClient, auth: AuthDoor, data: dict[str, Any]
) -> None:
    answer = await client.post(f"{DOOR}/new_movie", json=event(data), headers=auth.service("movies"))
    assert answer.status_code == 422
