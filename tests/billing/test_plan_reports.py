"""Reports on plans agree with paid periods, looked at one by one."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.billing.acts import days, give_back, pay
from theatre.billing import payments, plan_reports, subscriptions
from theatre.billing.models import Price, Product
from theatre.billing.plan_reports import Churn, Cohort, Recurring
from theatre.billing.report_periods import Group, cut, midnight
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session, Sessions

ZONE = ZoneInfo("Europe/Moscow")
FIRST = date(2027, 1, 1)
START = midnight(FIRST, ZONE)
MONTHS = {"day": Fraction(4, 1461) * 12, "month": Fraction(1), "year": Fraction(1, 12)}
HELD = """
SELECT subscription.user_id, period.starts_at, least(period.ends_at, period.revoked_at), item.unit_minor,
    price.interval_unit, price.interval_count
FROM billing.subscription_period period JOIN billing.subscription ON subscription.id = period.subscription_id
JOIN billing.payment_item item ON item.id = period.payment_item_id JOIN billing.price ON price.id = item.price_id"""
# who buys, on which day, which price, and after how many days it is given back, if it is
PURCHASES = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 120), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 13))
    ),
    max_size=8,
)


@dataclass
class Period:
    """A paid period as it is stored."""

    user_id: UUID
    starts_at: datetime
    ends_at: datetime
    monthly: Fraction

    def covers(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at


async def stored(session: Session) -> list[Period]:
    return [
        Period(user_id, starts_at, ends_at, Fraction(unit_minor) * MONTHS[unit] / count)
        for user_id, starts_at, ends_at, unit_minor, unit, count in await session.execute(text(HELD))
        if starts_at < ends_at
    ]


async def happen(
    session: Session, settings: BillingSettings, purchases: Sequence[tuple[int, int, int, int | None]]
) -> None:
    """Let users buy plans, in order of the days, and some give them back."""
    statement = select(Price).join(Product).where(Product.kind == "plan", Product.decided_by.is_(None))
    prices = (await session.scalars(statement.order_by(Price.amount_minor))).all()
    users = [uuid4() for _ in range(4)]
    for user, day, price, kept in sorted(purchases, key=lambda one: one[1]):
        now = START + timedelta(days=day, hours=5)
        purchase = payments.Purchase([payments.Wish(prices[price].id, 1)])
        payment = await payments.create(
            session, users[user], purchase, terms=payments.Terms("en", settings, now)
        )
        await pay(session, settings, payment, now=now)
        if kept is not None:
            await give_back(session, settings, payment, now=now + timedelta(days=kept))


def people_at(held: Sequence[Period], moment: datetime) -> set[UUID]:
    return {one.user_id for one in held if one.covers(moment)}


@trials(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    purchases=PURCHASES,
    group=st.sampled_from(Group),
    skipped=st.integers(-3, 60),
    now_day=st.integers(1, 200),
)
async def test_reports_on_plans_say_what_the_periods_say(
    sessions: Sessions,
    settings: BillingSettings,
    purchases: list[tuple[int, int, int, int | None]],
    group: Group,
    skipped: int,
    now_day: int,
) -> None:
    """Recurring revenue, churn and cohorts of any history, from any day on, at any present moment."""
    now = START + timedelta(days=now_day, hours=17)
    periods = cut(FIRST + timedelta(days=skipped), FIRST + timedelta(days=160), group, zone=ZONE)
    async with sessions() as session:
        await happen(session, settings, purchases)
        await session.flush()
        held = await stored(session)
        moments = [min(moment, now) for moment in periods.begun(now).moments]
        check_recurring(await plan_reports.recurring(session, periods, now=now), held, moments)
        check_churn(await plan_reports.churn(session, periods, now=now), held, moments)
        check_cohorts(await plan_reports.cohorts(session, periods, now=now), held, moments)
        await session.rollback()


def check_recurring(lines: Sequence[Recurring], held: Sequence[Period], moments: Sequence[datetime]) -> None:
    found = {line.place: (line.mrr_minor, line.subscription_count) for line in lines}
    for place, moment in enumerate(moments[1:]):
        covering = [one for one in held if one.covers(moment)]
        mrr_minor, count = found.get(place, (0, 0))
        assert count == len(covering)
        exactly = sum((one.monthly for one in covering), Fraction())
        assert abs(Fraction(mrr_minor) - exactly) <= Fraction(501, 1000)


def check_churn(lines: Sequence[Churn], held: Sequence[Period], moments: Sequence[datetime]) -> None:
    found = {line.place: line for line in lines}
    for place, (start, end) in enumerate(itertools.pairwise(moments)):
        before, after = people_at(held, start), people_at(held, end)
        line = found.get(place, Churn(place, "RUB", 0, 0, 0, 0))
        assert (line.start_count, line.end_count) == (len(before), len(after))
        assert (line.gained_count, line.lost_count) == (len(after - before), len(before - after))


def check_cohorts(lines: Sequence[Cohort], held: Sequence[Period], moments: Sequence[datetime]) -> None:
    begun: dict[UUID, datetime] = {}
    for one in held:
        begun[one.user_id] = min(begun.get(one.user_id, one.starts_at), one.starts_at)
    expected = set()
    for place, (start, end) in enumerate(itertools.pairwise(moments)):
        cohort = {user_id for user_id, at in begun.items() if start <= at < end}
        if cohort:
            expected |= {
                Cohort(place, "RUB", later, len(cohort), len(cohort & people_at(held, moment)))
                for later, moment in enumerate(moments[1:])
                if later >= place
            }
    assert set(lines) == expected
    assert len(lines) == len(expected)


async def test_what_plans_bring_in_now_is_what_the_report_says(
    session: Session, settings: BillingSettings
) -> None:
    """A yearly plan counts a twelfth; who has expired counts nothing."""
    await happen(session, settings, [(0, 0, 0, None), (1, 40, 0, None), (2, 41, 2, None), (3, 42, 1, 3)])
    now = START + timedelta(days=50)
    await subscriptions.expire_due(session, now=now)
    await session.flush()
    [held] = await plan_reports.recurring_now(session, now=now)
    assert (held.mrr_minor, held.subscription_count) == (39_900 + 33_250, 2)
    periods = cut(FIRST, FIRST + timedelta(days=51), Group.MONTH, zone=ZONE)
    last = (await plan_reports.recurring(session, periods, now=now))[-1]
    assert (last.mrr_minor, last.subscription_count) == (held.mrr_minor, held.subscription_count)


async def test_without_plans_reports_on_them_are_empty(session: Session) -> None:
    periods = cut(FIRST, FIRST + timedelta(days=3), Group.DAY, zone=ZONE)
    for now in (START + days(90), START - days(90)):
        assert await plan_reports.recurring(session, periods, now=now) == []
        assert await plan_reports.churn(session, periods, now=now) == []
        assert await plan_reports.cohorts(session, periods, now=now) == []
    assert await plan_reports.recurring_now(session, now=START) == []
