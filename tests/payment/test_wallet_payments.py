"""Paying on our own page: by the form, from a wallet whose owner allowed it, and what strangers may try."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from tests.payment.network import answer, cut_reply, refuse_connection
from tests.payment.payer import ASKED, POOR, REFUSED, SLOW, WALLET, Forms, Payer, asked_of, page_of
from tests.payment.stage import HOUSE, Stage, order
from theatre.kit.cache import CacheAway
from theatre.payment.models import WalletTransfer
from theatre.payment.wallet_payments import order_of
from theatre.payment.wallet_port import PayForm

REQUEST = "POST /sandbox/yoomoney/api/request-payment"
SEND = "POST /sandbox/yoomoney/api/process-payment"
HISTORY = "POST /sandbox/yoomoney/api/operation-history"
TOKEN = "POST /sandbox/yoomoney/oauth/token"


async def begin(stage: Stage, **words: Any) -> dict[str, Any]:
    """Begin an attempt by YooMoney."""
    return await stage.begin(order(provider="yoomoney", **words))


async def status(stage: Stage, attempt: dict[str, Any]) -> str:
    """Tell how an attempt stands, as billing sees it."""
    return str((await stage.read(attempt["id"]))["status"])


async def credited_minor(stage: Stage, attempt: dict[str, Any]) -> list[int]:
    """List what our wallet got for an attempt, as the sandbox knows it."""
    secret = stage.settings.yoomoney_wallet_token.get_secret_value()
    transport = httpx.ASGITransport(stage.network.applications["sandbox"])
    async with httpx.AsyncClient(transport=transport, base_url=HOUSE) as owner:
        response = await owner.post(
            "/sandbox/yoomoney/api/operation-history",
            data={"label": attempt["id"], "type": "deposition"},
            headers={"Authorization": f"Bearer {secret}"},
        )
    return [round(one["amount"] * 100) for one in response.json()["operations"]]


async def form_of(stage: Stage, attempt: dict[str, Any]) -> PayForm:
    """Give the wallet's own form of an attempt."""
    wanted = order_of(await stage.row(attempt["id"]))
    return stage.desk.wallet.pay_form(wanted, return_url=f"{HOUSE}/r")


def notice_of(response: httpx.Response) -> str:
    assert response.status_code == 303
    return asked_of(response.headers["location"]).get("notice", "")


def is_at_return(response: httpx.Response, attempt: dict[str, Any]) -> bool:
    assert response.status_code == 303, response.text
    return bool(response.headers["location"] == f"{HOUSE}/payment/return/{attempt['id']}")


async def rows(stage: Stage) -> list[WalletTransfer]:
    async with stage.resources.sessions() as session:
        return list(await session.scalars(select(WalletTransfer)))


async def test_the_page_shows_sum_and_purpose_in_two_languages_without_a_script(stage: Stage) -> None:
    attempt = await begin(stage, description="A month <b>of</b> films")
    assert attempt["confirmation_url"] == f"{HOUSE}{page_of(attempt)}"
    shown = await Payer(stage).open(page_of(attempt))
    assert "₽399" in shown.text
    assert "A month &lt;b&gt;of&lt;/b&gt; films" in shown.text
    assert "<script" not in shown.text
    assert "script-src" not in shown.headers["content-security-policy"]
    russian = await stage.caller().get(page_of(attempt), params={"lang": "ru"})
    assert "Оплатить из моего кошелька" in russian.text


