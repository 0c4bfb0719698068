"""Ways to pay that payers let YooKassa keep, and money taken by them without the payer."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import func, select

from tests.payment.network import answer, cut_reply, refuse_connection
from tests.payment.stage import CREATE, GOOD_CARD, Stage, order
from theatre.contracts.money import Amount
from theatre.contracts.payment import PREFIX
from theatre.contracts.payment_methods import ChargeStart, SavedMethod
from theatre.kit.ids import new_id
from theatre.payment.models import Attempt
from theatre.payment.providers.yookassa_methods import read_saved

CHARGES_REFUSED_CARD = "2200999900000032"


def charge_of(method: str, **words: Any) -> ChargeStart:
    """Write what billing asks for when nobody is there to pay."""
    amount = Amount(amount_minor=words.pop("total_minor", 39900), currency=words.pop("currency", "RUB"))
    defaults = {
        "id": new_id(),
        "payment_id": new_id(),
        "user_id": new_id(),
        "total": amount,
        "description": "A month of films",
        "provider": "yookassa",
        "method_reference": method,
    }
    return ChargeStart(**{**defaults, **words})


async def ask(stage: Stage, asked: ChargeStart) -> httpx.Response:
    headers = {"Content-Type": "application/json", **stage.auth.service("billing")}
    return await stage.caller().post(f"{PREFIX}/charges", content=asked.model_dump_json(), headers=headers)


async def charge(stage: Stage, asked: ChargeStart) -> dict[str, Any]:
    response = await ask(stage, asked)
    assert response.status_code == 200, response.text
    attempt: dict[str, Any] = response.json()
    return attempt


async def saved_method(stage: Stage, card: str = GOOD_CARD) -> str:
    """Pay once and let the card be kept; gives its reference."""
    attempt = await stage.begin_paid(card, save_method=True)
    method = (await stage.read(attempt["id"]))["method"]
    stage.network.calls.clear()
    return str(method["reference"])


async def test_a_success_tells_what_the_payer_let_be_kept_and_never_the_whole_number(stage: Stage) -> None:
    attempt = await stage.begin_paid(save_method=True)
    [(_, fact)] = await stage.facts(attempt)
    assert fact["method"] == {
        "reference": attempt["provider_reference"],
        "kind": "bank_card",
        "brand": "MasterCard",
        "last4": "4444",
        "expiry_month": 12,
        "expiry_year": 2040,
    }
    assert GOOD_CARD not in orjson.dumps(fact).decode()


async def test_what_nobody_asked_to_be_kept_is_not_told_of(stage: Stage) -> None:
    """Also where the payer ticks the box on the payment system's own page: it was not us that he told."""
    attempt = await stage.begin()
    form = {
        "card_number": GOOD_CARD,
        "expiry_month": "12",
        "expiry_year": "2040",
        "cvc": "123",
        "save_card": "1",
    }
    await stage.browse("POST", attempt["confirmation_url"], data=form)
    await stage.call_back("payment.succeeded", attempt["provider_reference"])
    assert [fact["method"] for _, fact in await stage.facts(attempt)] == [None]


@pytest.mark.parametrize(
    "method",
    [
        None,
        {},
        {"type": "bank_card", "id": "m", "saved": False},
        {"type": "bank_card", "id": "m", "saved": "true"},
        {"type": "bank_card", "saved": True},
        {"type": "bank_card", "id": "m", "saved": True, "card": {"last4": GOOD_CARD}},
        {"type": "bank_card", "id": "m", "saved": True, "card": {"expiry_month": "13"}},
        {"type": "bank_card", "id": "../../etc", "saved": True},
    ],
)
def test_a_method_that_was_not_kept_or_makes_no_sense_is_none(method: dict[str, object] | None) -> None:
    assert read_saved(method) is None


def test_a_method_without_a_card_is_read_as_well() -> None:
    read = read_saved({"type": "yoo_money", "id": "m", "saved": True, "account_number": "41001"})
    assert read == SavedMethod(reference="m", kind="yoo_money")


async def test_a_saved_method_is_charged_without_its_payer(stage: Stage) -> None:
    asked = charge_of(await saved_method(stage))
    attempt = await charge(stage, asked)
    assert (attempt["status"], attempt["captured"], attempt["confirmation_url"]) == (
        "succeeded",
        {"amount_minor": 39900, "currency": "RUB"},
        None,
    )
    assert attempt["method"] is None
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_the_same_charge_many_times_takes_money_once(stage: Stage) -> None:
    """Also at the same moment, and when its callback comes first, last or again."""
    asked = charge_of(await saved_method(stage))
    attempts = await asyncio.gather(*(charge(stage, asked) for _ in range(10)))
    for attempt in [*attempts, *attempts]:
        await stage.call_back("payment.succeeded", attempt["provider_reference"])
    assert len({attempt["provider_reference"] for attempt in attempts}) == 1
    assert set(stage.network.keys(CREATE)) == {str(asked.id)}
    assert await stage.fact_keys(attempts[0]) == ["payment.attempt.succeeded"]


@pytest.mark.parametrize(
    "words",
    [
        {"total_minor": 39901},
        {"payment_id": UUID(int=404)},
        {"user_id": UUID(int=404)},
        {"description": "Something else"},
        {"method_reference": "another"},
    ],
)
async def test_the_same_id_with_other_words_is_a_conflict(stage: Stage, words: dict[str, Any]) -> None:
    asked = charge_of(await saved_method(stage))
    await charge(stage, asked)
    response = await ask(stage, asked.model_copy(update={**words, **money_of(words)}))
    assert (response.status_code, response.json()["code"]) == (409, "payment.attempt_id_reused")


