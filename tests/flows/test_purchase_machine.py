"""The property proof of billing: whatever happens to purchases, in any order and number, every kopeck is accounted for.

A state machine makes up what buyers, staff, the payment system, the broker and time do, looks at the books after each
step, and at the end lets everything come to rest. `THEATRE_HYPOTHESIS_EXAMPLES` and `THEATRE_HYPOTHESIS_STEPS` make it
run longer, `THEATRE_HYPOTHESIS_SEED` repeats a run, `THEATRE_HYPOTHESIS_BLOB` (as printed) repeats one failure.
"""

import asyncio
import json
import logging
import os
import random
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import hypothesis
import pytest
import structlog
from hypothesis import HealthCheck, reproduce_failure, seed
from hypothesis import settings as trials
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import skip_without
from tests.flows import books
from tests.flows.world import World, open_world
from tests.payment.network import cut_reply, refuse_connection
from tests.services import Services
from theatre.billing import explanations
from theatre.kit.db import transaction
from theatre.kit.money import Money, from_decimal, to_decimal

T = TypeVar("T")

EXAMPLES = int(os.environ.get("THEATRE_HYPOTHESIS_EXAMPLES", "8"))
STEPS = int(os.environ.get("THEATRE_HYPOTHESIS_STEPS", "40"))
LONG_RUN_EXAMPLES = 300
SIDE_BY_SIDE = 4
LONG_SECONDS = 24 * 3600
# the links of open attempts end within the hour, payments within a day; after that, the slowest question
ROUNDS = [timedelta(hours=1)] * 2 + [timedelta(hours=25)] * 20

BUYERS = {"alice": uuid4(), "bob": uuid4()}
STAFF = {"carol": uuid4(), "dave": uuid4()}
CARDS = {
    "good": "5555555555554444",
    "poor": "5555555555554600",
    "asks for a code": "5555555555554477",
    "wants another code": "5555555555554592",
    "is slow": "2200999900000016",
    "is slow and poor": "2200999900000024",
    "gives back later": "2200999900000040",
    "gives back never": "2200999900000057",
    "refuses refunds": "2200999900000065",
}
PAYS = ["good", "asks for a code", "gives back later", "gives back never", "refuses refunds"]
SHORT = [timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1)]
LONG = [timedelta(hours=25), timedelta(days=3), timedelta(days=15), timedelta(days=32)]
CALLS = {
    "begin a payment": ("POST", "/sandbox/v3/payments"),
    "read a payment": ("GET", "/sandbox/v3/payments/*"),
    "begin a refund": ("POST", "/sandbox/v3/refunds"),
    "read a refund": ("GET", "/sandbox/v3/refunds/*"),
}
SANDBOX_FAULTS = ["error_before", "error_after", "cut_before", "cut_after", "too_many_requests", "processing"]
INSIDE = ["POST /payment/internal/v1/attempts", "GET /payment/internal/v1/attempts", "POST /notification/"]

WHICH = st.integers(0, 50)
"""Picks one of however many there are, by its rest."""
PARTS = st.lists(st.sampled_from([None, 1, 10, 33, 50, 60, 100]), min_size=1, max_size=4)
"""How many hundredths of a payment are wanted back; None is all that is left."""
TOLD = {
    "billing.payment.paid",
    "billing.payment.failed",
    "billing.payment.refunded",
    "billing.subscription.end_announced",
}


