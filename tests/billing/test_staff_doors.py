"""Who may go through which door for staff: every route of `/admin`, for everybody."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.billing.conftest import PUBLIC_URL
from tests.factories.auth_door import AuthDoor
from theatre.kit.sheets import MEDIA_TYPES

PREFIX = "/billing/api/v1/admin"
ID = "01a21425-6812-75b2-9f71-ce4545c4587f"
PRICE = {"product_id": ID, "amount": {"amount": "1.00", "currency": "RUB"}}
PRODUCT = {"code": "", "kind": "film", "names": {"ru": "Ф", "en": "F"}}

# what each door needs, and what it answers to who may pass: nothing of these ids exists
DOORS: list[tuple[str, str, str, object, int]] = [
    ("GET", "/payments", "billing.read", None, 200),
    ("GET", "/payments/{payment_id}", "billing.read", None, 404),
    ("GET", "/payments/{payment_id}/explain", "billing.read", None, 404),
    ("GET", "/payments/{payment_id}/refunds", "billing.read", None, 404),
    ("GET", "/payments/{payment_id}/refunds/preview", "billing.refund", None, 404),
    ("POST", "/payments/{payment_id}/refunds", "billing.refund", {"reason": "x"}, 404),
    ("GET", "/refunds", "billing.read", None, 200),
    ("GET", "/disputes", "billing.read", None, 200),
    ("POST", "/refunds/{refund_id}/approve", "billing.manage", None, 404),
    ("POST", "/refunds/{refund_id}/reject", "billing.manage", {"reason": "x"}, 404),
    ("GET", "/users/{user_id}/summary", "billing.read", None, 200),
    ("GET", "/subscriptions", "billing.read", None, 200),
    ("GET", "/products", "billing.read", None, 200),
    ("POST", "/products", "billing.manage", PRODUCT, 422),
    ("GET", "/prices", "billing.read", None, 200),
    ("POST", "/prices", "billing.manage", PRICE, 404),
    ("POST", "/prices/{price_id}/switch_off", "billing.manage", None, 404),
    ("GET", "/cases", "billing.read", None, 200),
    ("GET", "/cases/{case_id}", "billing.read", None, 404),
    ("POST", "/cases/{case_id}/resolve", "billing.manage", {"note": "x"}, 404),
    ("POST", "/cases/{case_id}/refunds", "billing.manage", {"note": "x"}, 404),
    ("GET", "/payments/{payment_id}/receipts", "billing.read", None, 404),
    ("GET", "/receipts", "billing.read", None, 200),
    ("POST", "/receipts/{receipt_id}/retry", "billing.manage", None, 404),
    ("GET", "/receipts/days/{day_on}", "billing.read", None, 200),
    ("GET", "/promo_codes", "billing.read", None, 200),
    ("POST", "/promo_codes", "billing.manage", {"code": "X"}, 422),
    ("GET", "/promo_codes/{promo_code_id}", "billing.read", None, 404),
    ("PATCH", "/promo_codes/{promo_code_id}", "billing.manage", {}, 404),
    ("GET", "/ledger/accounts", "billing.read", None, 200),
    ("GET", "/ledger/entries", "billing.read", None, 200),
    ("GET", "/reconciliation", "billing.read", None, 200),
    ("GET", "/reconciliation/{run_id}/rows", "billing.read", None, 404),
    ("GET", "/overview", "billing.read", None, 200),
    ("GET", "/reports/revenue", "billing.read", None, 200),
    ("GET", "/reports/refunds", "billing.read", None, 200),
    ("GET", "/reports/providers", "billing.read", None, 200),
    ("GET", "/reports/mrr", "billing.read", None, 200),
    ("GET", "/reports/churn", "billing.read", None, 200),
    ("GET", "/reports/cohorts", "billing.read", None, 200),
    ("GET", "/audit", "billing.manage", None, 200),
    ("GET", "/audit/verify", "billing.manage", None, 200),
    ("GET", "/messages/dead", "billing.manage", None, 200),
    ("POST", "/messages/dead/{message_id}/replay", "billing.manage", None, 404),
]
SUPPORT = ("billing.read", "billing.refund")
FINANCE = ("billing.read", "billing.refund", "billing.manage")
OTHER_TRADES = ("movies.manage", "ugc.moderate", "notification.manage")


def headers_of(auth: AuthDoor, who: str) -> dict[str, str]:
    """Sign somebody in."""
    own = {"Idempotency-Key": str(uuid4())}
    if who == "anonymous":
        return own
    if who == "service":
        return own | auth.service()
    permissions = {"support": SUPPORT, "finance": FINANCE, "other trades": OTHER_TRADES}.get(who, ())
    return own | auth.user(uuid4(), *permissions, is_superuser=who == "superuser")


def expected(who: str, permission: str, passed: int) -> int:
    """Tell what a door answers to somebody."""
    if who == "anonymous":
        return 401
    let_in = {"support": SUPPORT, "finance": FINANCE, "superuser": FINANCE}.get(who, ())
    return passed if permission in let_in else 403


@pytest.fixture
def ask(app: FastAPI) -> Callable[..., Any]:
    async def ask(method: str, path: str, body: object, headers: dict[str, str]) -> httpx.Response:
        whole = re.sub(r"\{\w+_id\}", ID, PREFIX + path).replace("{day_on}", "2027-01-31")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL, headers=headers
        ) as http:
            return await http.request(method, whole, json=body)

    return ask


@pytest.mark.parametrize(("method", "path", "permission", "body", "passed"), DOORS)
async def test_a_door_lets_in_who_has_its_permission(
    ask: Callable[..., Any],
    auth: AuthDoor,
    broker_schema: None,
    method: str,
    path: str,
    permission: str,
    body: object,
    passed: int,
) -> None:
    """P3, S-B7: anonymous, an ordinary user, a service, staff of other trades, support, finance, a superuser."""
    for who in ("anonymous", "user", "service", "other trades", "support", "finance", "superuser"):
        answer = await ask(method, path, body, headers_of(auth, who))
        assert answer.status_code == expected(who, permission, passed), (who, answer.text)


async def test_who_somebody_claims_to_be_in_other_headers_changes_nothing(
    ask: Callable[..., Any], auth: AuthDoor
) -> None:
    """S-B7"""
    claims = {"X-User-Id": ID, "X-Forwarded-User": "admin", "X-HTTP-Method-Override": "DELETE"}
    answer = await ask("GET", "/payments", None, headers_of(auth, "user") | claims)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", sorted({path for method, path, *_ in DOORS if method == "POST"}))
async def test_what_makes_or_moves_money_needs_a_key(
    ask: Callable[..., Any], auth: AuthDoor, path: str
) -> None:
    [(body, permission)] = [
        (body, p) for method, known, p, body, _ in DOORS if (method, known) == ("POST", path)
    ]
    answer = await ask("POST", path, body or {}, auth.user(uuid4(), permission))
    needs_key = (
        path.endswith("}/refunds")
        or path in {"/products", "/prices", "/promo_codes"}
        or path.startswith("/refunds/")
    )
    assert (answer.json().get("code") == "idempotency.key_missing") == needs_key


def test_no_door_is_missing_from_the_table(app: FastAPI) -> None:
    """A route without a line above fails here."""
    found = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, methods in app.openapi()["paths"].items()
        if path.startswith(PREFIX)
        for method in methods
    }
    assert found == {(method, path) for method, path, *_ in DOORS}


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, *_ in DOORS if method == "GET"]
)
def test_every_list_says_that_it_is_given_as_files_too(app: FastAPI, method: str, path: str) -> None:
    told = app.openapi()["paths"][PREFIX + path][method.lower()]["responses"]["200"]["content"]
    is_list = re.search("(Page|Report)Answer_", str(told["application/json"]["schema"])) is not None
    for media_type in MEDIA_TYPES.values():
        assert is_list == (media_type in told)


@pytest.mark.parametrize("query", [{"limit": -1}, {"limit": 0}, {"limit": 10**9}])
@pytest.mark.parametrize(
    "path", [path for method, path, _, _, passed in DOORS if (method, passed) == ("GET", 200)]
)
async def test_a_list_is_bounded(
    ask: Callable[..., Any], auth: AuthDoor, path: str, query: dict[str, object]
) -> None:
    """S-B12"""
    if path in {"/overview", "/users/{user_id}/summary", "/audit/verify", "/receipts/days/{day_on}"}:
        return
    if path.startswith("/reports/"):
        query = {"from": "2000-01-01", "to": "2199-12-31"}
    words = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await ask("GET", f"{path}?{words}", None, headers_of(auth, "superuser"))
    assert answer.status_code == 422
