"""What comes over the wire from YooMoney: signatures, notifications and answers in every broken shape."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.clock import SystemClock
from theatre.kit.ids import new_id
from theatre.kit.money import Money
from theatre.kit.routing import UnsupportedMediaType
from theatre.payment.errors import ForgedCallback, MalformedCallback, OutcomeUnknown
from theatre.payment.failures import BY_HAND
from theatre.payment.providers import Callback, Notice, ObjectKind, Order, ProviderRefused, RefundOrder
from theatre.payment.providers import wire as wire_module
from theatre.payment.providers.yoomoney import Trust, YooMoney
from theatre.payment.providers.yoomoney_commission import charged_of, credited_of, explains, fee_of
from theatre.payment.providers.yoomoney_history import Books
from theatre.payment.providers.yoomoney_objects import TokenAnswer
from theatre.payment.providers.yoomoney_signatures import is_authentic, sha1_of, sign_of
from theatre.payment.providers.yoomoney_statement import YooMoneyStatement
from theatre.payment.providers.yoomoney_transfers import Transfers
from theatre.payment.providers.yoomoney_wire import Wire
from theatre.payment.statements import ListedPage, Period
from theatre.payment.wallet_port import Prepared, Total, TransferRefused, TransferStatus

SECRET = "01234567890ABCDEF01234567890"
FORM = {"content-type": "application/x-www-form-urlencoded"}
# the example of their page, and the same with the fields that it lacks
PUBLISHED = {
    "notification_type": "p2p-incoming",
    "operation_id": "1234567",
    "amount": "300.00",
    "currency": "643",
    "datetime": "2011-07-01T09:00:00.000+04:00",
    "sender": "41001XXXXXXXX",
    "codepro": "false",
    "label": "YM.label.12345",
}
WHOLE = {**PUBLISHED, "unaccepted": "false", "withdraw_amount": "301.50"}
SIGN = "1e5dbeaf47938c42ceed1e4d07569cb5a718392eb0d33ddd07b5c18f36974360"
SHA1 = "a2ee4a9195f4a90e893cff4f62eeba0b662321f9"
ATTEMPT = UUID("018f0000-0000-7000-8000-000000000001")
REFUND = UUID(int=2)
TOTAL = Money(39900, "RUB")


class Memory:
    """Keeps prepared transfers as the table does."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Prepared] = {}

    async def find(self, label: UUID) -> Prepared | None:
        return self.kept.get(label)

    async def keep(self, label: UUID, prepared: Prepared) -> Prepared:
        return self.kept.setdefault(label, prepared)


class Known:
    """Knows what some attempts are to bring."""

    def __init__(self, totals: Mapping[UUID, Total] | None = None) -> None:
        self.totals = totals or {}

    async def find(self, attempt_ids: Collection[UUID]) -> Mapping[UUID, Total]:
        return {id: total for id, total in self.totals.items() if id in attempt_ids}


def wire_of(*answers: Any) -> tuple[Wire, list[httpx.Request]]:
    """Make a wire whose requests get these answers in turn: a response, an exception, or an object to be sent."""
    waiting, asked = list(answers), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)

    return Wire("https://yoomoney.ru", transport=httpx.MockTransport(answer)), asked


def member(*answers: Any, takes_sha1: bool = False, secrets: tuple[str, ...] = (SECRET,)) -> YooMoney:
    wire, _ = wire_of(*answers)
    return made(wire, Trust(secrets, takes_sha1=takes_sha1))


def made(wire: Wire, trust: Trust, memory: Memory | None = None) -> YooMoney:
    token = SecretStr("token")
    return YooMoney(
        Books(wire, token),
        Transfers(wire),
        memory or Memory(),
        totals=Known(),
        trust=trust,
        token=token,
        page_url="https://theatre.example/payment/yoomoney",
        clock=SystemClock(),
    )


def operation(**changes: Any) -> dict[str, Any]:
    """Write an operation as YooMoney does."""
    return {
        "operation_id": "670278348725002105",
        "status": "success",
        "datetime": "2026-05-04T10:11:12Z",
        "direction": "in",
        "amount": 395.05,
        "label": str(ATTEMPT),
        "sender": "4100100000000002",
        "a field of tomorrow": None,
        **changes,
    }


