"""Payment on a real database and Redis, with short links and the sandbox beside it and auth at its door."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import delete
from starlette.types import ASGIApp

from tests.databases import fresh_database
from tests.factories.auth_door import AuthDoor
from tests.payment.network import Network
from tests.payment.stage import Stage
from tests.services import Services
from theatre.kit.clock import MovableClock
from theatre.kit.migrations import migrate
from theatre.payment.app import create_app
from theatre.payment.models import Attempt, Dispute, OutboxMessage, ProviderEvent, Refund, WalletTransfer
from theatre.payment.settings import PaymentSettings
from theatre.sandbox.app import create_app as create_sandbox
from theatre.sandbox.app import init as init_sandbox
from theatre.sandbox.settings import SandboxSettings
from theatre.short_link.app import create_app as create_short_link
from theatre.short_link.settings import ShortLinkSettings

TABLES = (OutboxMessage, ProviderEvent, WalletTransfer, Dispute, Refund, Attempt)


@pytest.fixture(scope="session")
async def database_url(postgres_url: str, services: Services) -> AsyncIterator[str]:
    """A database of this suite's own: the sandbox's suite runs a sandbox too, and each would send the other's news."""
    async with fresh_database(services.postgres_url) as url:
        for schema in ("payment", "short_link", "sandbox", "broker"):
            await migrate(schema, url)
        yield url


@dataclass(frozen=True)
class Neighbours:
    """Who is beside payment, and the way on which the sandbox calls back: closed unless a test opens it."""

    applications: dict[str, ASGIApp]
    from_sandbox: Network


class PatientAuthDoor(AuthDoor):
    """Its tokens outlive every clock that a test moves."""

    def _token(self, subject: str, audience: str, **claims: object) -> str:
        return super()._token(subject, audience, **{**claims, "exp": 2**33})


@pytest.fixture(scope="session")
def auth() -> AuthDoor:
    return PatientAuthDoor()


@pytest.fixture(scope="session")
async def neighbours(database_url: str, auth: AuthDoor) -> AsyncIterator[Neighbours]:
    network, from_sandbox = Network({"auth": auth.transport.app}), Network()
    short_link = create_short_link(ShortLinkSettings(database_url=database_url), transport=network)
    sandbox_settings = SandboxSettings(database_url=database_url)
    await init_sandbox(sandbox_settings)
    sandbox = create_sandbox(sandbox_settings, transport=from_sandbox)
    async with short_link.router.lifespan_context(short_link), sandbox.router.lifespan_context(sandbox):
        applications: dict[str, ASGIApp] = {
            "auth": auth.transport.app,
            "short_link": short_link,
            "s": short_link,
            "sandbox": sandbox,
        }
        yield Neighbours(applications, from_sandbox)


@pytest.fixture(scope="session")
async def standing_stage(
    neighbours: Neighbours, database_url: str, redis_url: str, auth: AuthDoor
) -> AsyncIterator[Stage]:
    network, clock = Network(neighbours.applications), MovableClock()
    settings = PaymentSettings(
        database_url=database_url,
        redis_url=redis_url,
        janitor_seconds=3600,
        providers="yookassa,stripe,yoomoney",
        provider_routes={"USD": "stripe,yookassa", "GBP": "yookassa,stripe"},
        wallet_rate="100000/minute",
    )
    app = create_app(settings, transport=network, clock=clock)
    async with app.router.lifespan_context(app):
        yield Stage(app, network, neighbours.from_sandbox, clock, auth, settings)


@pytest.fixture
async def stage(standing_stage: Stage) -> Stage:
    """An empty payment on a network without faults, at the present moment."""
    standing_stage.network.faults.clear()
    standing_stage.network.calls.clear()
    await standing_stage.from_sandbox.close_down()
    standing_stage.clock.offset = timedelta()
    async with standing_stage.resources.sessions.begin() as session:
        for table in TABLES:
            await session.execute(delete(table))
    return standing_stage
