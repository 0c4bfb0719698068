"""Reports on money agree with the ledger, whatever happened, and whichever of its days are closed."""

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import text

from tests.billing.acts import (
    NOW,
    REFUSED,
    ask_back,
    buy,
    days,
    discounted,
    give_back,
    open_attempt,
    pay,
    success,
)
from tests.billing.test_ledger import ACTS, happen
from theatre.billing import ledger_days, money_reports, refunds, settlements
from theatre.billing.models import Refund
from theatre.billing.money_reports import Revenue, Turnover
from theatre.billing.report_periods import Group, Periods, cut
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.kit.db import Session, Sessions
from theatre.kit.ids import new_id

ZONE = ZoneInfo("Europe/Moscow")
TODAY = date(2027, 1, 31)
SUMS = """
SELECT entry.kind, split_part(posting.account, ':', 1), posting.currency, sum(posting.amount_minor)::bigint
FROM billing.ledger_entry entry JOIN billing.ledger_posting posting ON posting.entry_id = entry.id
WHERE entry.occurred_at >= :since AND entry.occurred_at < :until GROUP BY 1, 2, 3"""


def around(length: int = 60, group: Group = Group.DAY) -> Periods:
    return cut(TODAY - timedelta(days=5), TODAY + timedelta(days=length), group, zone=ZONE)


async def posted(session: Session, since: datetime, until: datetime) -> Counter[tuple[str, str, str]]:
    """Sum postings by kind of entry, kind of account and currency."""
    rows = await session.execute(text(SUMS), {"since": since, "until": until})
    return Counter({(kind, account, currency): int(total) for kind, account, currency, total in rows})


def total(sums: Counter[tuple[str, str, str]], account: str, currency: str) -> int:
    return sum(amount for (_, name, money), amount in sums.items() if (name, money) == (account, currency))


async def close_all(session: Session, *, now: datetime) -> int:
    """Close all days that are over; gives their number."""
    await session.flush()
    number = 0
    while await ledger_days.close_due(session, ZONE, now=now):
        number += 1
    return number


@trials(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(ACTS.filter(lambda act: act[0] not in {"dispute", "lose", "win"}), max_size=12),
    off_minor=st.sampled_from([0, 333, 39899]),
    closed=st.integers(0, 60),
    group=st.sampled_from(Group),
)
async def test_the_report_on_revenue_sums_to_the_postings(
    sessions: Sessions,
    settings: BillingSettings,
    acts: list[tuple[str, int]],
    off_minor: int,
    closed: int,
    group: Group,
) -> None:
    """Of any history, in every period, with any number of its days closed."""
    async with sessions() as session:
        payment, made = (
            await discounted(session, settings, "plan", "film", off_minor=off_minor),
            list[Refund](),
        )
        await pay(session, settings, payment)
        for act, number in acts:
            await happen(session, settings, payment, made, act=act, number=number)
        await session.flush()
        await close_all(session, now=NOW + days(closed))
        periods = around(group=group)
        whole = Revenue()
        for line in await money_reports.revenue(session, periods):
            moments = periods.moments
            sums = await posted(session, moments[line.place], moments[line.place + 1])
            found = line.figures
            assert found.earned_minor == -total(sums, "revenue", "RUB")
            assert found.deferred_minor == -total(sums, "deferred", "RUB")
            assert found.discounts_minor == total(sums, "promo", "RUB")
            assert found.sold_minor == -sums["sale", "revenue", "RUB"] - sums["sale", "deferred", "RUB"]
            assert found.net_minor == found.sold_minor - found.refunded_minor - found.discounts_minor
            assert found.net_minor == found.earned_minor + found.deferred_minor - found.discounts_minor
            whole.net_minor += found.net_minor
        sums = await posted(session, periods.moments[0], periods.moments[-1])
        assert whole.net_minor == -sum(total(sums, name, "RUB") for name in ("revenue", "deferred", "promo"))
        await session.rollback()


