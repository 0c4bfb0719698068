"""The house: every service's application and worker in this process, open as long as the block runs."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from theatre.embedded.furniture import complete
from theatre.embedded.inside import HouseTransport
from theatre.embedded.settings import HouseSettings
from theatre.kit.broker import open_broker
from theatre.kit.settings import ServiceSettings
from theatre.kit.worker import Worker
from theatre.registry import BY_NAME, SERVICES, declare_queues

Parts = Mapping[str, ServiceSettings]

# connections of one service to the database; where there is a worker it has most of them, one to be woken by
CONNECTIONS = 5
CONNECTIONS_OF_WORKER = 3


@asynccontextmanager
async def open_house(house: HouseSettings, parts: Parts) -> AsyncIterator[dict[str, FastAPI]]:
    """Open every service and run every worker; gives the applications by path prefix."""
    transport = HouseTransport(house.address)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(transport.close_network)
        broker = await stack.enter_async_context(open_broker(house))
        outside = {"broker": broker, "transport": transport}
        apps = {name: BY_NAME[name].create_app(pooled(part), **outside) for name, part in parts.items()}
        children = {prefix: apps[service.name] for service in SERVICES for prefix in service.prefixes}
        transport.open(children)
        workers = [
            await stack.enter_async_context(
                BY_NAME[name].open_worker(pooled(part, of_worker=True), **outside)
            )
            for name, part in parts.items()
            if BY_NAME[name].has_worker
        ]
        for worker in workers:
            await declare_queues(worker)
        for app in apps.values():
            await stack.enter_async_context(app.router.lifespan_context(app))
        share_readiness(apps)
        async with running(workers):
            yield children


def pooled(part: ServiceSettings, *, of_worker: bool = False) -> ServiceSettings:
    """Give an application or a worker its share of the house's connections, unless the environment said otherwise."""
    has_worker = BY_NAME[part.service].has_worker
    size = CONNECTIONS_OF_WORKER if of_worker else CONNECTIONS - CONNECTIONS_OF_WORKER * has_worker
    return complete(part, {"database_pool_size": size})


def share_readiness(apps: Mapping[str, FastAPI]) -> None:
    """Let every service be ready only when all are."""
    checks = {f"{name}.{check}": run for name, app in apps.items() for check, run in app.state.checks.items()}
    for app in apps.values():
        app.state.checks = checks


@asynccontextmanager
async def running(workers: Iterable[Worker[Any]]) -> AsyncIterator[None]:
    """Run workers while the block runs; one that breaks brings the house down rather than be missed."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
