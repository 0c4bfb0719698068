"""Days cut into the periods of reports."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.billing.errors import ReportBackward, ReportTooLong
from theatre.billing.report_periods import MAX_PERIODS, Group, cut, day_of, midnight

MOSCOW = ZoneInfo("Europe/Moscow")
DAYS = st.dates(date(2000, 1, 1), date(2199, 12, 31))


@given(since=DAYS, length=st.integers(1, 400), group=st.sampled_from(Group))
def test_periods_tile_the_days_and_begin_where_their_group_does(
    since: date, length: int, group: Group
) -> None:
    until = since + timedelta(days=length)
    days = list(cut(since, until, group, zone=MOSCOW).days)
    assert (days[0], days[-1]) == (since, until)
    assert days == sorted(set(days))
    for day in days[1:-1]:
        assert group is Group.DAY or (day.weekday() == 0 if group is Group.WEEK else day.day == 1)
    longest = {Group.DAY: 1, Group.WEEK: 7, Group.MONTH: 31}[group]
    assert all((later - day).days <= longest for day, later in itertools.pairwise(days))


def test_a_year_ends_in_december() -> None:
    days = cut(date(2026, 11, 15), date(2027, 2, 2), Group.MONTH, zone=MOSCOW).days
    assert days == [
        date(2026, 11, 15),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
        date(2027, 2, 2),
    ]


@pytest.mark.parametrize("length", [0, -1])
def test_a_report_of_no_day_is_refused(length: int) -> None:
    day = date(2026, 1, 1)
    with pytest.raises(ReportBackward):
        cut(day, day + timedelta(days=length), Group.DAY, zone=MOSCOW)


def test_a_report_of_too_many_periods_is_refused() -> None:
    day = date(2026, 1, 1)
    last = day + timedelta(days=MAX_PERIODS)
    assert len(cut(day, last, Group.DAY, zone=MOSCOW).days) == MAX_PERIODS + 1
    with pytest.raises(ReportTooLong):
        cut(day, last + timedelta(days=1), Group.DAY, zone=MOSCOW)
    assert len(cut(day, last + timedelta(days=1), Group.WEEK, zone=MOSCOW).days) == 59


def test_days_are_those_of_the_zone_also_when_its_clocks_are_set() -> None:
    """In Berlin one day of March has 23 hours and one of October 25."""
    berlin = ZoneInfo("Europe/Berlin")
    moments = cut(date(2026, 3, 28), date(2026, 3, 31), Group.DAY, zone=berlin).moments
    assert [(later - at) // timedelta(hours=1) for at, later in itertools.pairwise(moments)] == [
        24,
        23,
        24,
    ]
    moments = cut(date(2026, 10, 25), date(2026, 10, 26), Group.DAY, zone=berlin).moments
    assert moments[1] - moments[0] == timedelta(hours=25)
    assert midnight(date(2026, 1, 1), MOSCOW) == datetime(2025, 12, 31, 21, tzinfo=UTC)
    assert day_of(datetime(2025, 12, 31, 21, tzinfo=UTC), MOSCOW) == date(2026, 1, 1)


def test_periods_that_have_not_begun_are_left_out() -> None:
    periods = cut(date(2026, 1, 1), date(2026, 1, 5), Group.DAY, zone=MOSCOW)
    assert periods.begun(midnight(date(2026, 1, 2), MOSCOW)).days == periods.days[:3]
    assert periods.begun(midnight(date(2025, 12, 31), MOSCOW)).days == periods.days[:1]
    assert periods.begun(midnight(date(2027, 1, 1), MOSCOW)).days == periods.days