async def test_a_closed_day_says_what_its_postings_said(session: Session, settings: BillingSettings) -> None:
    periods = around()
    for day in (0, 1, 1, 3):
        payment = await buy(session, settings, "plan", "film", now=NOW + days(day))
        await pay(session, settings, payment, now=NOW + days(day))
        await give_back(session, settings, payment, amount_minor=101, now=NOW + days(day + 1))
    await session.flush()
    live = await ledger_days.read(session, periods)
    assert await close_all(session, now=NOW + days(2)) == 2
    assert await ledger_days.read(session, periods) == live
    assert await close_all(session, now=NOW + days(9)) == 7
    assert await ledger_days.read(session, periods) == live
    rows = await session.scalar(text("SELECT count(DISTINCT day_on) FROM billing.ledger_day"))
    assert rows == 5
    await ledger_days.reopen(session)
    assert await ledger_days.read(session, periods) == live


async def test_a_day_is_closed_an_hour_after_its_end_and_once(
    session: Session, settings: BillingSettings
) -> None:
    """The 31st ends in Moscow at 21:00 UTC."""
    assert await close_all(session, now=NOW + days(9)) == 0
    await pay(session, settings, await buy(session, settings, "film"))
    end = datetime(2027, 1, 31, 21, tzinfo=NOW.tzinfo)
    assert await close_all(session, now=end + timedelta(minutes=59)) == 0
    assert await close_all(session, now=end + timedelta(minutes=60)) == 1
    assert await close_all(session, now=end + timedelta(minutes=60)) == 0


async def test_days_of_another_zone_are_closed_for_themselves(
    session: Session, settings: BillingSettings
) -> None:
    at = datetime(2027, 1, 31, 22, tzinfo=NOW.tzinfo)
    await pay(session, settings, await buy(session, settings, "film", now=at), now=at)
    await close_all(session, now=NOW + days(9))
    in_utc = cut(TODAY, TODAY + timedelta(days=3), Group.DAY, zone=ZoneInfo("UTC"))
    in_moscow = cut(TODAY, TODAY + timedelta(days=3), Group.DAY, zone=ZONE)
    places = [
        {line.place for line in await money_reports.revenue(session, periods) if line.figures.sold_minor}
        for periods in (in_utc, in_moscow)
    ]
    assert places == [{0}, {1}]


async def test_two_workers_do_not_close_a_day_twice(sessions: Sessions, settings: BillingSettings) -> None:
    async with sessions.begin() as session:
        await pay(session, settings, await buy(session, settings, "film"))
    now = NOW + days(
        1,
    )
    async with sessions.begin() as session:
        assert await ledger_days.close_due(session, ZONE, now=now)
    later = NOW + days(2)
    async with sessions.begin() as one, sessions.begin() as two:
        assert await ledger_days.close_due(one, ZONE, now=later)
        assert not await ledger_days.close_due(two, ZONE, now=later)


async def test_what_was_given_back_is_reported_by_how_far_it_got(
    session: Session, settings: BillingSettings
) -> None:
    film = await buy(session, settings, "film")
    await pay(session, settings, film)
    await give_back(session, settings, film, amount_minor=100)
    refused = await ask_back(session, settings, film, amount_minor=7)
    await refunds.fail(session, film.id, refused.id, failure=REFUSED, now=NOW)
    await ask_back(session, settings, film, amount_minor=30)
    await settlements.settle(session, success(film, new_id()), settings=settings, now=NOW)
    await session.flush()
    [line] = [one for one in await money_reports.returns(session, around()) if one.figures.accepted_count]
    found = line.figures
    assert (found.accepted_count, found.accepted_minor) == (4, 137 + film.total_minor)
    assert (found.failed_count, found.failed_minor) == (1, 7)
    assert (found.paid_out_count, found.paid_out_minor) == (1, 100)
    assert (found.late_minor, found.charged_back_minor) == (film.total_minor, 0)


async def test_what_went_through_a_payment_system_is_reported(
    session: Session, settings: BillingSettings
) -> None:
    film = await buy(session, settings, "film")
    event = success(film, await open_attempt(session, film))
    event = event.model_copy(update={"fee": Amount(amount_minor=1047, currency="RUB")})
    await settlements.settle(session, event, settings=settings, now=NOW)
    await session.flush()
    await give_back(session, settings, film, amount_minor=100)
    [line] = await money_reports.turnover(session, around())
    assert (line.provider, line.currency, line.place) == ("yookassa", "RUB", 5)
    assert line.figures == Turnover(
        captured_count=1,
        captured_minor=film.total_minor,
        fees_minor=1047,
        refunded_count=1,
        refunded_minor=100,
        cash_minor=film.total_minor - 1047 - 100,
    )
