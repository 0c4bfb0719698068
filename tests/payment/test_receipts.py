"""Fiscal receipts: each handed to the register once, whatever is lost on the way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.payment.network import alter, answer, cut_reply, refuse_connection
from tests.payment.stage import PENDING_REFUND_CARD, Stage, give_back
from theatre.contracts.money import Amount
from theatre.contracts.payment import ReceiptLine, ReceiptStart
from theatre.kit.ids import new_id

REGISTER = "POST /sandbox/v3/receipts"
READ = "GET /sandbox/v3/receipts/"
LIST = "GET /sandbox/v3/receipts"
EMAIL = "viewer@example.com"


def roubles(amount_minor: int) -> Amount:
    return Amount(amount_minor=amount_minor, currency="RUB")


def receipt(attempt: dict[str, Any], *lines: tuple[int, int], **words: Any) -> ReceiptStart:
    """Write what billing asks for; lines are quantity and unit price."""
    written = lines or ((1, 39900),)
    defaults = {
        "id": new_id(),
        "payment_id": UUID(attempt["payment_id"]),
        "attempt_id": UUID(attempt["id"]),
        "is_first": True,
        "email": EMAIL,
        "vat_code": 11,
        "tax_system_code": 1,
        "lines": [ReceiptLine(description="A film", quantity=q, unit=roubles(u)) for q, u in written],
        "total": roubles(sum(quantity * unit for quantity, unit in written)),
    }
    return ReceiptStart(**{**defaults, **words})


async def register(stage: Stage, asked: ReceiptStart) -> dict[str, Any]:
    """Ask for a receipt; it must not be refused by the door."""
    response = await stage.post("receipts", asked)
    assert response.status_code == 200, response.text
    state: dict[str, Any] = response.json()
    return state


async def receipts_there(stage: Stage, attempt: dict[str, Any]) -> list[dict[str, Any]]:
    """List what the register has of a payment's money."""
    params = {"payment_id": attempt["provider_reference"], "limit": "100"}
    items: list[dict[str, Any]] = (await stage.ask_sandbox("GET", "receipts", params=params))["items"]
    return items


