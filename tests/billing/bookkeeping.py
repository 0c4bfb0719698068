"""A provider's books and ours: what each holds of a day is put there by a test, whose provider is its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from sqlalchemy import func, select

from tests.billing.acts import buy
from tests.billing.desk import PaymentDesk
from theatre.billing import app as wiring
from theatre.billing import ledger, reconciliation, reconciliation_runs, registers
from theatre.billing.ledger import Entry, credit, debit
from theatre.billing.models import Case, ReconciliationRow, ReconciliationRun
from theatre.billing.reconciliation import Desk
from theatre.billing.reconciliation_runs import Calendar
from theatre.billing.registers import Fault, Line
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import OperationKind
from theatre.kit.db import Sessions
from theatre.kit.ids import new_id
from theatre.kit.money import Money

DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, 21, tzinfo=UTC)
"""Moscow's."""
NIGHT = datetime(2026, 11, 25, 1, tzinfo=UTC)
"""The day is over, and its stragglers have had their four hours."""
CAPTURE, REFUND = OperationKind.CAPTURE, OperationKind.REFUND


@dataclass
class StandingClock:
    """A clock that stands at a moment until a test moves it."""

    at: datetime = NIGHT

    def now(self) -> datetime:
        return self.at


@dataclass
class Books:
    """One provider of a test's own: its list as payment-service gives it, our ledger's cash at it, its registers."""

    sessions: Sessions
    settings: BillingSettings
    desk: PaymentDesk
    name: str = field(default_factory=lambda: f"p{uuid4().hex}")
    clock: StandingClock = field(default_factory=StandingClock)
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    hidden: dict[str, dict[str, Any]] = field(default_factory=dict)
    forgotten: dict[str, dict[str, Any]] = field(default_factory=dict)
    settled: list[dict[str, Any]] = field(default_factory=list)
    page_items: int = 3
    pages_before_failure: int | None = None
    payment_id: UUID = field(init=False)

    async def open(self) -> "Books":
        """Let payment-service answer from these books."""
        self.desk.answer = self.answer
        async with self.sessions.begin() as session:
            self.payment_id = (await buy(session, self.settings, "film")).id
        return self

    def worker(self) -> Desk:
        """Give what a run works with."""
        client = wiring.payment_client(self.settings, self.desk.transport)
        return Desk(self.sessions, client, calendar=Calendar.of(self.settings), clock=self.clock)

    async def run(self, day: date = DAY) -> dict[str, str]:
        """Reconcile a day; gives the reason of each operation by its reference."""
        await reconciliation.run(self.worker(), self.name, day)
        return await self.reasons(day)

    async def night(self) -> None:
        """Let the worker's jobs have a round."""
        await reconciliation.plan(self.worker())
        await reconciliation.run_due(self.worker())

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as payment-service."""
        path = request.url.path
        if path.endswith("/operations") and self.name not in path:
            return httpx.Response(404, json={"code": "payment.operations_not_listed"})
        if request.method == "POST":
            return self._settle(orjson.loads(request.content))
        if not path.endswith("/operations"):
            return httpx.Response(200, json={"items": [self.name]})
        if self.pages_before_failure is not None:
            if self.pages_before_failure == 0:
                return httpx.Response(503, json={"code": "payment.outcome_unknown"})
            self.pages_before_failure -= 1
        return httpx.Response(200, json=self._page(request.url.params))

    def _page(self, asked: Mapping[str, str]) -> dict[str, Any]:
        since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
        found = [
            one for one in self.listed.values() if since <= datetime.fromisoformat(one["happened_at"]) < until
        ]
        start = int(asked.get("cursor", 0))
        end = start + self.page_items
        return {"items": found[start:end], "next_cursor": str(end) if end < len(found) else None}

    def _settle(self, question: dict[str, Any]) -> httpx.Response:
        self.settled.append(question)
        names = {question["reference"], question["operation_id"]} - {None}
        for reference, one in {**self.forgotten, **self.hidden, **self.listed}.items():
            if one["kind"] == question["kind"] and names & {reference, one["operation_id"]}:
                did = None if reference in self.forgotten else one
                said = {"reference": reference, "operation_id": one["operation_id"], "operation": did}
                return httpx.Response(200, json=said)
        said = {"reference": question["reference"], "operation_id": None, "operation": None}
        return httpx.Response(200, json=said)

    def forget(self, reference: str) -> None:
        """Let the provider have done nothing of the kind; payment-service still knows the name."""
        self.forgotten[reference] = self.listed.pop(reference)

    def know(
        self,
        reference: str,
        *,
        amount_minor: int = 39900,
        operation_id: UUID | None = None,
        at: datetime = NOON,
        kind: OperationKind = CAPTURE,
        currency: str = "RUB",
        fee_minor: int | None = None,
        is_hidden: bool = False,
    ) -> None:
        """Let the provider know of an operation; a hidden one is not in its list, but known when asked about."""
        books = self.hidden if is_hidden else self.listed
        books[reference] = {
            "kind": kind,
            "reference": reference,
            "payment_reference": reference,
            "operation_id": str(operation_id) if operation_id else None,
            "amount": {"amount_minor": amount_minor, "currency": currency},
            "fee": None if fee_minor is None else {"amount_minor": fee_minor, "currency": currency},
            "happened_at": at.isoformat(),
        }

    async def book(
        self,
        operation_id: UUID,
        *,
        amount_minor: int = 39900,
        at: datetime = NOON,
        kind: OperationKind = CAPTURE,
        currency: str = "RUB",
        fee_minor: int | None = None,
    ) -> None:
        """Let our ledger hold an operation."""
        cash, money = ledger.cash(self.name), Money(amount_minor, currency)
        moved = debit(cash, money) if kind is CAPTURE else credit(cash, money)
        against = credit("test", money) if kind is CAPTURE else debit("test", money)
        entries = [Entry(f"{kind}:{operation_id}", kind, [moved, against], payment_id=self.payment_id)]
        if fee_minor is not None:
            fee = Money(fee_minor, currency)
            lines = [credit(cash, fee), debit("test", fee)]
            entries.append(Entry(f"fee:{operation_id}", "fee", lines, payment_id=self.payment_id))
        async with self.sessions.begin() as session:
            await ledger.post(session, entries, now=at)

    async def both(self, reference: str, **words: Any) -> UUID:
        """Let both know of one operation; gives our id of it."""
        operation_id = new_id()
        self.know(reference, operation_id=operation_id, **words)
        await self.book(operation_id, **words)
        return operation_id

    async def register(self, *lines: Line | Fault, day: date = DAY) -> None:
        """Import a register of a day."""
        async with self.sessions.begin() as session:
            now = self.clock.now()
            await reconciliation_runs.order(session, self.name, day, now=now, has_new_register=True)
            await registers.store(session, self.name, day, lines=lines)

    async def reasons(self, day: date = DAY) -> dict[str, str]:
        """Give the reason of each operation of a day by its reference."""
        return {row.reference: row.reason for row in await self.rows(day)}

    async def rows(self, day: date = DAY) -> list[ReconciliationRow]:
        """List the rows of a day."""
        found = select(ReconciliationRow).join(
            ReconciliationRun, ReconciliationRun.id == ReconciliationRow.run_id
        )
        found = found.where(ReconciliationRun.provider == self.name, ReconciliationRun.day == day)
        async with self.sessions() as session:
            return list(await session.scalars(found.order_by(ReconciliationRow.id)))

    async def state(self, day: date = DAY) -> ReconciliationRun:
        """Give the run of a day."""
        found = select(ReconciliationRun).where(
            ReconciliationRun.provider == self.name, ReconciliationRun.day == day
        )
        async with self.sessions() as session:
            return (await session.scalars(found)).one()

    async def cases(self) -> dict[str, str]:
        """Give the status of each case of this provider by the reference and reason in its cause."""
        found = select(Case).where(func.starts_with(Case.cause, f"reconciliation:{self.name}:"))
        async with self.sessions() as session:
            return {
                case.cause.split(":", 3)[3]: case.status
                for case in await session.scalars(found.order_by(Case.id))
            }

    async def case(self, ending: str) -> Case:
        """Give the case whose cause ends so."""
        found = select(Case).where(
            func.starts_with(Case.cause, f"reconciliation:{self.name}:"), Case.cause.endswith(ending)
        )
        async with self.sessions() as session:
            return (await session.scalars(found)).one()


def line(reference: str, **changes: Any) -> Line:
    """Write a line of a register."""
    words: dict[str, Any] = {
        "kind": CAPTURE,
        "reference": reference,
        "payment_reference": reference,
        "money": Money(39900, "RUB"),
        "fee_minor": None,
        "happened_at": NOON,
    }
    return Line(**{**words, **changes})


def hours(number: int) -> timedelta:
    return timedelta(hours=number)
