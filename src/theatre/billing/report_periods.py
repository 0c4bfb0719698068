"""The stretches of time that reports reckon by: days, weeks and months of one zone. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from theatre.billing.errors import ReportBackward, ReportTooLong

MAX_PERIODS = 400
"""More rows of a report than a year has days nobody reads."""
DAY = timedelta(days=1)


class Group(StrEnum):
    """How long one period of a report is. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of a report, one after another: period `n` is from `days[n]` until before `days[n + 1]`.

    The first and the last are cut short where the report begins or ends within them.
    """

    days: Sequence[date]
    zone: ZoneInfo

    @property
    def moments(self) -> list[datetime]:
        """Give the midnights between the periods, in UTC: one more than there are periods."""
        return [midnight(day, self.zone) for day in self.days]

    def begun(self, now: datetime) -> "Periods":
        """Give those that have begun by a moment."""
        last = next((place for place, at in enumerate(self.moments) if at > now), len(self.days) - 1)
        return Periods(self.days[: last + 1], self.zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the moment when a day of a zone begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Give the day that a moment is on, in a zone."""
    return moment.astimezone(zone).date()


def cut(since: date, until: date, group: Group, *, zone: ZoneInfo, limit: int = MAX_PERIODS) -> Periods:
    """Cut the days from `since` until before `until` into periods.

    Raises:
        ReportBackward: there is no day between the two.
        ReportTooLong: there would be more than `limit` periods.
    """
    if since >= until:
        raise ReportBackward
    days = [since]
    while (following := _following(days[-1], group)) < until:
        days.append(following)
        if len(days) > limit:
            raise ReportTooLong(f"That is more than {limit} periods; take fewer days, or longer periods.")
    return Periods([*days, until], zone)


def _following(day: date, group: Group) -> date:
    if group is Group.DAY:
        return day + DAY
    if group is Group.WEEK:
        return day + timedelta(days=7 - day.weekday())
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
