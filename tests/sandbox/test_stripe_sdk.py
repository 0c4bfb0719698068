"""The official `stripe` SDK works against the sandbox unchanged: only its address and key are set."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import stripe

from tests.sandbox.stage import card_form

ACCOUNT = "acct_sandbox"
KEY, WEBHOOK_SECRET = "sk_test_sandbox", "whsec_sandbox"
SUCCESS_URL, CANCEL_URL = "http://shop.example/ok", "http://shop.example/cancel"
GOOD, CODE, POOR = "4242424242424242", "4000002500003155", "4000000000009995"
SLOW, SLOW_REFUSED = "2200999900000016", "2200999900000024"
REFUND_LATER, REFUND_REFUSED = "4000000000007726", "2200999900000065"
OPENED = ["payment_intent.latest_charge.balance_transaction"]

Sdk = stripe.StripeClient


@pytest.fixture
def client(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    """The SDK, pointed at the sandbox."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    return make_client(server_url)


def make_client(server_url: str, key: str = KEY, **options: Any) -> Sdk:
    return stripe.StripeClient(key, base_addresses={"api": f"{server_url}/sandbox/stripe"}, **options)


def order(**changes: Any) -> dict[str, Any]:
    """Make the parameters of a session."""
    price = {"currency": "rub", "unit_amount": 14990, "product_data": {"name": "A month of films"}}
    body: dict[str, Any] = {
        "mode": "payment",
        "line_items": [{"price_data": {**price, **changes.pop("price", {})}, "quantity": 1}],
        "success_url": SUCCESS_URL,
        "cancel_url": CANCEL_URL,
        "metadata": {"order_id": "17"},
    }
    return {**body, **changes}


def begin(client: Sdk, *, key: str | None = None, **changes: Any) -> Any:
    options: Any = {"idempotency_key": key} if key else {}
    return client.v1.checkout.sessions.create(order(**changes), options)  # type: ignore[arg-type]


def page_of(server_url: str, session: Any) -> str:
    """Give a session's page as this test reaches it."""
    return server_url + httpx.URL(session.url).path


def submit(server_url: str, session: Any, number: str) -> str:
    """Pay as the customer does; give where he is sent."""
    page = page_of(server_url, session)
    answer = httpx.post(page, data=card_form(number))
    if answer.headers["location"].endswith("/3ds"):
        answer = httpx.post(f"{page}/3ds", data={"code": "1234"})
    assert answer.status_code == 303
    return answer.headers["location"]


def read(client: Sdk, session: Any) -> Any:
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": OPENED})


def paid(client: Sdk, server_url: str, number: str = GOOD, **changes: Any) -> Any:
    session = begin(client, **changes)
    assert submit(server_url, session, number) == SUCCESS_URL
    return read(client, session)


def advance(server_url: str, seconds: int) -> None:
    answer = httpx.post(f"{server_url}/sandbox/control/v1/clock", json={"advance_seconds": seconds})
    assert answer.status_code == 200


def events_of(server_url: str, session: Any) -> list[dict[str, Any]]:
    """List the events of a session, the oldest first."""
    found = httpx.get(f"{server_url}/sandbox/control/v1/notifications", params={"payment_id": session.id[8:]})
    return [item["body"] for item in found.json()["items"]][::-1]


def kinds_of(server_url: str, session: Any) -> list[str]:
    return [event["type"] for event in events_of(server_url, session)]


def test_a_session_is_created_paid_and_read(client: Sdk, server_url: str) -> None:
    session = begin(client, client_reference_id="17", payment_intent_data={"metadata": {"a": "b"}})
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.livemode) == (14990, "rub", False)
    assert (session.metadata.to_dict(), session.client_reference_id) == ({"order_id": "17"}, "17")
    assert submit(server_url, session, CODE) == SUCCESS_URL
    done = read(client, session)
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    intent = done.payment_intent
    assert (intent.status, intent.amount_received, intent.metadata.to_dict()) == (
        "succeeded",
        14990,
        {"a": "b"},
    )
    assert intent.latest_charge.balance_transaction.fee == 525
    alone = client.v1.payment_intents.retrieve(intent.id)
    assert (alone.id, alone.latest_charge) == (intent.id, intent.latest_charge.id)
    assert kinds_of(server_url, session) == ["checkout.session.completed"]


def test_the_address_of_success_may_name_the_session(client: Sdk, server_url: str) -> None:
    session = begin(client, success_url=f"{SUCCESS_URL}?s={{CHECKOUT_SESSION_ID}}")
    assert submit(server_url, session, GOOD) == f"{SUCCESS_URL}?s={session.id}"


