"""What a broker lost is sent again by command, and what it had not lost has no second effect."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.flows.house import House, demo, own_house
from tests.flows.programs import THEATRE, until
from theatre.kit.servers import running_postgres_url

pytestmark = pytest.mark.timeout(180)
TOLD = "SELECT count(*) FROM notification.delivery d WHERE d.status = 'sent'"
BOOKED = "SELECT count(*) FROM billing.ledger_entry"
UNSENT = "SELECT count(*) FROM {}.outbox_message WHERE sent_at IS NULL"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A house of the test's own: all that was told in it is told again."""
    async with own_house() as house:
        await house.open()
        yield house


@pytest.fixture
async def books(house: House) -> AsyncIterator[asyncpg.Connection]:
    """Its database."""
    connection = await asyncpg.connect(running_postgres_url(house.home))
    yield connection
    await connection.close()


async def command(house: House, *words: str) -> tuple[int, str]:
    """Run a command beside the house; gives its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *THEATRE,
        *words,
        env=house.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def replay(house: House, books: asyncpg.Connection, service: str, since: datetime) -> int:
    """Replay a service's outbox and wait until all of it has been sent; gives the number that the command said."""
    status, said = await command(house, "outbox", "replay", service, "--since", since.isoformat())
    assert (status, said.endswith(f" messages of {service} are sent again\n")) == (0, True), said

    async def all_is_sent() -> bool:
        return int(await books.fetchval(UNSENT.format(service))) == 0

    await until(all_is_sent, seconds=30)
    return int(said.split()[0])


async def until_told(books: asyncpg.Connection, number: int) -> None:
    """Wait until so many mails have gone out."""

    async def is_told() -> bool:
        return int(await books.fetchval(TOLD)) == number

    await until(is_told, seconds=30)


async def test_what_was_lost_is_told_once_more_and_what_was_heard_has_no_second_effect(
    house: House, books: asyncpg.Connection
) -> None:
    """F-B4"""
    since = datetime.now(UTC) - timedelta(hours=1)
    await demo(house.url)
    sent = await books.fetchval("SELECT count(*) FROM billing.outbox_message")
    told, booked = await books.fetchval(TOLD), await books.fetchval(BOOKED)
    assert told > 0
    # as if the broker had died with what it held for the buyer
    await books.execute("DELETE FROM billing.inbox_message WHERE consumer = 'worker-billing-notify.notify'")
    await books.execute("DELETE FROM notification.inbox_item WHERE kind = 'payment_status'")
    await books.execute(
        "DELETE FROM notification.delivery WHERE notification_id IN"
        " (SELECT id FROM notification.notification WHERE kind = 'payment_status')"
    )
    await books.execute("DELETE FROM notification.notification WHERE kind = 'payment_status'")
    assert await books.fetchval(TOLD) < told
    assert await replay(house, books, "billing", since) == sent

    await until_told(books, told)
    for service in ("billing", "payment", "auth"):
        assert await replay(house, books, service, since) > 0
    assert await replay(house, books, "billing", datetime.now(UTC) + timedelta(hours=1)) == 0
    # a purchase after all that has come through the same queues
    await demo(house.url)
    await until_told(books, 2 * told)
    assert await books.fetchval(BOOKED) == 2 * booked
    assert (await command(house, "ledger", "verify"))[0] == 0
