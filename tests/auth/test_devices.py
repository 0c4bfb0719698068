"""Devices: named as people know them, and a new one is told of."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.auth.people import BASE_URL, House, Person, newcomer, signed_in, staff_member, written_to
from tests.auth.values import HOSTILE_TEXTS
from theatre.auth.addresses import Device
from theatre.auth.devices import name_of
from theatre.auth.jobs import tidy

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox, Linux"),
        (CHROME.format(141), "Chrome, Windows"),
        (f"{CHROME.format(141)} Edg/141.0.0.0", "Edge, Windows"),
        (f"{CHROME.format(140)} OPR/120.0.0.0", "Opera, Windows"),
        (f"{CHROME.format(140)} YaBrowser/25.8 Yowser/2.5", "Yandex Browser, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 "
            "Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/141.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15", "Safari, macOS"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("python-httpx/0.28 extra", "python-httpx/0.28"),
        ("", ""),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_device_is_called_by_its_browser_and_system(user_agent: str, name: str) -> None:
    assert name_of(user_agent) == name


@pytest.mark.parametrize(
    ("address", "neighbourhood"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("local", "local"),
    ],
)
def test_a_neighbourhood_is_a_network_of_a_provider(address: str, neighbourhood: str) -> None:
    assert Device(address, "").neighbourhood == neighbourhood


async def log_in_from(person: Person, user_agent: str, *, address: str = "192.0.2.1", **form: Any) -> int:
    """Try to sign in on a device; gives the status."""
    house = person.house
    transport = httpx.ASGITransport(app=house.app, client=(address, 1))
    headers = {"User-Agent": user_agent}
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers) as client:
        there = Person(House(house.app, client, house.settings, house.clock), login=person.login)
        return (await there.log_in(**form)).status_code


async def test_a_user_is_told_of_a_new_device_and_of_the_first_one_not(house: House) -> None:
    person = await newcomer(house)
    for user_agent, address in (
        (CHROME.format(140), "192.0.2.1"),
        # neither an update nor another address of the provider is news
        (CHROME.format(141), "192.0.2.200"),
    ):
        assert await log_in_from(person, user_agent, address=address) == 200
    assert await written_to(person, "new_device") == []
    for user_agent, address in ((FIREFOX, "192.0.2.1"), (CHROME.format(141), "198.51.100.7")):
        for _ in range(2):
            assert await log_in_from(person, user_agent, address=address) == 200
    told = [(notice.device, notice.address) for notice in await written_to(person, "new_device")]
    assert told == [("Firefox, Linux", "192.0.2.1"), ("Chrome, Windows", "198.51.100.7")]


async def test_a_new_device_is_told_of_once_however_many_sign_in_there(house: House) -> None:
    person = await signed_in(house)
    statuses = await asyncio.gather(*(log_in_from(person, FIREFOX) for _ in range(6)))
    assert set(statuses) == {200}
    assert len(await written_to(person, "new_device")) == 1


async def test_who_does_not_get_in_is_no_news(house: House) -> None:
    person = await signed_in(house)
    assert await log_in_from(person, FIREFOX, password="wrong") == 400
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=person.id)
    assert await log_in_from(person, FIREFOX) == 400
    await house.sql('UPDATE auth."user" SET is_active = true WHERE id = :id', id=person.id)
    assert await written_to(person, "new_device") == []


async def test_a_device_is_forgotten_after_half_a_year(house: House) -> None:
    person = await signed_in(house)
    await log_in_from(person, FIREFOX)
    house.clock.advance(timedelta(days=100))
    await log_in_from(person, FIREFOX)
    house.clock.advance(timedelta(days=100))
    await tidy(house.resources)
    rows = await house.sql("SELECT digest FROM auth.known_device WHERE user_id = :id", id=person.id)
    assert len(rows) == 1
    await log_in_from(person, "")
    (notice,) = await written_to(person, "new_device")
    assert notice.device == ""


async def test_any_user_agent_lets_in(house: House) -> None:
    person = await newcomer(house)
    for value in HOSTILE_TEXTS:
        if value.isascii() and value.isprintable():
            assert await log_in_from(person, value.strip()) == 200


async def test_the_history_says_how_each_try_was_made_and_how_it_ended(house: House) -> None:
    person = await staff_member(house, "auth.read")
    await log_in_from(person, FIREFOX, password="wrong")
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=person.id)
    await log_in_from(person, FIREFOX)
    await house.sql('UPDATE auth."user" SET is_active = true WHERE id = :id', id=person.id)
    for _ in range(4):
        await log_in_from(person, FIREFOX, address="198.51.100.9", password="wrong", username=person.email)
    for _ in range(2):
        await log_in_from(person, FIREFOX, address="198.51.100.9", username=person.email)
    answer = await person.ask("GET", "/users/me/login_history")
    items = answer.json()["items"]
    assert [item["result"] for item in items] == [
        *("succeeded", "succeeded"),
        *("wrong_password",) * 4,
        *("blocked", "wrong_password", "succeeded"),
    ]
    assert {item["method"] for item in items} == {"password"}
    assert {item["device"] for item in items[:-1]} == {"Firefox, Linux"}
    assert [item["succeeded"] for item in items] == [item["result"] == "succeeded" for item in items]
    assert {item["address"] for item in items} == {"192.0.2.1", "198.51.100.9"}
    for_staff = await person.ask("GET", f"/users/{person.id}/login_history")
    assert for_staff.json() == answer.json()


async def test_tries_that_were_not_looked_at_are_in_the_history_too(house: House) -> None:
    person = await signed_in(house)
    for _ in range(6):
        await log_in_from(person, FIREFOX, address="198.51.100.9", password="wrong")
    items = (await person.ask("GET", "/users/me/login_history")).json()["items"]
    assert [item["result"] for item in items] == ["throttled", *("wrong_password",) * 5, "succeeded"]
    devices = (await person.ask("GET", "/users/me/sessions")).json()["items"]
    assert devices[0]["device"].startswith("python-httpx")
