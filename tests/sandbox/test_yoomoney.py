"""The wallet system's face: OAuth, transfers, the quickpay form, history and signed notifications."""

import hashlib
import hmac
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import httpx
import pytest

from tests.sandbox.stage import HOOK_URL, PUBLIC_URL, until
from theatre.sandbox.yoomoney_wallets import PASSWORD

FACE = "/sandbox/yoomoney"
SHOP, PAYER, POOR = "4100100000000001", "4100100000000002", "4100100000000003"
SHOP_TOKEN = "sandbox-wallet-token-of-the-theatre"
CLIENT = {"client_id": "sandbox-theatre", "client_secret": "sandbox-wallet-client-secret"}
SECRET = "sandbox-wallet-notification-secret"
BACK = f"{PUBLIC_URL}/payment/yoomoney/authorized"
SCOPE = f'payment.to-account("{SHOP}").limit(30,1000.00)'
CARD = {"card_number": "4111111111111111", "expiry_month": "12", "expiry_year": "2099", "cvc": "123"}


class Owner:
    """Owners of wallets, an application, and the shop whose wallet is paid to."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.http.post(f"{FACE}{path}", data=form)

    async def call(self, method: str, token: str = SHOP_TOKEN, **form: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.post(f"{FACE}/api/{method}", data=form, headers=headers)

    async def ask(self, method: str, token: str = SHOP_TOKEN, **form: str) -> dict[str, Any]:
        response = await self.call(method, token, **form)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def allow(self, *, back: str = BACK, scope: str = SCOPE, **changes: str) -> httpx.Response:
        wish = {
            "client_id": CLIENT["client_id"],
            "response_type": "code",
            "redirect_uri": back,
            "scope": scope,
        }
        typed = {"login": PAYER, "password": PASSWORD, "decision": "allow"}
        return await self.post("/oauth/authorize", **{**wish, **typed, **changes})

    async def code(self, **changes: str) -> str:
        response = await self.allow(**changes)
        assert response.status_code == 303, response.text
        return parse_qs(urlsplit(response.headers["location"]).query)["code"][0]

    async def exchange(self, code: str, **changes: str) -> httpx.Response:
        form = {**CLIENT, "grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return await self.post("/oauth/token", **{**form, **changes})

    async def token(self, **changes: str) -> str:
        response = await self.exchange(await self.code(**changes))
        return str(response.json()["access_token"])

    async def request(self, token: str, **changes: str) -> dict[str, Any]:
        form = {"pattern_id": "p2p", "to": SHOP, "amount": "101.00", "label": "order-17"}
        return await self.ask("request-payment", token, **{**form, **changes})

    async def open_form(self, *, way: str = "PC", **changes: str) -> str:
        form = {"receiver": SHOP, "quickpay-form": "button", "paymentType": way, "sum": "500.00"}
        response = await self.post(
            "/quickpay/confirm",
            **{**form, "label": "order-17", "successURL": "http://shop.example/r", **changes},
        )
        assert response.status_code == 303, response.text
        return str(response.headers["location"])

    async def history(self, **form: str) -> list[dict[str, Any]]:
        return list((await self.ask("operation-history", **form))["operations"])

    async def balance(self, token: str = SHOP_TOKEN) -> float:
        return float((await self.ask("account-info", token))["balance"])


@pytest.fixture
def owner(http: httpx.AsyncClient) -> Owner:
    return Owner(http)


class Hook:
    """The shop's own door for notifications: what came, and what it answers."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.answer = 200

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        self.received.append(dict(parse_qsl(request.content.decode(), keep_blank_values=True)))
        return httpx.Response(self.answer)


@pytest.fixture
async def hook(shop: Any, http: httpx.AsyncClient) -> Hook:
    hook = Hook()
    shop.transport.handler = hook
    await http.put(
        f"/sandbox/control/v1/yoomoney/wallets/{SHOP}",
        json={"notification_url": HOOK_URL, "notification_secret": SECRET},
    )
    return hook


