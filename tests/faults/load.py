"""People who pay while something breaks: some buyers, each buying again and again, and taking every second one back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.faults.bench import Bench
from tests.faults.buyer import Buyer

BUYERS = 3
# every request comes twice under its key
TIMES = 2


@dataclass
class Load:
    """What the buyers have done so far."""

    begun: int = 0
    paid: int = 0
    refunded: int = 0
    is_over: bool = False

    async def keep_buying(self, buyer: Buyer) -> None:
        """Buy until it is over; what was begun is brought to its end."""
        await buyer.sign_in()
        while not self.is_over:
            payment = await buyer.buy(times=TIMES)
            self.begun += 1
            await buyer.wait_for(payment, "paid")
            self.paid += 1
            if self.paid % 2:
                await buyer.take_back(payment)
                await buyer.wait_for(payment, "refunded")
                self.refunded += 1


@asynccontextmanager
async def people_paying(bench: Bench) -> AsyncIterator[Load]:
    """Let people pay while the block runs, wait until the last of them is served, and demand that all came right."""
    buyers = [await bench.new_buyer() for _ in range(BUYERS)]
    load = Load()
    async with bench.time_flying():
        async with asyncio.TaskGroup() as group:
            for buyer in buyers:
                group.create_task(load.keep_buying(buyer))
            try:
                yield load
            finally:
                load.is_over = True
        await bench.check()
    assert load.paid, "nobody paid"
    assert load.refunded, "nobody took anything back"
