"""What comes back over the wire from YooKassa, in every broken shape, and what we make of it."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.clock import SystemClock
from theatre.kit.money import Money
from theatre.kit.routing import UnsupportedMediaType
from theatre.payment.errors import ForgedCallback, MalformedCallback, OutcomeUnknown
from theatre.payment.providers import Callback, ObjectKind, Order, ProviderRefused, RefundOrder
from theatre.payment.providers import wire as wire_module
from theatre.payment.providers.pages import Pages
from theatre.payment.providers.yookassa import Trust, YooKassa
from theatre.payment.providers.yookassa_wire import Wire

ATTEMPT = UUID(int=1)
REFUND = UUID(int=2)
REFERENCE = "318a8480-000f-5000-9000-1c0ffee00001"
ORDER = Order(ATTEMPT, UUID(int=3), Money(39900, "RUB"), "A month", "https://theatre.example/r", False)
TRUST = Trust(shop_id="555001", networks=(ip_network("185.71.76.0/27"),), pages=Pages(hosts=("yoomoney.ru",)))
PAGE = "https://yoomoney.ru/checkout/payments/v2/contract?orderId=1"


def payment(**changes: Any) -> dict[str, Any]:
    """Write a payment as YooKassa does."""
    return {
        "id": REFERENCE,
        "status": "pending",
        "paid": False,
        "amount": {"value": "399.00", "currency": "RUB"},
        "recipient": {"account_id": "555001", "gateway_id": "100002"},
        "created_at": "2026-05-04T10:11:12.345Z",
        "confirmation": {"type": "redirect", "confirmation_url": PAGE},
        "metadata": {"attempt_id": str(ATTEMPT)},
        "refundable": False,
        "test": False,
        "a field of tomorrow": None,
        **changes,
    }


def refund(**changes: Any) -> dict[str, Any]:
    """Write a refund as YooKassa does."""
    return {
        "id": REFERENCE,
        "payment_id": REFERENCE,
        "status": "succeeded",
        "amount": {"value": "399.00", "currency": "RUB"},
        "created_at": "2026-05-04T10:11:12.345Z",
        "metadata": {"refund_id": str(REFUND)},
        **changes,
    }


def error(code: str = "invalid_request", **more: Any) -> bytes:
    return orjson.dumps({"type": "error", "id": "1", "code": code, **more})


def member(*answers: httpx.Response | Exception, trust: Trust = TRUST) -> YooKassa:
    """Make a member whose requests get these answers in turn."""
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    wire = Wire(
        "https://api.yookassa.ru/v3", shop_id="555001", secret_key="k", transport=httpx.MockTransport(answer)
    )
    return YooKassa(wire, trust)


def said(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


NOTHING_DECIDED = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("late"),
    httpx.RemoteProtocolError("half an answer"),
    httpx.Response(500, content=error("internal_server_error")),
    httpx.Response(502, content=b"<html>Bad gateway</html>"),
    httpx.Response(503),
    httpx.Response(429, content=error("too_many_requests")),
    httpx.Response(401, content=error("invalid_credentials")),
    httpx.Response(409, content=error()),
    httpx.Response(400, content=b"<html>a proxy's opinion</html>"),
    httpx.Response(404, content=b"not found"),
    httpx.Response(400, content=error(parameter="Idempotence-Key")),
    httpx.Response(302, headers={"Location": "https://evil.example/"}),
    httpx.Response(202, json={"type": "processing", "retry_after": 1800}),
    httpx.Response(201, json=payment()),
    httpx.Response(200, content=error()),
    httpx.Response(200, content=b"<html>maintenance</html>"),
    httpx.Response(200, content=orjson.dumps(payment())[:40]),
    httpx.Response(200, content=b""),
    httpx.Response(200, content=b"[]"),
    httpx.Response(200, content=b"\xff\xfe"),
    httpx.Response(200, content=b"[" * 100_000),
    httpx.Response(200, content=b" " * (wire_module.MAX_BODY_BYTES + 1)),
    httpx.DecodingError("not gzip"),
    httpx.Response(200, json=payment(status="paused")),
    httpx.Response(200, json=payment(amount={"value": "399.00", "currency": "ZZZ"})),
    httpx.Response(200, json=payment(amount={"value": "-399.00", "currency": "RUB"})),
    httpx.Response(200, json=payment(amount={"value": "NaN", "currency": "RUB"})),
    httpx.Response(200, json=payment(amount={"value": "399.005", "currency": "RUB"})),
    httpx.Response(200, json=payment(amount={"value": f"{2**63}.00", "currency": "RUB"})),
    httpx.Response(200, json=payment(amount=None)),
    httpx.Response(200, json=payment(id="../refunds/1")),
    httpx.Response(200, json=payment(id="a\u0000b")),
    httpx.Response(200, json=payment(captured_at="2026-05-04T10:11:12")),
]


@pytest.mark.parametrize("given", NOTHING_DECIDED, ids=range(len(NOTHING_DECIDED)))
async def test_an_answer_that_decides_nothing_is_never_read_as_a_failure(
    given: httpx.Response | Exception,
) -> None:
    """F-P1, W8: unknown, whatever the shape; and one request is one request."""
    with pytest.raises(OutcomeUnknown):
        await member(given).create(ORDER)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 415])
async def test_an_error_object_with_4xx_is_a_refusal_with_its_reason(status: int) -> None:
    answer = httpx.Response(status, content=error(description="Amount is too\u0000 small\r\n" + "!" * 999))
    with pytest.raises(ProviderRefused) as refusal:
        await member(answer).create(ORDER)
    assert refusal.value.code == str(status)
    assert refusal.value.words.startswith("Amount is too small!!")
    assert len(refusal.value.words) == wire_module.MAX_WORDS_CHARACTERS


async def test_a_refusal_without_words_gets_ours() -> None:
    with pytest.raises(ProviderRefused, match="refused"):
        await member(httpx.Response(400, content=error())).refund(
            RefundOrder(REFUND, REFERENCE, Money(1, "RUB"), "why")
        )


@pytest.mark.parametrize(
    ("given", "seconds"), [("7", 7), ("999999", 3600), ("-1", 2), ("Wed, 21 Oct", 2), ("٣", 2)]
)
async def test_retry_after_is_honoured_within_reason(given: str, seconds: int) -> None:
    """F-P1"""
    answer = httpx.Response(
        429, content=error("too_many_requests"), headers=[(b"Retry-After", given.encode())]
    )
    with pytest.raises(OutcomeUnknown) as unknown:
        await member(answer).create(ORDER)
    assert unknown.value.headers["Retry-After"] == str(seconds)


async def test_an_answer_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0)

    monkeypatch.setattr(wire_module, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(wire_module, "MAX_BODY_BYTES", 2**62)
    with pytest.raises(OutcomeUnknown):
        await member(httpx.Response(200, content=drip())).create(ORDER)


async def test_what_is_sent_is_what_yookassa_asks_for() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return said(**payment())

    wire = Wire(
        "https://api.yookassa.ru/v3", shop_id="555001", secret_key="k", transport=httpx.MockTransport(answer)
    )
    long = Order(ATTEMPT, UUID(int=3), Money(39905, "RUB"), "я" * 500, "https://theatre.example/r", True)
    await YooKassa(wire, TRUST).create(long)
    request = seen[0]
    body = orjson.loads(request.content)
    assert str(request.url) == "https://api.yookassa.ru/v3/payments"
    assert request.headers["Idempotence-Key"] == str(ATTEMPT)
    assert request.headers["Authorization"] == "Basic NTU1MDAxOms="
    assert body["amount"] == {"value": "399.05", "currency": "RUB"}
    assert body["capture"] is True
    assert body["save_payment_method"] is True
    assert body["description"] == "я" * 128
    assert body["metadata"]["attempt_id"] == str(ATTEMPT)
    assert body["confirmation"] == {"type": "redirect", "return_url": "https://theatre.example/r"}
    await wire.close()


@pytest.mark.parametrize(
    ("said_status", "status"),
    [
        ("pending", AttemptStatus.PENDING),
        ("waiting_for_capture", AttemptStatus.PENDING),
        ("succeeded", AttemptStatus.SUCCEEDED),
        ("canceled", AttemptStatus.FAILED),
    ],
)
async def test_each_status_has_one_meaning(said_status: str, status: AttemptStatus) -> None:
    reading = await member(said(**payment(status=said_status))).read(REFERENCE)
    assert reading is not None
    assert (reading.status, reading.attempt_id, reading.amount) == (status, ATTEMPT, Money(39900, "RUB"))
    assert reading.doubt is None


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"party": "payment_network", "reason": "insufficient_funds"}, "insufficient_funds"),
        ({"party": "yoo_money", "reason": "expired_on_confirmation"}, "expired"),
        ({"party": "payment_network", "reason": "3d_secure_failed"}, "authentication_failed"),
        ({"party": "martians", "reason": "a_word_of_tomorrow"}, "declined"),
        (None, "declined"),
    ],
)
async def test_reasons_become_our_words_and_new_ones_a_plain_decline(
    details: dict[str, str] | None, code: str
) -> None:
    answer = said(**payment(status="canceled", cancellation_details=details, confirmation=None))
    reading = await member(answer).read(REFERENCE)
    assert reading is not None
    assert reading.failure_code == code


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"recipient": {"account_id": "666"}}, "another shop"),
        ({"test": True}, "not real"),
        *(
            ({"confirmation": {"type": "redirect", "confirmation_url": url}}, "strange address")
            for url in (
                "http://yoomoney.ru/pay",
                "javascript:alert(1)",
                "https://evil.example/",
                "https://yoomoney.ru.evil.example/",
                "https://evilyoomoney.ru/",
                "https://yoomoney.ru@evil.example/",
                "https://user@yoomoney.ru/",
                "https://yoomoney.ru:8443/",
                "https://yoomoney.ru\\@evil.example/",
                "https://yoomoney.ru/\n",
                "https://yoomoney.ru/ a",
                "https://уoomoney.ru/",
                "//yoomoney.ru/",
                "",
            )
        ),
    ],
)
async def test_what_must_not_be_believed_is_read_with_a_doubt(changes: dict[str, Any], doubt: str) -> None:
    """S-P6, F-C10: nobody is sent to a strange address, and neither test money nor another shop's counts."""
    reading = await member(said(**payment(**changes))).create(ORDER)
    assert reading.doubt is not None
    assert doubt in reading.doubt


