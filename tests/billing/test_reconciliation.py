"""Reconciliation: every planted difference is found, nothing else is, and no cut leaves anything half done."""

import asyncio
import csv
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from tests.billing.bookkeeping import DAY, MIDNIGHT, NIGHT, NOON, REFUND, Books, hours, line
from tests.billing.desk import PaymentDesk
from theatre.billing import cases, reconciliation_rows, reconciliation_runs
from theatre.billing.errors import RegisterRejected, RunAtWork, RunLost
from theatre.billing.models import Case, CaseKind, Outcome, ReconciliationRun, RunStatus
from theatre.billing.registers import Fault
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Sessions
from theatre.kit.http import Unknown
from theatre.kit.ids import new_id
from theatre.kit.money import Money

NEXT = DAY + timedelta(days=1)


@pytest.fixture
async def books(sessions: Sessions, settings: BillingSettings, desk: PaymentDesk) -> Books:
    return await Books(sessions, settings, desk).open()


async def fill(books: Books, number: int = 7) -> list[str]:
    """Let both sides know of a clean day: captures with fees, and a refund of the last one."""
    references = [f"c{index}" for index in range(number)]
    for reference in references:
        await books.both(reference, fee_minor=1397)
    await books.both("r0", kind=REFUND, amount_minor=4990, at=NOON + hours(1))
    return [*references, "r0"]


async def note(books: Books, ending: str) -> None:
    """Close a case as staff do."""
    case = await books.case(ending)
    async with books.sessions.begin() as session:
        await cases.resolve(session, case.id, staff_id=uuid4(), note="asked the bank", now=NIGHT)


async def test_a_clean_day_has_no_case_and_is_closed(books: Books) -> None:
    """F-P9: no false alarm. R14. R15: the refund took no fee."""
    references = await fill(books)
    assert await books.run() == dict.fromkeys(references, "register_not_imported")
    run = await books.state()
    assert (run.status, run.next_try_at, run.finished_at) == (RunStatus.CLOSED, None, NIGHT)
    assert await books.cases() == {}
    assert books.settled == []


async def test_a_clean_day_with_its_register_matches_three_ways(books: Books) -> None:
    references = await fill(books)
    await books.register(
        *(line(reference, fee_minor=1397) for reference in references[:-1]),
        line("r0", kind=REFUND, money=Money(4990, "RUB")),
    )
    assert await books.run() == dict.fromkeys(references, "all_agree")
    assert (await books.state()).status == RunStatus.CLOSED


async def test_an_empty_day_is_closed(books: Books) -> None:
    assert await books.run() == {}
    assert (await books.state()).status == RunStatus.CLOSED


async def test_all_that_was_planted_is_found_and_nothing_else(books: Books) -> None:
    """F-P9: 100 %. R14"""
    clean = await fill(books)
    register = [line(reference, fee_minor=1397) for reference in clean[:-1]]
    register.append(line("r0", kind=REFUND, money=Money(4990, "RUB")))
    books.know("unknown", operation_id=new_id())
    books.know("unknown refund", kind=REFUND)
    extra = new_id()
    await books.book(extra)
    more = new_id()
    books.know("more", operation_id=more, amount_minor=50000)
    await books.book(more, amount_minor=40000)
    dollars = new_id()
    books.know("dollars", operation_id=dollars, currency="USD")
    await books.book(dollars)
    for reference in ("doubled", "left out", "other in the register"):
        await books.both(reference)
    register += [line("doubled"), line("doubled"), line("invented")]
    register += [line("other in the register", money=Money(1, "RUB"))]
    for reference in ("more", "dollars", "unknown"):
        register.append(line(reference))
    await books.register(*register)
    reasons = await books.run()
    assert {reference: reason for reference, reason in reasons.items() if reference not in clean} == {
        "unknown": "unknown_to_ledger",
        "unknown refund": "unknown_to_ledger",
        "invented": "unknown_to_ledger",
        str(extra): "unknown_to_provider",
        "more": "amount_differs",
        "other in the register": "amount_differs",
        "dollars": "currency_differs",
        "doubled": "doubled_in_register",
        "left out": "missing_in_register",
    }
    assert {reasons[reference] for reference in clean} == {"all_agree"}
    opened = await books.cases()
    assert len(opened) == 9
    assert set(opened.values()) == {"open"}
    assert (await books.state()).status == RunStatus.OPEN


