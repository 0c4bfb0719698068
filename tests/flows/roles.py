"""The product as it is deployed: one process per role, behind nginx, on real PostgreSQL, Redis and RabbitMQ."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import aio_pika

import theatre
from tests.flows.gateway import gateway
from tests.flows.programs import THEATRE, Program, until_ready
from tests.rabbitmq import free_ports
from tests.services import temporary_folder
from theatre.kit.broker.rabbit_topology import Topology
from theatre.kit.worker import Consumer
from theatre.registry import BY_NAME, SERVICES, Service

LOOPBACK = '["127.0.0.1"]'


@dataclass(frozen=True)
class Servers:
    """The servers that the roles work with; each role of `broker_ways` has its own way to the broker."""

    database_url: str
    redis_url: str
    broker_url: str
    broker_ways: dict[str, str]


class Deployment:
    """All roles, by the words that start them (`serve billing`, `work billing`), and the gateway if there is nginx."""

    def __init__(self, servers: Servers, *, nginx: str | None, folder: Path) -> None:
        self.servers = servers
        self.exchange = f"flows-{secrets.token_hex(6)}"
        gateway_port, *ports = free_ports(1 + len(SERVICES))
        self.addresses = dict(zip(BY_NAME, (f"127.0.0.1:{port}" for port in ports), strict=True))
        self.url = f"http://127.0.0.1:{gateway_port}"
        self.folder = folder
        self.environment = self._environment()
        variables = {
            "GATEWAY_LISTEN": f"127.0.0.1:{gateway_port}",
            **{f"{name.upper()}_ADDRESS": address for name, address in self.addresses.items()},
        }
        self.gateways = [gateway(nginx, folder, variables)] if nginx else []
        self.inits: list[Program] = []
        self.roles: dict[str, Program] = {}
        for service in SERVICES:
            host, _, port = self.addresses[service.name].partition(":")
            self._add("serve", service, "--host", host, "--port", port)
            if service.has_worker:
                self._add("work", service)

    def _add(self, verb: str, service: Service, *options: str) -> None:
        role = f"{verb} {service.name}"
        way = self.servers.broker_ways.get(role, self.servers.broker_url)
        command = [*THEATRE, verb, service.name, *options]
        environment = {**self.environment, "THEATRE_BROKER_URL": way}
        self.roles[role] = Program(command, environment, self.folder / f"{role.replace(' ', '-')}.log")

    def _environment(self) -> dict[str, str]:
        own_secrets = {name: secrets.token_urlsafe(32) for name in BY_NAME}
        shop_secret = secrets.token_urlsafe(32)
        return {
            # the very code that the tests import
            "PYTHONPATH": str(Path(theatre.__file__).parents[1]),
            "THEATRE_DATABASE_URL": self.servers.database_url,
            # the server is shared with other tests
            "THEATRE_DATABASE_POOL_SIZE": "3",
            "THEATRE_DATABASE_KEPT_CONNECTIONS": "1",
            "THEATRE_REDIS_URL": self.servers.redis_url,
            "THEATRE_BROKER_URL": self.servers.broker_url,
            "THEATRE_BROKER_EXCHANGE": self.exchange,
            "THEATRE_PUBLIC_URL": self.url,
            **{
                f"THEATRE_{name.upper()}_URL": f"http://{address}" for name, address in self.addresses.items()
            },
            **{f"{name.upper()}_SERVICE_SECRET": secret for name, secret in own_secrets.items()},
            "AUTH_SERVICE_CLIENTS": json.dumps(own_secrets),
            "AUTH_SIGNING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "AUTH_REFRESH_SECRET": secrets.token_urlsafe(32),
            "AUTH_DEMO_USERS": "true",
            "MOVIES_INDEX_FOLDER": str(self.folder / "movies-index"),
            "AUTH_TRUSTED_PROXIES": LOOPBACK,
            "PAYMENT_TRUSTED_PROXIES": "127.0.0.1",
            "PAYMENT_YOOKASSA_API_URL": f"http://{self.addresses['sandbox']}/sandbox/v3",
            "PAYMENT_YOOKASSA_SECRET_KEY": shop_secret,
            "PAYMENT_TOKEN_SECRETS": secrets.token_urlsafe(32),
            "SANDBOX_SHOP_SECRET_KEY": shop_secret,
        }

    async def init(self) -> None:
        """Run `theatre init` of every service, as deployments do before they start."""
        names = [service.name for service in SERVICES if service.has_schema]
        self.inits = [
            Program([*THEATRE, "init", name], self.environment, self.folder / f"init-{name}.log")
            for name in names
        ]
        for program in self.inits:
            program.start()
        for program in self.inits:
            assert await program.finish() == 0, program.said()

    async def open(self) -> None:
        """Start every role and wait until those that serve are ready."""
        for program in (*self.gateways, *self.roles.values()):
            program.start()
        for role in self.roles:
            await self.until_ready(role)

    async def until_ready(self, role: str) -> None:
        """Wait until a role is ready; those that only work have no door to ask at."""
        verb, _, name = role.partition(" ")
        if verb == "serve":
            await until_ready(f"http://{self.addresses[name]}/{name}/api/_ready", self.roles[role])

    async def close(self) -> None:
        """Stop everything, and take away what was made at the broker."""
        await asyncio.gather(
            *(program.stop() for program in (*self.gateways, *self.inits, *self.roles.values()))
        )
        await self._delete_queues()

    async def _delete_queues(self) -> None:
        topology = Topology(self.exchange)
        async with await aio_pika.connect(self.servers.broker_url) as connection:
            channel = await connection.channel()
            for queue in [queue for service in SERVICES for queue in list_queues(service)]:
                for name in topology.queues_of(queue):
                    await channel.queue_delete(name)
            for name in (topology.exchange, topology.dead_exchange):
                await channel.exchange_delete(name)


def list_queues(service: Service) -> list[str]:
    """Name the queues of a service's worker, if it hears anything."""
    name = f"theatre.{service.name}.consumers"
    if not service.has_worker or find_spec(name) is None:
        return []
    doors = import_module(name)
    return [consumer.queue for consumer in vars(doors).values() if isinstance(consumer, Consumer)]


@asynccontextmanager
async def own_deployment(servers: Servers, *, nginx: str) -> AsyncIterator[Deployment]:
    """Deploy the product with a database, an exchange and ports of its own; leave nothing of it at the end."""
    with temporary_folder() as folder:
        deployment = Deployment(servers, nginx=nginx, folder=folder)
        try:
            await deployment.init()
            await deployment.open()
            yield deployment
        finally:
            await deployment.close()
