"""Backups: what docs/operations.md says of dump and restore, done to a house that is open."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.house import House, demo, own_house
from tests.flows.programs import THEATRE
from tests.flows.shopping import (
    CARD_WITHOUT_QUESTIONS,
    go_to_the_hosted_page,
    pay_and_close_the_browser,
    shopper_at,
    status_of_payment,
)
from theatre.kit.servers import Servers, places, programs, running_postgres_url

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """An open house of this test's own."""
    async with own_house() as house:
        await house.open()
        yield house


async def run(*command: str | Path, **variables: str) -> str:
    """Run a command to its good end; give what it said."""
    words = [f"{name}={value}" for name, value in variables.items()]
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/env", *words, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_a_wiped_database_comes_back_from_a_dump_and_sells_again(house: House, tmp_path: Path) -> None:
    """Dumped while open, wiped, restored into an empty server: sound books, old purchases there, new ones made."""
    tools = programs.find_postgres(places.arrange(house.home))
    roles, dump = tmp_path / "roles.sql", tmp_path / "theatre.dump"
    await demo(house.url)
    async with shopper_at(house.url) as shopper:
        await go_to_the_hosted_page(shopper)
        await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
        await asyncio.to_thread(shopper.wait_for_status, "paid")
        url = running_postgres_url(house.home)
        await run(
            tools / "pg_dumpall", "--roles-only", "--no-role-passwords", f"--file={roles}", f"--dbname={url}"
        )
        await run(tools / "pg_dump", "--format=custom", f"--file={dump}", url)
        await house.stop()
        shutil.rmtree(house.home / "postgres")
        async with Servers(house.home, with_valkey=False) as servers:
            await run(tools / "psql", f"--file={roles}", servers.postgres_url)
            await run(tools / "pg_restore", "--exit-on-error", f"--dbname={servers.postgres_url}", dump)
            said = await run(*THEATRE, "ledger", "verify", THEATRE_HOME=str(house.home))
        assert "OK " in said
        assert "NO " not in said
        await house.open()
        assert await status_of_payment(shopper) == "paid"
        await asyncio.to_thread(shopper.ask_refund)
        await asyncio.to_thread(shopper.wait_for_status, "refunded")
    await demo(house.url)
