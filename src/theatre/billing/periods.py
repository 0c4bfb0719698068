"""Calendar arithmetic of paid periods. Pure: no clock, no database.

The end of a period is counted from the anchor, clamped to the length of the month, never from an earlier clamped end:
31 January, 28 February, 31 March (CORRECTNESS T1–T5). Months and years are local to the subscription's zone, so a
period ends at the same local hour on both sides of a clock change.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = {"month": 1, "year": 12}
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""Nothing is paid for longer: the calendar ends here, and what was paid must be given all the same."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """From which moment and in which zone periods are counted, and how many months of it are already paid."""

    at: datetime
    months: int
    zone: str

    def end(self) -> datetime:
        """Give the end of what is paid."""
        return add_months(self.at, self.months, zone=self.zone)

    def extended(self, unit: str, count: int) -> "Anchor":
        """Give the anchor after `count` more units. Days move the anchor itself: there is nothing to clamp in them."""
        if unit == "day":
            return Anchor(add_days(self.end(), count, zone=self.zone), 0, self.zone)
        return Anchor(self.at, self.months + MONTHS[unit] * count, self.zone)


def add_months(moment: datetime, months: int, *, zone: str) -> datetime:
    """Give the same local day and hour `months` later, or the month's last day where it has no such day."""
    local = moment.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    if year >= LATEST.year:  # local to a zone: the last year may already be past its end in UTC
        return LATEST
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def add_days(moment: datetime, days: int, *, zone: str) -> datetime:
    """Give the same local hour `days` later: 23 or 25 hours long across a clock change."""
    try:
        end = (moment.astimezone(ZoneInfo(zone)) + timedelta(days=days)).astimezone(UTC)
    except OverflowError:
        return LATEST
    return min(end, LATEST)
