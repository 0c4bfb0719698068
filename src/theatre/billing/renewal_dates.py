"""When a plan is charged, reminded of, charged again, and given up. Pure: no clock, no database.

All moments are counted from the end of what is paid, or from the first try, never from the last thing that happened.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from theatre.billing.settings import BillingSettings


@dataclass(frozen=True, slots=True)
class Course:
    """How renewals go: how long before the end of what is paid a plan is charged and its user told, how long it may be
    watched unpaid, and how long after the first try the others follow."""

    lead: timedelta
    reminder: timedelta
    grace: timedelta
    retries: tuple[timedelta, ...]

    @classmethod
    def of(cls, settings: BillingSettings) -> "Course":
        """Read what the settings say."""
        return cls(
            lead=timedelta(minutes=settings.renewal_lead_minutes),
            reminder=timedelta(days=settings.renewal_reminder_days),
            grace=timedelta(days=settings.renewal_grace_days),
            retries=tuple(timedelta(days=number) for number in sorted(settings.renewal_retry_days)),
        )

    def charge_at(self, paid_until: datetime) -> datetime:
        """Tell when to charge for the period that follows a moment."""
        return paid_until - self.lead

    def remind_at(self, paid_until: datetime, *, now: datetime) -> datetime | None:
        """Tell when to remind of the end of what is paid; not at all where that is past, as with plans by the day."""
        moment = paid_until - self.reminder
        return moment if moment > now else None

    def grace_until(self, paid_until: datetime, *, next_end: datetime) -> datetime:
        """Tell until when a plan may be watched unpaid: never longer than the period that is to be paid."""
        return min(paid_until + self.grace, next_end)

    def retry_at(self, first_try_at: datetime, *, last_try_at: datetime) -> datetime | None:
        """Tell when to try again: at the first planned moment after the last try; None when there is none left."""
        moments = (first_try_at + pause for pause in self.retries)
        return next((moment for moment in moments if moment > last_try_at), None)
