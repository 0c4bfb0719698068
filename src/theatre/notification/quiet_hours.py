"""Quiet hours: a stretch of the day, in somebody's own zone, in which nothing that can wait is sent."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `starts` up to `ends`, over midnight where that is earlier."""

    starts: time
    ends: time
    zone: str

    def end_after(self, moment: datetime) -> datetime | None:
        """Tell when the quiet in which a moment lies is over; None if it lies in none."""
        local = moment.astimezone(ZoneInfo(self.zone))
        at, is_over_midnight = local.time(), self.ends <= self.starts
        if is_over_midnight:
            if self.ends <= at < self.starts:
                return None
        elif not self.starts <= at < self.ends:
            return None
        day = local.date() + timedelta(days=int(is_over_midnight and at >= self.starts))
        over_at = datetime.combine(day, self.ends, tzinfo=local.tzinfo).astimezone(UTC)
        # in the hour that clocks repeat, the end may seem to lie behind
        return over_at if over_at > moment else None


def check_zone(name: str) -> str:
    """Let through the name of a zone that this machine knows.

    Raises:
        ValueError
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError("must be a time zone like Europe/Moscow") from error
    return name