def signed(fields: dict[str, str], secret: str = SECRET) -> Callback:
    return sent({**fields, "sign": sign_of(fields, secret)})


def sent(fields: dict[str, str]) -> Callback:
    return Callback(FORM, urlencode(fields).encode(), None)


def test_known_answers_of_both_signatures() -> None:
    assert sha1_of(PUBLISHED, SECRET) == SHA1
    assert sign_of(WHOLE, SECRET) == SIGN
    card = {
        "notification_type": "card-incoming",
        "operation_id": "sbx-000000000000000042",
        "amount": "485.00",
        "currency": "643",
        "datetime": "2026-05-04T10:11:12Z",
        "sender": "",
        "codepro": "false",
        "label": "order-17",
    }
    assert sha1_of(card, "sandbox-notify-secret") == "a6407b0e86a5979bbac597840b34626ef9a4636b"


@pytest.mark.parametrize("secrets", [(SECRET,), ("the new one", SECRET), (SECRET, "an old one")])
def test_either_secret_is_taken_while_secrets_rotate(secrets: tuple[str, ...]) -> None:
    """F-C12"""
    member(secrets=secrets).authenticate(signed(WHOLE))


@pytest.mark.parametrize("space", ["%20", "+"])
def test_a_space_may_be_signed_in_either_spelling(space: str) -> None:
    fields = {**WHOLE, "label": "a label with spaces & more+"}
    assert is_authentic({**fields, "sign": sign_of(fields, SECRET, space=space)}, [SECRET], takes_sha1=False)


@pytest.mark.parametrize(
    "fields",
    [
        WHOLE,
        {**WHOLE, "sign": ""},
        {**WHOLE, "sign": SIGN[:-1]},
        {**WHOLE, "sign": SIGN.upper()},
        {**WHOLE, "sign": sign_of(WHOLE, "another secret")},
        {**WHOLE, "sign": sign_of(WHOLE, "")},
        {**WHOLE, "sign": sha1_of(WHOLE, SECRET)},
        {**WHOLE, "sha1_hash": sha1_of(WHOLE, SECRET)},
        {**WHOLE, "amount": "3000.00", "sign": SIGN},
        {**WHOLE, "withdraw_amount": "3000.00", "sign": SIGN},
        {**WHOLE, "unaccepted": "true", "sign": SIGN},
        {**WHOLE, "one more": "", "sign": SIGN},
        {**PUBLISHED, "sign": SIGN},
        {**WHOLE, "sign": "ё" * 64},
    ],
)
@pytest.mark.parametrize("takes_sha1", [False, True])
def test_what_nobody_of_theirs_signed_is_forged(fields: dict[str, str], takes_sha1: bool) -> None:
    """F-C6, F-C7: with `sign` there the old hash decides nothing; without it only where that is switched on."""
    if takes_sha1 and "sha1_hash" in fields:
        member(takes_sha1=True).authenticate(sent(fields))
        return
    with pytest.raises(ForgedCallback):
        member(takes_sha1=takes_sha1).authenticate(sent(fields))


def test_a_right_hash_does_not_save_a_wrong_sign() -> None:
    fields = {**WHOLE, "sha1_hash": sha1_of(WHOLE, SECRET), "sign": "0" * 64}
    with pytest.raises(ForgedCallback):
        member(takes_sha1=True).authenticate(sent(fields))


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")])
def test_an_empty_secret_verifies_nothing(secrets: tuple[str, ...]) -> None:
    """F-C9"""
    for fields in ({**WHOLE, "sign": sign_of(WHOLE, "")}, {**WHOLE, "sha1_hash": sha1_of(WHOLE, "")}):
        with pytest.raises(ForgedCallback):
            member(secrets=secrets, takes_sha1=True).authenticate(sent(fields))


@pytest.mark.parametrize(
    "body",
    [
        b"amount=1&amount=2",
        b"sign=1&sign=2",
        b"a=%ff",
        b"\xff=1",
        b"a",
        b"a=1&&b=2",
        b"&".join(b"f%d=1" % number for number in range(10_000)),
        b'{"amount": 1}',
    ],
    ids=lambda body: body[:20],
)
def test_a_body_that_can_be_read_in_two_ways_or_none_is_malformed(body: bytes) -> None:
    """F-C7, F-C14"""
    with pytest.raises(MalformedCallback):
        member().authenticate(Callback(FORM, body, None))