async def test_opening_the_question_allows_nothing_and_shows_what_is_asked(owner: Owner) -> None:
    query = {"client_id": "sandbox-theatre", "response_type": "code", "redirect_uri": BACK, "scope": SCOPE}
    response = await owner.http.get(f"{FACE}/oauth/authorize", params=query)
    assert response.status_code == 200
    assert "₽1,000" in response.text
    assert SHOP in response.text
    posted = await owner.post("/oauth/authorize", **query)
    assert posted.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"response_type": "token"},
        {"back": "http://evil.example/"},
        {"back": f"{BACK}/../evil"},
        {"back": f"{BACK}.evil.example/?"},
        {"scope": ""},
        {"scope": "everything"},
        {"scope": "payment"},
        {"scope": f"{SCOPE} payment-p2p"},
    ],
)
async def test_a_question_that_makes_no_sense_sends_nobody_anywhere(
    owner: Owner, changes: dict[str, str]
) -> None:
    response = await owner.allow(**changes)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_a_wrong_password_is_asked_again(owner: Owner) -> None:
    response = await owner.allow(password="wrong")
    assert response.status_code == 422
    assert "No wallet has this number" in response.text


async def test_denying_goes_back_with_an_error(owner: Owner) -> None:
    response = await owner.allow(decision="deny", back=f"{BACK}?state=1")
    assert response.headers["location"] == f"{BACK}?state=1&error=access_denied"


async def test_a_code_gives_a_token_once_and_takes_it_back_when_it_comes_again(owner: Owner) -> None:
    code = await owner.code()
    token = (await owner.exchange(code)).json()["access_token"]
    assert (await owner.call("request-payment", token)).status_code == 200
    again = await owner.exchange(code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    assert (await owner.call("request-payment", token)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "unauthorized_client"),
        ({"redirect_uri": f"{BACK}?"}, "invalid_grant"),
        ({"code": "0"}, "invalid_grant"),
        ({"grant_type": "password"}, "invalid_request"),
    ],
)
async def test_what_gives_no_token(owner: Owner, changes: dict[str, str], error: str) -> None:
    response = await owner.exchange(**{"code": await owner.code(), **changes})
    assert (response.status_code, response.json()) == (400, {"error": error})


async def test_a_code_lives_a_minute(owner: Owner, http: httpx.AsyncClient) -> None:
    code = await owner.code()
    await http.post("/sandbox/control/v1/clock", json={"advance_seconds": 61})
    assert (await owner.exchange(code)).json() == {"error": "invalid_grant"}


async def test_a_token_reaches_as_far_as_it_was_given(owner: Owner) -> None:
    token = await owner.token()
    assert (await owner.call("operation-history", token)).status_code == 403
    elsewhere = await owner.call("request-payment", token, pattern_id="p2p", to=POOR, amount="1.00")
    assert elsewhere.status_code == 403
    assert (await owner.call("account-info", "nobody's")).status_code == 401
    assert (await owner.request(token, amount="1000.01"))["error"] == "limit_exceeded"
    first = await owner.request(token, amount="600.00")
    await owner.ask("process-payment", token, request_id=first["request_id"])
    assert (await owner.request(token, amount="600.00"))["error"] == "limit_exceeded"


async def test_a_transfer_moves_money_once_however_often_it_is_sent(owner: Owner) -> None:
    token = await owner.token(scope=f"account-info {SCOPE}")
    prepared = await owner.request(token)
    before = await owner.balance(token), await owner.balance()
    assert prepared["contract_amount"] == 101.0
    assert await owner.history(label="order-17") == []
    for _ in range(3):
        sent = await owner.ask("process-payment", token, request_id=prepared["request_id"])
        assert (sent["status"], sent["credit_amount"]) == ("success", 100.0)
    after = await owner.balance(token), await owner.balance()
    assert (round(before[0] - after[0], 2), round(after[1] - before[1], 2)) == (101.0, 100.0)
    [listed] = await owner.history(label="order-17", type="deposition")
    assert (listed["amount"], listed["direction"], listed["status"]) == (100.0, "in", "success")
    details = await owner.ask("operation-details", operation_id=listed["operation_id"])
    assert details["sender"] == PAYER