def test_a_declined_card_ends_nothing_and_another_may_be_tried(client: Sdk, server_url: str) -> None:
    session = begin(client)
    assert submit(server_url, session, POOR) == httpx.URL(session.url).path
    assert "alert" in httpx.get(page_of(server_url, session)).text
    declined = read(client, session)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    error = declined.payment_intent.last_payment_error
    assert (error.code, error.decline_code) == ("card_declined", "insufficient_funds")
    assert kinds_of(server_url, session) == []
    assert submit(server_url, session, GOOD) == SUCCESS_URL
    assert read(client, session).payment_status == "paid"


def test_whoever_leaves_is_sent_to_the_other_address_and_may_come_back(client: Sdk, server_url: str) -> None:
    session = begin(client)
    left = httpx.post(page_of(server_url, session), data={"action": "leave"})
    assert left.headers["location"] == CANCEL_URL
    assert read(client, session).status == "open"


@pytest.mark.parametrize(
    ("number", "payment_status", "intent_status", "kind"),
    [
        (SLOW, "paid", "succeeded", "async_payment_succeeded"),
        (SLOW_REFUSED, "unpaid", "requires_payment_method", "async_payment_failed"),
    ],
)
def test_a_slow_way_to_pay_completes_the_session_before_its_money_comes(
    client: Sdk, server_url: str, number: str, payment_status: str, intent_status: str, kind: str
) -> None:
    session = begin(client)
    assert submit(server_url, session, number) == SUCCESS_URL
    waiting = read(client, session)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert waiting.payment_intent.status == "processing"
    advance(server_url, 6)
    ended = read(client, session)
    assert (ended.status, ended.payment_status) == ("complete", payment_status)
    assert ended.payment_intent.status == intent_status
    assert kinds_of(server_url, session) == ["checkout.session.completed", f"checkout.session.{kind}"]


def test_an_open_session_is_expired_and_no_other(client: Sdk, server_url: str) -> None:
    session = begin(client)
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    assert kinds_of(server_url, session) == ["checkout.session.expired"]
    assert httpx.post(page_of(server_url, session), data=card_form(GOOD)).status_code == 200
    done = paid(client, server_url)
    for closed in (session, done):
        with pytest.raises(stripe.InvalidRequestError, match="open"):
            client.v1.checkout.sessions.expire(closed.id)
    assert read(client, session).payment_status == "unpaid"
    assert read(client, done).payment_status == "paid"


def test_a_session_ends_when_its_time_is_over(client: Sdk, server_url: str) -> None:
    session = begin(client)
    advance(server_url, 24 * 3600 + 1)
    ended = read(client, session)
    assert (ended.status, ended.url) == ("expired", None)
    assert kinds_of(server_url, session) == ["checkout.session.expired"]


@pytest.mark.parametrize("offset_seconds", [60, 30 * 3600])
def test_a_term_too_near_or_too_far_by_the_merchants_clock_is_refused(
    client: Sdk, server_url: str, offset_seconds: int
) -> None:
    advance(server_url, 3600)
    now = int(time.time())
    with pytest.raises(stripe.InvalidRequestError) as caught:
        begin(client, expires_at=now + offset_seconds)
    assert caught.value.param == "expires_at"
    assert begin(client, expires_at=now + 3600).expires_at == now + 3600


def test_the_first_answer_is_repeated_as_it_was(client: Sdk, server_url: str) -> None:
    key = str(uuid4())
    session = begin(client, key=key)
    submit(server_url, session, GOOD)
    again = begin(client, key=key)
    assert (again.id, again.status, again.url) == (session.id, "open", session.url)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        begin(client, key=key, price={"unit_amount": 1})
    assert begin(client).id != session.id


def test_what_was_refused_leaves_no_trace_of_its_key(client: Sdk) -> None:
    key = str(uuid4())
    with pytest.raises(stripe.InvalidRequestError):
        begin(client, key=key, price={"unit_amount": -1})
    assert begin(client, key=key).status == "open"


async def test_one_key_ten_times_at_once_makes_one_session(server_url: str) -> None:
    client = make_client(server_url, max_network_retries=5)
    key = str(uuid4())
    made = await asyncio.gather(*(asyncio.to_thread(begin, client, key=key) for _ in range(10)))
    assert len({session.id for session in made}) == 1


