"""Staff's doors for promo codes: who may, what they may say, what may change, and that it is written down."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests.billing.conftest import Caller
from tests.billing.promo import Make, buy, change_code, make_code, new_code
from tests.billing.test_purchase import price_of
from theatre.billing.models import AuditRecord
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions

LIST = "/admin/promo_codes"


async def records_of(sessions: Sessions, made: dict[str, Any]) -> list[AuditRecord]:
    statement = select(AuditRecord).where(
        AuditRecord.subject_kind == "promo_code", AuditRecord.subject_id == made["id"]
    )
    async with sessions() as session:
        return list(await session.scalars(statement.order_by(AuditRecord.number)))


async def patch(caller: Caller, promo_code_id: object, **changes: object) -> int:
    answer = await caller.http.patch(f"/billing/api/v1{LIST}/{promo_code_id}", json=changes)
    return answer.status_code


@pytest.mark.parametrize(
    "permissions", [(), ("billing.read",), ("billing.refund",), ("notification.manage",)]
)
async def test_writing_needs_the_permission(make_caller: Make, permissions: tuple[str, ...]) -> None:
    """S-B7: who may read may not make codes."""
    caller = make_caller(*permissions)
    made = await make_code(make_caller)
    assert (await caller.post(LIST, {"code": new_code(), "percent": 100})).status_code == 403
    assert await patch(caller, made["id"], is_active=False) == 403


@pytest.mark.parametrize("permissions", [(), ("billing.manage",)])
async def test_reading_needs_the_permission(make_caller: Make, permissions: tuple[str, ...]) -> None:
    caller = make_caller(*permissions)
    assert (await caller.get(LIST)).status_code == 403
    assert (await caller.get(f"{LIST}/{uuid4()}")).status_code == 403


async def test_a_code_is_read_as_it_was_made(make_caller: Make, clock: MovableClock) -> None:
    staff = make_caller("billing.read")
    end = (clock.now() + timedelta(days=1)).isoformat()
    made = await make_code(make_caller, amount="100.00", ends_at=end, total_cap=7, per_user_cap=1)
    assert made["amount"] == {"amount": "100.00", "currency": "RUB"}
    assert (made["kind"], made["percent"], made["used_count"], made["is_active"]) == ("amount", None, 0, True)
    assert (await staff.get(f"{LIST}/{made['id']}")).json() == made
    assert (await staff.get(f"{LIST}/{uuid4()}")).json()["code"] == "billing.promo_code_unknown"


async def test_a_code_is_made_once(make_caller: Make, sessions: Sessions) -> None:
    staff, key = make_caller("billing.manage"), str(uuid4())
    word = new_code()
    body = {"code": word.lower(), "percent": 5}
    first, again = [await staff.post(LIST, body, key=key) for _ in range(2)]
    assert first.content == again.content
    assert first.json()["code"] == word
    taken = await staff.post(LIST, {**body, "code": word.title()})
    assert (taken.status_code, taken.json()["code"]) == (409, "billing.promo_code_taken")
    assert len(await records_of(sessions, first.json())) == 1
    without = await staff.http.post(f"/billing/api/v1{LIST}", json=body)
    assert without.json()["code"] == "idempotency.key_missing"


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"percent": 10, "amount": {"amount": "1.00", "currency": "RUB"}},
        {"percent": 0}, {"percent": 101}, {"percent": -1}, {"percent": "10"}, {"percent": 1.5}, {"percent": True},
        {"amount": {"amount": "0.00", "currency": "RUB"}}, {"amount": {"amount": "-1.00", "currency": "RUB"}},
        {"amount": {"amount": "1.00", "currency": "XXX"}}, {"amount": 100},
        {"percent": 1, "total_cap": 0}, {"percent": 1, "total_cap": 2**31}, {"percent": 1, "per_user_cap": "1"},
        {"percent": 1, "starts_at": "2027-01-01T00:00:00"}, {"percent": 1, "ends_at": "soon"},
        {"percent": 1, "starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-02T03:00:00+03:00"},
        {"percent": 1, "is_active": "yes"}, {"percent": 1, "used_count": 0}, {"percent": 1, "product_ids": ["x"]},
        {"percent": 1, "product_ids": [str(uuid4()) for _ in range(101)]},
        {"percent": 1, "code": ""}, {"percent": 1, "code": "A" * 65}, {"percent": 1, "code": "\x00"},
        {"percent": 1, "code": "🎬"},
    ],
)  # fmt: skip
async def test_terms_that_make_no_sense_are_refused(make_caller: Make, terms: dict[str, Any]) -> None:
    answer = await make_caller("billing.manage").post(LIST, {"code": new_code(), **terms})
    assert answer.status_code == 422, answer.text


async def test_a_code_for_a_product_that_is_not_there_is_refused(make_caller: Make) -> None:
    body = {"code": new_code(), "percent": 1, "product_ids": [str(uuid4())]}
    answer = await make_caller("billing.manage").post(LIST, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "billing.product_unknown")


async def test_pages_of_the_list_tile_it(make_caller: Make) -> None:
    staff = make_caller("billing.read")
    made = [(await make_code(make_caller))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while not set(made) <= set(seen):
        page = (await staff.get(LIST, limit=2, **cursor)).json()
        seen += [promo["id"] for promo in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert [each for each in seen if each in made] == made[::-1]
    assert len(seen) == len(set(seen))
    assert (await staff.get(LIST, cursor="x")).status_code == 400


@pytest.mark.parametrize(
    "change",
    [{"code": "X"}, {"percent": 100}, {"amount": None}, {"product_ids": []}, {"starts_at": None}, {"used_count": 0},
     {"is_active": None}, {"is_active": 1}, {"total_cap": 0}, {"per_user_cap": -1}, {"ends_at": "2027-01-01"}],
)  # fmt: skip
async def test_nothing_else_may_change(make_caller: Make, change: dict[str, Any]) -> None:
    """What buyers were shown stays true: a discount is never edited, only ended."""
    made = await make_code(make_caller)
    assert (await change_code(make_caller, made, **change)).status_code == 422
    assert (await make_caller("billing.read").get(f"{LIST}/{made['id']}")).json() == made


async def test_a_cap_cannot_go_below_what_is_used(make_caller: Make) -> None:
    made = await make_code(make_caller, total_cap=5, per_user_cap=5)
    caller = make_caller()
    price_id = await price_of(caller, "film")
    for _ in range(2):
        await buy(caller, made["code"], price_id)
    await buy(make_caller(), made["code"], price_id)
    for change in ({"total_cap": 2}, {"per_user_cap": 1}):
        refused = await change_code(make_caller, made, **change)
        assert (refused.status_code, refused.json()["code"]) == (409, "billing.promo_code_cap_below_used")
    kept = (await change_code(make_caller, made, total_cap=3, per_user_cap=2)).json()
    assert (kept["total_cap"], kept["per_user_cap"], kept["used_count"]) == (3, 2, 3)


async def test_an_end_before_the_start_is_refused(make_caller: Make, clock: MovableClock) -> None:
    made = await make_code(make_caller)
    before = (clock.now() - timedelta(days=1)).isoformat()
    refused = await change_code(make_caller, made, ends_at=before)
    assert (refused.status_code, refused.json()["code"]) == (422, "billing.promo_code_term_backward")


async def test_each_change_is_written_down_with_before_and_after(
    make_caller: Make, sessions: Sessions
) -> None:
    made = await make_code(make_caller, total_cap=5)
    staff = make_caller("billing.manage")
    assert await patch(staff, made["id"], total_cap=6, is_active=True) == 200
    assert await patch(staff, made["id"], total_cap=6) == 200
    assert await patch(staff, made["id"]) == 200
    created, changed = await records_of(sessions, made)
    assert (created.action, created.after and created.after["code"]) == ("promo_code.create", made["code"])
    assert (changed.action, changed.actor_id) == ("promo_code.change", staff.user_id)
    assert (changed.before, changed.after) == ({"total_cap": 5}, {"total_cap": 6})
    assert changed.request_id


async def test_a_code_that_is_not_there_cannot_be_changed(make_caller: Make) -> None:
    assert await patch(make_caller("billing.manage"), uuid4(), is_active=False) == 404
