"""Promo codes of the house, made by its staff over HTTP."""

from uuid import uuid4

import httpx

from tests.factories.house import OpenHouse


async def make_promo_code(house: OpenHouse, **terms: object) -> str:
    """Make a code as the demo's superuser; gives the word."""
    transport = httpx.ASGITransport(app=house.doors)
    async with httpx.AsyncClient(transport=transport, base_url=house.url) as http:
        form = {"username": "admin", "password": "admin"}
        token = (await http.post("/auth/api/v1/jwt/login", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
        body = {"code": f"W{uuid4().hex[:10]}".upper(), **terms}
        answer = await http.post("/billing/api/v1/admin/promo_codes", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(body["code"])