def test_money_is_given_back_in_parts_and_found(client: Sdk, server_url: str) -> None:
    session = paid(client, server_url)
    intent = session.payment_intent.id
    part = client.v1.refunds.create({"payment_intent": intent, "amount": 4990, "metadata": {"n": "1"}})
    assert (part.status, part.amount, part.currency, part.payment_intent) == (
        "succeeded",
        4990,
        "rub",
        intent,
    )
    rest = client.v1.refunds.create({"charge": session.payment_intent.latest_charge.id})
    assert rest.amount == 10000
    kept: Any = client.v1.refunds.retrieve(part.id)
    assert kept.metadata.to_dict() == {"n": "1"}
    listed = client.v1.refunds.list({"payment_intent": intent})
    assert [item.id for item in listed.data] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent, "amount": 1})
    assert kinds_of(server_url, session)[1:] == ["refund.created", "charge.refunded"] * 2


def test_a_refund_takes_its_time_or_comes_to_nothing(client: Sdk, server_url: str) -> None:
    slow = paid(client, server_url, REFUND_LATER)
    refund = client.v1.refunds.create({"payment_intent": slow.payment_intent.id})
    assert refund.status == "pending"
    advance(server_url, 6)
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert kinds_of(server_url, slow)[1:] == ["refund.created", "refund.updated", "charge.refunded"]
    refused = paid(client, server_url, REFUND_REFUSED)
    refund = client.v1.refunds.create({"payment_intent": refused.payment_intent.id})
    assert (refund.status, refund.failure_reason) == ("failed", "insufficient_funds")
    assert kinds_of(server_url, refused)[1:] == ["refund.created", "refund.failed"]


def test_nothing_is_given_back_of_what_was_not_paid(client: Sdk, server_url: str) -> None:
    session = begin(client)
    submit(server_url, session, POOR)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": read(client, session).payment_intent.id})


def test_lists_are_filtered_and_paged_in_both_directions(client: Sdk, server_url: str) -> None:
    made = [begin(client) for _ in range(5)]
    submit(server_url, made[2], GOOD)
    ids = [session.id for session in made[::-1]]
    since = {"created": {"gte": made[0].created}, "limit": 2}
    walked = [session.id for session in client.v1.checkout.sessions.list(since).auto_paging_iter()]  # type: ignore[arg-type]
    assert [one for one in walked if one in ids] == ids
    assert len(walked) == len(set(walked))
    before = client.v1.checkout.sessions.list({"ending_before": ids[-1], "limit": 2})
    assert [session.id for session in before.data] == ids[-3:-1]
    paid_intent = read(client, made[2]).payment_intent.id
    found = client.v1.checkout.sessions.list({"payment_intent": paid_intent, "status": "complete"})
    assert [session.id for session in found.data] == [made[2].id]
    assert client.v1.checkout.sessions.list({"created": {"gt": 4_000_000_000}}).data == []


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"price": {"unit_amount": 0}}, "line_items[0][price_data][unit_amount]"),
        ({"price": {"unit_amount": 100_000_000}}, "line_items[0][price_data][unit_amount]"),
        ({"price": {"currency": "zzz"}}, "line_items[0][price_data][currency]"),
        ({"price": {"currency": "kwd", "unit_amount": 5005}}, None),
        ({"mode": "subscription"}, "mode"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"line_items": []}, "line_items"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_parameter(
    client: Sdk, changes: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        begin(client, **changes)
    assert (caught.value.http_status, caught.value.param) == (400, param)


@pytest.mark.parametrize(("currency", "units"), [("jpy", 500), ("kwd", 5000), ("rub", 50000)])
def test_amounts_are_whole_numbers_of_the_smallest_unit(
    client: Sdk, server_url: str, currency: str, units: int
) -> None:
    """M2"""
    done = paid(client, server_url, price={"currency": currency, "unit_amount": units})
    assert (done.payment_intent.amount_received, done.payment_intent.currency) == (units, currency)


def test_what_does_not_exist_or_is_anothers_is_not_found(client: Sdk, server_url: str) -> None:
    lookups: list[Callable[[], object]] = [
        lambda: client.v1.checkout.sessions.retrieve("cs_test_1"),
        lambda: client.v1.checkout.sessions.retrieve(f"cs_test_{uuid4().hex}"),
        lambda: client.v1.payment_intents.retrieve(f"pi_{uuid4().hex}"),
        lambda: client.v1.refunds.retrieve("re_1"),
        lambda: client.v1.refunds.create({"payment_intent": f"pi_{uuid4().hex}"}),
    ]
    for lookup in lookups:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            lookup()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    httpx.put(f"{server_url}/sandbox/control/v1/shops/acct_other", json={"secret_key": "sk_test_other"})
    with pytest.raises(stripe.InvalidRequestError):
        read(make_client(server_url, "sk_test_other"), begin(client))


def test_a_wrong_key_is_refused(server_url: str, client: Sdk) -> None:
    with pytest.raises(stripe.AuthenticationError):
        begin(make_client(server_url, "sk_test_wrong"))


def test_the_faces_do_not_let_each_others_keys_in(server_url: str, client: Sdk) -> None:
    session = begin(client)
    path = f"{server_url}/sandbox/v3/payments/{session.id[8:]}"
    assert httpx.get(path, auth=(ACCOUNT, KEY)).status_code == 401
    assert httpx.get(path, auth=("100001", "test_sandbox_secret_key")).status_code == 404
    with pytest.raises(stripe.AuthenticationError):
        begin(make_client(server_url, "test_sandbox_secret_key"))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("error_before", stripe.APIError),
        ("error_after", stripe.APIError),
        ("too_many_requests", stripe.RateLimitError),
        ("cut_after", stripe.APIConnectionError),
    ],
)
def test_faults_arrive_as_the_sdks_own_errors(
    server_url: str, client: Sdk, kind: str, expected: type[Exception]
) -> None:
    fault = {"kind": kind, "path": "/sandbox/stripe/*"}
    assert httpx.post(f"{server_url}/sandbox/control/v1/faults", json=fault).status_code == 201
    impatient = make_client(server_url, max_network_retries=0)
    with pytest.raises(expected):
        begin(impatient)
    assert begin(impatient).status == "open"