async def test_a_case_says_what_each_source_says(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id, amount_minor=50000)
    await books.book(operation_id)
    await books.run()
    case = await books.case("amount_differs")
    assert case.payment_id == books.payment_id
    assert case.details == {
        "provider": books.name,
        "day": "2026-11-24",
        "operation": "capture",
        "reference": "c",
        "operation_key": f"capture:{operation_id}",
        "reason": "amount_differs",
        "ledger": {"amount": "399.00", "currency": "RUB", "day": "2026-11-24", "copies": 1},
        "api": {"amount": "500.00", "currency": "RUB", "day": "2026-11-24", "copies": 1},
        "register": None,
    }


async def test_a_capture_over_midnight_is_explained_on_both_days(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id, at=MIDNIGHT - timedelta(milliseconds=1))
    await books.book(operation_id, at=MIDNIGHT + timedelta(seconds=2))
    assert await books.run() == {"c": "other_day"}
    books.clock.at += timedelta(days=1)
    assert await books.run(NEXT) == {"c": "other_day"}
    assert await books.cases() == {}
    assert (await books.state(NEXT)).status == RunStatus.CLOSED


async def test_a_register_that_counts_by_another_midnight_is_explained_on_both_days(books: Books) -> None:
    await books.both("c", at=MIDNIGHT + timedelta(seconds=2))
    await books.register(line("c"))
    await books.register(day=NEXT)
    books.clock.at += timedelta(days=1)
    assert await books.run() == {"c": "other_day"}
    assert await books.run(NEXT) == {"c": "other_day"}
    assert await books.cases() == {}


async def test_the_day_is_moscows(books: Books) -> None:
    await books.both("first", at=MIDNIGHT - timedelta(days=1))
    await books.both("last", at=MIDNIGHT - timedelta(milliseconds=1))
    await books.both("next", at=MIDNIGHT)
    assert set(await books.run()) == {"first", "last"}


async def test_another_fee_is_explained(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id, fee_minor=1400)
    await books.book(operation_id, fee_minor=1397)
    assert await books.run() == {"c": "fee_differs"}
    (row,) = await books.rows()
    assert (row.outcome, row.ledger_fee_minor, row.api_fee_minor) == (Outcome.EXPLAINED, 1397, 1400)


async def test_what_giving_back_cost_and_the_books_do_not_hold_is_explained(books: Books) -> None:
    """R14: wallets charge for the way back."""
    operation_id = new_id()
    books.know("r", operation_id=operation_id, kind=REFUND, fee_minor=50)
    await books.book(operation_id, kind=REFUND)
    assert await books.run() == {"r": "fee_differs"}


async def test_what_the_list_leaves_out_but_the_provider_knows_is_matched(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id, is_hidden=True)
    await books.book(operation_id)
    assert await books.run() == {"c": "register_not_imported"}


@pytest.mark.parametrize("runs_before", [0, 1])
async def test_in_ledger_and_register_but_not_at_the_api_is_a_case(books: Books, runs_before: int) -> None:
    await books.both("c")
    await books.register(line("c"))
    for _ in range(runs_before):
        assert await books.run() == {"c": "all_agree"}
    books.forget("c")
    assert await books.run() == {"c": "missing_in_api"}
    assert await books.cases() == {"c:missing_in_api": "open"}


