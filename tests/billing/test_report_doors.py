"""Reports and the first page as staff get them: over HTTP, as JSON and as files."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest

from tests.billing.acts import NOW, REFUSED, ask_back, buy, give_back, pay
from tests.billing.bookkeeping import StandingClock
from tests.billing.claims import Claim
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk
from tests.kit.test_workbooks import cells_of
from theatre.billing import disputes, refunds
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Sessions

Make = Callable[..., Caller]
MOSCOW = ZoneInfo("Europe/Moscow")
REPORTS = ("revenue", "refunds", "providers", "mrr", "churn", "cohorts")
RANGE = {"from": "2027-01-30", "to": "2027-02-03"}


@pytest.fixture
def clock() -> StandingClock:
    """A clock that stands, so that no day ends during a test."""
    return StandingClock(datetime.now(UTC))


def days_around(clock: StandingClock, *numbers: int) -> list[str]:
    """Write days of Moscow, counted from today."""
    today = clock.now().astimezone(MOSCOW).date()
    return [(today + timedelta(days=number)).isoformat() for number in numbers]


async def sold(sessions: Sessions, settings: BillingSettings, *, now: datetime = NOW) -> None:
    """Sell a plan and a film, at noon of 31 January, and give some of the film back."""
    async with sessions.begin() as session:
        await pay(session, settings, await buy(session, settings, "plan", now=now), now=now)
        film = await buy(session, settings, "film", now=now)
        await pay(session, settings, film, now=now)
        await give_back(session, settings, film, amount_minor=9_900, now=now)


async def test_revenue_is_reported_by_day(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    await sold(sessions, settings)
    seen = (await make_caller("billing.read").get("/admin/reports/revenue", **RANGE)).json()
    assert (seen["zone"], seen["group"], seen["from"], seen["to"]) == (
        "Europe/Moscow",
        "day",
        *RANGE.values(),
    )
    assert [line["sold"]["amount"] for line in seen["items"]] == ["0.00", "698.00", "0.00", "0.00"]
    rub = {"currency": "RUB"}
    assert seen["items"][1] == {
        "start": "2027-01-31",
        "end": "2027-02-01",
        "currency": "RUB",
        "sold": {"amount": "698.00", **rub},
        "discounts": {"amount": "0.00", **rub},
        "refunded": {"amount": "99.00", **rub},
        "net": {"amount": "599.00", **rub},
        "earned": {"amount": "200.00", **rub},
        "deferred": {"amount": "399.00", **rub},
    }
    weekly = (await make_caller("billing.read").get("/admin/reports/revenue", group="week", **RANGE)).json()
    assert [(line["start"], line["end"], line["net"]["amount"]) for line in weekly["items"]] == [
        ("2027-01-30", "2027-02-01", "599.00"),
        ("2027-02-01", "2027-02-03", "0.00"),
    ]


async def test_an_amount_below_zero_is_reported_too(
    make_caller: Make, sessions: Sessions, settings: BillingSettings
) -> None:
    """On a day that gave back more than it sold."""
    async with sessions.begin() as session:
        film = await buy(session, settings, "film")
        await pay(session, settings, film)
        await give_back(session, settings, film, now=NOW + timedelta(days=1))
    staff = make_caller("billing.read", "billing.manage")
    seen = (await staff.get("/admin/reports/revenue", **RANGE)).json()["items"]
    assert [line["net"]["amount"] for line in seen] == ["0.00", "299.00", "-299.00", "0.00"]
    rows = await staff.get_csv("/admin/reports/revenue", **RANGE)
    assert [row["net"] for row in rows] == ["0.00", "299.00", "-299.00", "0.00"]
    book = await staff.get("/admin/reports/revenue", format="xlsx", **RANGE)
    head, *rows_of_book = cells_of(book.content)
    place = [name for _, name in head].index("net")
    assert [row[place] for row in rows_of_book][2] == ("n", "-299.00")
    records = (await staff.get("/admin/audit", action="report_revenue.export")).json()["items"]
    assert [record["after"] for record in records] == [{"format": "xlsx", **RANGE}, RANGE]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("group", ["day", "week", "month"])
async def test_every_report_is_given_as_csv_with_the_same_lines(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: StandingClock,
    report: str,
    group: str,
) -> None:
    await sold(sessions, settings, now=clock.now() - timedelta(days=1))
    staff, path = make_caller("billing.read"), f"/admin/reports/{report}"
    since, until = days_around(clock, -3, 1)
    listed = (await staff.get(path, group=group, **{"from": since, "to": until})).json()["items"]
    rows = await staff.get_csv(path, group=group, **{"from": since, "to": until})
    assert len(listed) == len(rows) > 0
    assert set(rows[0]) == set(listed[0])
    for line, row in zip(listed, rows, strict=True):
        for name, value in line.items():
            shown = value["amount"] if isinstance(value, dict) else "" if value is None else str(value)
            assert row[name] == shown


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "2027-02-03", "to": "2027-02-03"}, "billing.report_backward"),
        ({"from": "2027-02-04", "to": "2027-02-03"}, "billing.report_backward"),
        ({"from": "2020-01-01", "to": "2027-02-03"}, "billing.report_too_long"),
        ({"from": "1999-12-31"}, "kit.validation_failed"),
        ({"to": "9999-12-31"}, "kit.validation_failed"),
        ({"from": "yesterday"}, "kit.validation_failed"),
        ({"group": "hour"}, "kit.validation_failed"),
        ({"format": "pdf"}, "kit.validation_failed"),
    ],
)
async def test_a_report_on_days_that_make_no_sense_is_refused(
    make_caller: Make, report: str, query: dict[str, str], code: str
) -> None:
    answer = await make_caller("billing.read").get(f"/admin/reports/{report}", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_without_days_a_report_ends_today(make_caller: Make, clock: StandingClock) -> None:
    for group, length in (("day", 30), ("week", 84), ("month", 365)):
        seen = (await make_caller("billing.read").get("/admin/reports/revenue", group=group)).json()
        assert [seen["from"], seen["to"]] == days_around(clock, 1 - length, 1)
        assert seen["items"] == []


async def test_plans_are_reported_until_now(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: StandingClock
) -> None:
    """Bought yesterday: seen at its end and now; of tomorrow nothing is said."""
    await sold(sessions, settings, now=clock.now() - timedelta(days=1))
    staff, (before, yesterday, today, later) = make_caller("billing.read"), days_around(clock, -2, -1, 0, 3)
    asked = {"from": before, "to": later}
    mrr = (await staff.get("/admin/reports/mrr", **asked)).json()["items"]
    assert [(line["start"], line["mrr"]["amount"], line["subscription_count"]) for line in mrr] == [
        (before, "0.00", 0),
        (yesterday, "399.00", 1),
        (today, "399.00", 1),
    ]
    churn = (await staff.get("/admin/reports/churn", **asked)).json()["items"]
    assert [(line["gained_count"], line["lost_count"], line["lost_share"]) for line in churn] == [
        (0, 0, None),
        (1, 0, None),
        (0, 0, "0.0000"),
    ]
    cohorts = (await staff.get("/admin/reports/cohorts", **asked)).json()["items"]
    assert [(line["start"], line["later"], line["held_share"]) for line in cohorts] == [
        (yesterday, yesterday, "1.0000"),
        (yesterday, today, "1.0000"),
    ]


@pytest.mark.parametrize("is_away", [False, True])
async def test_payment_systems_are_reported_with_outcomes_if_they_are_known(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, desk: PaymentDesk, is_away: bool
) -> None:
    await sold(sessions, settings)
    place = {"place": 1, "currency": "RUB"}

    def answer(request: httpx.Request) -> httpx.Response:
        if is_away:
            return httpx.Response(503, json={"code": "x"})
        assert len(orjson.loads(request.content)["moments"]) == 5
        counts = [
            ("yookassa", "succeeded", 2),
            ("yookassa", "pending", 1),
            ("yookassa", "created", 1),
            ("stripe", "failed", 3),
        ]
        items = [
            {**place, "provider": name, "status": status, "count": count} for name, status, count in counts
        ]
        return httpx.Response(200, json={"items": items})

    desk.answer = answer
    lines = (await make_caller("billing.read").get("/admin/reports/providers", **RANGE)).json()["items"]
    ours = {line["provider"]: line for line in lines}
    assert (ours["yookassa"]["captured_count"], ours["yookassa"]["captured"]["amount"]) == (2, "698.00")
    assert (ours["yookassa"]["refunded_count"], ours["yookassa"]["cash"]["amount"]) == (1, "599.00")
    names = ("attempts_succeeded_count", "attempts_failed_count", "attempts_open_count")
    if is_away:
        assert [ours["yookassa"][name] for name in names] == [None, None, None]
        assert set(ours) == {"yookassa"}
    else:
        assert [ours["yookassa"][name] for name in names] == [2, 0, 2]
        assert [ours["stripe"][name] for name in names] == [0, 3, 0]
        assert ours["stripe"]["captured"]["amount"] == "0.00"


async def test_the_first_page_shows_thirty_days_and_what_waits(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: StandingClock
) -> None:
    now = clock.now()
    due_at = now + timedelta(days=7)
    async with sessions.begin() as session:
        for kind in ("plan", "film"):
            await pay(session, settings, await buy(session, settings, kind, now=now), now=now)
        payment = await buy(session, settings, "film", now=now)
        await pay(session, settings, payment, now=now)
        await buy(session, settings, "film", now=now - timedelta(days=31))
        await buy(session, settings, "film", now=now)
        refused = await ask_back(session, settings, payment, amount_minor=7, now=now)
        await refunds.fail(session, payment.id, refused.id, failure=REFUSED, now=now)
        claim = Claim.of(payment, amount_minor=100)
        fact = claim.opened().model_copy(update={"answer_due_at": due_at})
        await disputes.take_note(session, fact, now=now)
    seen = (await make_caller("billing.read").get("/admin/overview")).json()
    assert [seen["revenue"][place]["start"] for place in (0, -1)] == days_around(clock, -29, 0)
    assert len(seen["revenue"]) == 30
    assert sum(Decimal(line["sold"]["amount"]) for line in seen["revenue"]) == Decimal("997.00")
    assert {line["status"]: line["count"] for line in seen["payments"] if line["count"]} == {
        "paid": 3,
        "unpaid": 1,
    }
    [returns] = seen["refunds"]
    assert (returns["accepted_count"], returns["failed_count"], returns["charged_back"]["amount"]) == (
        1,
        1,
        "1.00",
    )
    [plans] = seen["plans"]
    assert (plans["mrr"]["amount"], plans["subscription_count"]) == ("399.00", 1)
    waiting = seen["waiting"]
    assert datetime.fromisoformat(waiting.pop("next_answer_due_at")) == due_at
    assert waiting == {"dead_messages": 0, "failed_receipts": 0, "open_cases": 2, "disputes": 1, "refunds": 0}
