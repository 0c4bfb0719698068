"""Reconciliation: ledger, provider's API and provider's register of a day, side by side, operation by operation.

A run walks the API's list page by page, then whatever ledger, register and earlier runs hold beyond it, each asked
about singly. It keeps nothing in memory but a page, writes each page in a transaction of its own, and may be cut
anywhere: the next run goes over everything again and changes what has changed. Locks: run → cases → rows.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from theatre.billing import cases, reconciliation_rows, reconciliation_runs, verdicts
from theatre.billing.cases import Trouble
from theatre.billing.errors import RunAtWork, RunLost
from theatre.billing.models import CaseKind, Outcome, Reason, ReconciliationRow, ReconciliationRun
from theatre.billing.reconciliation_rows import Candidate, Judged
from theatre.billing.reconciliation_runs import Calendar, Claimed
from theatre.billing.verdicts import Sighting, Sightings
from theatre.contracts.payment import Operation, OperationKind, OperationQuestion, PaymentClient
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, transact, transaction
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger
from theatre.kit.money import to_decimal

PAGE = 100

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a run works with."""

    sessions: Sessions
    payment: PaymentClient
    calendar: Calendar
    clock: Clock


async def run(desk: Desk, provider: str, day: date) -> ReconciliationRun:
    """Reconcile a provider's day from beginning to end. Done again, it changes what has changed.

    Raises:
        RunAtWork: another worker is at it.
        RunLost: another worker took it over, since this one stood still for long.
        Unknown, Refused: payment-service or the provider does not answer; the run stays open.
    """
    async with _claimed(desk, provider, day) as claimed:
        await _walk_api(desk, claimed)
        await _walk_ledger(desk, claimed)
        await _walk_register(desk, claimed)
        await _walk_earlier(desk, claimed)
        finish = partial(
            reconciliation_runs.finish, calendar=desk.calendar, claimed=claimed, now=desk.clock.now()
        )
        return await transact(desk.sessions, finish)


async def plan(desk: Desk) -> None:
    """Let each day that has become ready be run, for every provider that can list what it did.

    Raises:
        Unknown, Refused: payment-service does not name them.
    """
    providers = await desk.payment.list_providers()
    async with transaction(desk.sessions) as session:
        for provider in sorted(providers):
            await reconciliation_runs.plan(session, provider, calendar=desk.calendar, now=desk.clock.now())


async def run_due(desk: Desk) -> None:
    """Run what is due: planned or ordered days, and open ones again until nothing of them is unexplained."""
    while (due := await _find_due(desk)) is not None:
        try:
            await run(desk, due.provider, due.day)
        except (RunAtWork, RunLost):
            return
        except (Unknown, Refused) as error:
            log.warning("not reconciled yet", provider=due.provider, day=str(due.day), cause=repr(error))


async def _find_due(desk: Desk) -> ReconciliationRun | None:
    async with transaction(desk.sessions) as session:
        return await reconciliation_runs.find_due(session, calendar=desk.calendar, now=desk.clock.now())


@asynccontextmanager
async def _claimed(desk: Desk, provider: str, day: date) -> AsyncIterator[Claimed]:
    claim = partial(reconciliation_runs.claim, provider=provider, day=day, now=desk.clock.now())
    claimed = await transact(desk.sessions, claim)
    try:
        yield claimed
    except BaseException as error:
        now = desk.clock.now()
        release = partial(reconciliation_runs.release, claimed=claimed, error=error, now=now)
        await transact(desk.sessions, release)
        raise


async def _walk_api(desk: Desk, claimed: Claimed) -> None:
    run = claimed.run
    since, until = desk.calendar.bounds(run.day)
    cursor: str | None = None
    while True:
        page = await desk.payment.list_operations(run.provider, since=since, until=until, cursor=cursor)
        judged = await _judge_all(desk, claimed, [_candidate(one, desk.calendar) for one in page.items])
        for one in judged:
            if one.seen.ledger is None:
                # payment-service may not have heard of it either: then it does now, and tells
                asked = OperationQuestion(kind=one.candidate.kind, reference=one.candidate.reference)
                await desk.payment.settle_operation(run.provider, asked)
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            raise Unknown(f"the list of {run.provider} does not end")
        cursor = page.next_cursor