async def test_payment_service_is_told_of_what_our_ledger_lacks(books: Books) -> None:
    """F-D10, F-C11: so that it recognises what we never heard of."""
    books.know("r", kind=REFUND)
    await books.run()
    assert {"kind": "refund", "operation_id": None, "reference": "r"} in books.settled


async def test_running_again_opens_nothing_twice_and_changes_nothing(books: Books) -> None:
    await fill(books)
    books.know("unknown")
    await books.book(new_id())
    await books.register(line("invented"))
    await books.run()
    before = [(row.id, row.reference, row.reason) for row in await books.rows()]
    opened = await books.cases()
    await books.run()
    assert [(row.id, row.reference, row.reason) for row in await books.rows()] == before
    assert await books.cases() == opened


async def test_what_has_since_matched_is_healed_and_its_case_withdrawn(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id)
    assert await books.run() == {"c": "unknown_to_ledger"}
    await books.book(operation_id, at=NOON)
    assert await books.run() == {"c": "register_not_imported"}
    assert await books.cases() == {"c:unknown_to_ledger": "resolved"}
    case = await books.case("unknown_to_ledger")
    assert (case.resolved_by, "does not find it" in (case.note or "")) == (cases.NOBODY, True)
    assert (await books.state()).status == RunStatus.CLOSED


async def test_trouble_that_comes_back_opens_its_case_again(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id)
    await books.book(operation_id)
    books.listed["c"]["amount"]["amount_minor"] = 1
    await books.run()
    books.listed["c"]["amount"]["amount_minor"] = 39900
    await books.run()
    assert await books.cases() == {"c:amount_differs": "resolved"}
    books.listed["c"]["amount"]["amount_minor"] = 1
    await books.run()
    assert await books.cases() == {"c:amount_differs": "open"}
    assert (await books.case("amount_differs")).note is None


async def test_an_entry_that_the_provider_comes_to_know_leaves_no_row_under_its_old_name(
    books: Books,
) -> None:
    operation_id = new_id()
    await books.book(operation_id)
    assert await books.run() == {str(operation_id): "unknown_to_provider"}
    books.know("c", operation_id=operation_id)
    assert await books.run() == {"c": "register_not_imported"}
    assert set((await books.cases()).values()) == {"resolved"}


async def test_a_line_that_a_newer_register_lacks_leaves_no_row(books: Books) -> None:
    await books.register(line("invented"))
    assert await books.run() == {"invented": "unknown_to_ledger"}
    await books.register()
    assert await books.run() == {}
    assert (await books.state()).status == RunStatus.CLOSED


async def test_a_note_of_staff_explains_the_row_and_lets_the_day_be_closed(books: Books) -> None:
    books.know("c")
    await books.run()
    await note(books, "unknown_to_ledger")
    (row,) = await books.rows()
    assert (row.outcome, row.reason) == (Outcome.EXPLAINED, "noted")
    await books.night()
    assert (await books.state()).status == RunStatus.CLOSED
    assert await books.reasons() == {"c": "noted"}


async def test_a_note_explains_one_trouble_and_not_the_next(books: Books) -> None:
    operation_id = new_id()
    books.know("c", operation_id=operation_id)
    await books.run()
    await note(books, "unknown_to_ledger")
    await books.book(operation_id, amount_minor=1)
    assert await books.run() == {"c": "amount_differs"}
    assert await books.cases() == {"c:unknown_to_ledger": "resolved", "c:amount_differs": "open"}


async def test_a_list_that_fails_half_way_leaves_the_day_open_and_is_repeated(books: Books) -> None:
    await fill(books)
    books.pages_before_failure = 1
    with pytest.raises(Unknown):
        await books.run()
    run = await books.state()
    assert (run.status, run.claim, run.next_try_at) == (RunStatus.OPEN, None, NIGHT + timedelta(minutes=15))
    assert (len(await books.rows()), await books.cases()) == (3, {})
    await books.night()
    assert (await books.state()).status == RunStatus.OPEN
    books.pages_before_failure = None
    books.clock.at += timedelta(minutes=16)
    await books.night()
    assert (len(await books.rows()), (await books.state()).status) == (8, RunStatus.CLOSED)