async def test_the_page_holds_no_secret(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    shown = (await payer.open(page_of(attempt))).text
    token = await stage.desk.permits.find(await stage.row(attempt["id"]), browser=None)
    assert token is not None
    for secret in (
        token.get_secret_value(),
        stage.settings.yoomoney_wallet_token.get_secret_value(),
        stage.settings.yoomoney_client_secret.get_secret_value(),
        stage.settings.yoomoney_notification_secrets.get_secret_value(),
    ):
        assert secret not in shown


async def test_an_attempt_that_is_unknown_or_another_providers_has_no_page(stage: Stage) -> None:
    other = await stage.begin()
    for identity in (uuid4(), other["id"]):
        for path in ("", "/authorize", "/confirm", "/forget"):
            method = "POST" if path else "GET"
            response = await stage.caller().request(method, f"/payment/yoomoney/{identity}{path}")
            assert response.status_code in {403, 404}
        response = await stage.caller().get(f"/payment/yoomoney/authorized?attempt_id={identity}&state=1")
        assert response.status_code == 404


@pytest.mark.parametrize("by", ["wallet", "card"])
async def test_the_form_is_paid_and_the_janitor_finds_it(stage: Stage, by: str) -> None:
    """F-C5: with every notification lost; what was charged is the price, whatever arrived."""
    attempt = await begin(stage)
    form = await form_of(stage, attempt)
    await Payer(stage).pay_form(form, by=by)
    assert (await stage.row(attempt["id"])).status == "pending"
    await stage.wait(seconds=31)
    row = await stage.row(attempt["id"])
    assert (row.status, row.captured_minor, row.captured_currency) == ("succeeded", 39900, "RUB")
    assert await stage.fact_keys(attempt) == ["payment.attempt.succeeded"]
    assert await credited_minor(stage, attempt) == [39505 if by == "wallet" else 38703]


async def test_a_form_that_was_changed_to_a_smaller_sum_does_not_pay_the_price(stage: Stage) -> None:
    """F-C10"""
    attempt = await begin(stage)
    form = await form_of(stage, attempt)
    cheap = type(form)(form.address, {**form.fields, "sum": "1.00"}, form.ways)
    await Payer(stage).pay_form(cheap)
    await stage.wait(seconds=31)
    row = await stage.row(attempt["id"])
    assert (row.status, row.captured_minor) == ("succeeded", 100)


async def test_a_link_that_nobody_pays_ends_and_late_money_is_believed(stage: Stage) -> None:
    """F-C4: our page ends with its hour, the attempt when a form that was opened then cannot be meant any more."""
    attempt = await begin(stage)
    await stage.wait(minutes=61)
    assert is_at_return(await Payer(stage).open(page_of(attempt)), attempt)
    assert (await stage.row(attempt["id"])).status == "pending"
    await stage.wait(minutes=61)
    assert (await stage.row(attempt["id"])).failure_code == "expired"


async def test_a_wallet_pays_once_its_owner_allowed_and_confirmed(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    back = await payer.authorise(attempt)
    assert back.headers["location"] == f"{HOUSE}{page_of(attempt)}"
    assert await status(stage, attempt) == "pending"
    assert await credited_minor(stage, attempt) == []
    assert is_at_return(await payer.confirm(attempt), attempt)
    row = await stage.row(attempt["id"])
    assert (row.status, row.captured_minor) == ("succeeded", 39900)
    assert await credited_minor(stage, attempt) == [39505]


async def test_a_wallet_that_is_allowed_pays_the_next_attempt_with_one_click(stage: Stage) -> None:
    first = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(first)
    await payer.confirm(first)
    second = await begin(stage, user_id=(await stage.row(first["id"])).user_id)
    assert is_at_return(await payer.confirm(second), second)
    assert await status(stage, second) == "succeeded"


async def test_somebody_else_with_the_link_does_not_pay_from_the_owners_wallet(stage: Stage) -> None:
    attempt = await begin(stage)
    await Payer(stage).authorise(attempt)
    stranger = Payer(stage)
    forms = await stranger.forms(attempt)
    assert "confirm" not in forms
    forged = forms["authorize"]
    forged.action = forged.action.replace("authorize", "confirm")
    assert notice_of(await stranger.send(forged)) == "allow"
    assert await credited_minor(stage, attempt) == []


async def test_opening_addresses_never_pays(stage: Stage) -> None:
    """S-P4: robots that preview links, prefetching, HEAD."""
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    for method in ("GET", "HEAD", "OPTIONS"):
        for path in ("", "/confirm", "/authorize", "/forget"):
            await payer.client_of("/payment/").request(method, page_of(attempt) + path)
    assert await credited_minor(stage, attempt) == []
    assert await stage.count(WalletTransfer) == 0
    assert "confirm" in await payer.forms(attempt)


@pytest.mark.parametrize("action", ["authorize", "confirm", "forget"])
async def test_a_form_of_another_site_browser_or_attempt_does_nothing(stage: Stage, action: str) -> None:
    """CSRF: the word of a form fits one browser and one attempt."""
    attempt, other = await begin(stage), await begin(stage)
    payer, stranger = Payer(stage), Payer(stage)
    await payer.authorise(attempt)
    words = {
        "none": "",
        "another browser's": (await stranger.forms(attempt))["authorize"].fields["form_token"],
        "another attempt's": (await payer.forms(other))["authorize"].fields["form_token"],
        "no cookie's": stage.desk.permits.form_token(attempt["id"], ""),
        "not ASCII": "ё" * 64,
    }
    for word in words.values():
        response = await payer.client_of("/payment/").post(
            f"{page_of(attempt)}/{action}", data={"form_token": word}
        )
        assert (response.status_code, response.json()["code"]) == (403, "payment.form_forged")
    bare = await stage.caller().post(
        f"{page_of(attempt)}/{action}", data={"form_token": words["no cookie's"]}
    )
    assert bare.status_code == 403
    assert await credited_minor(stage, attempt) == []
    assert "confirm" in await payer.forms(attempt)


async def test_a_state_is_of_use_once_in_its_own_browser_and_for_its_own_attempt(stage: Stage) -> None:
    """S-A10"""
    attempt, other = await begin(stage), await begin(stage)
    payer, stranger = Payer(stage), Payer(stage)
    back = await payer.decide(await payer.begin_authorisation(attempt))
    asked = asked_of(back)
    await stranger.forms(attempt)
    wrong = [
        (stranger, back),
        (payer, f"{back.partition('?')[0]}?attempt_id={attempt['id']}&code={asked['code']}"),
        (payer, f"{back.partition('?')[0]}?attempt_id={attempt['id']}&state=1&code={asked['code']}"),
    ]
    for who, address in wrong:
        response = await who.open(address)
        assert response.status_code == 400
        assert "That permission does not fit" in response.text
    assert stage.network.count(TOKEN) == 0
    # the first wrong one used the state up
    assert (await payer.open(back)).status_code == 400
    fresh = await payer.decide(await payer.begin_authorisation(attempt))
    assert (await payer.open(fresh.replace(attempt["id"], other["id"]))).status_code == 400
    again = await payer.decide(await payer.begin_authorisation(attempt))
    assert (await payer.open(again)).status_code == 303
    assert (await payer.open(again)).status_code == 400
    assert stage.network.count(TOKEN) == 1


async def test_a_state_lives_ten_minutes(stage: Stage, redis_url: str) -> None:
    """S-A10"""
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
        await Payer(stage).begin_authorisation(await begin(stage))
        [key] = [key async for key in redis.scan_iter("payment:wallet-state:*")]
        assert 0 < await redis.ttl(key) <= 600


@pytest.mark.parametrize("error", ["access_denied", "<script>alert(1)</script>", "x" * 2000])
async def test_an_error_of_the_wallet_is_told_in_our_own_words(stage: Stage, error: str) -> None:
    """S-A12"""
    attempt = await begin(stage)
    payer = Payer(stage)
    state = asked_of(asked_of(await payer.begin_authorisation(attempt))["redirect_uri"])["state"]
    response = await payer.open(
        f"/payment/yoomoney/authorized?attempt_id={attempt['id']}&state={state}",
        params={"attempt_id": attempt["id"], "state": state, "error": error, "code": "1"},
    )
    assert notice_of(response) == "denied"
    assert "<script" not in (await payer.open(response.headers["location"])).text
    assert stage.network.count(TOKEN) == 0


async def test_an_owner_who_denies_comes_back_and_may_pay_otherwise(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    back = await payer.decide(await payer.begin_authorisation(attempt), decision="deny")
    assert notice_of(await payer.open(back)) == "denied"
    assert set(await payer.forms(attempt)) == {"authorize", "form"}


async def test_a_notice_is_one_of_ours(stage: Stage) -> None:
    """S-A12"""
    attempt = await begin(stage)
    response = await stage.caller().get(page_of(attempt), params={"notice": "<b>anything</b>"})
    assert response.status_code == 422


async def test_a_permission_reaches_our_wallet_alone_and_only_so_far(stage: Stage) -> None:
    attempt = await begin(stage, total_minor=600_000)
    asked = asked_of(await Payer(stage).begin_authorisation(attempt))
    assert asked["scope"] == f'payment.to-account("{stage.settings.yoomoney_wallet}").limit(30,6000.00)'
    assert asked["redirect_uri"].startswith(f"{HOUSE}/payment/yoomoney/authorized?")


async def test_a_code_that_is_good_for_nothing_is_told(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    back = await payer.decide(await payer.begin_authorisation(attempt))
    response = await payer.open(back.replace("code=", "code=0"))
    assert response.status_code == 400
    back = await payer.decide(await payer.begin_authorisation(attempt))
    stage.network.fail(TOKEN, answer(502))
    assert notice_of(await payer.open(back)) == "unavailable"


async def test_tokens_are_encrypted_in_redis_and_never_logged(
    stage: Stage, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """S-P7"""
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    await payer.confirm(attempt)
    token = await stage.desk.permits.find(await stage.row(attempt["id"]), browser=None)
    assert token is not None
    async with Redis.from_url(redis_url) as redis:
        kept = [repr(await redis.get(key)) async for key in redis.scan_iter("payment:token:*")]
    assert kept
    assert all(token.get_secret_value() not in value for value in kept)
    logged = capsys.readouterr()
    assert token.get_secret_value() not in logged.out + logged.err


async def test_a_forgotten_wallet_is_forgotten_here_and_there(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    token = await stage.desk.permits.find(await stage.row(attempt["id"]), browser=None)
    assert token is not None
    await payer.send((await payer.forms(attempt))["forget"])
    assert "authorize" in await payer.forms(attempt)
    answered = await stage.browse(
        "POST",
        "/sandbox/yoomoney/api/account-info",
        headers={"Authorization": f"Bearer {token.get_secret_value()}"},
    )
    assert answered.status_code == 401


async def test_a_token_that_the_wallet_does_not_take_any_more_is_dropped(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    stage.network.fail(REQUEST, answer(401))
    assert notice_of(await payer.confirm(attempt)) == "allow"
    await payer.authorise(attempt)
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert await credited_minor(stage, attempt) == [39505]


@pytest.mark.parametrize(
    ("number", "notice"), [(POOR, "not_enough"), (REFUSED, "refused")], ids=["poor", "refused"]
)
async def test_a_refused_transfer_leaves_every_other_way_open(stage: Stage, number: str, notice: str) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt, number=number)
    assert notice_of(await payer.confirm(attempt)) == notice
    assert await status(stage, attempt) == "pending"
    await payer.send((await payer.forms(attempt))["forget"])
    await payer.authorise(attempt, number=WALLET)
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert await credited_minor(stage, attempt) == [39505]


async def test_above_the_limit_the_owner_is_asked_anew(stage: Stage) -> None:
    first = await begin(stage, total_minor=400_000)
    payer = Payer(stage)
    await payer.authorise(first)
    await payer.confirm(first)
    second = await begin(stage, total_minor=200_000, user_id=(await stage.row(first["id"])).user_id)
    assert notice_of(await payer.confirm(second)) == "limit"
    await payer.authorise(second)
    assert is_at_return(await payer.confirm(second), second)


async def test_a_slow_transfer_is_waited_for_and_nothing_else_is_offered_meanwhile(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt, number=SLOW)
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert set(await payer.forms(attempt)) == {"confirm"}
    assert await status(stage, attempt) == "pending"
    await stage.ask_clock(advance_seconds=30)
    await stage.wait(seconds=31)
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert stage.network.count(REQUEST) == 1
    assert await credited_minor(stage, attempt) == [39505]


async def test_a_transfer_whose_answer_was_lost_is_asked_about_under_its_own_id(stage: Stage) -> None:
    """Unknown is not failed: never a second transfer for the same attempt."""
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    stage.network.fail(HISTORY, answer(200, b'{"operations": []}'), times=2)
    stage.network.fail(SEND, cut_reply)
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert (await stage.row(attempt["id"])).status == "pending"
    [row] = await rows(stage)
    assert row.sent_at is not None
    stage.network.faults.clear()
    await stage.wait(seconds=60)
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert stage.network.count(REQUEST) == 1
    assert await credited_minor(stage, attempt) == [39505]


async def test_a_transfer_that_never_arrived_is_sent_by_the_janitor(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    stage.network.fail(SEND, refuse_connection)
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert await credited_minor(stage, attempt) == []
    await stage.wait(seconds=60)
    await stage.wait(seconds=60)
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert (stage.network.count(REQUEST), stage.network.count(SEND)) == (1, 2)
    assert await credited_minor(stage, attempt) == [39505]


async def test_a_preparation_whose_answer_was_lost_is_dead_and_may_be_made_anew(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    stage.network.fail(REQUEST, cut_reply)
    assert notice_of(await payer.confirm(attempt)) == "unavailable"
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert await credited_minor(stage, attempt) == [39505]


async def test_nothing_is_sent_while_it_is_not_known_whether_the_form_was_paid(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    stage.network.fail(HISTORY, refuse_connection)
    assert notice_of(await payer.confirm(attempt)) == "unavailable"
    assert stage.network.count(REQUEST) == 0


async def test_who_paid_by_the_form_does_not_pay_from_the_wallet_too(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    confirm = (await payer.forms(attempt))["confirm"]
    form = await form_of(stage, attempt)
    await payer.pay_form(form)
    assert is_at_return(await payer.send(confirm), attempt)
    assert len(await credited_minor(stage, attempt)) == 1


async def test_twenty_clicks_at_once_pay_once(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt)
    form = (await payer.forms(attempt))["confirm"]
    responses = await asyncio.gather(*(payer.send(form) for _ in range(20)))
    assert all(is_at_return(response, attempt) for response in responses)
    assert stage.network.count(REQUEST) == 1
    assert await credited_minor(stage, attempt) == [39505]


async def test_two_purchases_of_one_user_at_once_do_not_mix(stage: Stage) -> None:
    """F-R6"""
    user_id = uuid4()
    attempts = [await begin(stage, user_id=user_id, total_minor=minor) for minor in (10100, 20200)]
    payer = Payer(stage)
    asked = [await payer.begin_authorisation(attempt) for attempt in attempts]
    for address in reversed(asked):
        assert (await payer.open(await payer.decide(address))).status_code == 303
    forms = [(await payer.forms(attempt))["confirm"] for attempt in attempts]
    await asyncio.gather(*(payer.send(form) for form in forms))
    for attempt, minor in zip(attempts, (10100, 20200), strict=True):
        row = await stage.row(attempt["id"])
        assert (row.status, row.captured_minor) == ("succeeded", minor)


STEPS = ["begun", "asked", "decided", "allowed", "sent"]


@pytest.mark.parametrize("flushed_at", STEPS)
async def test_redis_emptied_at_any_step_costs_one_more_authorisation_at_most(
    stage: Stage, redis_url: str, flushed_at: str
) -> None:
    """F-R1"""

    async def reach(step: str) -> None:
        if step == flushed_at:
            async with Redis.from_url(redis_url) as redis:
                await redis.flushdb()

    attempt = await begin(stage)
    payer = Payer(stage)
    await reach("begun")
    asked = await payer.begin_authorisation(attempt)
    await reach("asked")
    back = await payer.decide(asked)
    await reach("decided")
    await payer.open(back)
    await reach("allowed")
    if "confirm" not in await payer.forms(attempt):
        await payer.authorise(attempt)
    if flushed_at == "sent":
        stage.network.fail(SEND, refuse_connection)
        await payer.confirm(attempt)
        await reach("sent")
        await stage.wait(seconds=60)
        assert set(await payer.forms(attempt)) == {"authorize"}
        await payer.authorise(attempt)
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert (await stage.row(attempt["id"])).status == "succeeded"
    assert stage.network.count(REQUEST) == 1
    assert await credited_minor(stage, attempt) == [39505]


async def test_with_redis_away_the_form_is_still_offered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = await begin(stage)

    async def away(*_: object, **__: object) -> None:
        raise CacheAway

    for name in ("get", "put", "take", "drop"):
        monkeypatch.setattr(stage.desk.permits.cache, name, away)
    payer = Payer(stage)
    forms = await payer.forms(attempt)
    assert set(forms) == {"authorize", "form"}
    response = await payer.send(forms["authorize"])
    assert response.status_code == 503


async def test_a_bank_that_wants_a_word_is_gone_to_and_come_back_from(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt, number=ASKED)
    asked = await payer.confirm(attempt)
    assert asked.status_code == 200
    [bank] = Forms(asked.text).forms
    question = await payer.send(bank)
    [decision] = Forms(question.text).forms
    back = await payer.send(decision, decision="allow")
    assert back.headers["location"] == f"{HOUSE}{page_of(attempt)}"
    assert await credited_minor(stage, attempt) == []
    assert is_at_return(await payer.confirm(attempt), attempt)
    assert await credited_minor(stage, attempt) == [39505]


async def test_a_bank_that_refuses_leaves_every_other_way_open(stage: Stage) -> None:
    attempt = await begin(stage)
    payer = Payer(stage)
    await payer.authorise(attempt, number=ASKED)
    [bank] = Forms((await payer.confirm(attempt)).text).forms
    [decision] = Forms((await payer.send(bank)).text).forms
    await payer.send(decision, decision="deny")
    assert notice_of(await payer.confirm(attempt)) == "refused"
    assert "confirm" in await payer.forms(attempt)
