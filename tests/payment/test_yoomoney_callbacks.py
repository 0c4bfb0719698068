"""YooMoney's notifications at our door: authentic, forged, replayed, changed, lost."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from tests.payment.network import answer, refuse_connection
from tests.payment.payer import Payer
from tests.payment.stage import HOUSE, Stage, give_back, order
from theatre.payment.failures import BY_HAND
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.yoomoney_signatures import sha1_of, sign_of
from theatre.payment.wallet_payments import order_of

DOOR = "/payment/api/v1/callbacks/yoomoney"
DETAILS = "POST /sandbox/yoomoney/api/operation-details"
HISTORY = "POST /sandbox/yoomoney/api/operation-history"
SEND = "POST /sandbox/yoomoney/api/process-payment"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def begin_paid(stage: Stage, *, by: str = "wallet", **words: Any) -> tuple[dict[str, Any], bytes]:
    """Begin an attempt and pay its form; give it with the notification that the sandbox wrote."""
    attempt = await stage.begin(order(provider="yoomoney", **words))
    wanted = order_of(await stage.row(attempt["id"]))
    await Payer(stage).pay_form(stage.desk.wallet.pay_form(wanted, return_url=f"{HOUSE}/r"), by=by)
    return attempt, await notification_of(stage, attempt["id"])


async def notification_of(stage: Stage, label: str) -> bytes:
    """Give the notification about a label as it goes over the wire."""
    transport = httpx.ASGITransport(stage.network.applications["sandbox"])
    async with httpx.AsyncClient(transport=transport, base_url=HOUSE) as tester:
        response = await tester.get("/sandbox/control/v1/yoomoney/notifications", params={"label": label})
    body: str = response.json()["items"][0]["body"]
    return body.encode()


async def tell(stage: Stage, body: bytes, **headers: str) -> httpx.Response:
    """Send a notification."""
    return await stage.caller("203.0.113.9").post(DOOR, content=body, headers={**FORM, **headers})


def changed(body: bytes, **fields: str) -> bytes:
    return urlencode({**dict(parse_qsl(body.decode(), keep_blank_values=True)), **fields}).encode()


def resigned(stage: Stage, body: bytes, *, secret: str | None = None, **fields: str) -> bytes:
    """Change a notification and sign it anew, as nobody but YooMoney could."""
    given = {**dict(parse_qsl(body.decode(), keep_blank_values=True)), **fields}
    own = stage.settings.yoomoney_notification_secrets.get_secret_value()
    return urlencode({**given, "sign": sign_of(given, secret or own)}).encode()


@pytest.mark.parametrize("by", ["wallet", "card"])
async def test_a_signed_notification_settles_the_attempt_at_the_price(stage: Stage, by: str) -> None:
    attempt, body = await begin_paid(stage, by=by)
    assert (await tell(stage, body)).status_code == 200
    row = await stage.row(attempt["id"])
    assert (row.status, row.captured_minor, row.captured_currency) == ("succeeded", 39900, "RUB")
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]


async def test_the_same_notification_ten_times_at_once_has_one_effect(stage: Stage) -> None:
    """F-C1, F-C8: replays are known by their operation."""
    attempt, body = await begin_paid(stage)
    responses = await asyncio.gather(*(tell(stage, body) for _ in range(10)))
    assert {response.status_code for response in responses} == {200}
    stage.clock.advance(timedelta(days=3))
    assert (await tell(stage, body)).status_code == 200
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    assert len(await stage.events()) == 1


async def test_what_is_not_signed_as_it_stands_changes_nothing_and_is_not_kept(stage: Stage) -> None:
    """F-C6, F-C7"""
    attempt, body = await begin_paid(stage)
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    own = stage.settings.yoomoney_notification_secrets.get_secret_value()
    unsigned = {name: value for name, value in fields.items() if name != "sign"}
    forged = {
        "no signature": urlencode({n: v for n, v in unsigned.items() if n != "sha1_hash"}).encode(),
        "the old hash alone": urlencode({**unsigned, "sha1_hash": sha1_of(fields, own)}).encode(),
        "the old hash in the new place": changed(body, sign=sha1_of(fields, own)),
        "another secret": resigned(stage, body, secret="another"),
        "another label": changed(body, label=str(attempt["payment_id"])),
        "another sum charged": changed(body, withdraw_amount="1.00"),
        "accepted after all": changed(body, unaccepted="true"),
    }
    for name, content in forged.items():
        assert (await tell(stage, content)).status_code in {401, 403}, name
    assert (await stage.row(attempt["id"])).status == "pending"
    assert await stage.events() == []


async def test_what_cannot_be_read_is_refused_by_kind(stage: Stage) -> None:
    """F-C14, S-P1"""
    _, body = await begin_paid(stage)
    assert (await tell(stage, body + b"&label=1")).status_code == 400
    assert (await tell(stage, b"&".join(b"f%d=1" % number for number in range(10_000)))).status_code == 400
    assert (await tell(stage, b"\xff\xfe=1")).status_code == 400
    assert (await tell(stage, b"x" * (1024 * 1024 + 1))).status_code == 413
    assert (await tell(stage, body, **{"Content-Type": "application/json"})).status_code == 415
    for method in ("GET", "PUT", "DELETE"):
        assert (await stage.caller().request(method, DOOR)).status_code == 405
    assert await stage.events() == []


async def test_a_signed_notification_that_the_history_does_not_confirm_is_forged(stage: Stage) -> None:
    """Whoever has the secret has not the money: nothing is paid that our wallet does not show."""
    attempt, body = await begin_paid(stage)
    invented = resigned(stage, body, operation_id="1")
    assert (await tell(stage, invented)).status_code == 403
    assert (await stage.row(attempt["id"])).status == "pending"


async def test_the_test_button_and_money_that_is_held_back_pay_nothing(stage: Stage) -> None:
    attempt, body = await begin_paid(stage)
    for change in ({"test_notification": "true"}, {"unaccepted": "true"}, {"codepro": "true"}):
        assert (await tell(stage, resigned(stage, body, **change))).status_code == 200
        assert (await stage.row(attempt["id"])).status == "pending"
    assert {event.status for event in await stage.events()} == {"rejected"}
    assert (await tell(stage, body)).status_code == 200
    assert (await stage.row(attempt["id"])).status == "succeeded"


async def test_a_history_that_does_not_answer_leaves_the_notification_to_the_janitor(stage: Stage) -> None:
    attempt, body = await begin_paid(stage)
    stage.network.fail(DETAILS, refuse_connection)
    assert (await tell(stage, body)).status_code == 200
    assert (await stage.row(attempt["id"])).status == "pending"
    await stage.wait(seconds=31)
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert {event.status for event in await stage.events()} == {"applied"}


async def test_a_label_that_names_nothing_of_ours_waits_for_a_person(stage: Stage) -> None:
    """F-C11"""
    stage.network.calls.clear()
    attempt = await stage.begin(order(provider="yoomoney"))
    wanted = order_of(await stage.row(attempt["id"]))
    form = stage.desk.wallet.pay_form(wanted, return_url=f"{HOUSE}/r")
    label = f"somebody-{attempt['id'][:8]}"
    await Payer(stage).pay_form(type(form)(form.address, {**form.fields, "label": label}, form.ways))
    assert (await tell(stage, await notification_of(stage, label))).status_code == 200
    [event] = await stage.events()
    assert event.status == "waiting"


async def test_paying_twice_is_kept_for_a_person(stage: Stage) -> None:
    attempt, first = await begin_paid(stage)
    wanted = order_of(await stage.row(attempt["id"]))
    await Payer(stage).pay_form(stage.desk.wallet.pay_form(wanted, return_url=f"{HOUSE}/r"))
    second = await notification_of(stage, attempt["id"])
    assert second != first
    for body in (first, second):
        assert (await tell(stage, body)).status_code == 200
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    [kept] = [event for event in await stage.events() if event.status == "rejected"]
    assert kept.case_opened_at is not None


async def test_after_the_third_lost_notification_the_janitor_finds_the_money_by_itself(stage: Stage) -> None:
    """F-C5: YooMoney gives up within about an hour; nothing came here at all."""
    attempt, _ = await begin_paid(stage)
    stage.network.fail(HISTORY, answer(502), times=3)
    for _ in range(4):
        await stage.wait(minutes=20)
    row = await stage.row(attempt["id"])
    assert (row.status, row.captured_minor) == ("succeeded", 39900)


async def test_money_that_comes_after_the_end_is_believed(stage: Stage) -> None:
    """F-C4"""
    attempt = await stage.begin(order(provider="yoomoney"))
    wanted = order_of(await stage.row(attempt["id"]))
    await stage.wait(hours=3)
    assert (await stage.row(attempt["id"])).status == "failed"
    await Payer(stage).pay_form(stage.desk.wallet.pay_form(wanted, return_url=f"{HOUSE}/r"))
    assert (await tell(stage, await notification_of(stage, attempt["id"]))).status_code == 200
    assert (await stage.row(attempt["id"])).status == "succeeded"


async def test_money_goes_back_to_the_wallet_that_paid(stage: Stage) -> None:
    attempt, body = await begin_paid(stage)
    await tell(stage, body)
    wanted = give_back(attempt, amount_minor=10000)
    assert (await stage.refund(attempt, wanted))["status"] == "succeeded"
    assert (await stage.refund(attempt, wanted))["status"] == "succeeded"
    assert stage.network.count(SEND) == 1
    assert "payment.refund.succeeded" in await stage.fact_keys(attempt)


async def test_a_refund_whose_answer_was_lost_is_paid_once(stage: Stage) -> None:
    attempt, body = await begin_paid(stage)
    await tell(stage, body)

    async def cut(request: httpx.Request, forward: Any) -> httpx.Response:
        await forward(request)
        raise httpx.ReadTimeout("cut", request=request)

    stage.network.fail(SEND, cut)
    refund = await stage.refund(attempt)
    assert refund["status"] == "pending"
    await stage.wait(seconds=31)
    assert (await stage.refund(attempt, give_back(attempt, id=refund["id"])))["status"] == "succeeded"
    assert stage.network.count(SEND) == 1


async def test_money_of_a_card_goes_back_by_hand_and_says_so(stage: Stage) -> None:
    attempt, body = await begin_paid(stage, by="card")
    await tell(stage, body)
    refund = await stage.refund(attempt)
    assert (refund["status"], refund["failure"]["code"]) == ("failed", BY_HAND)
    assert stage.network.count(SEND) == 0


async def test_a_link_is_not_taken_back_before_its_time(stage: Stage) -> None:
    attempt = await stage.begin(order(provider="yoomoney"))
    with pytest.raises(ProviderRefused):
        await stage.resources.outside.providers["yoomoney"].cancel(attempt["provider_reference"])