@pytest.mark.parametrize(
    "url", [PAGE, "https://pay.yoomoney.ru/x", "http://127.0.0.1:8000/sandbox/checkout/1"]
)
async def test_pages_of_the_provider_and_of_the_sandbox_are_trusted(url: str) -> None:
    pages = Pages(("yoomoney.ru",), origins=("http://127.0.0.1:8000",))
    trust = Trust("555001", (), pages, takes_test_money=True)
    answer = said(**payment(test=True, confirmation={"type": "redirect", "confirmation_url": url}))
    reading = await member(answer, trust=trust).create(ORDER)
    assert (reading.doubt, reading.confirmation_url) == (None, url)


@pytest.mark.parametrize("metadata", [None, {}, {"attempt_id": "7"}, {"attempt_id": ""}])
async def test_a_payment_without_our_id_is_read_all_the_same(metadata: dict[str, str] | None) -> None:
    reading = await member(said(**payment(metadata=metadata))).read(REFERENCE)
    assert reading is not None
    assert reading.attempt_id is None


async def test_what_the_provider_does_not_know_is_absent_and_a_refused_question_unknown() -> None:
    absent = httpx.Response(404, content=error("not_found"))
    refused = httpx.Response(403, content=error("forbidden"))
    assert await member(absent).read(REFERENCE) is None
    assert await member(absent).read_refund(REFERENCE) is None
    with pytest.raises(OutcomeUnknown):
        await member(refused).read(REFERENCE)
    with pytest.raises(OutcomeUnknown):
        await member(refused).read_refund(REFERENCE)


