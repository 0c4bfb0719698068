"""A refund's preview: exactly what would happen, and nothing happens."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.billing.conftest import Caller
from tests.billing.test_admin import paid
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions

Make = Callable[..., Caller]
FINANCE = ("billing.read", "billing.refund", "billing.manage")


@pytest.fixture(scope="session")
def settings(settings: BillingSettings) -> BillingSettings:
    """Staff may give back 100.00 ₽ of a payment alone."""
    return settings.model_copy(update={"refund_limits": {"RUB": 10_000}})


async def preview_of(staff: Caller, payment_id: str, **wanted: str) -> dict[str, Any]:
    answer = await staff.get(f"/admin/payments/{payment_id}/refunds/preview", **wanted)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_preview_of_all_of_it_ends_the_rights_and_changes_nothing(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    staff, buyer = make_caller(*FINANCE), make_caller()
    payment_id = await paid(buyer, sessions, settings, clock)
    before = (await staff.get(f"/admin/payments/{payment_id}")).json()
    first = await preview_of(staff, payment_id)
    assert first["amount"] == first["left"] == before["total"]
    assert (first["makes_refunded"], first["needs_second_person"]) == (True, True)
    assert [right["payment_id"] for right in first["ended"]] == [payment_id]
    assert [part["amount"] for part in first["parts"]] == [before["total"]]
    assert [entry["kind"] for entry in first["ledger"]] == ["refund_accepted", "refund"]
    for entry in first["ledger"]:
        assert sum(line["amount_minor"] for line in entry["postings"]) == 0
    assert (await staff.get(f"/admin/payments/{payment_id}")).json() == before
    assert (await staff.get(f"/admin/payments/{payment_id}/refunds")).json()["items"] == []


async def test_a_preview_of_a_part_within_the_limit_needs_nobody_and_leaves_the_rights(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    staff = make_caller(*FINANCE)
    payment_id = await paid(make_caller(), sessions, settings, clock)
    part = await preview_of(staff, payment_id, amount="100.00")
    assert part["amount"] == {"amount": "100.00", "currency": "RUB"}
    assert (part["makes_refunded"], part["needs_second_person"], part["ended"]) == (False, False, [])
    taking = await preview_of(staff, payment_id, amount="100.00", takes_rights="true")
    assert len(taking["ended"]) == 1


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("0.00", 422, "billing.refund_amount_invalid"),
        ("-1.00", 422, "billing.refund_amount_invalid"),
        ("1.001", 422, "billing.refund_amount_invalid"),
        ("1e3", 422, "billing.refund_amount_invalid"),
        ("100000.00", 409, "billing.refund_exceeds_payment"),
    ],
)
async def test_what_could_not_be_given_back_has_no_preview(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    amount: str,
    status: int,
    code: str,
) -> None:
    staff = make_caller(*FINANCE)
    payment_id = await paid(make_caller(), sessions, settings, clock)
    refused = await staff.get(f"/admin/payments/{payment_id}/refunds/preview", amount=amount)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
