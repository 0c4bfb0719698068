"""Checkout when payment-service answers late, wrongly, or not at all."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx
import orjson
import pytest

from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk, attempt
from tests.billing.test_purchase import create
from theatre.billing import open_attempts
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import PaymentClient
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions
from theatre.kit.http import ServiceClient

Make = Callable[..., Caller]


def hang_up(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


async def status_of(caller: Caller, payment: dict[str, object]) -> str:
    return str((await caller.get(f"/payments/{payment['id']}")).json()["status"])


@pytest.mark.parametrize(
    "answer",
    [
        hang_up,
        lambda _: httpx.Response(500, json={}),
        lambda _: httpx.Response(503, json={}),
        lambda _: httpx.Response(200, text="<html>"),
        lambda _: httpx.Response(200, json={"id": 1}),
        lambda _: httpx.Response(302, headers={"Location": "https://evil.example"}),
        lambda _: httpx.Response(404, json={"code": "x"}),
    ],
)
async def test_no_clear_answer_is_not_a_failure(
    make_caller: Make, desk: PaymentDesk, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    """W8: the payment stays pending, and asking again goes on with the very same attempt."""
    caller = make_caller()
    payment = await create(caller)
    desk.answer = answer
    unknown = await caller.post(f"/payments/{payment['id']}/checkout", key="k")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "billing.checkout_unknown")
    assert unknown.headers["Retry-After"]
    assert await status_of(caller, payment) == "pending"
    desk.answer = desk.usual
    again = await caller.post(f"/payments/{payment['id']}/checkout", key="k")
    assert again.status_code == 200
    assert len({body["id"] for _, _, body in desk.asked}) == 1


async def test_where_no_provider_is_named_none_is_asked_for_until_one_has_given_its_link(
    make_caller: Make, desk: PaymentDesk, clock: MovableClock
) -> None:
    """Payment-service chooses, and may choose anew while nothing is begun: each time it is asked in the same words."""
    caller = make_caller()
    payment = await create(caller)
    path = f"/payments/{payment['id']}"
    desk.answer = hang_up
    await caller.post(f"{path}/checkout")
    assert (await caller.get(path)).json()["provider"] is None
    desk.answer = lambda request: httpx.Response(
        200,
        json=attempt(orjson.loads(request.content), provider="stripe", expires_at=clock.now().isoformat()),
    )
    await caller.post(f"{path}/checkout")
    assert {body["provider"] for method, _, body in desk.asked if method == "POST"} == {None}
    desk.answer = lambda request: httpx.Response(
        200, json=attempt(orjson.loads(request.content), provider="stripe")
    )
    assert (await caller.post(f"{path}/checkout")).status_code == 200
    assert (await caller.get(path)).json()["provider"] == "stripe"


async def test_a_named_provider_is_asked_for(make_caller: Make, desk: PaymentDesk) -> None:
    caller = make_caller()
    payment = await create(caller)
    await caller.post(f"/payments/{payment['id']}/checkout", {"provider": "stripe"})
    assert [body["provider"] for _, _, body in desk.asked] == ["stripe"]


async def test_a_refused_attempt_says_why_and_invents_no_link(make_caller: Make, desk: PaymentDesk) -> None:
    caller = make_caller()
    payment = await create(caller)
    failure = {"code": "general_decline", "message": "The bank said no."}
    desk.answer = lambda request: httpx.Response(
        200,
        json=attempt(orjson.loads(request.content), status="failed", confirmation_url=None, failure=failure),
    )
    answer = await caller.post(f"/payments/{payment['id']}/checkout")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing.checkout_refused")
    assert answer.json()["detail"] == "The bank said no."


def refuse_to_store(code: str) -> Callable[[httpx.Request], httpx.Response]:
    """Answer as payment-service to an attempt that it refuses, and to questions about it."""
    return lambda request: httpx.Response(404 if request.method == "GET" else 422, json={"code": code})


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("payment.amount_too_small", 409, "billing.amount_too_small"),
        ("payment.provider_unknown", 422, "billing.provider_unknown"),
        ("payment.return_url_foreign", 422, "billing.return_url_foreign"),
        ("kit.validation_failed", 409, "billing.checkout_refused"),
    ],
)
async def test_an_attempt_that_is_not_stored_leaves_the_payment_unpaid(
    make_caller: Make, desk: PaymentDesk, code: str, status: int, told: str
) -> None:
    """M10, of an amount too small: it may be tried again with another payment system."""
    caller = make_caller()
    payment = await create(caller)
    desk.answer = refuse_to_store(code)
    answer = await caller.post(f"/payments/{payment['id']}/checkout", {"provider": "acme"})
    assert (answer.status_code, answer.json()["code"]) == (status, told)
    assert await status_of(caller, payment) == "unpaid"


async def test_an_attempt_begun_before_is_not_taken_back_because_it_is_refused_now(
    make_caller: Make, desk: PaymentDesk
) -> None:
    """Its link may still be paid: a second attempt beside it could take the money twice."""
    caller = make_caller()
    payment = await create(caller)
    desk.answer = hang_up
    await caller.post(f"/payments/{payment['id']}/checkout")
    begun = desk.asked[0][2]
    desk.answer = lambda request: (
        httpx.Response(200, json=attempt(begun))
        if request.method == "GET"
        else httpx.Response(422, json={"code": "payment.return_url_foreign"})
    )
    again = await caller.post(f"/payments/{payment['id']}/checkout")
    assert (again.status_code, again.json()["code"]) == (503, "billing.checkout_unknown")
    assert await status_of(caller, payment) == "pending"


async def test_a_wish_to_cancel_outlives_an_attempt_that_was_never_stored(
    make_caller: Make, desk: PaymentDesk
) -> None:
    caller = make_caller()
    payment = await create(caller)
    path = f"/payments/{payment['id']}"

    async def cancel() -> None:
        await caller.post(f"{path}/cancel")

    desk.before_answer = cancel
    desk.answer = refuse_to_store("payment.provider_unknown")
    await caller.post(f"{path}/checkout", {"provider": "acme"})
    assert await status_of(caller, payment) == "canceled"


async def test_the_janitor_takes_back_what_payment_service_will_never_store(
    make_caller: Make, desk: PaymentDesk, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """K2: died between commit and call, with a payment system that does not exist."""
    caller = make_caller()
    payment = await create(caller)
    desk.answer = hang_up
    await caller.post(f"/payments/{payment['id']}/checkout", {"provider": "acme"})
    desk.answer = refuse_to_store("payment.provider_unknown")
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    while await open_attempts.ask_due(
        sessions, client, settings=settings, now=clock.now() + timedelta(minutes=2)
    ):
        pass
    await client.close()
    assert await status_of(caller, payment) == "unpaid"


async def test_an_expired_payment_cannot_be_checked_out(make_caller: Make, clock: MovableClock) -> None:
    caller = make_caller()
    payment = await create(caller)
    clock.advance(timedelta(days=2))
    token = {"Authorization": caller.http.headers["Authorization"]}
    answer = await caller.http.post(
        f"/billing/api/v1/payments/{payment['id']}/checkout", headers={**token, "Idempotency-Key": "k"}
    )
    # the token is older than the moved clock allows, which is refused first
    assert answer.status_code == 401


async def test_a_wish_to_cancel_closes_the_checkout(make_caller: Make) -> None:
    caller = make_caller()
    payment = await create(caller)
    path = f"/payments/{payment['id']}"
    await caller.post(f"{path}/checkout")
    canceled = await caller.post(f"{path}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "pending")
    assert canceled.json()["cancel_requested_at"]
    assert (await caller.post(f"{path}/checkout")).json()["code"] == "billing.payment_not_payable"


async def test_the_link_that_is_over_is_asked_for_again(
    make_caller: Make, desk: PaymentDesk, clock: MovableClock
) -> None:
    caller = make_caller()
    payment = await create(caller)
    path = f"/payments/{payment['id']}/checkout"
    desk.answer = lambda request: httpx.Response(
        200, json=attempt(orjson.loads(request.content), expires_at=clock.now().isoformat())
    )
    await caller.post(path)
    await caller.post(path)
    assert len(desk.asked) == 2


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({"status": "pending"}, "billing.link_expired"),
        ({"status": "succeeded"}, "billing.attempt_settling"),
        ({"status": "failed"}, "billing.checkout_refused"),
    ],
)
async def test_a_dead_link_is_never_given_out(
    make_caller: Make, desk: PaymentDesk, clock: MovableClock, *, outcome: dict[str, str], code: str
) -> None:
    """What the payment system says is asked for first: the money may be on its way."""
    caller = make_caller()
    payment = await create(caller)
    over = (clock.now() - timedelta(seconds=1)).isoformat()

    def answer(request: httpx.Request) -> httpx.Response:
        said = outcome if request.method == "GET" else {}
        return httpx.Response(200, json=attempt(desk.asked[0][2], expires_at=over, **said))

    desk.answer = answer
    refused = await caller.post(f"/payments/{payment['id']}/checkout")
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert ("Retry-After" in refused.headers) == (code != "billing.checkout_refused")
    assert await status_of(caller, payment) == "pending"


async def test_the_janitor_asks_about_open_attempts_and_starts_those_never_heard_of(
    make_caller: Make, desk: PaymentDesk, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """K2, F-K5: a payment whose process died between commit and call, or whose buyer left, goes on by itself."""
    caller = make_caller()
    payment = await create(caller)
    desk.answer = hang_up
    await caller.post(f"/payments/{payment['id']}/checkout")
    desk.asked.clear()

    def unheard_of(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"code": "x"}) if request.method == "GET" else desk.usual(request)

    desk.answer = unheard_of
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    later = clock.now() + timedelta(minutes=2)
    while await open_attempts.ask_due(sessions, client, settings=settings, now=later):
        pass
    await client.close()
    mine = [
        method
        for method, _, body in desk.asked
        if method == "POST" and UUID(body["payment_id"]) == UUID(str(payment["id"]))
    ]
    assert mine == ["POST"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (
            {
                "status": "succeeded",
                "captured": {"amount_minor": 39900, "currency": "RUB"},
                "captured_at": "2026-11-22T12:00:00Z",
            },
            "paid",
        ),
        ({"status": "failed", "failure": {"code": "declined", "message": "The bank said no."}}, "unpaid"),
    ],
)
async def test_an_outcome_whose_message_was_lost_is_learned_by_asking(
    make_caller: Make,
    desk: PaymentDesk,
    *,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    outcome: dict[str, object],
    status: str,
) -> None:
    """F-B4: a broker that lost its data, or a message put aside as dead, leaves no payment pending for ever."""
    caller = make_caller()
    payment = await create(caller)
    await caller.post(f"/payments/{payment['id']}/checkout")
    begun = desk.asked[0][2]
    desk.answer = lambda request: (
        httpx.Response(200, json=attempt(begun, **outcome))  # type: ignore[arg-type]
        if request.url.path.endswith(begun["id"])
        else httpx.Response(503)
    )
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    later = clock.now() + timedelta(minutes=2)
    while await open_attempts.ask_due(sessions, client, settings=settings, now=later):
        pass
    await client.close()
    assert await status_of(caller, payment) == status