class PurchaseMachine(RuleBasedStateMachine):
    """Buyers, staff, the payment system, the broker and time."""

    payments = Bundle("payments")
    paid = Bundle("paid")
    links = Bundle("links")
    requested = Bundle("requested")

    def __init__(self, world: World, runner: asyncio.Runner, reached: Counter[str]) -> None:
        super().__init__()
        self.reached = reached
        self.world = world
        self.runner = runner
        self.owners: dict[str, UUID] = {}
        self.totals: dict[str, Money] = {}
        self.watch = books.Watch()
        self.is_sound = True
        self.act(world.empty())

    def act(self, deed: Coroutine[Any, Any, T]) -> T:
        """Let something happen; after a deed that broke, nothing more is expected of the books."""
        self.is_sound = False
        done = self.runner.run(deed)
        self.is_sound = True
        self.world.network.calls.clear()
        return done

    # buyers

    @initialize(
        targets=(payments, paid),
        buyer=st.sampled_from(sorted(BUYERS)),
        lines=st.lists(st.tuples(WHICH, st.just(1)), min_size=1, max_size=3),
        card=st.sampled_from(PAYS),
    )
    def begin_with_one_that_is_paid(self, buyer: str, lines: list[tuple[int, int]], card: str) -> str:
        return self.act(self._buy_and_pay(buyer, lines, card))

    @initialize(
        target=links,
        buyer=st.sampled_from(sorted(BUYERS)),
        which=WHICH,
        card=st.none() | st.sampled_from(PAYS),
    )
    def begin_with_one_to_pay(self, buyer: str, which: int, card: str | None) -> MultipleResults[str] | str:
        return self.act(self._checkout(self.act(self._buy(buyer, [(which, 1)], 1)), card))

    @rule(
        target=payments,
        buyer=st.sampled_from(sorted(BUYERS)),
        lines=st.lists(st.tuples(WHICH, st.sampled_from([1, 1, 1, 2, 100])), min_size=1, max_size=3),
        clicks=st.integers(1, 2),
    )
    def buy(self, buyer: str, lines: list[tuple[int, int]], clicks: int) -> str:
        return self.act(self._buy(buyer, lines, clicks))

    async def _buy(self, buyer: str, lines: list[tuple[int, int]], clicks: int) -> str:
        prices = self.world.prices
        quantities = {prices[which % len(prices)]: quantity for which, quantity in lines}
        body = {"items": [{"price_id": str(price), "quantity": count} for price, count in quantities.items()]}
        key = str(uuid4())
        answers = [
            await self.world.buy("POST", "/payments", body, user_id=BUYERS[buyer], key=key)
            for _ in range(clicks)
        ]
        assert {answer.status_code for answer in answers} == {201}, answers[0].text
        assert len({answer.content for answer in answers}) == 1
        payment = answers[0].json()
        total = payment["total"]
        self.owners[payment["id"]] = BUYERS[buyer]
        self.totals[payment["id"]] = from_decimal(total["amount"], total["currency"])
        return str(payment["id"])

    @rule(target=links, payment=payments, card=st.none() | st.sampled_from(PAYS))
    def checkout(self, payment: str, card: str | None) -> MultipleResults[str] | str:
        return self.act(self._checkout(payment, card))

    async def _checkout(self, payment: str, card: str | None = None) -> MultipleResults[str] | str:
        answer = await self._ask("POST", payment, "/checkout")
        assert answer.status_code in {200, 409, 503}, answer.text
        if answer.status_code != httpx.codes.OK:
            return multiple()
        url: str = answer.json()["confirmation_url"]
        if card is not None:
            await self._pay(url, card)
        return url

    @rule(
        url=links,
        card=st.sampled_from([*CARDS, *PAYS, None]),
        code=st.sampled_from(["123456", "123456", "000000"]),
        too_much=st.sampled_from([0, 0, 0, -1, 1, 1000]),
    )
    def pay(self, url: str, card: str | None, code: str, too_much: int) -> None:
        """F-C10: also another amount, which the sandbox takes only when its books are changed before. Or leave."""
        if too_much:
            self.act(self._change_amount(url, too_much))
        self.act(self._pay(url, card, code) if card else self._leave(url))

    async def _change_amount(self, url: str, change: int) -> None:
        await self.world.oracle.execute(
            "UPDATE sandbox.payment SET amount_minor = amount_minor + $2 WHERE id = $1 AND status = 'pending'",
            UUID(url.rpartition("/")[2]),
            change,
        )

    async def _leave(self, url: str) -> None:
        await self.world.call("POST", url, data={"action": "leave"})

    async def _pay(self, url: str, card: str, code: str = "123456") -> None:
        form = {"card_number": CARDS[card], "expiry_month": "12", "expiry_year": "2099", "cvc": "123"}
        answer = await self.world.call("POST", url, data=form)
        if answer.headers.get("location", "").endswith("/3ds"):
            answer = await self.world.call("POST", answer.headers["location"], data={"code": code})
        assert answer.status_code in {200, 303}, answer.text

    @rule(
        targets=(payments, paid),
        buyer=st.sampled_from(sorted(BUYERS)),
        lines=st.lists(st.tuples(WHICH, st.just(1)), min_size=1, max_size=2),
        card=st.sampled_from(PAYS),
    )
    def buy_and_pay(self, buyer: str, lines: list[tuple[int, int]], card: str) -> str:
        return self.act(self._buy_and_pay(buyer, lines, card))

    async def _buy_and_pay(self, buyer: str, lines: list[tuple[int, int]], card: str) -> str:
        payment = await self._buy(buyer, lines, 1)
        await self._checkout(payment, card)
        await self.world.move_on()
        return payment

    @rule(payment=payments, card=st.sampled_from(PAYS), tells=st.booleans())
    def cancel_and_pay(self, payment: str, card: str, tells: bool) -> None:
        """F-X3: the wish to cancel is there, and the money comes all the same."""
        self.act(self._cancel_and_pay(payment, card))
        if tells:
            self.act(self.world.move_on())

    async def _cancel_and_pay(self, payment: str, card: str) -> None:
        url = await self._checkout(payment)
        await self._ask("POST", payment, "/cancel")
        if isinstance(url, str):
            await self._pay(url, card)

    @rule(payment=payments)
    def cancel(self, payment: str) -> None:
        answer = self.act(self._ask("POST", payment, "/cancel"))
        assert answer.status_code in {200, 409}, answer.text

    @rule(payment=paid, parts=PARTS, at_once=st.sampled_from([True, True, False]))
    def take_back(self, payment: str, parts: list[int | None], at_once: bool) -> None:
        """F-X2, R1: one after another, or all of it clicked in several windows; together never more than was paid."""
        wanted = [None, None, *parts] if at_once else parts
        deeds = [self._take_back(payment, part) for part in wanted]
        answers = self.act(gather(deeds, side_by_side=SIDE_BY_SIDE if at_once else 1))
        assert {answer.status_code for answer in answers} <= {201, 409}, [answer.text for answer in answers]

    async def _take_back(self, payment: str, part: int | None) -> httpx.Response:
        return await self._ask(
            "POST", payment, "/refunds", self._claim(payment, part, reason="changed my mind")
        )

    def _claim(self, payment: str, part: int | None, *, reason: str) -> dict[str, object]:
        total = self.totals[payment]
        if part is None:
            return {"reason": reason, "amount": None}
        share = Money(max(total.amount_minor * part // 100, 1), total.currency)
        return {"reason": reason, "amount": {"amount": to_decimal(share), "currency": share.currency}}

    async def _ask(self, method: str, payment: str, path: str, body: object = None) -> httpx.Response:
        return await self.world.buy(method, f"/payments/{payment}{path}", body, user_id=self.owners[payment])

    @rule(buyer=st.sampled_from(sorted(BUYERS)), which=WHICH)
    def watch_a_film(self, buyer: str, which: int) -> None:
        films = self.world.films
        body = {"user_id": str(BUYERS[buyer]), "film_id": str(films[which % len(films)])}
        headers = self.world.auth.service("movies")
        answer = self.act(self.world.call("POST", "/billing/internal/v1/plays", json=body, headers=headers))
        assert answer.status_code == httpx.codes.OK, answer.text

    # staff

    @rule(
        target=requested,
        payment=paid,
        parts=PARTS,
        staff=st.sampled_from(sorted(STAFF)),
        takes_rights=st.booleans(),
    )
    def give_back(
        self, payment: str, parts: list[int | None], staff: str, takes_rights: bool
    ) -> MultipleResults[str]:
        deeds = [self._give_back(payment, part, staff, takes_rights=takes_rights) for part in parts]
        waiting = self.act(gather(deeds, side_by_side=1))
        return multiple(*(refund for refund in waiting if refund is not None))

    async def _give_back(
        self, payment: str, part: int | None, staff: str, *, takes_rights: bool
    ) -> str | None:
        body = self._claim(payment, part, reason="goodwill") | {"takes_rights": takes_rights}
        answer = await self.world.serve(f"/payments/{payment}/refunds", body, staff_id=STAFF[staff])
        assert answer.status_code in {201, 409}, answer.text
        # a refusal has a status as well: its number
        refund = answer.json()
        return refund["id"] if refund["status"] == "requested" else None

    @rule(refund=consumes(requested), staff=st.sampled_from(sorted(STAFF)), agrees=st.booleans())
    def decide(self, refund: str, staff: str, agrees: bool) -> None:
        self.act(self._decide(refund, STAFF[staff], agrees=agrees))

    async def _decide(self, refund: str, staff: UUID, *, agrees: bool) -> None:
        door, body = ("approve", None) if agrees else ("reject", {"reason": "a mistake"})
        answer = await self.world.serve(f"/refunds/{refund}/{door}", body, staff_id=staff)
        assert answer.status_code in {200, 409}, answer.text

    # the payment system

    @rule(which=WHICH, times=st.integers(0, 3))
    def call_back(self, which: int, times: int) -> None:
        """F-C1, F-C2, F-C5: any notification, in any order, also at once with itself; not at all, it is lost."""
        self.act(self._call_back(which, times))

    async def _call_back(self, which: int, times: int) -> None:
        if found := await self.world.notifications():
            notification = found[-1 - which % len(found)]
            self.world.posted.add(notification[0])
            await gather(self.world.call_back(notification) for _ in range(times))

    @rule(scenario=st.sampled_from(["success", "refund_later", "refund_refused"]))
    def take_money_after_all(self, scenario: str) -> None:
        """F-C2, F-P8: the payment system had said that it would take nothing. Its books are changed for that."""
        self.act(self._take_money_after_all(scenario))

    @rule(payment=payments, scenario=st.sampled_from(["success", "refund_later", "refund_refused"]))
    def take_money_when_all_is_over(self, payment: str, scenario: str) -> None:
        """F-C4: refused, given up by the buyer, and then taken all the same."""
        self.act(self._take_money_when_all_is_over(payment, scenario))

    async def _take_money_when_all_is_over(self, payment: str, scenario: str) -> None:
        await self._checkout(payment, "poor")
        await self.world.move_on()
        await self._ask("POST", payment, "/cancel")
        await self._take_money_after_all(scenario)

    async def _take_money_after_all(self, scenario: str) -> None:
        taken = await self.world.oracle.fetchval(
            "UPDATE sandbox.payment SET status = 'succeeded', cancellation = NULL, captured_at = $1, scenario = $2"
            " WHERE id = (SELECT id FROM sandbox.payment WHERE status = 'canceled' AND method IS NOT NULL"
            "             ORDER BY id DESC LIMIT 1) RETURNING id",
            self.world.clock.now(),
            scenario,
        )
        if taken is not None:
            body = {"type": "notification", "event": "payment.succeeded", "object": {"id": str(taken)}}
            await self.world.call_back((taken, json.dumps(body)))
            # what it had said would now be taken for a forgery
            await self.world.oracle.execute("DELETE FROM sandbox.notification WHERE payment_id = $1", taken)

    @rule(call=st.sampled_from(sorted(CALLS)), kind=st.sampled_from(SANDBOX_FAULTS), count=st.integers(1, 3))
    def break_sandbox(self, call: str, kind: str, count: int) -> None:
        """F-P1, F-P2, F-P5: no answer, though it may have happened."""
        method, path = CALLS[call]
        fault = {"kind": kind, "method": method, "path": path, "count": count}
        self.act(self.world.control("POST", "faults", fault))

    # processes, broker and time

    @rule(call=st.sampled_from(INSIDE), happens=st.booleans(), times=st.integers(1, 3))
    def break_network(self, call: str, happens: bool, times: int) -> None:
        self.world.network.fail(call, cut_reply if happens else refuse_connection, times=times)

    @rule(number=st.integers(0, 1), loses_answer=st.booleans())
    def relay(self, number: int, loses_answer: bool) -> None:
        self.world.broker.loses_answers = loses_answer
        self.act(self.world.relay(number))
        self.world.broker.loses_answers = False

    @rule(which=WHICH)
    def deliver(self, which: int) -> None:
        if waiting := self.world.undelivered():
            self.act(self.world.deliver(waiting[which % len(waiting)]))

    @rule(which=WHICH, redelivered=st.booleans(), times=st.integers(1, 3))
    def deliver_again(self, which: int, redelivered: bool, times: int) -> None:
        """F-B11: any message once more, however late, also at once with itself."""
        if parcels := self.world.broker.parcels:
            parcel = parcels[which % len(parcels)]
            self.act(gather(self.world.deliver(parcel, redelivered=redelivered) for _ in range(times)))

    @rule(which=WHICH)
    def run_job(self, which: int) -> None:
        self.act(self.world.run_job(which))

    @rule(how=st.sampled_from(["one by one", "without callbacks", "side by side"]))
    def move_on(self, how: str) -> None:
        """F-X1, F-X3: all that is to be done; side by side, each job twice, together with what waits in queues."""
        world = self.world
        if how != "side by side":
            self.act(world.move_on(with_callbacks=how == "one by one"))
            return
        jobs = [world.run_job(number) for number in range(len(world.jobs)) for _ in range(2)]
        self.act(gather([*jobs, *(world.deliver(parcel) for parcel in world.undelivered())]))

    @rule(step=st.sampled_from([*SHORT * 5, *LONG]))
    def wait(self, step: timedelta) -> None:
        self.world.advance(step)
        self.act(self.world.let_sandbox_work())

    @rule()
    def restart(self) -> None:
        """K27, F-R1: every process dies; what they and Redis remembered is gone."""
        self.act(self.world.restart())

    # the books

    @invariant()
    def the_books_are_right(self) -> None:
        assert not self.act(books.faults(self.world.oracle))
        assert not self.act(self.watch.faults(self.world.oracle))

    def teardown(self) -> None:
        if self.is_sound:
            self.act(self._come_to_rest())

    async def _come_to_rest(self) -> None:
        self.world.network.faults.clear()
        await self.world.control("DELETE", "faults")
        for step in ROUNDS:
            await self._decide_all()
            await self.world.move_on()
            if await books.is_quiet(self.world.oracle):
                break
            self.world.advance(step)
        assert not await books.faults(self.world.oracle, at_rest=True)
        assert not await self.watch.faults(self.world.oracle)
        await self._is_told()
        await self._is_explained()
        self.reached.update(await books.reached(self.world.oracle))

    async def _decide_all(self) -> None:
        waiting = await self.world.oracle.fetch(
            "SELECT id, requested_by FROM billing.refund WHERE status = 'requested' ORDER BY id"
        )
        for refund_id, requested_by in waiting:
            second = next(one for one in STAFF.values() if one != requested_by)
            await self._decide(refund_id, second, agrees=True)

    async def _is_told(self) -> None:
        """I-32: every outcome came to notification-service."""
        messages = [parcel.message for parcel in self.world.broker.parcels]
        assert {str(message.id) for message in messages if message.key in TOLD} == set(self.world.told)

    async def _is_explained(self) -> None:
        """Every step of every payment's explanation agrees with what is stored."""
        for payment in self.owners:
            async with transaction(self.world.held.sessions) as session:
                steps = await explanations.explain(session, UUID(payment))
            assert not [step for step in steps if not step.agrees]


async def gather(deeds: Iterable[Coroutine[Any, Any, Any]], *, side_by_side: int = SIDE_BY_SIDE) -> list[Any]:
    """Let things happen, so many at the same time; all of them end before one that broke is told."""
    hands = asyncio.Semaphore(side_by_side)

    async def one(deed: Coroutine[Any, Any, Any]) -> Any:
        async with hands:
            return await deed

    done = await asyncio.gather(*map(one, deeds), return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return done


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """An event loop of this test's own: the machine is driven from outside of it."""
    # with a factory of its own the runner leaves the process's current loop alone
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


@pytest.fixture
def world(runner: asyncio.Runner, services: Services) -> Iterator[World]:
    """A world on a database of its own."""
    skip_without("PostgreSQL", services.postgres_url, services)
    skip_without("Redis", services.redis_url, services)
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(open_world(services)))
    runner.run(stack.aclose())


@pytest.fixture
def quiet_logs(plain_logs: None) -> Iterator[None]:
    """Only defects are worth a line: everything else goes wrong here on purpose."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.timeout(LONG_SECONDS)
def test_whatever_happens_to_purchases_every_kopeck_is_accounted_for(
    world: World, runner: asyncio.Runner, quiet_logs: None
) -> None:
    """I-01 to I-33, F-B11, F-C1, F-C2, F-C5, F-C10, F-P2, F-P5, F-R1, F-X2, R1, R11, R13."""
    number = int(os.environ.get("THEATRE_HYPOTHESIS_SEED") or random.getrandbits(32))
    print(f"THEATRE_HYPOTHESIS_SEED={number}")  # noqa: T201 - shown with a failure, to repeat it
    reached: Counter[str] = Counter()
    make = seed(number)(lambda: PurchaseMachine(world, runner, reached))
    if blob := os.environ.get("THEATRE_HYPOTHESIS_BLOB"):
        make = reproduce_failure(hypothesis.__version__, blob.encode())(make)
    run_state_machine_as_test(
        make,  # type: ignore[arg-type]
        settings=trials(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=False,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(*sorted(reached.items()), sep="\n")  # noqa: T201 - shown with -rP
    assert EXAMPLES < LONG_RUN_EXAMPLES or not [what for what in books.MUST_REACH if not reached[what]]
