"""What comes back over the wire from Stripe, in every broken shape, and what we make of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import UUID

import httpx
import orjson
import pytest

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.clock import SystemClock
from theatre.kit.money import Money
from theatre.payment.errors import MalformedCallback, OutcomeUnknown
from theatre.payment.failures import MESSAGES
from theatre.payment.providers import ObjectKind, Order, ProviderRefused, RefundOrder
from theatre.payment.providers import wire as wire_module
from theatre.payment.providers.pages import Pages
from theatre.payment.providers.stripe import Stripe, Trust
from theatre.payment.providers.stripe_statement import StripeStatement
from theatre.payment.providers.stripe_wire import API_VERSION, Wire
from theatre.payment.statements import ListedPage, Period

ATTEMPT, REFUND = UUID(int=1), UUID(int=2)
REFERENCE = "cs_live_a1B2"
UNTIL = datetime(2026, 5, 4, 11, 11, 12, tzinfo=UTC)
ORDER = Order(
    ATTEMPT, UUID(int=3), Money(39900, "RUB"), "A month", "https://theatre.example/r", False, expires_at=UNTIL
)
TRUST = Trust(webhook_secrets=("whsec_1",), pages=Pages(("checkout.stripe.com",)))
PAGE = "https://checkout.stripe.com/c/pay/cs_live_a1B2#fidkdWxOYHwnPyd1blpxYHZxWjA0"


def session(**changes: Any) -> dict[str, Any]:
    """Write a session as Stripe does."""
    return {
        "id": REFERENCE,
        "object": "checkout.session",
        "mode": "payment",
        "status": "open",
        "payment_status": "unpaid",
        "url": PAGE,
        "amount_total": 39900,
        "currency": "rub",
        "expires_at": int(UNTIL.timestamp()),
        "livemode": True,
        "metadata": {"attempt_id": str(ATTEMPT)},
        "payment_intent": None,
        "a field of tomorrow": None,
        **changes,
    }


def intent(**changes: Any) -> dict[str, Any]:
    """Write a payment intent as Stripe does."""
    charge = {"id": "ch_1", "created": 1777888999, "balance_transaction": {"fee": 1400, "currency": "rub"}}
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount_received": 39900,
        "currency": "rub",
        "latest_charge": charge,
        "last_payment_error": None,
        **changes,
    }


def paid(**changes: Any) -> dict[str, Any]:
    done = {"status": "complete", "payment_status": "paid", "url": None, "payment_intent": intent()}
    return session(**{**done, **changes})


def refund(**changes: Any) -> dict[str, Any]:
    """Write a refund as Stripe does."""
    return {
        "id": "re_1",
        "object": "refund",
        "status": "succeeded",
        "amount": 39900,
        "currency": "rub",
        "created": 1777888999,
        "payment_intent": None,
        "metadata": {"refund_id": str(REFUND)},
        **changes,
    }


def error(kind: str = "invalid_request_error", **more: Any) -> bytes:
    return orjson.dumps({"error": {"type": kind, **more}})


def member(
    *answers: httpx.Response | Exception, trust: Trust = TRUST, seen: list[httpx.Request] | None = None
) -> Stripe:
    """Make a member whose requests get these answers in turn."""
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    wire = Wire("https://api.stripe.com/v1", secret_key="sk_live_k", transport=httpx.MockTransport(answer))
    return Stripe(wire, trust, SystemClock())


def said(body: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json=body)


def listed(*items: dict[str, Any], has_more: bool = False) -> httpx.Response:
    return said({"object": "list", "data": list(items), "has_more": has_more})


NOTHING_DECIDED = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("late"),
    httpx.RemoteProtocolError("half an answer"),
    httpx.Response(500, content=error("api_error")),
    httpx.Response(502, content=b"<html>Bad gateway</html>"),
    httpx.Response(503),
    httpx.Response(429, content=error(code="rate_limit")),
    httpx.Response(400, content=error(code="rate_limit")),
    httpx.Response(401, content=error()),
    httpx.Response(409, content=error(code="idempotency_key_in_use")),
    httpx.Response(400, content=error("idempotency_error")),
    httpx.Response(400, content=error(code="lock_timeout")),
    httpx.Response(400, content=error(), headers={"Stripe-Should-Retry": "true"}),
    httpx.Response(400, content=error("api_error")),
    httpx.Response(400, content=b"<html>a proxy's opinion</html>"),
    httpx.Response(404, content=b"not found"),
    httpx.Response(400, json={"error": "invalid_grant"}),
    httpx.Response(302, headers={"Location": "https://evil.example/"}),
    httpx.Response(200, content=error()),
    httpx.Response(200, content=b"<html>maintenance</html>"),
    httpx.Response(200, content=orjson.dumps(session())[:40]),
    httpx.Response(200, content=b""),
    httpx.Response(200, content=b"[]"),
    httpx.Response(200, content=b"\xff\xfe"),
    httpx.Response(200, content=b"[" * 100_000),
    httpx.Response(200, content=b" " * (wire_module.MAX_BODY_BYTES + 1)),
    httpx.Response(200, json=session(status="paused")),
    httpx.Response(200, json=session(payment_status="perhaps")),
    httpx.Response(200, json=session(currency="zzz")),
    httpx.Response(200, json=session(currency="RUB")),
    httpx.Response(200, json=session(amount_total=-1)),
    httpx.Response(200, json=session(amount_total="39900")),
    httpx.Response(200, json=session(amount_total=399.5)),
    httpx.Response(200, json=session(amount_total=None)),
    httpx.Response(200, json=session(id="../refunds/1")),
    httpx.Response(200, json=session(object="payment_intent")),
    httpx.Response(200, json=session(expires_at=10**15)),
]


@pytest.mark.parametrize("given", NOTHING_DECIDED, ids=range(len(NOTHING_DECIDED)))
async def test_an_answer_that_decides_nothing_is_never_read_as_a_failure(
    given: httpx.Response | Exception,
) -> None:
    """F-P1, W8: unknown, whatever the shape; and one request is one request."""
    with pytest.raises(OutcomeUnknown):
        await member(given).create(ORDER)


@pytest.mark.parametrize("status", [400, 402, 403, 404])
async def test_an_error_object_with_4xx_is_a_refusal_with_its_reason(status: int) -> None:
    answer = httpx.Response(status, content=error(message="Amount is too\u0000 small\r\n" + "!" * 999))
    with pytest.raises(ProviderRefused) as refusal:
        await member(answer).create(ORDER)
    assert refusal.value.code == str(status)
    assert refusal.value.words.startswith("Amount is too small!!")
    assert len(refusal.value.words) == wire_module.MAX_WORDS_CHARACTERS


async def test_retry_after_is_honoured() -> None:
    """F-P1"""
    answer = httpx.Response(429, content=error(code="rate_limit"), headers={"Retry-After": "7"})
    with pytest.raises(OutcomeUnknown) as unknown:
        await member(answer).create(ORDER)
    assert unknown.value.headers["Retry-After"] == "7"


async def test_what_is_sent_is_what_stripe_asks_for() -> None:
    seen: list[httpx.Request] = []
    long = Order(
        ATTEMPT,
        UUID(int=3),
        Money(39905, "RUB"),
        "я" * 500,
        "https://theatre.example/r",
        True,
        expires_at=UNTIL,
    )
    await member(said(session()), seen=seen).create(long)
    [request] = seen
    assert str(request.url) == "https://api.stripe.com/v1/checkout/sessions"
    assert request.headers["Idempotency-Key"] == str(ATTEMPT)
    assert request.headers["Authorization"] == "Bearer sk_live_k"
    assert request.headers["Stripe-Version"] == API_VERSION
    ours = {"attempt_id": str(ATTEMPT), "payment_id": str(UUID(int=3))}
    assert dict(parse_qsl(request.content.decode())) == {
        "mode": "payment",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "rub",
        "line_items[0][price_data][unit_amount]": "39905",
        "line_items[0][price_data][product_data][name]": "я" * 250,
        "client_reference_id": str(ATTEMPT),
        **{f"metadata[{name}]": value for name, value in ours.items()},
        **{f"payment_intent_data[metadata][{name}]": value for name, value in ours.items()},
        "payment_intent_data[setup_future_usage]": "off_session",
        "customer_creation": "always",
        "success_url": "https://theatre.example/r",
        "cancel_url": "https://theatre.example/r",
        "expires_at": str(int(UNTIL.timestamp())),
        "expand[0]": "payment_intent.latest_charge.balance_transaction",
    }


async def test_an_amount_that_stripe_cannot_take_is_refused_before_anything_is_asked() -> None:
    """M2"""
    odd = Order(ATTEMPT, UUID(int=3), Money(5005, "KWD"), "A month", "https://theatre.example/r", False)
    with pytest.raises(ProviderRefused):
        await member().create(odd)


OVER = {"status": "requires_payment_method", "amount_received": 0, "latest_charge": None}
STATES: list[tuple[dict[str, Any], AttemptStatus, str | None]] = [
    (session(), AttemptStatus.PENDING, None),
    (session(payment_intent=intent(**OVER)), AttemptStatus.PENDING, None),
    (session(status="complete", url=None), AttemptStatus.PENDING, None),
    (
        session(status="complete", url=None, payment_intent=intent(**{**OVER, "status": "processing"})),
        AttemptStatus.PENDING,
        None,
    ),
    (session(status="complete", url=None, payment_intent=intent(**OVER)), AttemptStatus.FAILED, "declined"),
    (session(status="complete", url=None, payment_intent="pi_1"), AttemptStatus.PENDING, None),
    (session(status="expired", url=None), AttemptStatus.FAILED, "expired"),
    (session(status="expired", url=None, payment_intent=intent(**OVER)), AttemptStatus.FAILED, "expired"),
    (paid(), AttemptStatus.SUCCEEDED, None),
    (paid(payment_intent="pi_1"), AttemptStatus.SUCCEEDED, None),
    (paid(status="expired"), AttemptStatus.SUCCEEDED, None),
]


@pytest.mark.parametrize(("body", "status", "failure_code"), STATES, ids=range(len(STATES)))
async def test_each_state_has_one_meaning(
    body: dict[str, Any], status: AttemptStatus, failure_code: str | None
) -> None:
    """A declined card ends nothing; a complete session may still be waiting for its money."""
    reading = await member(said(body)).read(REFERENCE)
    assert reading is not None
    assert (reading.status, reading.failure_code) == (status, failure_code)
    assert (reading.attempt_id, reading.amount, reading.doubt) == (ATTEMPT, Money(39900, "RUB"), None)
    assert (reading.confirmation_url is not None) == (body["status"] == "open")
    assert reading.expires_at == UNTIL


async def test_the_money_that_was_received_counts_with_its_moment_and_its_fee() -> None:
    body = paid(payment_intent=intent(amount_received=39800), amount_total=39900)
    reading = await member(said(body)).read(REFERENCE)
    assert reading is not None
    assert (reading.amount, reading.fee) == (Money(39800, "RUB"), Money(1400, "RUB"))
    assert reading.captured_at == datetime.fromtimestamp(1777888999, UTC)


@pytest.mark.parametrize(
    "charge",
    [
        "ch_1",
        None,
        {"created": 1777888999},
        {"created": 1777888999, "balance_transaction": "txn_1"},
        {"created": 1777888999, "balance_transaction": None},
        {"created": 1777888999, "balance_transaction": {"fee": 1, "currency": "zzz"}},
        {"created": 1777888999, "balance_transaction": {"fee": -1, "currency": "rub"}},
    ],
)
async def test_a_fee_that_is_not_told_is_no_reason_to_doubt_the_money(charge: Any) -> None:
    reading = await member(said(paid(payment_intent=intent(latest_charge=charge)))).read(REFERENCE)
    assert reading is not None
    assert (reading.status, reading.fee) == (AttemptStatus.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "insufficient_funds"),
        ({"code": "expired_card", "decline_code": None}, "card_expired"),
        ({"code": "card_declined", "decline_code": "lost_card"}, "card_restricted"),
        ({"code": "card_declined", "decline_code": "a_word_of_tomorrow"}, "declined"),
        ({}, "declined"),
    ],
)
async def test_reasons_become_our_words_and_new_ones_a_plain_decline(
    words: dict[str, Any], code: str
) -> None:
    failed = intent(**OVER, last_payment_error={"type": "card_error", **words})
    reading = await member(said(session(status="complete", url=None, payment_intent=failed))).read(REFERENCE)
    assert reading is not None
    assert reading.failure_code == code
    assert code in MESSAGES


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"livemode": False}, "not real"),
        ({"mode": "setup"}, "not a payment"),
        ({"payment_status": "no_payment_required", "status": "complete", "url": None}, "not a payment"),
        *(
            ({"url": url}, "strange address")
            for url in (
                "http://checkout.stripe.com/c/pay",
                "javascript:alert(1)",
                "https://evil.example/",
                "https://checkout.stripe.com.evil.example/",
                "https://evilcheckout.stripe.com/",
                "https://checkout.stripe.com@evil.example/",
                "https://checkout.stripe.com:8443/",
                "https://checkout.stripe.com\\@evil.example/",
                "https://[checkout.stripe.com/",
                "http://127.0.0.1:8000/sandbox/checkout/1",
                "",
            )
        ),
    ],
)
async def test_what_must_not_be_believed_is_read_with_a_doubt(changes: dict[str, Any], doubt: str) -> None:
    """S-P6, F-C10: neither a strange page nor test money counts."""
    reading = await member(said(session(**changes))).create(ORDER)
    assert reading.doubt is not None
    assert doubt in reading.doubt


async def test_what_is_asked_for_and_absent_is_none_and_a_refused_question_unknown() -> None:
    absent = httpx.Response(404, content=error(code="resource_missing"))
    refused = httpx.Response(403, content=error())
    assert await member(absent).read(REFERENCE) is None
    assert await member(absent).read_refund("re_1") is None
    for asking in (member(refused).read(REFERENCE), member(refused).read_refund("re_1")):
        with pytest.raises(OutcomeUnknown):
            await asking


async def test_cancelling_what_is_not_open_tells_how_it_stands() -> None:
    closed = httpx.Response(400, content=error(message="Only Checkout Sessions with a status in [open]"))
    reading = await member(closed, said(paid())).cancel(REFERENCE)
    assert reading.status == AttemptStatus.SUCCEEDED
    absent = httpx.Response(404, content=error(code="resource_missing"))
    with pytest.raises(OutcomeUnknown):
        await member(absent, absent).cancel(REFERENCE)


async def test_lists_are_followed_to_their_end_and_money_that_came_wins() -> None:
    """F-P4"""
    other = session(metadata={"attempt_id": "other"})
    first = listed(other, session(id="newest"), has_more=True)
    last = listed(session(id="older"), {"rubbish": 1})
    seen: list[httpx.Request] = []
    stripe = member(first, last, said(session(id="newest")), said(paid(id="older")), seen=seen)
    found = await stripe.find_by_attempt(ATTEMPT, since=SystemClock().now())
    assert found is not None
    assert found.reference == "older"
    assert seen[1].url.params["starting_after"] == "newest"
    assert int(seen[0].url.params["created[gte]"]) < SystemClock().now().timestamp()


async def test_a_list_without_end_or_with_a_broken_item_is_unknown_and_never_empty() -> None:
    endless = [listed(session(metadata=None), has_more=True) for _ in range(200)]
    broken = listed({"metadata": {"attempt_id": str(ATTEMPT)}})
    refused = httpx.Response(400, content=error())
    for answers in (endless, [broken], [refused]):
        with pytest.raises(OutcomeUnknown):
            await member(*answers).find_by_attempt(ATTEMPT, since=SystemClock().now())


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"status": "pending"}, RefundStatus.PENDING, None),
        ({"status": "requires_action"}, RefundStatus.PENDING, None),
        ({"status": "succeeded"}, RefundStatus.SUCCEEDED, None),
        ({"status": "canceled"}, RefundStatus.FAILED, "provider_refused"),
        ({"status": "failed", "failure_reason": "lost_or_stolen_card"}, RefundStatus.FAILED, "payee_refused"),
        ({"status": "failed", "failure_reason": "of tomorrow"}, RefundStatus.FAILED, "provider_refused"),
    ],
)
async def test_each_state_of_a_refund_has_one_meaning(
    changes: dict[str, Any], status: RefundStatus, code: str | None
) -> None:
    reading = await member(said(refund(**changes))).read_refund("re_1")
    assert reading is not None
    assert (reading.status, reading.failure_code, reading.refund_id) == (status, code, REFUND)


async def test_a_refund_goes_to_the_intent_of_its_session_under_our_key() -> None:
    seen: list[httpx.Request] = []
    asked = RefundOrder(REFUND, REFERENCE, Money(100, "RUB"), "not wanted")
    await member(said(paid()), said(refund(amount=100)), seen=seen).refund(asked)
    assert seen[1].headers["Idempotency-Key"] == str(REFUND)
    assert dict(parse_qsl(seen[1].content.decode())) == {
        "payment_intent": "pi_1",
        "amount": "100",
        "reason": "requested_by_customer",
        "metadata[refund_id]": str(REFUND),
        "metadata[reason]": "not wanted",
    }


async def test_without_an_intent_a_refund_is_unknown_and_not_refused() -> None:
    asked = RefundOrder(REFUND, REFERENCE, Money(100, "RUB"), "not wanted")
    with pytest.raises(OutcomeUnknown):
        await member(said(session())).refund(asked)
    with pytest.raises(OutcomeUnknown):
        await member(httpx.Response(404, content=error(code="resource_missing"))).refund(asked)


def event(kind: str, about: dict[str, Any]) -> bytes:
    return orjson.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": about}})


@pytest.mark.parametrize(
    ("kind", "about", "expected"),
    [
        ("checkout.session.completed", paid(), (ObjectKind.PAYMENT, REFERENCE, "succeeded")),
        ("checkout.session.completed", session(), (ObjectKind.PAYMENT, REFERENCE, "pending")),
        ("checkout.session.async_payment_succeeded", paid(), (ObjectKind.PAYMENT, REFERENCE, "succeeded")),
        ("checkout.session.async_payment_failed", session(), (ObjectKind.PAYMENT, REFERENCE, "failed")),
        ("checkout.session.expired", session(), (ObjectKind.PAYMENT, REFERENCE, "failed")),
        ("refund.created", refund(), (ObjectKind.REFUND, "re_1", "pending")),
        ("refund.updated", refund(), (ObjectKind.REFUND, "re_1", "pending")),
        ("refund.failed", refund(status="failed"), (ObjectKind.REFUND, "re_1", "failed")),
        (
            "charge.refunded",
            {"id": "ch_1", "refunds": {"data": [{"id": "re_1"}]}},
            (ObjectKind.REFUND, "re_1", "pending"),
        ),
        ("charge.refunded", {"id": "ch_1"}, (None, "ch_1", "")),
        ("payment_intent.succeeded", intent(), (None, "pi_1", "")),
        ("of.tomorrow", {"id": "x_1"}, (None, "x_1", "")),
    ],
)
def test_a_notification_says_what_it_is_about_and_an_unknown_event_nothing(
    kind: str, about: dict[str, Any], expected: tuple[ObjectKind | None, str, str]
) -> None:
    notice = member().parse(event(kind, about))
    assert (notice.kind, notice.object_id, notice.claimed) == expected


def test_each_state_of_a_refund_is_news_of_its_own() -> None:
    events = [
        member().parse(event("refund.updated", refund(status=word))).event for word in ("pending", "failed")
    ]
    assert len(set(events)) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        event("refund.created", {}),
        event("A B", refund()),
        event("x", {"id": "../1"}),
    ],
)
def test_rubbish_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        member().parse(body)


SINCE = datetime(2026, 5, 4, tzinfo=UTC)
DAY = Period(SINCE, SINCE + timedelta(days=1))


def transaction(kind: str = "charge", **changes: Any) -> dict[str, Any]:
    """Write a balance transaction of an account that is kept in euros, as Stripe does."""
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount_captured": 39900,
        "currency": "rub",
        "created": 1777888999,
        "payment_intent": "pi_1",
        "metadata": {"attempt_id": str(ATTEMPT)},
    }
    plain = {"id": "txn_1", "object": "balance_transaction", "type": kind, "amount": 390, "fee": 14}
    return {**plain, "currency": "eur", "source": charge, **changes}


async def read_statement(*answers: httpx.Response, cursor: str | None = None) -> tuple[ListedPage, list[str]]:
    """Read a page whose requests get these answers; give it and what was asked."""
    waiting, asked = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(unquote(str(request.url)).removeprefix("https://api.stripe.com/v1/"))
        return waiting.pop(0)

    wire = Wire("https://api.stripe.com/v1", secret_key="sk_live_k", transport=httpx.MockTransport(answer))
    return await StripeStatement(wire).read_page(DAY, cursor), asked


async def test_a_charge_is_listed_in_the_payers_currency_under_the_name_of_its_session() -> None:
    page, asked = await read_statement(listed(transaction()), listed({"id": REFERENCE}), cursor="txn_0")
    [operation] = page.items
    assert (operation.kind, operation.reference, operation.own_id) == ("capture", REFERENCE, ATTEMPT)
    assert (operation.amount, operation.fee) == (Money(39900, "RUB"), Money(14, "EUR"))
    assert (operation.happened_at, page.next_cursor) == (datetime.fromtimestamp(1777888999, UTC), None)
    since = int(SINCE.timestamp())
    assert asked == [
        f"balance_transactions?created[gte]={since}&created[lt]={since + 86400}&limit=20"
        "&expand[0]=data.source&starting_after=txn_0",
        "checkout/sessions?payment_intent=pi_1&limit=1",
    ]


async def test_what_was_charged_past_our_sessions_is_listed_too() -> None:
    """R14: money that we know nothing of is what a reconciliation is for."""
    of_another, bare = transaction(), transaction("payment", id="txn_2")
    bare["source"] = {**bare["source"], "payment_intent": None, "metadata": {}}
    page, _ = await read_statement(listed(of_another, bare), listed())
    assert [(one.reference, one.own_id) for one in page.items] == [("pi_1", ATTEMPT), ("ch_1", None)]


async def test_what_is_neither_taken_nor_given_back_is_left_out_but_the_list_goes_on() -> None:
    items = [
        transaction("payout", source="po_1"),
        transaction("adjustment", source="du_1"),
        transaction("stripe_fee", source=None),
        transaction("refund_failure", source=refund(status="failed")),
        transaction("refund", id="txn_9", source=refund(status="failed")),
    ]
    page, asked = await read_statement(listed(*items, has_more=True))
    assert (page.items, page.next_cursor, len(asked)) == ([], "txn_9", 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "ch_1"},
        {"source": None},
        {"source": {"id": "ch_1"}},
        {"fee": 1.5},
        {"fee": -1},
        {"type": "refund", "source": {"id": "re_1"}},
    ],
)
async def test_a_transaction_that_makes_no_sense_spoils_the_page(changes: dict[str, Any]) -> None:
    with pytest.raises(OutcomeUnknown):
        await read_statement(listed(transaction(**changes)), listed({"id": REFERENCE}))