async def test_a_receipt_is_registered_with_every_word_of_it(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asked = receipt(attempt, (2, 13300), (1, 13301))
    state = await register(stage, asked)
    (there,) = await receipts_there(stage, attempt)
    assert (state["status"], state["reference"], state["failure"]) == ("succeeded", there["id"], None)
    assert state["document"]["document_number"] == there["fiscal_document_number"]
    assert state["document"]["storage_number"] == there["fiscal_storage_number"]
    assert state["document"]["attribute"] == there["fiscal_attribute"]
    assert state["document"]["registered_at"]
    assert (there["type"], there["tax_system_code"]) == ("payment", 1)
    assert there["settlements"] == [{"type": "cashless", "amount": {"value": "399.01", "currency": "RUB"}}]
    assert [(item["quantity"], item["amount"]["value"]) for item in there["items"]] == [
        (2, "133.00"),
        (1, "133.01"),
    ]
    words = {
        "description": "A film",
        "vat_code": 11,
        "payment_subject": "service",
        "payment_mode": "full_payment",
    }
    assert all(words.items() <= item.items() for item in there["items"])
    assert stage.network.keys(REGISTER) == [str(asked.id)]


async def test_the_same_receipt_twenty_times_at_once_is_registered_once(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asked = receipt(attempt)
    responses = await asyncio.gather(*(stage.post("receipts", asked) for _ in range(20)))
    assert {response.status_code for response in responses} <= {200, 503}
    state = await register(stage, asked)
    told = {response.json()["reference"] for response in responses if response.is_success}
    assert told <= {state["reference"]}
    assert len(await receipts_there(stage, attempt)) == 1


@pytest.mark.parametrize(
    "fault", [cut_reply, refuse_connection, answer(500), answer(502, b"<html>"), answer(200)]
)
async def test_without_an_answer_nothing_is_decided_and_a_repeat_registers_once(
    stage: Stage, fault: Any
) -> None:
    """F2: a 500, a cut line, an answer that makes no sense, also after the register has taken it."""
    attempt = await stage.begin_paid()
    asked = receipt(attempt)
    stage.network.fail(REGISTER, fault)
    response = await stage.post("receipts", asked)
    assert (response.status_code, response.json()["code"]) == (503, "payment.outcome_unknown")
    state = await register(stage, asked.model_copy(update={"is_first": False}))
    assert state["status"] == "succeeded"
    assert len(await receipts_there(stage, attempt)) == 1


@pytest.mark.parametrize(
    "kind", ["error_before", "error_after", "cut_after", "too_many_requests", "processing"]
)
async def test_whatever_the_register_suffers_it_has_one_receipt_in_the_end(stage: Stage, kind: str) -> None:
    """W9, F2: its own faults, before and after it has taken the receipt."""
    attempt = await stage.begin_paid()
    fault = {"kind": kind, "method": "POST", "path": "/sandbox/v3/receipts"}
    assert (await stage.browse("POST", "/sandbox/control/v1/faults", json=fault)).status_code == 201
    asked = receipt(attempt)
    assert (await stage.post("receipts", asked)).status_code == 503
    assert (await register(stage, asked))["status"] == "succeeded"
    assert len(await receipts_there(stage, attempt)) == 1


async def test_older_than_its_key_a_receipt_is_found_before_it_is_handed_in(stage: Stage) -> None:
    """W10: another key would make a second receipt; the money's own is looked for first."""
    attempt = await stage.begin_paid()
    stage.network.fail(REGISTER, cut_reply)
    await stage.post("receipts", receipt(attempt))
    state = await register(stage, receipt(attempt, is_first=False))
    (there,) = await receipts_there(stage, attempt)
    assert state["reference"] == there["id"]
    assert stage.network.count(REGISTER) == 1


async def test_a_receipt_that_was_canceled_is_not_taken_for_ours(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    await register(stage, receipt(attempt))
    stage.network.fail(LIST, alter(lambda content: content.replace(b'"succeeded"', b'"canceled"')))
    again = receipt(attempt, is_first=False)
    await register(stage, again)
    assert stage.network.keys(REGISTER)[-1] == str(again.id)


async def test_a_definite_no_fails_the_receipt(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    refusal = b'{"type": "error", "id": "1", "code": "invalid_request", "description": "Receipt is illegal"}'
    stage.network.fail(REGISTER, answer(400, refusal))
    state = await register(stage, receipt(attempt))
    assert (state["status"], state["failure"]["code"]) == ("failed", "provider_refused")


async def test_one_that_is_being_registered_is_read_by_its_reference(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    asked = receipt(attempt)
    stage.network.fail(REGISTER, alter(lambda content: content.replace(b'"succeeded"', b'"pending"')))
    state = await register(stage, asked)
    assert (state["status"], state["document"]) == ("pending", None)
    known = asked.model_copy(update={"reference": state["reference"], "is_first": False})
    stage.network.fail(READ, answer(404, b'{"type": "error", "id": "1", "code": "not_found"}'))
    assert (await stage.post("receipts", known)).status_code == 503
    stage.network.fail(READ, alter(lambda content: content.replace(b'"succeeded"', b'"canceled"')))
    canceled = await register(stage, known)
    assert (canceled["status"], canceled["failure"]["code"]) == ("failed", "provider_refused")
    assert (await register(stage, known))["status"] == "succeeded"
    assert stage.network.count(REGISTER) == 1


@pytest.mark.parametrize(
    "fault",
    [
        answer(403, b'{"type": "error", "id": "1", "code": "forbidden"}'),
        alter(lambda content: content.replace(b'"type"', b'"tpye"')),
    ],
)
async def test_a_list_that_cannot_be_read_decides_nothing(stage: Stage, fault: Any) -> None:
    attempt = await stage.begin_paid()
    await register(stage, receipt(attempt))
    stage.network.fail(LIST, fault)
    assert (await stage.post("receipts", receipt(attempt, is_first=False))).status_code == 503
    assert stage.network.count(REGISTER) == 1


async def test_a_refund_has_a_receipt_of_its_own(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    await register(stage, receipt(attempt))
    asked = give_back(attempt, amount_minor=100)
    await stage.refund(attempt, asked)
    state = await register(stage, receipt(attempt, (1, 100), refund_id=asked.id))
    (refund,) = (
        await stage.ask_sandbox("GET", "refunds", params={"payment_id": attempt["provider_reference"]})
    )["items"]
    (there,) = (await stage.ask_sandbox("GET", "receipts", params={"refund_id": refund["id"]}))["items"]
    assert (there["id"], there["type"], there["settlements"][0]["amount"]["value"]) == (
        state["reference"],
        "refund",
        "1.00",
    )
    again = await register(stage, receipt(attempt, (1, 100), refund_id=asked.id, is_first=False))
    assert again["reference"] == state["reference"]


async def refused(stage: Stage, asked: ReceiptStart) -> tuple[int, str]:
    response = await stage.post("receipts", asked)
    return response.status_code, response.json()["code"]


async def test_money_that_is_not_known_to_have_moved_has_no_receipt(stage: Stage) -> None:
    attempt = await stage.begin()
    assert await refused(stage, receipt(attempt)) == (409, "payment.receipt_untimely")
    paid = await stage.begin_paid(PENDING_REFUND_CARD)
    pending = give_back(paid)
    await stage.refund(paid, pending)
    assert await refused(stage, receipt(paid, refund_id=pending.id)) == (409, "payment.receipt_untimely")
    assert stage.network.count(REGISTER) == 0


async def test_what_belongs_to_other_money_is_not_found(stage: Stage) -> None:
    attempt, other = await stage.begin_paid(), await stage.begin_paid()
    refund = give_back(other)
    await stage.refund(other, refund)
    assert await refused(stage, receipt(attempt, attempt_id=uuid4())) == (404, "payment.attempt_not_found")
    assert await refused(stage, receipt(attempt, payment_id=uuid4())) == (404, "payment.attempt_not_found")
    assert await refused(stage, receipt(attempt, refund_id=uuid4())) == (404, "payment.refund_not_found")
    assert await refused(stage, receipt(attempt, refund_id=refund.id)) == (404, "payment.refund_not_found")


async def test_a_payment_system_without_a_register_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await stage.begin_paid()
    monkeypatch.delitem(stage.resources.outside.registers, "yookassa")
    assert await refused(stage, receipt(attempt)) == (409, "payment.receipts_unsupported")


@pytest.mark.parametrize(
    "words",
    [
        {"total": roubles(39901)},
        {"total": Amount(amount_minor=39900, currency="USD")},
        {"vat_code": 13},
        {"tax_system_code": 0},
        {"reference": "../payments"},
    ],
)
async def test_what_no_register_could_take_is_refused_before_it_is_asked(
    stage: Stage, words: dict[str, Any]
) -> None:
    attempt = await stage.begin_paid()
    assert (await stage.post("receipts", receipt(attempt, **words))).status_code == 422
    assert stage.network.count(REGISTER) == 0


async def test_the_door_is_for_our_services_only(stage: Stage) -> None:
    attempt = await stage.begin_paid()
    content = receipt(attempt).model_dump_json()
    for headers in ({}, stage.auth.user(uuid4())):
        response = await stage.caller().post(
            "/payment/internal/v1/receipts",
            content=content,
            headers={"Content-Type": "application/json", **headers},
        )
        assert response.status_code in {401, 403}


async def test_the_buyers_address_stands_in_no_log(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    attempt = await stage.begin_paid()
    stage.network.fail(
        REGISTER, answer(400, b'{"type": "error", "id": "1", "code": "x", "description": "no"}')
    )
    await register(stage, receipt(attempt))
    stage.network.fail(REGISTER, refuse_connection)
    await stage.post("receipts", receipt(attempt))
    await stage.post("receipts", receipt(attempt, vat_code=99))
    said = "".join(capfd.readouterr())
    assert "receipt refused" in said
    assert EMAIL not in said
    assert EMAIL not in repr(receipt(attempt))
