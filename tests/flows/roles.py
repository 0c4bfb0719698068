"""The product as it is deployed: the roles of the compose files as processes, on real PostgreSQL, Redis and RabbitMQ.

What a role is told, how it is asked whether it is healthy and after whom it starts is read from those files; only
addresses, and what the servers of the tests are, is put in place of theirs.
"""

import asyncio
import os
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aio_pika
import pytest

import theatre
from tests.conftest import MISSING
from tests.flows import compose
from tests.flows.gateway import gateway
from tests.flows.programs import THEATRE, Program, until_ready
from tests.rabbitmq import free_ports
from tests.services import temporary_folder
from theatre.kit.broker.rabbit_topology import Topology
from theatre.kit.worker import Consumer
from theatre.registry import BY_NAME, SERVICES, Service

GATEWAY = "gateway"
READY = compose.ROOT / "deploy/ready.py"
SECRETS = compose.ROOT / "scripts/secrets.sh"
NAME_AND_PORT = re.compile(r"\b([a-z][a-z0-9-]*):(\d+)\b")
HEALTHY, COMPLETED = "service_healthy", "service_completed_successfully"


@dataclass(frozen=True)
class Servers:
    """The servers that the roles work with; each role of `broker_ways` has its own way to the broker."""

    database_url: str
    redis_url: str
    broker_url: str
    broker_ways: dict[str, str]

    @property
    def secrets(self) -> dict[str, str]:
        """What stands for the addresses of the compose files' own servers."""
        return {
            "theatre_database_url": self.database_url,
            "theatre_redis_url": self.redis_url,
            "theatre_broker_url": self.broker_url,
        }