def test_json_is_not_a_form() -> None:
    """F-C14"""
    for kind in ("application/json", "text/plain", ""):
        with pytest.raises(UnsupportedMediaType):
            member().authenticate(Callback({"content-type": kind}, b"{}", None))


def test_a_signed_notification_claims_what_was_charged() -> None:
    assert member().parse(signed(WHOLE).body) == Notice(
        "p2p-incoming", "1234567:30150", ObjectKind.PAYMENT, AttemptStatus.SUCCEEDED
    )


def test_a_claim_that_is_not_signed_is_told_apart() -> None:
    hashed = {**WHOLE, "sha1_hash": sha1_of(WHOLE, SECRET)}
    assert member().parse(sent(hashed).body).object_id == "1234567~30150"


@pytest.mark.parametrize(
    "change",
    [
        {"test_notification": "true"},
        {"unaccepted": "true"},
        {"codepro": "true"},
        {"currency": "840"},
        {"notification_type": "payment"},
        {"label": ""},
    ],
)
def test_what_brings_no_money_of_ours_is_of_no_use(change: dict[str, str]) -> None:
    """F-C10: and its name is another, so that the same operation may be told of again when it brings some."""
    notice, useful = (member().parse(signed(fields).body) for fields in ({**WHOLE, **change}, WHOLE))
    assert notice.kind is None
    assert (notice.event, notice.object_id) != (useful.event, useful.object_id)


@pytest.mark.parametrize(
    "change",
    [
        {"operation_id": "../1"},
        {"operation_id": ""},
        {"amount": "NaN"},
        {"amount": "-1.00"},
        {"amount": "1.005"},
        {"amount": "9" * 30},
        {"withdraw_amount": "1e400"},
        {"currency": "RUB"},
        {"notification_type": "a\u0000b"},
    ],
)
def test_rubbish_in_a_field_is_malformed(change: dict[str, str]) -> None:
    with pytest.raises(MalformedCallback):
        member().parse(sent({**WHOLE, **change}).body)


NOTHING_DECIDED = [
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("late"),
    httpx.Response(500),
    httpx.Response(502, content=b"<html>Bad gateway</html>"),
    httpx.Response(429),
    httpx.Response(401),
    httpx.Response(403),
    httpx.Response(404, content=b"not found"),
    httpx.Response(302, headers={"Location": "https://evil.example/"}),
    httpx.Response(200, content=b"<html>maintenance</html>"),
    httpx.Response(200, content=b""),
    httpx.Response(200, content=b"[]"),
    httpx.Response(200, content=b"\xff\xfe"),
    httpx.Response(200, content=b" " * (wire_module.MAX_BODY_BYTES + 1)),
    {"error": "technical_error"},
    operation(status=None),
    operation(amount=-1),
    operation(amount=1.005),
    operation(amount="NaN"),
    operation(amount=1e300),
    operation(datetime="2026-05-04T10:11:12"),
    operation(operation_id="a\u0000b"),
]


@pytest.mark.parametrize("given", NOTHING_DECIDED, ids=range(len(NOTHING_DECIDED)))
async def test_an_answer_that_decides_nothing_is_never_read_as_a_failure(given: Any) -> None:
    """F-P1, W8"""
    with pytest.raises(OutcomeUnknown):
        await member(given).read("670278348725002105")