async def test_what_arrives_may_be_named_instead_of_what_is_charged(owner: Owner) -> None:
    prepared = await owner.request(SHOP_TOKEN, to=PAYER, amount="", amount_due="100.00", label="back")
    await owner.ask("process-payment", request_id=prepared["request_id"])
    [listed] = await owner.history(label="back", type="payment")
    details = await owner.ask("operation-details", operation_id=listed["operation_id"])
    assert (details["direction"], details["amount"], details["amount_due"]) == ("out", 101.0, 100.0)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"to": "4100109999999999"}, "illegal_param_to"),
        ({"to": SHOP}, "illegal_param_to"),
        ({"amount": "0"}, "illegal_param_amount"),
        ({"amount": "-5"}, "illegal_param_amount"),
        ({"amount": "1.005"}, "illegal_param_amount"),
        ({"amount": "NaN"}, "illegal_param_amount"),
        ({"amount": "999999.00"}, "not_enough_funds"),
        ({"pattern_id": "phone"}, "illegal_param_pattern_id"),
    ],
)
async def test_what_is_not_prepared(owner: Owner, changes: dict[str, str], error: str) -> None:
    assert (await owner.request(SHOP_TOKEN, **{"to": PAYER, **changes})) == {
        "status": "refused",
        "error": error,
    }


@pytest.mark.parametrize("request_id", ["", "1", "018f0000-0000-7000-8000-000000000001"])
async def test_an_unknown_or_foreign_request_is_not_sent(owner: Owner, request_id: str) -> None:
    answer = await owner.ask("process-payment", request_id=request_id)
    assert answer == {"status": "refused", "error": "contract_not_found"}
    foreign = await owner.request(await owner.token())
    answer = await owner.ask("process-payment", request_id=foreign["request_id"])
    assert answer["error"] == "contract_not_found"


async def test_a_slow_wallet_is_in_progress_and_ends_by_itself(owner: Owner, http: httpx.AsyncClient) -> None:
    token = await owner.token(login="4100100000000004")
    prepared = await owner.request(token)
    answer = await owner.ask("process-payment", token, request_id=prepared["request_id"])
    assert answer == {"status": "in_progress", "next_retry": 1000}
    assert await owner.history(label="order-17") == []
    await http.post("/sandbox/control/v1/clock", json={"advance_seconds": 30})
    answer = await owner.ask("process-payment", token, request_id=prepared["request_id"])
    assert answer["status"] == "success"
    assert len(await owner.history(label="order-17")) == 1


async def test_history_goes_on_page_by_page(owner: Owner) -> None:
    for _ in range(3):
        await owner.http.post(await owner.open_form(), data={"login": PAYER, "password": PASSWORD})
    first = await owner.ask("operation-history", records="2")
    second = await owner.ask("operation-history", records="2", start_record=first["next_record"])
    ids = [one["operation_id"] for one in first["operations"] + second["operations"]]
    assert len(ids) == len(set(ids)) == 3
    assert ids == sorted(ids, reverse=True)
    assert "next_record" not in second


async def test_history_can_be_asked_for_a_time_and_with_details(owner: Owner) -> None:
    await owner.http.post(await owner.open_form(), data={"login": PAYER, "password": PASSWORD})
    [listed] = await owner.history(label="order-17", details="true")
    assert listed["sender"] == PAYER
    happened_at = datetime.fromisoformat(listed["datetime"])
    times = [(happened_at + timedelta(hours=hours)).isoformat() for hours in (-1, 1)]
    for bounds, number in [
        ({"from": times[0], "till": times[1]}, 1),
        ({"from": times[1]}, 0),
        ({"till": times[0]}, 0),
    ]:
        assert len(await owner.history(label="order-17", **bounds)) == number
    assert (await owner.call("operation-history", **{"from": "yesterday"})).status_code == 422
    token = await owner.token(scope="operation-history")
    assert (await owner.call("operation-history", token, details="true")).status_code == 403


async def test_a_form_is_paid_from_a_wallet_once(owner: Owner) -> None:
    address = await owner.open_form()
    shown = await owner.http.get(address)
    assert "₽500" in shown.text
    for _ in range(2):
        paid = await owner.http.post(address, data={"login": PAYER, "password": PASSWORD})
        assert (paid.status_code, paid.headers["location"]) == (303, "http://shop.example/r")
    [operation] = await owner.history(label="order-17")
    assert operation["amount"] == 495.05


async def test_a_form_that_is_not_paid_says_why(owner: Owner) -> None:
    address = await owner.open_form()
    for typed, words in (
        ({"login": PAYER, "password": "wrong"}, "No wallet has this number"),
        ({"login": POOR, "password": PASSWORD}, "not enough money"),
    ):
        answer = await owner.http.post(address, data=typed)
        assert answer.status_code == 422
        assert words in answer.text
    assert await owner.history(label="order-17") == []