async def test_killed_in_the_middle_the_run_is_repeated_when_its_lease_is_over(books: Books) -> None:
    await fill(books)
    books.know("unknown")
    reached = asyncio.Event()

    async def stand() -> None:
        reached.set()
        await asyncio.Event().wait()

    usual, books.pages_before_failure = books.desk.answer, None
    pages = 0

    def answer(request: Any) -> Any:
        nonlocal pages
        pages += request.method == "GET"
        if pages == 2:
            books.desk.before_answer = stand
        return usual(request)

    books.desk.answer = answer
    task = asyncio.create_task(books.run())
    async with asyncio.timeout(10):
        await reached.wait()
    # as a kill leaves it: the lease is still there, and nobody lets go of it
    leased = (await books.state()).claim
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with books.sessions.begin() as session:
        await session.execute(
            update(ReconciliationRun)
            .where(ReconciliationRun.provider == books.name)
            .values(claim=leased, claimed_until=NIGHT + reconciliation_runs.LEASE, next_try_at=NIGHT)
        )
    books.desk.answer = usual
    with pytest.raises(RunAtWork):
        await books.run()
    books.clock.at += reconciliation_runs.LEASE
    await books.night()
    assert len(await books.rows()) == 9
    assert await books.cases() == {"unknown:unknown_to_ledger": "open"}


async def test_a_worker_whose_run_was_taken_over_writes_nothing_more(books: Books) -> None:
    await fill(books)

    async def lose() -> None:
        async with books.sessions.begin() as session:
            await session.execute(
                update(ReconciliationRun)
                .where(ReconciliationRun.provider == books.name)
                .values(claim=new_id(), claimed_until=NIGHT + hours(1))
            )

    books.desk.before_answer = lose
    with pytest.raises(RunLost):
        await books.run()
    assert await books.rows() == []
    assert (await books.state()).claim is not None


async def test_two_workers_at_once_run_a_day_once(books: Books) -> None:
    await fill(books)
    books.know("unknown")
    await asyncio.gather(*(books.night() for _ in range(4)))
    listing = ("GET", f"/payment/internal/v1/providers/{books.name}/operations")
    asked = [path for method, path, _ in books.desk.asked if (method, path) == listing]
    assert len(asked) == 3
    assert len(await books.rows()) == 9
    assert len(await books.cases()) == 1


async def test_the_night_runs_yesterday_when_its_stragglers_are_in_and_not_before(books: Books) -> None:
    await fill(books)
    books.clock.at = NIGHT - timedelta(seconds=1)
    await books.night()
    assert await books.rows() == []
    books.clock.at = NIGHT
    await books.night()
    assert (await books.state()).status == RunStatus.CLOSED


async def test_days_that_nobody_was_at_work_are_run_afterwards(books: Books) -> None:
    await books.run()
    books.clock.at += timedelta(days=3)
    await books.night()
    async with books.sessions() as session:
        runs = select(ReconciliationRun.day).where(ReconciliationRun.provider == books.name)
        assert sorted(await session.scalars(runs)) == [DAY + timedelta(days=number) for number in range(4)]


async def test_a_day_that_is_not_over_is_not_closed(books: Books) -> None:
    await fill(books)
    books.clock.at = NOON + hours(2)
    await books.run()
    run = await books.state()
    assert (run.status, run.next_try_at) == (RunStatus.OPEN, NIGHT)
    await books.night()
    assert (await books.state()).finished_at == books.clock.at


async def test_a_register_that_comes_later_opens_the_day_again(books: Books) -> None:
    await fill(books, 1)
    await books.run()
    await books.register(line("c0"))
    assert (await books.state()).status == RunStatus.OPEN
    await books.night()
    assert await books.reasons() == {"c0": "all_agree", "r0": "missing_in_register"}


