"""Templates that staff write: checked when saved, versioned, previewed, and unable to do anything but read well."""

import re
import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import tell
from tests.notification.sink import Sink
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.notification import deliveries, packaged, wordings
from theatre.notification.errors import Unwritable
from theatre.notification.models import Delivery
from theatre.notification.resources import WorkerResources
from theatre.notification.wordings import Places, Reading, UnfitWording, Wording

DOOR = "/notification/api/v1/templates"
HTML = "<b>{{ promo_code }}</b>"
RECEIPT = "{{ title }} {{ amount }} {{ payment_id }} {{ payments_url }}"


def text(subject: str = "Subject", body: str = "Text", html: str | None = None) -> dict[str, Any]:
    return {"subject": subject, "text": body, **({"html": html} if html else {})}


def offer(code: str = "spring", **changes: Any) -> dict[str, Any]:
    body = {
        "code": code,
        "description": "Spring",
        "variables": {"promo_code": "SPRING"},
        "texts": {
            "ru": text("Скидка: {{ promo_code }}", "Здравствуйте, {{ login }}! Код {{ promo_code }}"),
            "en": text(
                "Offer: {{ promo_code }}",
                "Hello {{ login }}! Code {{ promo_code }}",
                "<b>{{ promo_code }}</b>",
            ),
        },
    }
    return {**body, **changes}


@pytest.fixture
def staff(auth: AuthDoor) -> dict[str, str]:
    return auth.user(uuid4(), "notification.manage")


