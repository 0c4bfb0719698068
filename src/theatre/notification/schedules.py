"""When a mailing goes out again: cron expressions of five fields, read as by Debian's cron, by the clock of a zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5


def check_cron(expression: str) -> str:
    """Let through an expression that some moment fits.

    Raises:
        ValueError
    """
    if len(expression.split()) != FIELDS:
        raise ValueError("must have five fields: minute, hour, day, month, weekday")
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"is no cron expression that some moment fits: {error}") from error
    return expression


def next_moment(expression: str, zone: str, *, after: datetime) -> datetime:
    """Give the next moment that an expression names, in UTC."""
    return next(CronSim(expression, after.astimezone(ZoneInfo(zone)))).astimezone(UTC)
