"""Crossings: the moments at which a role makes something known to somebody else, seen from the wire between them.

A trap waits for a crossing and springs just before it is passed on, or when its effect is there and its answer is not
passed on yet: whatever it does then (kill who made it, nothing at all), the connection ends there.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Moment(StrEnum):
    """When a trap springs."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, order=True)
class Crossing:
    """One step of a role over the wire; `number` tells apart those of one run that look alike.

    Kinds: `commit` of a transaction that wrote, `publish` and `ack` at the broker, `request` and `answer` over HTTP,
    `mail`.
    """

    role: str
    kind: str
    what: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.role}: {self.kind} {self.what} #{self.number}"

    @property
    def is_answered(self) -> bool:
        """Tell whether the other side says something about it."""
        return self.kind not in {"ack", "answer"}


async def nothing(_: Crossing) -> None:
    """Cut the connection, and no more."""


@dataclass
class Trap:
    """Springs at crossings that fit, `times` times (None: always); `cuts` says whether the connection ends there."""

    fits: Callable[[Crossing], bool]
    moment: Moment
    spring: Callable[[Crossing], Awaitable[None]] = nothing
    times: int | None = 1
    cuts: bool = True
    reached: int = 0
    sprung: asyncio.Event = field(default_factory=asyncio.Event)

    def takes(self, crossing: Crossing) -> bool:
        """Tell whether it springs at this one; counts it if so."""
        if (self.times is not None and self.reached >= self.times) or not self.fits(crossing):
            return False
        self.reached += 1
        return True

    async def snap(self, crossing: Crossing) -> None:
        """Do what it is set for."""
        self.sprung.set()
        await self.spring(crossing)


@dataclass
class Watch:
    """All crossings of a bench since `begin`, in their order, and the traps that wait for some."""

    seen: list[Crossing] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    _numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def begin(self, *traps: Trap) -> None:
        """Forget what was seen and count anew, with these traps and no others."""
        self.seen.clear()
        self._numbers.clear()
        self.traps = list(traps)

    def meet(self, role: str, kind: str, what: str) -> tuple[Crossing, Trap | None]:
        """Take note of a crossing and give the trap that takes it."""
        self._numbers[role, kind, what] += 1
        crossing = Crossing(role, kind, what, self._numbers[role, kind, what])
        self.seen.append(crossing)
        return crossing, next((trap for trap in self.traps if trap.takes(crossing)), None)