async def test_a_form_is_paid_by_a_card_with_its_scenario(owner: Owner) -> None:
    address = await owner.open_form(way="AC")
    poor = await owner.http.post(address, data={**CARD, "card_number": "5555555555554600"})
    assert (poor.status_code, await owner.history(label="order-17")) == (422, [])
    challenged = await owner.http.post(address, data={**CARD, "card_number": "5555555555554477"})
    assert 'name="code"' in challenged.text
    wrong = await owner.http.post(address, data={"code": "000000"})
    assert wrong.status_code == 422
    await owner.http.post(address, data={**CARD, "card_number": "5555555555554477"})
    paid = await owner.http.post(address, data={"code": "123456"})
    assert paid.status_code == 303
    [operation] = await owner.history(label="order-17")
    assert operation["amount"] == 485.0
    details = await owner.ask("operation-details", operation_id=operation["operation_id"])
    assert "sender" not in details


@pytest.mark.parametrize(
    "changes",
    [
        {"receiver": "1"},
        {"sum": "0"},
        {"sum": "-1"},
        {"paymentType": "MC"},
        {"label": "x" * 65},
        {"successURL": "javascript:alert(1)"},
    ],
)
async def test_a_form_that_makes_no_sense_is_refused(owner: Owner, changes: dict[str, str]) -> None:
    form = {
        "receiver": SHOP,
        "sum": "1.00",
        "paymentType": "PC",
        "label": "1",
        "successURL": "http://s.example/",
    }
    assert (await owner.post("/quickpay/confirm", **{**form, **changes})).status_code == 400


async def test_notifications_are_signed_in_both_schemes(owner: Owner, hook: Hook) -> None:
    await owner.http.post(
        await owner.open_form(label="a label & more"), data={"login": PAYER, "password": PASSWORD}
    )
    await until(lambda: hook.received)
    [fields] = hook.received
    assert (fields["amount"], fields["withdraw_amount"], fields["sender"]) == ("495.05", "500.00", PAYER)
    names = ("notification_type", "operation_id", "amount", "currency", "datetime", "sender", "codepro")
    hashed = "&".join([*(fields[name] for name in names), SECRET, fields["label"]])
    assert fields["sha1_hash"] == hashlib.sha1(hashed.encode()).hexdigest()
    sign = fields.pop("sign")
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(fields.items()))
    assert sign == hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("signing", "present"), [("sign", {"sign"}), ("sha1", {"sha1_hash"}), ("both", {"sign", "sha1_hash"})]
)
async def test_a_wallet_signs_as_it_is_switched(
    owner: Owner, hook: Hook, signing: str, present: set[str]
) -> None:
    await owner.http.put(f"/sandbox/control/v1/yoomoney/wallets/{SHOP}", json={"signing": signing})
    await owner.http.post(await owner.open_form(), data={"login": PAYER, "password": PASSWORD})
    await until(lambda: hook.received)
    assert {"sign", "sha1_hash"} & hook.received[0].keys() == present


async def test_three_tries_within_an_hour_and_no_more_until_a_tester_wants_it(
    owner: Owner, hook: Hook
) -> None:
    hook.answer = 500
    await owner.http.post(await owner.open_form(), data={"login": PAYER, "password": PASSWORD})
    await until(lambda: len(hook.received) == 1)

    async def row() -> dict[str, Any]:
        found = await owner.http.get("/sandbox/control/v1/yoomoney/notifications?label=order-17")
        return dict(found.json()["items"][0])

    def heard(tries: int) -> bool:
        return len(hook.received) == tries

    for tries, step in ((2, 601), (3, 3000)):
        while (await row())["tries"] < tries - 1:
            pass
        await owner.http.post("/sandbox/control/v1/clock", json={"advance_seconds": step})
        await until(partial(heard, tries))
    while (await row())["tries"] < 3:
        pass
    assert (await row())["next_try_at"] is None
    hook.answer = 200
    identity = (await row())["id"]
    again = await owner.http.post(f"/sandbox/control/v1/yoomoney/notifications/{identity}/redeliver")
    assert again.status_code == 200
    await until(lambda: len(hook.received) == 4)
    assert hook.received[0] == hook.received[3]
