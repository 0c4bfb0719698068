"""Every role killed at every step of a purchase and of a refund (RELIABILITY 2.3 a; CORRECTNESS C12, C13)."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.faults.bench import CLIENT, Bench
from tests.faults.buyer import Buyer, Json
from tests.faults.crossings import Crossing, Moment, Trap

pytestmark = [pytest.mark.xdist_group("faults")]

MANY_MINUTES = 45 * 60
RUNS = 3
# asked for as often as somebody looks, or once in the life of a process
ASIDE = ("GET /billing", "/auth/api", "jwks", "revocations")

Step = tuple[Crossing, Moment]
Prepare = Callable[[Bench, Buyer], Awaitable[Json]]
Flow = Callable[[Buyer, Json], Awaitable[None]]


async def nothing_before(bench: Bench, buyer: Buyer) -> Json:
    """Begin with nothing."""
    return {}


async def purchase(buyer: Buyer, _: Json) -> None:
    """Buy, and see it paid."""
    await buyer.wait_for(await buyer.buy(), "paid")


async def purchase_before(bench: Bench, buyer: Buyer) -> Json:
    """Buy in peace what will be given back."""
    payment = await buyer.buy()
    await bench.until_settled()
    return payment


async def refund(buyer: Buyer, payment: Json) -> None:
    """Take the money back, and see it refunded."""
    await buyer.take_back(payment)
    await buyer.wait_for(payment, "refunded")


FLOWS: dict[str, tuple[Prepare, Flow]] = {
    "purchase": (nothing_before, purchase),
    "refund": (purchase_before, refund),
}


async def crossings_of(bench: Bench, flow: str) -> list[Crossing]:
    """Run a flow in peace and list its crossings."""
    prepare, run = FLOWS[flow]
    buyer = await bench.new_buyer()
    payment = await prepare(bench, buyer)
    bench.watch.begin()
    await run(buyer, payment)
    await bench.until_settled()
    seen = [crossing for crossing in bench.watch.seen if not any(word in crossing.what for word in ASIDE)]
    return [crossing for crossing in seen if crossing.role != CLIENT]


async def run_and_kill(bench: Bench, flow: str, step: Step) -> None:
    """Run a flow, kill the role that takes a step, and demand that all comes right.

    Relays gather what is due, so a step that looks like an earlier one may be spared in a run: then once more.
    """
    crossing, moment = step
    for _ in range(RUNS):
        trap = Trap(lambda met: met == crossing, moment, bench.kill)
        await run_with(bench, flow, trap)
        if trap.reached:
            return
    pytest.fail(f"{crossing} was never reached")


async def run_with(bench: Bench, flow: str, trap: Trap) -> None:
    """Run a flow of a new buyer with a trap on its way and demand that all comes right."""
    prepare, run = FLOWS[flow]
    buyer = await bench.new_buyer()
    payment = await prepare(bench, buyer)
    bench.watch.begin(trap)
    try:
        async with bench.time_flying():
            await run(buyer, payment)
            await bench.check()
    finally:
        bench.watch.begin()


def one_of_each_kind(crossings: Sequence[Crossing]) -> list[Step]:
    """Choose of each kind the one with the most words, the commit that settles; killed after it had its effect."""
    longest = {crossing.kind: crossing for crossing in sorted(crossings, key=lambda each: len(each.what))}
    return [(crossing, Moment.AFTER) for crossing in sorted(longest.values())]


def every_one(crossings: Sequence[Crossing]) -> list[Step]:
    """Choose all of them, before and after."""
    return [(crossing, moment) for crossing in crossings for moment in Moment]


@pytest.mark.timeout(180)
async def test_a_purchase_survives_a_kill_at_one_crossing_of_each_kind(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    """RELIABILITY 2.3 (a), the short selection."""
    for crossing, moment in one_of_each_kind(await crossings_of(bench, "purchase")):
        with subtests.test(killed=f"{moment} {crossing}"):
            await run_and_kill(bench, "purchase", (crossing, moment))


@pytest.mark.all_faults
@pytest.mark.timeout(MANY_MINUTES)
@pytest.mark.parametrize("flow", FLOWS)
async def test_a_flow_survives_a_kill_at_each_of_its_crossings(
    bench: Bench, subtests: pytest.Subtests, flow: str
) -> None:
    """RELIABILITY 2.3 (a): K1 to K22 and whatever step is added to them; I-01 to I-42 hold after each."""
    for crossing, moment in every_one(await crossings_of(bench, flow)):
        with subtests.test(killed=f"{moment} {crossing}"):
            await run_and_kill(bench, flow, (crossing, moment))