def money_of(words: dict[str, Any]) -> dict[str, Any]:
    if "total_minor" not in words:
        return {}
    return {"total": Amount(amount_minor=words["total_minor"], currency="RUB")}


async def test_a_charge_and_a_link_are_never_the_same_attempt(stage: Stage) -> None:
    asked = charge_of(await saved_method(stage))
    await charge(stage, asked)
    link = order(id=asked.id, payment_id=asked.payment_id, user_id=asked.user_id)
    assert (await stage.post("attempts", link)).json()["code"] == "payment.attempt_id_reused"


async def test_a_payment_with_an_open_link_is_not_charged_beside_it(stage: Stage) -> None:
    method = await saved_method(stage)
    attempt = await stage.begin()
    response = await ask(stage, charge_of(method, payment_id=attempt["payment_id"]))
    assert (response.status_code, response.json()["code"]) == (409, "payment.attempt_open")


@pytest.mark.parametrize(
    ("provider", "code"),
    [
        ("stripe", "payment.charges_unsupported"),
        ("yoomoney", "payment.charges_unsupported"),
        ("acme", "payment.provider_unknown"),
    ],
)
async def test_who_keeps_no_methods_is_not_asked_to_charge(stage: Stage, provider: str, code: str) -> None:
    response = await ask(stage, charge_of("m", provider=provider))
    assert (response.status_code, response.json()["code"]) == (422, code)
    async with stage.resources.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Attempt)) == 0


async def test_users_do_not_charge(stage: Stage) -> None:
    headers = {"Content-Type": "application/json", **stage.auth.user(new_id())}
    body = charge_of("m").model_dump_json()
    assert (await stage.caller().post(f"{PREFIX}/charges", content=body, headers=headers)).status_code in {
        401,
        403,
    }


async def test_a_refused_charge_says_why(stage: Stage) -> None:
    asked = charge_of(await saved_method(stage, CHARGES_REFUSED_CARD))
    attempt = await charge(stage, asked)
    assert (attempt["status"], attempt["failure"]["code"]) == ("failed", "insufficient_funds")
    assert await stage.fact_keys(attempt) == ["payment.attempt.failed"]


async def test_a_revoked_permission_is_told_as_such(stage: Stage) -> None:
    method = await saved_method(stage)
    await stage.browse("POST", f"/sandbox/control/v1/payment_methods/{method}/revoke")
    attempt = await charge(stage, charge_of(method))
    assert (attempt["status"], attempt["failure"]["code"]) == ("failed", "permission_revoked")


async def test_a_method_that_the_payment_system_does_not_know_fails_for_good(stage: Stage) -> None:
    attempt = await charge(stage, charge_of(str(UUID(int=404))))
    assert (attempt["status"], attempt["failure"]["code"]) == ("failed", "provider_refused")


@pytest.mark.parametrize("fault", [cut_reply, refuse_connection, answer(500), answer(401), answer(429)])
async def test_no_answer_to_a_charge_is_not_a_failure(stage: Stage, fault: Any) -> None:
    """W8: it is asked again with the same key until it is known; the money is taken once."""
    asked = charge_of(await saved_method(stage))
    stage.network.fail(CREATE, fault)
    assert (await ask(stage, asked)).status_code == 503
    assert (await stage.read(str(asked.id)))["status"] == "created"
    await stage.wait(seconds=31)
    attempt = await stage.read(str(asked.id))
    assert attempt["status"] == "succeeded"
    assert set(stage.network.keys(CREATE)) == {str(asked.id)}
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_a_charge_whose_key_grew_old_is_looked_for_before_it_is_begun_again(stage: Stage) -> None:
    """W10, F-P4"""
    asked = charge_of(await saved_method(stage))
    stage.network.fail(CREATE, cut_reply)
    await ask(stage, asked)
    await stage.wait(hours=24)
    assert stage.network.count(CREATE) == 1
    assert (await stage.read(str(asked.id)))["status"] == "succeeded"


async def test_a_charge_taken_back_before_it_began_never_begins(stage: Stage) -> None:
    """Whoever removes a card is not charged by what waited; it is known to be over once nothing can be under way."""
    asked = charge_of(await saved_method(stage))
    stage.network.fail(CREATE, refuse_connection)
    await ask(stage, asked)
    for _ in range(2):
        assert (await stage.post(f"attempts/{asked.id}/cancel")).status_code == 200
    assert (await ask(stage, asked)).status_code == 503
    await stage.wait(minutes=9)
    assert (await stage.read(str(asked.id)))["status"] == "created"
    await stage.wait(minutes=2)
    attempt = await stage.read(str(asked.id))
    assert (attempt["status"], attempt["failure"]["code"]) == ("failed", "canceled")
    assert stage.network.count(CREATE) == 1


async def test_a_charge_taken_back_too_late_is_found_to_have_taken_the_money(stage: Stage) -> None:
    asked = charge_of(await saved_method(stage))
    stage.network.fail(CREATE, cut_reply)
    await ask(stage, asked)
    await stage.post(f"attempts/{asked.id}/cancel")
    await stage.wait(minutes=11)
    attempt = await stage.read(str(asked.id))
    assert attempt["status"] == "succeeded"
    assert (await stage.post(f"attempts/{asked.id}/cancel")).json()["status"] == "succeeded"


async def test_money_of_a_charge_is_given_back_like_any_other(stage: Stage) -> None:
    attempt = await charge(stage, charge_of(await saved_method(stage)))
    assert (await stage.refund(attempt))["status"] == "succeeded"


async def test_an_amount_too_small_is_not_charged(stage: Stage) -> None:
    response = await ask(stage, charge_of("m", total_minor=99))
    assert (response.status_code, response.json()["code"]) == (422, "payment.amount_too_small")
