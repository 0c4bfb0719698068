"""The clock port: every decision about time asks one of these, never the operating system."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """Runs with the machine's clock plus an offset that only grows: time travel for tests and the sandbox."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`.

        Raises:
            ValueError: the step is negative; a clock that goes back proves nothing here.
        """
        if step < timedelta():
            raise ValueError("a clock can only be moved forward")
        self.offset += step