@pytest.mark.parametrize("given", [*NOTHING_DECIDED[:14], {"error": "technical_error"}], ids=range(15))
async def test_a_history_that_cannot_be_read_decides_nothing(given: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        await member(given).read(f"{ATTEMPT}.39900")


async def test_a_history_without_end_decides_nothing() -> None:
    with pytest.raises(OutcomeUnknown):
        await member(*[{"operations": [], "next_record": "100"}] * 100).read(f"{ATTEMPT}.39900")


async def test_an_operation_that_is_not_there_or_went_out_is_absent() -> None:
    assert await member({"error": "illegal_param_operation_id"}).read("1") is None
    assert await member(operation(direction="out")).read("1") is None
    assert await member().read("no/reference/of/ours") is None


@pytest.mark.parametrize(
    ("reference", "changes", "charged"),
    [
        # signed: believed, whatever the commission has become since
        ("1:39900", {}, 39900),
        ("1:41000", {}, 41000),
        # not signed: believed if it explains what arrived, else reckoned
        ("1~39900", {}, 39900),
        ("1~39901", {}, 39901),
        ("1~99900", {}, 39900),
        ("1~39900", {"amount": 1.0}, 101),
        # not claimed
        ("1", {}, 39900),
        ("1", {"amount": 387.03, "sender": ""}, 39900),
    ],
)
async def test_what_was_charged(reference: str, changes: dict[str, Any], charged: int) -> None:
    """F-C7: an unsigned sum is never believed against what arrived."""
    reading = await member(operation(**changes)).read(reference)
    assert reading is not None
    assert (reading.status, reading.amount) == (AttemptStatus.SUCCEEDED, Money(charged, "RUB"))
    assert (reading.reference, reading.attempt_id) == ("670278348725002105", ATTEMPT)


async def test_more_arriving_than_was_charged_is_doubted() -> None:
    reading = await member(operation()).read("1:100")
    assert reading is not None
    assert reading.doubt


async def test_a_link_is_paid_by_the_first_operation_with_its_label() -> None:
    listed = [
        operation(operation_id="3"),
        operation(operation_id="2", status="refused"),
        operation(operation_id="1"),
        operation(operation_id="0", label="somebody's own"),
        operation(operation_id="00", direction="out"),
    ]
    reading = await member({"operations": listed}, operation(operation_id="1")).read(f"{ATTEMPT}.39900")
    assert reading is not None
    assert (reading.status, reading.reference, reading.amount) == (AttemptStatus.SUCCEEDED, "1", TOTAL)


async def test_less_than_the_price_is_read_as_what_it_is() -> None:
    """F-C10"""
    listed = {"operations": [operation(amount=1.0)]}
    reading = await member(listed, operation(amount=1.0)).read(f"{ATTEMPT}.39900")
    assert reading is not None
    assert reading.amount == Money(101, "RUB")


async def test_a_link_ends_by_its_time_but_not_while_money_is_held_back() -> None:
    empty: dict[str, Any] = {"operations": []}
    held = {"operations": [operation(status="in_progress")]}
    over = await member(empty).read(f"{ATTEMPT}.39900")
    assert over is not None
    assert (over.status, over.failure_code) == (AttemptStatus.FAILED, "expired")
    waiting = await member(held).read(f"{ATTEMPT}.39900")
    assert waiting is not None
    assert waiting.status == AttemptStatus.PENDING
    fresh = await member(empty).read(f"{new_id()}.39900")
    assert fresh is not None
    assert fresh.status == AttemptStatus.PENDING


async def test_only_roubles_are_taken() -> None:
    order = Order(ATTEMPT, UUID(int=3), Money(500, "USD"), "A month", "https://theatre.example/r", False)
    with pytest.raises(ProviderRefused):
        await member().create(order)


def test_commission() -> None:
    assert credited_of(TOTAL, by_card=True) == Money(38703, "RUB")
    assert credited_of(Money(50000, "RUB"), by_card=True) == Money(48500, "RUB")
    assert credited_of(TOTAL, by_card=False) == Money(39505, "RUB")
    assert fee_of(TOTAL, Money(39505, "RUB")) == Money(395, "RUB")


@pytest.mark.parametrize("by_card", [False, True])
def test_what_is_reckoned_from_the_commission_is_right_to_the_kopeck(by_card: bool) -> None:
    for minor in (1, 2, 99, 100, 101, 19900, 39900, 39901, 123457, 10**9):
        charged = Money(minor, "RUB")
        credited = credited_of(charged, by_card=by_card)
        assert explains(charged, credited, by_card=by_card)
        assert abs(charged_of(credited, by_card=by_card).amount_minor - minor) <= 1


def refund_order(minor: int = 39900) -> RefundOrder:
    return RefundOrder(REFUND, "670278348725002105", Money(minor, "RUB"), "not wanted")


EMPTY: dict[str, Any] = {"operations": []}
PREPARED = {"status": "success", "request_id": "r1", "contract_amount": 402.99}


async def test_a_card_tells_no_wallet_and_its_money_goes_back_by_hand() -> None:
    given = await member(EMPTY, operation(sender="", amount=387.03)).refund(refund_order())
    assert (given.status, given.failure_code) == (RefundStatus.FAILED, BY_HAND)


async def test_a_refund_is_sent_under_the_id_that_was_kept_first() -> None:
    """A time-out after success never pays twice: not even where history does not show it yet."""
    memory = Memory()
    wire, asked = wire_of(
        *(EMPTY, operation(), PREPARED, httpx.ReadTimeout("late")),
        *(EMPTY, {"status": "in_progress", "next_retry": 5000}),
        *(EMPTY, {"status": "refused", "error": "contract_not_found"}),
        *(EMPTY, {"status": "success"}),
    )
    provider = made(wire, Trust(()), memory)
    with pytest.raises(OutcomeUnknown):
        await provider.refund(refund_order())
    assert memory.kept[REFUND] == Prepared("r1", TOTAL)
    statuses = [(await provider.refund(refund_order())).status for _ in range(3)]
    assert statuses == [RefundStatus.PENDING, RefundStatus.PENDING, RefundStatus.SUCCEEDED]
    paths = [request.url.path for request in asked]
    assert paths.count("/api/request-payment") == 1
    sent = [request for request in asked if request.url.path == "/api/process-payment"]
    assert {request.content for request in sent} == {b"request_id=r1&money_source=wallet"}


async def test_of_two_preparations_at_once_only_the_kept_one_is_sent() -> None:
    memory = Memory()
    wire, asked = wire_of(EMPTY, operation(), {**PREPARED, "request_id": "r2"}, {"status": "success"})
    provider = made(wire, Trust(()), memory)
    original = memory.find

    async def meanwhile(label: UUID) -> Prepared | None:
        found = await original(label)
        memory.kept[label] = Prepared("r1", TOTAL)
        return found

    memory.find = meanwhile  # type: ignore[method-assign]
    await provider.refund(refund_order())
    assert asked[-1].content == b"request_id=r1&money_source=wallet"


async def test_a_refused_preparation_or_transfer_is_definite() -> None:
    with pytest.raises(ProviderRefused) as refusal:
        await member(EMPTY, operation(), {"status": "refused", "error": "not_enough_funds"}).refund(
            refund_order()
        )
    assert refusal.value.code == "not_enough_funds"
    refused = {"status": "refused", "error": "payment_refused"}
    given = await member(EMPTY, operation(), PREPARED, refused).refund(refund_order())
    assert (given.status, given.failure_code) == (RefundStatus.FAILED, "provider_refused")


async def test_more_than_arrived_for_is_not_given_back() -> None:
    with pytest.raises(ProviderRefused):
        await member(EMPTY, operation()).refund(refund_order(39901))


async def test_a_refund_that_history_shows_is_done() -> None:
    gone = operation(direction="out", label=str(REFUND), amount=402.99, amount_due=399)
    listed = {name: value for name, value in gone.items() if name != "amount_due"}
    given = await member({"operations": [listed]}, gone).refund(refund_order())
    assert (given.status, given.amount, given.refund_id) == (RefundStatus.SUCCEEDED, TOTAL, REFUND)


@pytest.mark.parametrize(
    ("answer", "status", "pause_seconds"),
    [
        ({"status": "success"}, TransferStatus.DONE, 0),
        ({"status": "refused", "error": "limit_exceeded"}, TransferStatus.REFUSED, 0),
        ({"status": "in_progress", "next_retry": 5000}, TransferStatus.WAITING, 5),
        ({"status": "in_progress", "next_retry": 10**12}, TransferStatus.WAITING, 60),
        ({"status": "in_progress"}, TransferStatus.WAITING, 1),
        ({"status": "a word of tomorrow"}, TransferStatus.WAITING, 1),
        ({"status": "refused", "error": "contract_not_found"}, TransferStatus.WAITING, 0),
        ({"status": "ext_auth_required", "acs_uri": "https://bank.example/acs"}, TransferStatus.ASKED, 0),
    ],
)
async def test_how_a_transfer_stands(
    answer: dict[str, Any], status: TransferStatus, pause_seconds: int
) -> None:
    wire, _ = wire_of(answer)
    progress = await Transfers(wire).send(SecretStr("t"), "r1")
    assert (progress.status, progress.again_after_seconds) == (status, pause_seconds)


@pytest.mark.parametrize(
    "page",
    ["", "javascript:alert(1)", "http://bank.example/", "https://bank@evil.example/", "https://b\\.e/"],
)
async def test_a_payer_is_not_sent_to_a_strange_address(page: str) -> None:
    """S-P6"""
    wire, _ = wire_of({"status": "ext_auth_required", "acs_uri": page})
    assert (await Transfers(wire).send(SecretStr("t"), "r1")).status == TransferStatus.WAITING


async def test_another_charge_than_was_asked_for_is_not_confirmed() -> None:
    wire, _ = wire_of({"status": "success", "request_id": "r1", "contract_amount": 400})
    with pytest.raises(TransferRefused, match="amount_changed"):
        await Transfers(wire).request(
            SecretStr("t"), to="4", label="1", purpose="p", amounts={"amount": TOTAL}
        )


async def test_no_secret_is_shown_by_what_holds_it(capsys: pytest.CaptureFixture[str]) -> None:
    """S-P7"""
    wire, _ = wire_of(httpx.Response(500))
    with pytest.raises(OutcomeUnknown) as error:
        await wire.call("account-info", {}, TokenAnswer, token=SecretStr("very-secret"))
    assert "very-secret" not in repr(error.value) + capsys.readouterr().out


DAY = Period(datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC))