async def test_lists_are_followed_to_their_end_and_money_that_came_wins() -> None:
    """F-P4: two payments of one attempt: the one that took money is the one that counts."""
    other = payment(metadata={"attempt_id": "other"})
    first = said(type="list", items=[other, payment(id="newest")], next_cursor="more")
    last = said(type="list", items=[payment(id="paid", status="succeeded"), {"rubbish": 1}])
    found = await member(first, last).find_by_attempt(ATTEMPT, since=SystemClock().now())
    assert found is not None
    assert found.reference == "paid"


async def test_of_several_unpaid_the_newest_is_found_and_of_none_none() -> None:
    items = [payment(id="newest"), payment(id="older")]
    found = await member(said(type="list", items=items)).find_by_attempt(ATTEMPT, since=SystemClock().now())
    assert found is not None
    assert found.reference == "newest"
    assert (
        await member(said(type="list", items=[])).find_by_attempt(ATTEMPT, since=SystemClock().now()) is None
    )


async def test_a_list_without_end_or_with_a_broken_item_is_unknown_and_never_empty() -> None:
    endless = [said(type="list", items=[], next_cursor="x") for _ in range(200)]
    broken = said(type="list", items=[{"metadata": {"attempt_id": str(ATTEMPT)}}])
    refused = httpx.Response(400, content=error())
    for answers in (endless, [broken], [refused]):
        with pytest.raises(OutcomeUnknown):
            await member(*answers).find_by_attempt(ATTEMPT, since=SystemClock().now())


