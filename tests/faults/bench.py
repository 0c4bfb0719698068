"""The bench: every role of a purchase as a process of its own, with our proxy on every link between them.

`roles` can be killed, frozen and started again by name; `ways` are the proxies, by caller and callee. What lies
outside the system (the sandbox's tables, the mail server, the answers that buyers got) is the oracle.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from tests.databases import fresh_database
from tests.faults import invariants
from tests.faults.buyer import ANSWER_SECONDS, Answers, Buyer
from tests.faults.conversations import Amqp, Conversation, Http, Link, Postgres, Smtp
from tests.faults.crossings import Crossing, Watch
from tests.flows.programs import Program
from tests.flows.roles import Deployment, Servers
from tests.kit.proxy import Proxy
from tests.notification.sink import Sink, open_sink
from tests.services import temporary_folder

DATABASE, BROKER, MAIL = "database", "broker", "mail"
# (caller, callee, the caller's variable that names the way)
LINKS = (
    ("serve billing", DATABASE, "THEATRE_DATABASE_URL"),
    ("serve billing", "serve payment", "BILLING_PAYMENT_URL"),
    ("work billing", DATABASE, "THEATRE_DATABASE_URL"),
    ("work billing", BROKER, "THEATRE_BROKER_URL"),
    ("work billing", "serve payment", "BILLING_PAYMENT_URL"),
    ("work billing", "serve notification", "BILLING_NOTIFICATION_URL"),
    ("serve payment", DATABASE, "THEATRE_DATABASE_URL"),
    ("serve payment", BROKER, "THEATRE_BROKER_URL"),
    ("serve payment", "serve short_link", "PAYMENT_SHORT_LINK_URL"),
    ("serve payment", "serve sandbox", "PAYMENT_YOOKASSA_API_URL"),
    ("serve sandbox", "serve payment", "SANDBOX_PAYMENT_URL"),
    ("serve short_link", DATABASE, "THEATRE_DATABASE_URL"),
    ("serve notification", DATABASE, "THEATRE_DATABASE_URL"),
    ("work notification", DATABASE, "THEATRE_DATABASE_URL"),
    ("work notification", BROKER, "THEATRE_BROKER_URL"),
    ("work notification", "serve auth", "NOTIFICATION_AUTH_URL"),
    ("work notification", MAIL, "SMTP_URL"),
)
CLIENT = "client"
SPEECH: dict[str, type[Conversation]] = {DATABASE: Postgres, BROKER: Amqp, MAIL: Smtp}
UNUSED_ROLES = ("serve web", "serve movies", "work movies")
SETTLE_SECONDS = 60.0
# how often the pauses and leases that somebody may be waiting for are made to end
OWN_PACE_SECONDS = 2.0
LOOK_SECONDS = 0.1
LAST_COMPLAINTS = 5


@dataclass
class Bench:
    """What a test of faults holds."""

    deployment: Deployment
    watch: Watch
    ways: dict[tuple[str, str], Proxy]
    sink: Sink
    database: asyncpg.Pool
    answers: Answers = field(default_factory=Answers)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _starting: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def roles(self) -> dict[str, Program]:
        """The processes, by name."""
        return self.deployment.roles

    def ways_to(self, callee: str) -> Sequence[Proxy]:
        """Give every proxy that leads to somebody."""
        return [way for (_, to), way in self.ways.items() if to == callee]

    async def new_buyer(self) -> Buyer:
        """Let a new user arrive; the mail that greets it is out when this returns."""
        http = httpx.AsyncClient(base_url=self.ways[CLIENT, "serve billing"].url, timeout=ANSWER_SECONDS)
        await self.stack.enter_async_context(http)
        buyer = Buyer(f"http://{self.deployment.addresses['auth']}", http, self.answers)
        await buyer.arrive()
        await self.until_settled()
        return buyer

    async def kill(self, crossing: Crossing) -> None:
        """End the role that made a crossing, and start it again meanwhile."""
        self.restart(crossing.role)

    def restart(self, role: str) -> None:
        """Kill a role and start it again, without waiting."""
        self.roles[role].kill()
        self.roles[role].start()
        ready = asyncio.create_task(self.deployment.until_ready(role))
        self._starting.add(ready)

    @asynccontextmanager
    async def time_flying(self) -> AsyncIterator[None]:
        """Let time pass quickly meanwhile: nobody waits long for the end of a lease or a pause."""

        async def fly() -> None:
            while True:
                await asyncio.sleep(OWN_PACE_SECONDS)
                await invariants.pass_time(self.database)

        flying = asyncio.create_task(fly())
        try:
            yield
        finally:
            flying.cancel()
            await asyncio.wait([flying])

    async def until_settled(self) -> None:
        """Wait until nothing is under way any more and every role is there, for at most a minute."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while under_way := await invariants.find_under_way(self.database):
            assert time.monotonic() < deadline, f"still under way after {SETTLE_SECONDS} s: {under_way}"
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.gather(*self._starting)
        self._starting.clear()

    async def check(self) -> None:
        """Wait until all is settled, and demand P1 to P3 and P5 of RELIABILITY 2.2."""
        await self.until_settled()
        await self._tell_oracle()
        found = await invariants.find_violations(self.database)
        assert not found, "\n".join(f"{name}: {rows}" for name, rows in found.items())
        assert not self.answers.dishonest, "\n".join([*self.answers.dishonest, *self.complaints()])
        doubled = [key for key, answers in self.answers.by_key.items() if len(answers) > 1]
        assert not doubled, f"different answers under one key: {doubled}"

    def complaints(self) -> list[str]:
        """Give the last errors that roles logged."""
        said = [line for program in self.roles.values() for line in program.said().splitlines()]
        return [line for line in said if '"error"' in line][-LAST_COMPLAINTS:]

    async def _tell_oracle(self) -> None:
        mails = [message_from_bytes(caught.content)["Message-ID"] for caught in self.sink.caught]
        await invariants.tell_oracle(self.database, mails=mails, accepted=self.answers.accepted)