async def read_statement(
    *operations: dict[str, Any], totals: Mapping[UUID, Total] | None = None, **more: Any
) -> tuple[ListedPage, dict[str, str]]:
    """Read a page that holds these operations; give it and what was asked."""
    wire, asked = wire_of({"operations": list(operations), **more})
    statement = YooMoneyStatement(Books(wire, SecretStr("token")), Known(totals))
    page = await statement.read_page(DAY, "100")
    return page, dict(parse_qsl(asked[0].content.decode()))


async def test_a_day_of_the_wallet_is_asked_for_by_moments_with_details() -> None:
    page, asked = await read_statement(next_record="200")
    assert asked == {
        "from": "2026-05-04T00:00:00.000+00:00",
        "till": "2026-05-05T00:00:00.000+00:00",
        "details": "true",
        "records": "100",
        "start_record": "100",
    }
    assert (page.items, page.next_cursor) == ([], "200")


async def test_all_that_came_is_listed_and_of_what_went_only_refunds() -> None:
    """R14: money that nobody asked for is what a reconciliation is for; the owner's purchases are not ours."""
    back = {"direction": "out", "amount": 50.4, "amount_due": 49.9, "label": str(REFUND)}
    page, _ = await read_statement(
        operation(operation_id="1", label=""),
        operation(operation_id="2", label="a friend's gift"),
        operation(operation_id="3", status="in_progress"),
        operation(operation_id="4", status="refused"),
        operation(operation_id="5", **back),
        operation(operation_id="6", **{**back, "label": ""}),
        operation(operation_id="7", **{**back, "status": "in_progress"}),
    )
    seen = [(one.kind, one.reference, one.own_id, one.amount.amount_minor) for one in page.items]
    assert seen == [
        ("capture", "1", None, 39900),
        ("capture", "2", None, 39900),
        ("refund", str(REFUND), REFUND, 4990),
    ]
    assert page.items[2].fee == Money(50, "RUB")


@pytest.mark.parametrize(
    ("total", "charged"),
    [
        (Total(Money(39900, "RUB")), 39900),
        (Total(Money(39901, "RUB")), 39901),
        # what was taken and kept of it, though the rate has changed since
        (Total(Money(41000, "RUB"), Money(1495, "RUB")), 41000),
        # what does not explain what arrived is not believed
        (Total(Money(41000, "RUB"), Money(1494, "RUB")), 39900),
        (Total(Money(41000, "RUB")), 39900),
        (Total(Money(39900, "USD")), 39900),
    ],
)
async def test_what_was_charged_is_what_we_know_if_that_explains_what_arrived(
    total: Total, charged: int
) -> None:
    page, _ = await read_statement(operation(), totals={ATTEMPT: total})
    assert page.items[0].amount == Money(charged, "RUB")


async def test_a_history_that_is_refused_is_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        await read_statement(error="illegal_param_from")