async def _walk_ledger(desk: Desk, claimed: Claimed) -> None:
    after: tuple[datetime, UUID] | None = None
    while True:
        async with transaction(desk.sessions) as session:
            entries = await reconciliation_rows.list_unseen_entries(
                session,
                claimed.run,
                claim=claimed.claim,
                bounds=desk.calendar.bounds(claimed.run.day),
                after=after,
                limit=PAGE,
            )
        if not entries:
            return
        await _judge_all(desk, claimed, [await _ask_entry(desk, claimed, key) for _, key, _ in entries])
        id, _, occurred_at = entries[-1]
        after = (occurred_at, id)


async def _walk_register(desk: Desk, claimed: Claimed) -> None:
    after: tuple[str, str] | None = None
    while True:
        async with transaction(desk.sessions) as session:
            lines = await reconciliation_rows.list_unseen_lines(
                session, claimed.run, claim=claimed.claim, after=after, limit=PAGE
            )
        if not lines:
            return
        asked = [OperationQuestion(kind=OperationKind(one.kind), reference=one.reference) for one in lines]
        await _judge_all(desk, claimed, [await _ask(desk, claimed, question) for question in asked])
        after = (lines[-1].kind, lines[-1].reference)


async def _walk_earlier(desk: Desk, claimed: Claimed) -> None:
    """Judge again what an earlier run found and nothing of today names: it may have gone, or have another name."""
    after: UUID | None = None
    while True:
        async with transaction(desk.sessions) as session:
            rows = await reconciliation_rows.list_unseen_rows(
                session, claimed.run, claim=claimed.claim, after=after, limit=PAGE
            )
        if not rows:
            return
        for row in rows:
            await _judge_again(desk, claimed, row)
        after = rows[-1].id


async def _judge_again(desk: Desk, claimed: Claimed, row: ReconciliationRow) -> None:
    kind = OperationKind(row.kind)
    if row.operation_key == f"{kind}:{row.reference}":
        candidate = await _ask_entry(desk, claimed, row.operation_key)
    else:
        candidate = await _ask(desk, claimed, OperationQuestion(kind=kind, reference=row.reference))
    candidate = replace(candidate, operation_key=candidate.operation_key or row.operation_key)
    judged = await _judge_all(desk, claimed, [candidate])
    if not judged or candidate.reference != row.reference:
        await transact(desk.sessions, partial(_remove, row=row, now=desk.clock.now()))


async def _remove(session: Session, *, row: ReconciliationRow, now: datetime) -> None:
    if row.cause is not None:
        await cases.withdraw(
            session, [row.cause], note="no source knows it under this name any more", now=now
        )
    await session.delete(await session.get_one(ReconciliationRow, row.id))


async def _ask_entry(desk: Desk, claimed: Claimed, operation_key: str) -> Candidate:
    """Ask about an entry of the ledger, by the operation that its key names."""
    word, _, name = operation_key.partition(":")
    kind = OperationKind(word)
    try:
        question = OperationQuestion(kind=kind, operation_id=UUID(name))
    except ValueError:
        return Candidate(kind, name, operation_key)
    return replace(await _ask(desk, claimed, question), operation_key=operation_key)


async def _ask(desk: Desk, claimed: Claimed, question: OperationQuestion) -> Candidate:
    """Ask the provider about one operation that its list of the day does not hold."""
    settled = await desk.payment.settle_operation(claimed.run.provider, question)
    if settled.operation is not None:
        return _candidate(settled.operation, desk.calendar)
    name = question.reference or settled.reference or str(question.operation_id)
    return Candidate(question.kind, name, _key_of(question.kind, settled.operation_id))