class Deployment:
    """All roles, by the words that start them (`serve billing`, `work billing`), and the gateway if there is nginx.

    `inits` are those that end (`init billing`).
    """

    def __init__(
        self, servers: Servers, *, nginx: str | None, folder: Path, further: Mapping[str, str] | None = None
    ) -> None:
        if compose.find_compose() is None:
            pytest.skip(f"{MISSING}Docker Compose (its wheel is for x86-64; install another)")
        self.servers = servers
        self.further = further or {}
        self.folder = folder
        self.exchange = f"flows-{secrets.token_hex(6)}"
        workers = [f"work {service.name}" for service in SERVICES if service.has_worker]
        doors = (GATEWAY, *BY_NAME, *workers)
        self.ports = dict(zip(doors, free_ports(len(doors)), strict=True))
        self.addresses = {name: f"127.0.0.1:{self.ports[name]}" for name in BY_NAME}
        self.url = f"http://127.0.0.1:{self.ports[GATEWAY]}"
        model = compose.read("compose.yaml", variables={"THEATRE_PORT": str(self.ports[GATEWAY])})
        self.deployed: dict[str, dict[str, Any]] = model["services"]
        self.names = {role_of(one): name for name, one in self.deployed.items() if is_ours(one)}
        self.secrets = make_secrets(folder / "secrets") | servers.secrets
        self.roles: dict[str, Program] = {}
        self.inits: dict[str, Program] = {}
        for role in self.names:
            (self.inits if role.startswith("init ") else self.roles)[role] = self._program(role)
        self.gateways = [self._gateway(nginx)] if nginx else []

    def _program(self, role: str) -> Program:
        one = self.deployed[self.names[role]]
        _, _, service = role.partition(" ")
        environment = {
            **self._translated(one["environment"]),
            **self._keep(one),
            # the image says this
            "THEATRE_HOST": "127.0.0.1",
            "THEATRE_PORT": str(self.ports[service]),
            # containers may all have the same
            "THEATRE_METRICS_PORT": str(self.ports.get(role, 0)),
            "THEATRE_SECRETS_DIR": str(self._hand_over(one, self.folder / role.replace(" ", "-"))),
            # the very code that the tests import
            "PYTHONPATH": str(Path(theatre.__file__).parents[1]),
            # the servers are shared with other tests, and nobody keeps traces here
            "THEATRE_DATABASE_POOL_SIZE": "3",
            "THEATRE_DATABASE_KEPT_CONNECTIONS": "1",
            "THEATRE_BROKER_EXCHANGE": self.exchange,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",
            **self.further,
        }
        if role in self.servers.broker_ways:
            environment["THEATRE_BROKER_URL"] = self.servers.broker_ways[role]
        log = self.folder / f"{role.replace(' ', '-')}.log"
        return Program([*THEATRE, *one["command"]], environment, log)

    def _keep(self, one: Mapping[str, Any]) -> dict[str, str]:
        """Put folders of ours, by the names of the volumes, in place of those that a container keeps."""
        folders = {volume["target"]: str(self.folder / volume["source"]) for volume in one.get("volumes", [])}
        return {name: folders[value] for name, value in one["environment"].items() if value in folders}

    def _hand_over(self, one: Mapping[str, Any], folder: Path) -> Path:
        """Put the secrets that a container gets where its role will look for them."""
        folder.mkdir()
        for secret in one["secrets"]:
            (folder / Path(secret["target"]).name).write_text(self.secrets[secret["source"]])
        return folder

    def _gateway(self, nginx: str) -> Program:
        own = {"GATEWAY_LISTEN": f"127.0.0.1:{self.ports[GATEWAY]}", "NGINX_LOCAL_RESOLVERS": "127.0.0.1"}
        variables = self._translated(self.deployed[GATEWAY]["environment"])
        return gateway(nginx, self.folder, {**variables, **own})

    def _translated(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {name: self._translate(value) for name, value in environment.items()}

    def _translate(self, text: str) -> str:
        """Put the processes' addresses in place of the containers'."""

        def address(found: re.Match[str]) -> str:
            one = self.deployed.get(found[1])
            return self.addresses[role_of(one).split()[1]] if one and is_ours(one) else found[0]

        return NAME_AND_PORT.sub(address, text)

    async def open(self) -> None:
        """Start every role when those before whom it must not start are healthy or done, as the files say."""
        programs = {**self.inits, **self.roles, **dict.fromkeys([GATEWAY] * bool(self.gateways), None)}
        up: dict[str, asyncio.Task[None]] = {}

        async def bring_up(role: str) -> None:
            one = self.deployed[self.names.get(role, role)]
            for name, need in one.get("depends_on", {}).items():
                needed = role_of(self.deployed[name]) if is_ours(self.deployed[name]) else name
                if needed in up:
                    assert need["condition"] == (COMPLETED if needed in self.inits else HEALTHY)
                    await up[needed]
            await self._bring_up(role)

        async with asyncio.TaskGroup() as group:
            for role in programs:
                up[role] = group.create_task(bring_up(role))

    async def _bring_up(self, role: str) -> None:
        """Start one role and wait for what others may wait for: its end, or its health."""
        program = self.gateways[0] if role == GATEWAY else self.inits.get(role) or self.roles[role]
        program.start()
        if role in self.inits:
            assert await program.finish() == 0, program.said()
            return
        await self.until_ready(role)
        await self.check_health(role)

    async def until_ready(self, role: str) -> None:
        """Wait until a role answers what asks for its health."""
        if role == GATEWAY:
            await until_ready(f"{self.url}/_health", self.gateways[0])
        else:
            _, _, path, *_ = self.health_check(role)
            await until_ready(f"http://127.0.0.1:{self._port(role)}{path}", self.roles[role])

    def _port(self, role: str) -> int:
        """Give the port at which a role can be asked something: those that only work, at that of their metrics."""
        return self.ports[role if role in self.ports else role.split()[1]]

    async def check_health(self, role: str) -> None:
        """Run the very health check of a container; fail with its words if it fails."""
        check, port = self.health_check(role), str(self._port(role))
        process = await asyncio.create_subprocess_exec(
            *check,
            env={"PATH": os.defpath, "THEATRE_PORT": port, "THEATRE_METRICS_PORT": port},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, (check, said.decode())

    def health_check(self, role: str) -> Sequence[str]:
        """Give the words of a container's health check, as they are said on this machine."""
        one = self.deployed[self.names.get(role, role)]
        kind, *words = one["healthcheck"]["test"]
        assert kind == "CMD"
        if words[:1] == ["ready"]:
            return [sys.executable, str(READY), *words[1:]]
        published = one["ports"][0]["target"] if role == GATEWAY else 0
        return [word.replace(f":{published}/", f":{self.ports[GATEWAY]}/") for word in words]

    async def close(self) -> None:
        """Stop everything, and take away what was made at the broker."""
        programs = (*self.gateways, *self.inits.values(), *self.roles.values())
        await asyncio.gather(*(program.stop() for program in programs))
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


def is_ours(one: Mapping[str, Any]) -> bool:
    """Tell a container of our image from a server."""
    return str(one["image"]).startswith("online-theatre:")


def role_of(one: Mapping[str, Any]) -> str:
    """Give the words that start a role, which are what tests call it."""
    return " ".join(one["command"])


def make_secrets(folder: Path) -> dict[str, str]:
    """Make the secrets as an operator does, and give them by name."""
    subprocess.run(["sh", SECRETS, folder], check=True)
    return {file.name: file.read_text() for file in folder.iterdir()}


def list_queues(service: Service) -> list[str]:
    """Name the queues of a service's worker, if it hears anything."""
    name = f"theatre.{service.name}.consumers"
    if not service.has_worker or find_spec(name) is None:
        return []
    doors = import_module(name)
    return [consumer.queue for consumer in vars(doors).values() if isinstance(consumer, Consumer)]


@asynccontextmanager
async def own_deployment(
    servers: Servers, *, nginx: str, further: Mapping[str, str] | None = None
) -> AsyncIterator[Deployment]:
    """Deploy the product with a database, an exchange and ports of its own; leave nothing of it at the end.

    `further` variables are told to every role.
    """
    with temporary_folder() as folder:
        deployment = Deployment(servers, nginx=nginx, folder=folder, further=further)
        try:
            await deployment.open()
            yield deployment
        finally:
            await deployment.close()
