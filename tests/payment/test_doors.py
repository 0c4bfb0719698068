"""Who may knock at payment's doors, and with what."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.payment.stage import HOUSE, Stage, order
from theatre.contracts.payment import PREFIX
from theatre.kit.ids import new_id
from theatre.payment.models import Attempt

NOBODY = UUID(int=404)
DOORS = [
    ("POST", f"{PREFIX}/attempts"),
    ("GET", f"{PREFIX}/attempts/{NOBODY}"),
    ("POST", f"{PREFIX}/attempts/{NOBODY}/cancel"),
    ("POST", f"{PREFIX}/attempts/{NOBODY}/refunds"),
    ("POST", f"{PREFIX}/attempts/outcomes"),
    ("GET", f"{PREFIX}/payments/{NOBODY}/events"),
    ("GET", f"{PREFIX}/payments?reference=x"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_internal_doors_are_for_our_services_alone(stage: Stage, method: str, path: str) -> None:
    """S-P2"""
    content = order().model_dump_json()
    json = {"Content-Type": "application/json"}
    user = stage.auth.user(new_id(), is_superuser=True)
    nobody = await stage.caller().request(method, path, content=content, headers=json)
    somebody = await stage.caller().request(method, path, content=content, headers={**json, **user})
    assert (nobody.status_code, somebody.status_code) == (401, 403)
    assert await stage.count(Attempt) == 0


async def test_unknown_attempts_are_not_found(stage: Stage) -> None:
    for method, path in DOORS[1:3]:
        response = await stage.caller().request(method, path, headers=stage.auth.service("billing"))
        assert (response.status_code, response.json()["code"]) == (404, "payment.attempt_not_found")


HOSTILE: list[dict[str, Any]] = [
    {"id": "1"},
    {"id": None},
    {"payment_id": ""},
    {"total": None},
    {"total": {"amount_minor": 0, "currency": "RUB"}},
    {"total": {"amount_minor": -1, "currency": "RUB"}},
    {"total": {"amount_minor": 1.5, "currency": "RUB"}},
    {"total": {"amount_minor": "100", "currency": "RUB"}},
    {"total": {"amount_minor": True, "currency": "RUB"}},
    {"total": {"amount_minor": 2**63, "currency": "RUB"}},
    {"total": {"amount_minor": 10**400, "currency": "RUB"}},
    {"total": {"amount_minor": 100, "currency": "rub"}},
    {"total": {"amount_minor": 100, "currency": "ZZZ"}},
    {"total": {"amount_minor": 100, "currency": "XXX"}},
    {"total": {"amount_minor": 100}},
    {"description": ""},
    {"description": "a\x00b"},
    {"description": "x" * 1_001},
    {"description": 7},
    {"provider": "paypal"},
    {"provider": ""},
    {"provider": "a\x00b"},
    {"return_url": "https://evil.example/"},
    {"return_url": "javascript:alert(1)"},
    {"return_url": f"{HOUSE}/" + "a" * 5_000},
    {"return_url": f"{HOUSE}/\x00"},
    {"save_method": "yes"},
    {"price": 1},
]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
async def test_values_that_make_no_sense_are_refused(stage: Stage, words: dict[str, Any]) -> None:
    """RELIABILITY 4.9"""
    body = {**order().model_dump(mode="json"), **words}
    headers = {"Content-Type": "application/json", **stage.auth.service("billing")}
    content = orjson.dumps(body) if words != {"total": {"amount_minor": 10**400, "currency": "RUB"}} else b""
    response = await stage.caller().post(f"{PREFIX}/attempts", content=content or _big(body), headers=headers)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert await stage.count(Attempt) == 0
    assert stage.network.count("POST /sandbox") == 0


def _big(body: dict[str, Any]) -> bytes:
    small = orjson.dumps({**body, "total": {"amount_minor": 424242, "currency": "RUB"}})
    return small.replace(b"424242", b"1" + b"0" * 400)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"id": NaN}',
        b'{"id": 1, "id": 2}',
        pytest.param(b"[" * 100_000, id="deep"),
        b'{"id": "\\ud800"}',
        b"\xff",
    ],
)
async def test_bodies_that_are_no_json_object_are_refused(stage: Stage, content: bytes) -> None:
    headers = {"Content-Type": "application/json", **stage.auth.service("billing")}
    response = await stage.caller().post(f"{PREFIX}/attempts", content=content, headers=headers)
    assert response.status_code in {400, 422}


@pytest.mark.parametrize(
    "description",
    [" ", "я" * 1_000, "🎬" * 200, "e\u0301" * 100, "\u202eevil", "'; DROP TABLE attempt; --", "{{7*7}}"],
)
async def test_strange_but_lawful_words_are_kept_as_they_are(stage: Stage, description: str) -> None:
    """RELIABILITY 4.9: the value is kept exactly."""
    attempt = await stage.begin(order(description=description))
    assert (await stage.row(attempt["id"])).description == description


async def test_payment_is_alive_ready_and_described(stage: Stage) -> None:
    assert (await stage.caller().get("/payment/api/_health")).json() == {}
    assert (await stage.caller().get("/payment/api/_ready")).status_code == 200
    described = (await stage.caller().get("/payment/api/openapi.json")).json()
    assert "/payment/api/v1/callbacks/{provider}" in described["paths"]