async def test_a_refund_is_found_by_our_id() -> None:
    page = said(type="list", items=[refund(metadata=None), refund()])
    found = await member(page).find_refund(REFUND, payment_reference=REFERENCE)
    assert found is not None
    assert (found.status, found.refund_id) == (RefundStatus.SUCCEEDED, REFUND)
    assert await member(said(type="list", items=[])).find_refund(REFUND, payment_reference=REFERENCE) is None


async def test_a_refund_that_the_network_refused_says_why() -> None:
    details = {"party": "refund_network", "reason": "rejected_by_payee"}
    reading = await member(said(**refund(status="canceled", cancellation_details=details))).read_refund("1")
    assert reading is not None
    assert (reading.status, reading.failure_code) == (RefundStatus.FAILED, "payee_refused")
    with pytest.raises(OutcomeUnknown):
        await member(said(**refund(amount={"value": "1", "currency": "RUB"}))).read_refund("1")


JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    "sender", [None, ip_address("127.0.0.1"), ip_address("185.71.76.32"), ip_address("::1")]
)
def test_only_its_networks_may_call_back(sender: Any) -> None:
    """W5"""
    with pytest.raises(ForgedCallback):
        member().authenticate(Callback(JSON, b"{}", sender))


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_callback_must_be_json(kind: str) -> None:
    """F-C14"""
    sender = ip_address("185.71.76.1")
    member().authenticate(Callback(JSON, b"{}", sender))
    with pytest.raises(UnsupportedMediaType):
        member().authenticate(Callback({"content-type": kind}, b"{}", sender))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"type": "notification", "event": "payment.succeeded"',
        b'{"type": "notification", "event": "payment.succeeded", "object": {}}',
        b'{"type": "notification", "event": "payment.succeeded", "object": {"id": ""}}',
        b'{"type": "notification", "event": "payment.succeeded", "object": {"id": 7}}',
        b'{"type": "notification", "event": "payment.succeeded", "object": {"id": "a\\u0000"}}',
        b'{"type": "notification", "event": "payment.succeeded", "object": {"id": "\\ud800"}}',
        b'{"type": "notification", "event": "payment.succeeded", "object": {"id": "../me"}}',
        b'{"type": "notification", "event": "payment.succeeded", "object": {"id": "' + b"1" * 65 + b'"}}',
        b'{"type": "notification", "event": "payment succeeded", "object": {"id": "1"}}',
        b'{"type": "notification", "event": "' + b"a" * 99 + b'.b", "object": {"id": "1"}}',
        b'{"type": "error", "event": "payment.succeeded", "object": {"id": "1"}}',
    ],
)
def test_a_callback_that_is_not_one_is_refused(body: bytes) -> None:
    """W16"""
    with pytest.raises(MalformedCallback):
        member().parse(body)


def test_a_callback_says_what_it_is_about_and_an_unknown_event_nothing() -> None:
    body = {"type": "notification", "event": "refund.succeeded", "object": refund()}
    notice = member().parse(orjson.dumps(body))
    assert (notice.kind, notice.object_id, notice.claimed) == (ObjectKind.REFUND, REFERENCE, "succeeded")
    body["event"] = "payment_method.active"
    assert member().parse(orjson.dumps(body)).kind is None