async def test_importing_a_register_again_changes_nothing(books: Books) -> None:
    await books.both("c")
    await books.both("d")
    for _ in range(2):
        await books.register(line("c"), line("d"), line("d"))
        assert await books.run() == {"c": "all_agree", "d": "doubled_in_register"}


async def test_a_register_with_bad_lines_is_not_taken_at_all(books: Books) -> None:
    await books.both("c")
    await books.register(line("c"))
    with pytest.raises(RegisterRejected, match="line 7: nonsense"):
        await books.register(line("d"), Fault(7, "nonsense"))
    assert await books.run() == {"c": "all_agree"}


async def test_totals_are_told_by_outcome_and_currency(books: Books) -> None:
    await fill(books, 2)
    books.know("euros", currency="EUR", amount_minor=100)
    await books.run()
    run = await books.state()
    async with books.sessions() as session:
        totals = await reconciliation_rows.total(session, run.id)
    told = [
        (one.reason, one.kind, one.currency, one.number, one.ledger_minor, one.api_minor) for one in totals
    ]
    assert told == [
        ("register_not_imported", "capture", "RUB", 2, 79800, 79800),
        ("register_not_imported", "refund", "RUB", 1, 4990, 4990),
        ("unknown_to_ledger", "capture", "EUR", 1, 0, 100),
    ]


async def test_staff_see_runs_and_rows(books: Books, make_caller: Any) -> None:
    await fill(books, 2)
    books.know("unknown")
    await books.run()
    staff = make_caller("billing.read")
    runs = (await staff.get("/admin/reconciliation", provider=books.name, day="2026-11-24")).json()
    (run,) = runs["items"]
    assert (run["status"], run["day"], runs["next_cursor"]) == ("open", "2026-11-24", None)
    path = f"/admin/reconciliation/{run['id']}/rows"
    first = (await staff.get(path, limit=3)).json()
    rest = (await staff.get(path, limit=3, cursor=first["next_cursor"])).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)
    (unknown,) = (await staff.get(path, outcome="case")).json()["items"]
    assert unknown["in_api"] == {
        "amount": {"amount": "399.00", "currency": "RUB"},
        "fee": None,
        "day": "2026-11-24",
    }
    assert (unknown["reference"], unknown["in_ledger"], unknown["reason"]) == (
        "unknown",
        None,
        "unknown_to_ledger",
    )
    sheet = await staff.http.get(f"/billing/api/v1{path}", headers={"Accept": "text/csv"})
    assert sheet.headers["content-type"].startswith("text/csv")
    written = [line for line in csv.DictReader(sheet.text.splitlines()) if line["reference"] == "c0"]
    assert [(line["ledger"], line["ledger_fee"], line["api_currency"]) for line in written] == [
        ("399.00", "13.97", "RUB")
    ]
    for refused, status in ((make_caller(), 403), (make_caller("billing.refund"), 403)):
        assert (await refused.get("/admin/reconciliation")).status_code == status
        assert (await refused.get(path)).status_code == status
    strange = await staff.get(f"/admin/reconciliation/{uuid4()}/rows")
    assert (strange.status_code, strange.json()["code"]) == (404, "billing.reconciliation_unknown")


async def test_cases_of_other_kinds_are_closed_as_before(books: Books) -> None:
    trouble = cases.Trouble(CaseKind.UNALLOCATED_MONEY, f"test:{uuid4()}")
    async with books.sessions.begin() as session:
        await cases.open_once(session, trouble, now=NIGHT)
        case = (await session.scalars(select(Case).where(Case.cause == trouble.cause))).one()
        await cases.resolve(session, case.id, staff_id=uuid4(), note="done", now=NIGHT)
        await cases.open_once(session, trouble, now=NIGHT)
        await session.refresh(case)
        assert (case.status, case.note) == ("resolved", "done")