def _candidate(operation: Operation, calendar: Calendar) -> Candidate:
    sighting = Sighting(
        money=operation.amount.to_money(),
        day=calendar.day_of(operation.happened_at),
        fee_minor=operation.fee.amount_minor if operation.fee else None,
    )
    key = _key_of(operation.kind, operation.operation_id)
    return Candidate(operation.kind, operation.reference, key, sighting)


def _key_of(kind: OperationKind, operation_id: UUID | None) -> str | None:
    """Name the ledger's entry of an operation."""
    return None if operation_id is None else f"{kind}:{operation_id}"


async def _judge_all(desk: Desk, claimed: Claimed, candidates: Sequence[Candidate]) -> Sequence[Judged]:
    """Judge a page in one transaction; what no source knows is left out."""
    if not candidates:
        return []
    store = partial(_judge_page, desk=desk, claimed=claimed, candidates=candidates)
    return await transact(desk.sessions, store)


async def _judge_page(
    session: Session, *, desk: Desk, claimed: Claimed, candidates: Sequence[Candidate]
) -> Sequence[Judged]:
    run, now = claimed.run, desk.clock.now()
    await reconciliation_runs.renew(session, claimed, now=now)
    booked = await reconciliation_rows.find_booked(session, run.provider, candidates, zone=desk.calendar.zone)
    registered = await reconciliation_rows.find_registered(session, run, candidates)
    before = await reconciliation_rows.list_causes(session, run, candidates)
    judged: dict[tuple[str, str], Judged] = {}
    for one in candidates:
        entry = booked.get(one.operation_key or "")
        line = registered.get((one.kind, one.reference))
        seen = Sightings(entry.sighting if entry else None, one.api, line)
        if seen.present():
            reason = verdicts.judge(seen, day=run.day, has_register=claimed.register_imported_at is not None)
            cause = _cause(run, one, reason)
            judged[one.kind, one.reference] = Judged(
                one, seen, entry.payment_id if entry else None, reason, cause
            )
    settled = await _settle_cases(session, run, list(judged.values()), before=before, now=now)
    if settled:
        await reconciliation_rows.put(session, run, settled, claim=claimed.claim, now=now)
    return settled


def _cause(run: ReconciliationRun, candidate: Candidate, reason: Reason) -> str | None:
    if verdicts.outcome_of(reason) is not Outcome.CASE:
        return None
    return f"reconciliation:{run.provider}:{candidate.kind}:{candidate.reference}:{reason}"


async def _settle_cases(
    session: Session,
    run: ReconciliationRun,
    judged: Sequence[Judged],
    *,
    before: frozenset[str],
    now: datetime,
) -> list[Judged]:
    """Open a case for each trouble, withdraw those whose trouble is gone; what staff have noted is explained."""
    troubles = {one.cause: one for one in judged if one.cause is not None}
    if gone := before - troubles.keys():
        note = f"the reconciliation of {run.day} does not find it any more"
        await cases.withdraw(session, sorted(gone), note=note, now=now)
    known = await cases.list_noted(session, list(troubles))
    for cause in sorted(troubles.keys() - known):
        await cases.open_once(session, _trouble(run, troubles[cause], cause), now=now)
    # once more, now that nobody else can close them
    noted = await cases.list_noted(session, list(troubles))
    return [replace(one, reason=Reason.NOTED) if one.cause in noted else one for one in judged]


def _trouble(run: ReconciliationRun, judged: Judged, cause: str) -> Trouble:
    candidate, seen = judged.candidate, judged.seen
    return Trouble(
        CaseKind.RECONCILIATION,
        cause,
        payment_id=judged.payment_id,
        details={
            "provider": run.provider,
            "day": str(run.day),
            "operation": candidate.kind,
            "reference": candidate.reference,
            "operation_key": candidate.operation_key,
            "reason": judged.reason,
            "ledger": _written(seen.ledger),
            "api": _written(seen.api),
            "register": _written(seen.register),
        },
    )


def _written(sighting: Sighting | None) -> dict[str, Any] | None:
    if sighting is None:
        return None
    return {
        "amount": to_decimal(sighting.money),
        "currency": sighting.money.currency,
        "day": str(sighting.day),
        "copies": sighting.copies,
    }
