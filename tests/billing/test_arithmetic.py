"""Calendar and shares: pure arithmetic, no database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.billing.errors import CurrenciesMixed, TotalTooLarge
from theatre.billing.periods import LATEST as LATEST_END
from theatre.billing.periods import Anchor, add_days, add_months
from theatre.billing.pricing import spread, total_of
from theatre.kit.money import MAX_MINOR, Money

# hypothesis wants bounds without a zone
EARLIEST = datetime(2024, 1, 1)  # noqa: DTZ001
LATEST = datetime(2040, 1, 1)  # noqa: DTZ001
ZONES = ["UTC", "Europe/Moscow", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]


def ends(start: str, months: int, number: int) -> list[str]:
    anchor = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return [
        add_months(anchor, months * cycle, zone="UTC").date().isoformat() for cycle in range(1, number + 1)
    ]


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (
            "2027-01-31",
            1,
            ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30", "2027-07-31"],
        ),
        ("2028-01-31", 1, ["2028-02-29", "2028-03-31"]),
        ("2027-01-29", 1, ["2027-02-28", "2027-03-29"]),
        ("2027-01-30", 1, ["2027-02-28", "2027-03-30"]),
        ("2027-11-30", 3, ["2028-02-29", "2028-05-30"]),
        ("2028-02-29", 12, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
    ],
)
def test_ends_are_clamped_to_the_month_and_counted_from_the_anchor(
    start: str, months: int, expected: list[str]
) -> None:
    """T1, T2, T3."""
    assert ends(start, months, len(expected)) == expected


@given(
    start=st.datetimes(EARLIEST, LATEST),
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from(["day", "month", "year"]),
    count=st.integers(1, 12),
)
def test_periods_tile(start: datetime, zone: str, unit: str, count: int) -> None:
    """T4: each end is the next start; strictly increasing."""
    anchor = Anchor(start.replace(tzinfo=UTC), 0, zone)
    for _ in range(24):
        following = anchor.extended(unit, count)
        assert following.end() > anchor.end()
        anchor = following


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "America/New_York"])
@pytest.mark.parametrize(("unit", "count"), [("day", 10**9), ("month", 10**6), ("year", 10**12)])
def test_what_is_paid_ends_with_the_calendar_and_may_still_be_extended(
    zone: str, unit: str, count: int
) -> None:
    """Money that was taken must be settled, however long a time was bought."""
    anchor = Anchor(datetime(2027, 1, 31, tzinfo=UTC), 0, zone).extended(unit, count)
    assert anchor.end() == LATEST_END
    for more in ("day", "month", "year"):
        assert anchor.extended(more, 1).end() == LATEST_END
    assert Anchor(LATEST_END, 0, zone).end() == LATEST_END


def test_a_period_ends_at_the_same_local_hour_across_a_clock_change() -> None:
    """T7, T8: the day of a clock change is 23 or 25 hours long."""
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2027, 3, 27, 20, 0, tzinfo=berlin).astimezone(UTC)
    end = add_days(start, 1, zone="Europe/Berlin")
    assert end.astimezone(berlin).hour == 20
    assert end - start == timedelta(hours=23)


@given(
    parts=st.lists(st.integers(0, 10**9), min_size=1, max_size=6).filter(any),
    cuts=st.lists(st.integers(1, 10**9), min_size=0, max_size=8),
)
def test_shares_of_any_series_of_refunds_add_up_to_the_whole(parts: list[int], cuts: list[int]) -> None:
    """R1: each refund's shares sum to it, none is more than is left of its part, and all of them give every part."""
    left = list(parts)
    for amount in [*cuts, sum(parts)]:
        amount = min(amount, sum(left))
        shares = spread(amount, left)
        assert sum(shares) == amount
        assert all(0 <= share <= rest for share, rest in zip(shares, left, strict=True))
        left = [rest - share for rest, share in zip(left, shares, strict=True)]
    assert not any(left)


def test_a_total_is_of_one_currency_and_of_a_size_that_json_can_hold() -> None:
    assert total_of([(Money(39900, "RUB"), 2), (Money(100, "RUB"), 1)]) == Money(79900, "RUB")
    with pytest.raises(CurrenciesMixed):
        total_of([(Money(1, "RUB"), 1), (Money(1, "USD"), 1)])
    with pytest.raises(TotalTooLarge):
        total_of([(Money(MAX_MINOR, "RUB"), 2)])