async def test_the_templates_of_the_house_are_there_from_the_start(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    items = (await client.get(DOOR, headers=staff)).json()["items"]
    assert {item["code"] for item in items} >= {"registration", "payment_succeeded", "payment_failed"}
    assert all(item["is_packaged"] and item["active_version"] == 0 for item in items)
    one = (await client.get(f"{DOOR}/payment_failed", headers=staff)).json()
    assert one["texts"]["ru"]["subject"] == "Оплата не прошла: {{ amount }}"
    assert set(one["variables"]) == {
        *("login", "home_url", "title", "amount", "payment_id", "payments_url", "message")
    }


async def test_a_letter_of_the_house_tells_what_it_may_name_however_it_was_rewritten(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    known = (await client.get(f"{DOOR}/payment_succeeded", headers=staff)).json()["variables"]
    change = {"texts": {locale: text("Paid", RECEIPT) for locale in ("ru", "en")}}
    assert (
        await client.post(f"{DOOR}/payment_succeeded/versions", json=change, headers=staff)
    ).status_code == 201
    assert (await client.get(f"{DOOR}/payment_succeeded", headers=staff)).json()["variables"] == known


async def test_a_template_is_made_once(client: httpx.AsyncClient, staff: dict[str, str]) -> None:
    made = await client.post(DOOR, json=offer(), headers=staff)
    assert made.status_code == 201
    assert (made.json()["active_version"], made.json()["is_packaged"]) == (1, False)
    assert made.json()["texts"]["en"]["html"] == "<b>{{ promo_code }}</b>"
    for code in ("spring", "registration"):
        again = await client.post(DOOR, json=offer(code), headers=staff)
        assert (again.status_code, again.json()["code"]) == (409, "notification.template_exists")
    assert (await client.get(f"{DOOR}/spring", headers=staff)).json() == made.json()


async def test_the_same_key_makes_one_template(client: httpx.AsyncClient, staff: dict[str, str]) -> None:
    headers = {**staff, "Idempotency-Key": "one"}
    first, again = [await client.post(DOOR, json=offer(), headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_change_is_a_version_and_an_older_one_can_be_taken_back(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    await client.post(DOOR, json=offer(), headers=staff)
    change = {key: offer()[key] for key in ("variables", "texts")}
    change["texts"]["ru"]["subject"] = "Новая скидка"
    second = await client.post(f"{DOOR}/spring/versions", json={**change, "note": "new"}, headers=staff)
    assert (second.status_code, second.json()["number"], second.json()["is_active"]) == (201, 2, True)
    same = await client.post(f"{DOOR}/spring/versions", json=change, headers=staff)
    assert same.json()["number"] == 2
    change["texts"]["ru"]["subject"] = "Набросок"
    draft = await client.post(f"{DOOR}/spring/versions", json={**change, "activate": False}, headers=staff)
    assert (draft.json()["number"], draft.json()["is_active"]) == (3, False)
    listed = (await client.get(f"{DOOR}/spring/versions", headers=staff)).json()["items"]
    assert [(one["number"], one["is_active"], one["note"]) for one in listed] == [
        *((3, False, ""), (2, True, "new"), (1, False, ""))
    ]
    for _ in range(2):
        back = await client.post(f"{DOOR}/spring/versions/1/activate", headers=staff)
        assert (back.status_code, back.json()["active_version"]) == (200, 1)
    now = (await client.get(f"{DOOR}/spring", headers=staff)).json()
    assert now["texts"]["ru"]["subject"] == "Скидка: {{ promo_code }}"
    three = (await client.get(f"{DOOR}/spring/versions/3", headers=staff)).json()
    assert three["texts"]["ru"]["subject"] == "Набросок"
    for path in ("spring/versions/9/activate", "spring/versions/0/activate", "autumn/versions/1/activate"):
        assert (await client.post(f"{DOOR}/{path}", headers=staff)).status_code == 404
    acts = (await client.get("/notification/api/v1/audit", headers=staff)).json()["items"]
    actions = [act["action"] for act in acts]
    assert actions[:3] == ["template.activate", "template.activate", "template.change"]


async def test_a_template_that_was_put_away_can_be_made_anew(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    await client.post(DOOR, json=offer(), headers=staff)
    assert (await client.delete(f"{DOOR}/spring", headers=staff)).status_code == 204
    for answer in (
        await client.get(f"{DOOR}/spring", headers=staff),
        await client.delete(f"{DOOR}/spring", headers=staff),
        await client.post(f"{DOOR}/spring/versions", json={"texts": offer()["texts"]}, headers=staff),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "notification.template_not_found")
    codes = [item["code"] for item in (await client.get(DOOR, headers=staff)).json()["items"]]
    assert "spring" not in codes
    changed = offer(texts={"ru": text(body="{{ promo_code }}"), "en": text(body="{{ promo_code }}")})
    made = await client.post(DOOR, json=changed, headers=staff)
    assert (made.status_code, made.json()["active_version"]) == (201, 2)


async def mail_of_payment(
    held: WorkerResources, sink: Sink, user_id: UUID, clock: MovableClock, **changes: Any
) -> tuple[str, str, str]:
    sink.caught.clear()
    await tell(held.sessions, user_id, clock, **changes)
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    [caught] = sink.caught
    return str(caught.message["Subject"]), caught.reading("plain"), caught.reading("html")


async def test_what_staff_wrote_goes_out_until_they_go_back_to_what_came_with_the_house(
    held: WorkerResources,
    client: httpx.AsyncClient,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    staff: dict[str, str],
) -> None:
    user_id = auth.add_contact(email="alice@mail.example", locale="en", login="<i>Alice").user_id
    body = f"Dear {{{{ login }}}}, {RECEIPT}"
    texts = {"ru": text(body=body), "en": text("Thanks, {{ login }}: {{ amount }}", body, f"<p>{body}</p>")}
    saved = await client.post(f"{DOOR}/payment_succeeded/versions", json={"texts": texts}, headers=staff)
    assert saved.status_code == 201
    subject, plain, html = await mail_of_payment(held, sink, user_id, clock, title="{{ 7*7 }} <b>")
    assert subject == "Thanks, <i>Alice: RUB\u00a0399.00"
    assert "Dear <i>Alice, {{ 7*7 }} <b> RUB" in plain
    assert "Dear &lt;i&gt;Alice, {{ 7*7 }} &lt;b&gt; RUB" in html
    assert "Online Theatre" in html
    await client.delete(f"{DOOR}/payment_succeeded", headers=staff)
    subject, _, _ = await mail_of_payment(held, sink, user_id, clock)
    assert subject == "Payment received: RUB\u00a0399.00"
    await client.post(f"{DOOR}/payment_succeeded/versions/1/activate", headers=staff)
    assert (await mail_of_payment(held, sink, user_id, clock))[0].startswith("Thanks")
    await client.post(f"{DOOR}/payment_succeeded/versions/0/activate", headers=staff)
    assert (await mail_of_payment(held, sink, user_id, clock))[0].startswith("Payment received")


async def test_a_value_that_could_become_a_header_ends_its_own_mail_only(
    held: WorkerResources,
    client: httpx.AsyncClient,
    sink: Sink,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    staff: dict[str, str],
) -> None:
    """RELIABILITY S-N4."""
    user_id = auth.add_contact(email="alice@mail.example", login="x\r\nBcc: evil@x.example").user_id
    texts = {"ru": text("{{ login }}", RECEIPT), "en": text("{{ login }}", RECEIPT)}
    await client.post(f"{DOOR}/payment_succeeded/versions", json={"texts": texts}, headers=staff)
    await tell(held.sessions, user_id, clock)
    await deliveries.deliver_due(held.sessions, held.post, clock=clock)
    async with transaction(held.sessions) as session:
        assert (await session.scalars(select(Delivery.status))).all() == ["dead"]
    assert sink.caught == []


FORBIDDEN = [
    "{{ ''.__class__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ login.__class__.__mro__ }}",
    "{{ login['__class__'] }}",
    "{{ login|attr('__class__') }}",
    "{{ 'a'*10**9 }}",
    "{{ 10**10**8 }}",
    "{{ 'a' ~ login }}",
    "{{ range(10**9)|list }}",
    "{{ login|replace('a', 'b') }}",
    "{{ login|center(1000000000) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ lipsum(n=100000) }}",
    "{% for a in login %}{% for b in login %}x{% endfor %}{% endfor %}",
    "{% include 'layout.html' %}",
    "{% import 'parts.html' as parts %}",
    "{% extends 'layout.html' %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% set x = 1 %}",
    "{% block a %}{% endblock %}",
    "{{ login",
    "{% if login %}",
    "{{ [login] }}",
    "{{ {1: login} }}",
    "{{ login|nothing }}",
    "{{ " + "(" * 2_000 + "login" + ")" * 2_000 + " }}",
    "{% if login %}" * 500 + "x" + "{% endif %}" * 500,
]


@pytest.mark.parametrize("source", FORBIDDEN, ids=range(len(FORBIDDEN)))
@pytest.mark.parametrize("part", ["text", "html"])
async def test_what_could_run_or_grow_is_refused_when_saved(
    client: httpx.AsyncClient, staff: dict[str, str], source: str, part: str
) -> None:
    """RELIABILITY S-N2."""
    texts = {"ru": {**text(html="x"), part: source}, "en": text()}
    started = time.perf_counter()
    answer = await client.post(DOOR, json=offer(texts=texts, variables={}), headers=staff)
    assert time.perf_counter() - started < 5
    assert (answer.status_code, answer.json()["code"]) == (422, "notification.unfit_wording")
    assert answer.json()["errors"][0]["field"] == f"texts.ru.{part}"


@pytest.mark.parametrize(
    ("changes", "field", "code", "word"),
    [
        ({"variables": {}}, "texts.ru.subject", "undeclared_variable", "promo_code"),
        ({"variables": {"promo_code": "x", "until": "y"}}, "texts.ru.text", "missing_variable", "until"),
        (
            {"texts": {"ru": text("{{ promo_code }} {{ oops }}"), "en": text("{{ promo_code }}")}},
            "texts.ru.subject",
            "undeclared_variable",
            "oops",
        ),
        (
            {"texts": {"ru": text("{{ promo_code }}"), "en": text(body="{{ promo_code }}", html="x")}},
            "texts.en.html",
            "missing_variable",
            "promo_code",
        ),
        (
            {"texts": {"ru": text("{{ promo_code }}"), "en": text("=?utf-8?q?x?= {{ promo_code }}")}},
            "texts.en.subject",
            "unsafe_header",
            "header",
        ),
    ],
)
async def test_a_fault_is_named(
    client: httpx.AsyncClient,
    staff: dict[str, str],
    *,
    changes: dict[str, Any],
    field: str,
    code: str,
    word: str,
) -> None:
    answer = await client.post(DOOR, json=offer(**changes), headers=staff)
    assert answer.status_code == 422
    faults = [(fault["field"], fault["code"]) for fault in answer.json()["errors"]]
    assert faults[0] == (field, code)
    assert word in answer.json()["errors"][0]["message"]
    assert "spring" not in [item["code"] for item in (await client.get(DOOR, headers=staff)).json()["items"]]


async def test_a_template_of_the_house_must_say_what_it_is_for(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    texts = {"ru": text(body="{{ amount }}"), "en": text(body=RECEIPT)}
    answer = await client.post(f"{DOOR}/payment_succeeded/versions", json={"texts": texts}, headers=staff)
    assert answer.status_code == 422
    missing = {fault["message"].partition(" ")[0] for fault in answer.json()["errors"]}
    assert missing == {"title", "payment_id", "payments_url"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Spring"},
        {"code": "../x"},
        {"code": "x" * 65},
        {"texts": {"ru": text()}},
        {"texts": {"ru": text(), "en": text(), "de": text()}},
        {"texts": {"ru": text(subject="a\r\nBcc: x@x.example"), "en": text()}},
        {"texts": {"ru": text(subject="x" * 201), "en": text()}},
        {"texts": {"ru": text(body="x" * 20_001), "en": text()}},
        {"texts": {"ru": text(html="x" * 50_001), "en": text()}},
        {"texts": {"ru": text(body="a\u0000"), "en": text()}},
        {"variables": {"__class__": "x"}},
        {"variables": {"Ünï": "x"}},
        {"variables": {f"v{number}": "" for number in range(31)}},
        {"is_active": True},
    ],
)
async def test_what_is_no_template_is_refused(
    client: httpx.AsyncClient, staff: dict[str, str], changes: dict[str, Any]
) -> None:
    assert (await client.post(DOOR, json=offer(**changes), headers=staff)).status_code == 422


async def test_a_preview_shows_samples_values_drafts_and_versions_and_sends_nothing(
    client: httpx.AsyncClient, staff: dict[str, str]
) -> None:
    await client.post(DOOR, json=offer(), headers=staff)

    async def preview(code: str, **body: Any) -> dict[str, str]:
        answer = await client.post(f"{DOOR}/{code}/preview", json=body, headers=staff)
        assert answer.status_code == 200, answer.text
        read: dict[str, str] = answer.json()
        return read

    seen = await preview("spring", locale="ru")
    assert (seen["subject"], seen["text"]) == ("Скидка: SPRING", "Здравствуйте, alice! Код SPRING\n")
    assert '<p style="margin:0 0 16px;">Здравствуйте, alice! Код SPRING</p>' in seen["html"]
    seen = await preview("spring", locale="en", values={"promo_code": "<b>&", "login": "Bob"})
    assert "Hello Bob! Code <b>&" in seen["text"]
    assert "<b>&lt;b&gt;&amp;</b>" in seen["html"]
    draft = {"texts": {"ru": text("Черновик {{ login }}"), "en": text()}, "variables": {}}
    assert (await preview("spring", draft=draft))["subject"] == "Черновик alice"
    for version in (None, 0):
        seen = await preview("payment_failed", locale="ru", version=version)
        assert "Оплата не прошла" in seen["subject"]
        assert "Карта просрочена" in seen["html"]
    for code in packaged.list_codes():
        seen = await preview(code, locale="en")
        assert "[" not in seen["text"]
        assert not re.search("[а-я]", seen["text"])
    assert (await client.get("/mail/api/v1/messages")).json()["items"] == []
    listed = (await client.get(f"{DOOR}/spring/versions", headers=staff)).json()["items"]
    assert [one["number"] for one in listed] == [1]
    unfit = {"draft": {**draft, "texts": {"ru": text("{{ x }}"), "en": text()}}}
    answer = await client.post(f"{DOOR}/spring/preview", json=unfit, headers=staff)
    assert (answer.status_code, answer.json()["code"]) == (422, "notification.unfit_wording")
    answer = await client.post(f"{DOOR}/spring/preview", json={"version": 7}, headers=staff)
    assert answer.status_code == 404


async def test_templates_are_for_those_who_keep_notifications(
    client: httpx.AsyncClient, auth: AuthDoor
) -> None:
    for headers, status in (({}, 401), (auth.user(uuid4(), "movies.manage"), 403), (auth.service(), 403)):
        for answer in (
            await client.get(DOOR, headers=headers),
            await client.post(DOOR, json=offer(), headers=headers),
            await client.post(f"{DOOR}/registration/preview", json={}, headers=headers),
            await client.delete(f"{DOOR}/registration", headers=headers),
        ):
            assert answer.status_code == status


def test_what_a_rendering_gives_is_bounded() -> None:
    many = "{{ login }}" * 1_800
    wordings.check(
        Wording({"ru": Reading(subject="s", text=many), "en": Reading(subject="s", text=many)}, {}),
        Places(frozenset()),
    )
    with pytest.raises(Unwritable, match="too long"):
        wordings.fill(many, {"login": "x" * 10_000})
    assert len(wordings.fill(many, {"login": "x"})) == 1_800


def test_a_value_that_is_missing_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(Unwritable, match="login"):
        wordings.fill("Hello {{ login }}", {})


@pytest.mark.parametrize("code", packaged.list_codes())
def test_the_texts_of_the_house_can_be_taken_as_they_are_and_changed(code: str) -> None:
    wordings.check(packaged.read(code), packaged.places_of(code))


def test_only_names_choices_and_filters_are_allowed() -> None:
    source = (
        "{% if login and not (home_url == 'x') %}{{ login|upper|truncate(5) }}{% elif login in 'ab' %}"
        "{{ 'y' if login else login|default('z') }}{% else %}-{% endif %}{# a note #}"
    )
    assert wordings.names_in(source) == {"login", "home_url"}
    with pytest.raises(UnfitWording):
        wordings.names_in("{{ login() }}")