def test_whoever_asks_again_gets_the_answer_that_was_lost(server_url: str, client: Sdk) -> None:
    fault = {"kind": "cut_after", "path": "/sandbox/stripe/*"}
    httpx.post(f"{server_url}/sandbox/control/v1/faults", json=fault)
    key = str(uuid4())
    with pytest.raises(stripe.APIConnectionError):
        begin(client, key=key)
    assert begin(client, key=key).last_response.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "body",
    [
        b"mode=payment&mode=setup",
        b"a[b]=1&a=2",
        b"\xff",
        b"[]=1",
        b"a[[b]]=1",
        b"a=%00",
        b"&".join([b"a[]=1"] * 1001),
    ],
)
def test_forms_that_cannot_be_read_are_refused(server_url: str, client: Sdk, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{server_url}/sandbox/stripe/v1/checkout/sessions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_events_are_read_by_the_sdks_own_reader(server_url: str, client: Sdk) -> None:
    done = paid(client, server_url)
    [event] = events_of(server_url, done)
    read_by_sdk = stripe.Event.construct_from(event, KEY)
    assert (read_by_sdk.type, read_by_sdk.data.object.id) == ("checkout.session.completed", done.id)


def test_what_moved_the_balance_is_listed_newest_first_and_page_by_page(client: Sdk, server_url: str) -> None:
    advance(server_url, 2)
    since = int(time.time()) + clock_offset(server_url)
    first, second = paid(client, server_url), paid(client, server_url, REFUND_REFUSED)
    begin(client)
    back = client.v1.refunds.create({"payment_intent": first.payment_intent.id, "amount": 4990})
    client.v1.refunds.create({"payment_intent": second.payment_intent.id})
    asked: Any = {"created": {"gte": since}, "limit": 2, "expand": ["data.source"]}
    listed: list[Any] = list(client.v1.balance_transactions.list(asked).auto_paging_iter())
    charges = [session.payment_intent.latest_charge for session in (second, first)]
    assert [one.source.id for one in listed] == [back.id, *(charge.id for charge in charges)]
    assert [(one.type, one.amount, one.fee, one.net) for one in listed[:2]] == [
        ("refund", -4990, 0, -4990),
        ("charge", 14990, 525, 14465),
    ]
    assert listed[2].source.payment_intent == first.payment_intent.id
    assert back.balance_transaction == listed[0].id
    assert listed[2].id == first.payment_intent.latest_charge.balance_transaction.id
    only: Any = {"source": back.id}
    assert [one.id for one in client.v1.balance_transactions.list(only)] == [listed[0].id]
    none: Any = {"created": {"gte": since}, "type": "payout"}
    assert client.v1.balance_transactions.list(none).data == []
    before: Any = {"ending_before": listed[2].id, "type": "charge", "created": {"gte": since}}
    assert [one.id for one in client.v1.balance_transactions.list(before)] == [listed[1].id]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.balance_transactions.list({"starting_after": "txn_0"})


def clock_offset(server_url: str) -> int:
    """Tell by how many seconds the sandbox is ahead of the world."""
    told = httpx.get(f"{server_url}/sandbox/control/v1/clock").json()["now"]
    return int(datetime.fromisoformat(told).timestamp()) - int(time.time())