@asynccontextmanager
async def open_bench(postgres_url: str, redis_url: str, broker_url: str) -> AsyncIterator[Bench]:
    """Start everything with a database and an exchange of its own; leave nothing of it."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        database_url = await stack.enter_async_context(fresh_database(postgres_url))
        sink = await stack.enter_async_context(open_sink())
        servers = Servers(f"{database_url}?ssl=disable", redis_url, broker_url, {})
        deployment = Deployment(servers, nginx=None, folder=folder)
        for role in UNUSED_ROLES:
            del deployment.roles[role]
        watch = Watch()
        ways = await lay_ways(deployment, watch, sink, stack=stack)
        # on ways that are still there
        stack.push_async_callback(deployment.close)
        # the sandbox keeps the address that it tells of payments from its first hour on
        first_hour = deployment.inits["init sandbox"]
        payment_url = ways["serve sandbox", "serve payment"].url
        first_hour.environment = {**first_hour.environment, "SANDBOX_PAYMENT_URL": payment_url}
        await deployment.open()
        pool = await asyncpg.create_pool(database_url, min_size=1, max_size=2)
        stack.push_async_callback(pool.close)
        await invariants.open_oracle(pool)
        yield Bench(deployment, watch, ways, sink, pool, stack=stack)


async def lay_ways(
    deployment: Deployment, watch: Watch, sink: Sink, *, stack: AsyncExitStack
) -> dict[tuple[str, str], Proxy]:
    """Put a proxy on every link and tell the callers; the hosted page is where the sandbox itself is."""
    ends = {DATABASE: deployment.servers.database_url, BROKER: deployment.servers.broker_url, MAIL: sink.url}
    ends |= {f"serve {name}": f"http://{address}" for name, address in deployment.addresses.items()}
    ways = {}
    for caller, callee, _ in (*LINKS, (CLIENT, "serve billing", "")):
        listen = partial(SPEECH.get(callee, Http), Link(watch, caller, callee))
        ways[caller, callee] = await stack.enter_async_context(Proxy(ends[callee], listen))
    for program in deployment.roles.values():
        program.environment = {**program.environment, **shared_variables(ends["serve sandbox"])}
    for caller, callee, variable in LINKS:
        program = deployment.roles[caller]
        path = (
            urlsplit(str(program.environment.get(variable, ""))).path if callee == "serve sandbox" else None
        )
        way = urlsplit(ways[caller, callee].url)
        program.environment = {
            **program.environment,
            variable: urlunsplit(way if path is None else way._replace(path=path)),
        }
    return ways


def shared_variables(sandbox_url: str) -> dict[str, str]:
    """What every role of the bench is told beside the deployment's own settings."""
    return {
        "THEATRE_PUBLIC_URL": sandbox_url,
        "AUTH_REGISTER_RATE": "100000/minute",
        "AUTH_LOGIN_RATE": "100000/minute",
        "PAYMENT_JANITOR_SECONDS": "0.5",
        "THEATRE_LOG_LEVEL": "warning",
    }
