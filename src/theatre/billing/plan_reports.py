"""Reports on plans: recurring revenue, subscribers lost, and how long those of one time stay.

All are reckoned from paid periods, each from its start until its end or until it was taken back, so they tell what was
so then. They look at the midnights between the periods of a report, and at the present moment instead of the future:
moment `n` is where period `n` begins.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, bindparam, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from theatre.billing.report_periods import Periods
from theatre.kit.db import Session
from theatre.kit.money import divide_half_away

SHARE_DIGITS = 4
MAX_COHORTS = 60
"""Cohorts make a triangle: these make 1,830 lines."""

# A paid period covers the moments `first` to `last`. What it is worth in a month is its price before any promo code,
# for those end and prices go on; a day of a price by days is 1/30.4375 of a month, the mean of four years.
HELD = """
WITH held AS (
    SELECT subscription.user_id, price.currency,
        width_bucket(period.starts_at - interval '1 microsecond', :moments) AS first,
        width_bucket(least(period.ends_at, period.revoked_at) - interval '1 microsecond', :moments) - 1 AS last,
        item.unit_minor::numeric / price.interval_count * CASE price.interval_unit
            WHEN 'day' THEN 30.4375 WHEN 'month' THEN 1 ELSE 1 / 12.0 END AS monthly_minor
    FROM billing.subscription_period period
    JOIN billing.subscription ON subscription.id = period.subscription_id
    JOIN billing.payment_item item ON item.id = period.payment_item_id
    JOIN billing.price ON price.id = item.price_id
    WHERE period.ends_at > :since AND period.starts_at <= :until
        AND period.starts_at < least(period.ends_at, period.revoked_at)
)"""
NOW = """
SELECT price.currency, round(sum(held.count * price.amount_minor::numeric / price.interval_count
    * CASE price.interval_unit WHEN 'day' THEN 30.4375 WHEN 'month' THEN 1 ELSE 1 / 12.0 END))::bigint,
    sum(held.count)::bigint
FROM (
    SELECT price_id, count(*) FROM billing.subscription WHERE status = 'active' AND paid_until > :now GROUP BY 1
) held JOIN billing.price ON price.id = held.price_id GROUP BY 1 ORDER BY 1"""
# What begins at one moment and ends after another is added at the one and taken away after the other.
MRR = """, change AS (
    SELECT currency, first AS moment, monthly_minor, 1 AS count FROM held WHERE first <= last
    UNION ALL SELECT currency, last + 1, -monthly_minor, -1 FROM held WHERE first <= last
), currency AS (SELECT DISTINCT currency FROM change), moment AS (
    SELECT currency, moment FROM currency, generate_series(0, cardinality(:moments) - 1) moment
)
SELECT moment, currency, round(sum(coalesce(change.monthly_minor, 0)) OVER upto)::bigint,
    sum(coalesce(change.count, 0)) OVER upto
FROM moment LEFT JOIN (
    SELECT currency, moment, sum(monthly_minor) AS monthly_minor, sum(count) AS count FROM change GROUP BY 1, 2
) change USING (currency, moment)
WINDOW upto AS (PARTITION BY currency ORDER BY moment) ORDER BY moment, currency"""
# Moments that a subscriber is covered at, one after another, make a stay, whatever plans and periods cover them.
STAYS = """, marked AS (
    SELECT user_id, currency, first, last, first > 1 + coalesce(max(last) OVER (
        PARTITION BY user_id, currency ORDER BY first, last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -2
    ) AS is_new
    FROM held WHERE first <= last
), numbered AS (
    SELECT *, sum(is_new::int) OVER (PARTITION BY user_id, currency ORDER BY first, last) AS number FROM marked
), stay AS (
    SELECT user_id, currency, min(first) AS first, max(last) AS last FROM numbered GROUP BY user_id, currency, number
)"""
CHURN = """, change AS (
    SELECT currency, first AS moment, count(*) AS gained, 0 AS lost FROM stay GROUP BY 1, 2
    UNION ALL SELECT currency, last + 1, 0, count(*) FROM stay GROUP BY 1, 2
), currency AS (SELECT DISTINCT currency FROM change), moment AS (
    SELECT currency, moment FROM currency, generate_series(0, cardinality(:moments) - 1) moment
)
SELECT moment, currency, sum(coalesce(gained, 0))::bigint, sum(coalesce(lost, 0))::bigint
FROM moment LEFT JOIN change USING (currency, moment) GROUP BY 1, 2 ORDER BY 1, 2"""
# A cohort are those whose first paid period ever, also before the report, begins in one of its periods.
COHORTS = """, begun AS (
    SELECT subscription.user_id, payment.currency, width_bucket(min(period.starts_at), :moments) - 1 AS cohort
    FROM billing.subscription_period period
    JOIN billing.subscription ON subscription.id = period.subscription_id
    JOIN billing.payment ON payment.id = period.payment_id
    WHERE period.starts_at < least(period.ends_at, period.revoked_at)
    GROUP BY 1, 2 HAVING min(period.starts_at) >= :since AND min(period.starts_at) < :until
), size AS (SELECT currency, cohort, count(*) AS size FROM begun GROUP BY 1, 2), change AS (
    SELECT cohort, currency, first AS moment, count(*) AS count FROM stay JOIN begun USING (user_id, currency)
    GROUP BY 1, 2, 3
    UNION ALL SELECT cohort, currency, last + 1, -count(*) FROM stay JOIN begun USING (user_id, currency)
    GROUP BY 1, 2, 3
), counted AS (
    SELECT cohort, currency, moment, size, sum(sum(coalesce(count, 0))) OVER (
        PARTITION BY cohort, currency ORDER BY moment) AS held
    FROM size CROSS JOIN generate_series(0, cardinality(:moments) - 1) moment
    LEFT JOIN change USING (cohort, currency, moment) GROUP BY cohort, currency, moment, size
)
SELECT cohort, currency, moment - 1, size, held::bigint FROM counted WHERE moment > cohort ORDER BY 1, 2, 3"""


@dataclass(frozen=True, slots=True)
class Recurring:
    """What plans bring in a month at the end of a period, and how many are held."""

    place: int
    currency: str
    mrr_minor: int
    subscription_count: int


@dataclass(frozen=True, slots=True)
class Churn:
    """Subscribers (people, whatever plans they hold) at the start of a period, gained and lost in it, left at its end.

    Who comes back before its end is neither lost nor gained.
    """

    place: int
    currency: str
    start_count: int
    gained_count: int
    lost_count: int
    end_count: int

    @property
    def lost_share(self) -> Decimal | None:
        """Tell what share of those at the start was lost."""
        return share(self.lost_count, self.start_count)


@dataclass(frozen=True, slots=True)
class Cohort:
    """Of those whose first paid period ever began in period `place`, how many are subscribers at the end of another."""

    place: int
    currency: str
    later: int
    size_count: int
    held_count: int

    @property
    def held_share(self) -> Decimal | None:
        """Tell what share of the cohort that is."""
        return share(self.held_count, self.size_count)


def share(part: int, whole: int) -> Decimal | None:
    """Divide, half of a last digit away from zero; None where there is nothing to divide by."""
    return Decimal(divide_half_away(part * 10**SHARE_DIGITS, whole)).scaleb(-SHARE_DIGITS) if whole else None


async def recurring(session: Session, periods: Periods, *, now: datetime) -> list[Recurring]:
    """Report on what plans bring in a month, at the end of each period and at the present moment."""
    rows = await _run(session, [HELD, MRR], periods, now=now)
    return [
        Recurring(moment - 1, currency, mrr_minor, int(count))
        for moment, currency, mrr_minor, count in rows
        if moment
    ]


async def recurring_now(session: Session, *, now: datetime) -> list[Recurring]:
    """Tell what plans bring in a month at the present moment, each at the price it was last bought at.

    That is what the report says too, unless a plan was bought ahead at another price; and it reads plans alone.
    """
    rows = await session.execute(text(NOW).bindparams(bindparam("now", now, type_=TIMESTAMP(timezone=True))))
    return [Recurring(0, currency, mrr_minor, count) for currency, mrr_minor, count in rows]


async def churn(session: Session, periods: Periods, *, now: datetime) -> list[Churn]:
    """Report on subscribers gained and lost in each period."""
    held: Counter[str] = Counter()
    lines = []
    for moment, currency, gained, lost in await _run(session, [HELD, STAYS, CHURN], periods, now=now):
        start = held[currency]
        held[currency] += gained - lost
        if moment:
            lines.append(Churn(moment - 1, currency, start, gained, lost, held[currency]))
    return lines


async def cohorts(session: Session, periods: Periods, *, now: datetime) -> list[Cohort]:
    """Report on how many of those who began in each period are subscribers at the end of it and of each after it."""
    return [Cohort(*row) for row in await _run(session, [HELD, STAYS, COHORTS], periods, now=now)]


async def _run(session: Session, parts: Sequence[str], periods: Periods, *, now: datetime) -> Sequence[Any]:
    moments = [min(moment, now) for moment in periods.begun(now).moments]
    return await _select(session, parts, moments) if len(moments) > 1 else []


async def _select(session: Session, parts: Sequence[str], moments: Sequence[datetime]) -> Sequence[Any]:
    kind = TIMESTAMP(timezone=True)
    asked = text(" ".join(parts)).bindparams(
        bindparam("moments", list(moments), type_=ARRAY(kind)),
        bindparam("since", moments[0], type_=kind),
        bindparam("until", moments[-1], type_=kind),
    )
    return (await session.execute(asked)).all()
