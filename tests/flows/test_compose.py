"""The compose files: what they deploy, what they keep in, and whether what roles are told is what they can be told."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.conftest import MISSING
from tests.flows import compose
from tests.flows.programs import Program, until
from tests.flows.roles import is_ours, make_secrets, role_of
from tests.rabbitmq import free_ports
from tests.services import temporary_folder
from theatre.registry import BY_NAME, SERVICES

pytestmark = pytest.mark.xdist_group("compose")

FILES = [
    ["compose.yaml"],
    ["compose.billing.yaml"],
    ["compose.faker.yaml"],
    ["compose.yaml", "compose.dev.yaml"],
    ["compose.tests.yaml"],
    ["compose.lint.yaml"],
]
# CONTRACT 1; ugc comes with its service
DEPLOYED = {
    *("billing-service", "billing-service-postgresql", "billing-service-init", "worker-billing-notify"),
    *("payment-service", "payment-redis", "billing-rabbitmq", "short-link-service", "jaeger"),
    *("notification-service", "worker-notification", "auth-service", "auth-service-init", "sandbox", "web"),
    *("movies", "worker-movies"),
}
NOT_BILLINGS = {"movies"}
SERVERS = {"billing-service-postgresql", "payment-redis", "billing-rabbitmq"}
# its image does not say what it writes besides its data
WRITES_ANYWHERE = {"billing-rabbitmq"}
PINNED = re.compile(r"[a-z/-]+:\d+\.\d+\.?\d*(-[a-z0-9.]+)?")
SECRET_WORDS = re.compile("SECRET|PASSWORD|TOKEN|KEY")

Model = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def docker_compose() -> None:
    """Docker Compose, which these tests cannot do without."""
    if compose.find_compose() is None:
        pytest.skip(f"{MISSING}Docker Compose (its wheel is for x86-64; install another)")


@pytest.fixture(scope="module")
def deployed(docker_compose: None) -> Model:
    """All containers of the main application."""
    return dict(compose.read("compose.yaml")["services"])


@pytest.fixture(scope="module")
def roles(deployed: Model) -> Model:
    """Those of our image."""
    return {name: one for name, one in deployed.items() if is_ours(one)}


@pytest.fixture(scope="module")
def secrets_folder() -> Iterator[Path]:
    """The secrets as an operator makes them."""
    with temporary_folder() as folder:
        make_secrets(folder / "secrets")
        yield folder / "secrets"


@pytest.mark.parametrize("files", FILES, ids=" ".join)
def test_docker_compose_takes_every_file(files: list[str]) -> None:
    assert compose.read(*files)["services"]


@pytest.mark.parametrize(
    ("word", "asked"),
    [
        ("", "--file compose.yaml up --build"),
        ("billing", "--file compose.billing.yaml up --build"),
        ("faker", "--file compose.faker.yaml up --build"),
        ("dev", "--file compose.yaml --file compose.dev.yaml up --build --watch"),
    ],
)
def test_run_server_makes_the_secrets_and_hands_over_to_docker_compose(
    tmp_path: Path, word: str, asked: str
) -> None:
    """CONTRACT 1."""
    for file in (compose.ROOT / "run_server.sh", *compose.ROOT.glob("compose*.yaml")):
        shutil.copy(file, tmp_path)
    shutil.copytree(compose.ROOT / "scripts", tmp_path / "scripts")
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "$@"\n')
    docker.chmod(0o755)
    command = ["sh", "run_server.sh", "docker", *word.split()]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["compose", *asked.split()]
    assert (tmp_path / ".secrets/auth_signing_key").stat().st_size


def test_no_compose_file_is_left_out_here() -> None:
    found = {file.name for file in compose.ROOT.glob("compose*.yaml")}
    assert found == {name for files in FILES for name in files}


def test_every_role_of_the_contract_is_there_and_every_command_has_its_container(
    deployed: Model, roles: Model
) -> None:
    """CONTRACT 1."""
    assert deployed.keys() >= DEPLOYED
    commands = {
        *(f"serve {service.name}" for service in SERVICES),
        *(f"work {service.name}" for service in SERVICES if service.has_worker),
        *(f"init {service.name}" for service in SERVICES if service.has_schema),
    }
    assert sorted(map(role_of, roles.values())) == sorted(commands)


def test_billing_is_deployed_without_what_is_not_its_own(deployed: Model, roles: Model) -> None:
    """CONTRACT 1."""
    others = {name for name, one in roles.items() if role_of(one).split()[1] in NOT_BILLINGS}
    assert compose.read("compose.billing.yaml")["services"].keys() == deployed.keys() - others


def test_the_faker_makes_its_films_where_those_of_the_product_are(roles: Model) -> None:
    """CONTRACT 1."""
    model = compose.read("compose.faker.yaml")["services"]
    assert model.keys() - roles.keys() >= {"faker"}
    maker, worker = model["faker"], roles["worker-movies"]
    assert maker["command"] == ["faker", "--films", "200000"]
    assert maker["volumes"] == worker["volumes"]
    assert maker["environment"].items() <= worker["environment"].items()
    assert maker["secrets"] == worker["secrets"]


def test_who_searches_has_the_index_of_who_writes_it(roles: Model) -> None:
    written, read = (
        [(volume["source"], volume["target"]) for volume in roles[name]["volumes"]]
        for name in ("worker-movies", "movies")
    )
    assert written == read == [("movies-index", roles["movies"]["environment"]["MOVIES_INDEX_FOLDER"])]


def test_a_search_server_is_there_only_for_who_wants_it_and_for_roles_alone(deployed: Model) -> None:
    wanted = compose.read("compose.yaml", profiles=["search"])["services"]
    assert wanted.keys() - deployed.keys() == {"movies-search"}
    server = wanted["movies-search"]
    assert server["networks"].keys() == {"data"}
    assert not server.get("ports")
    assert PINNED.fullmatch(server["image"])
    assert {"memory", "pids"} <= server["deploy"]["resources"]["limits"].keys()
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert server["healthcheck"]["test"]
    assert server["volumes"][0]["source"] == "movies-search"


def test_whoever_searches_writes_or_fills_the_index_does_so_in_the_same_place() -> None:
    told = {"MOVIES_SEARCH_URL": "http://movies-search:9200"}
    services = compose.read("compose.faker.yaml", variables=told)["services"]
    for name in ("movies", "worker-movies", "faker"):
        assert services[name]["environment"]["MOVIES_SEARCH_URL"] == told["MOVIES_SEARCH_URL"]
        assert "data" in services[name]["networks"]


def test_what_a_role_is_told_is_what_its_settings_ask_for(roles: Model) -> None:
    """A misspelt variable would be no fault for whoever reads it: the default would hold, in silence."""
    for name, one in roles.items():
        service = role_of(one).split()[1]
        own, house = fields_of(service), set().union(*map(fields_of, BY_NAME))
        told = [*one["environment"], *(Path(secret["target"]).name for secret in one["secrets"])]
        for word in told:
            prefix, _, setting = word.lower().partition("_")
            if prefix == "theatre":
                assert setting in house, (name, word)
            elif word not in aliases_of(service):
                assert word.lower().removeprefix(f"{service}_") in own, (name, word)


def fields_of(service: str) -> set[str]:
    """Name what a service can be told."""
    return set(type(BY_NAME[service].read_settings()).model_fields)


def aliases_of(service: str) -> set[str]:
    """Name the variables without a prefix that a service reads."""
    fields = type(BY_NAME[service].read_settings()).model_fields.values()
    aliases = [field.validation_alias for field in fields if field.validation_alias]
    return {str(choice) for alias in aliases for choice in getattr(alias, "choices", [alias])}


def test_every_variable_of_the_files_is_in_the_example(roles: Model) -> None:
    files = [*compose.ROOT.glob("compose*.yaml"), *compose.ROOT.glob("deploy/compose/*.yaml")]
    asked = {name for file in files for name in re.findall(r"(?<!\$)\$\{(\w+)", file.read_text())}
    told = set(re.findall(r"^#(\w+)=", (compose.ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked == told


def test_secrets_are_files_and_each_role_gets_only_its_own(deployed: Model, secrets_folder: Path) -> None:
    made = {file.name for file in secrets_folder.iterdir()}
    for name, one in deployed.items():
        plain = [word for word in one.get("environment", {}) if SECRET_WORDS.search(word)]
        assert all(word.endswith("_FILE") for word in plain), name
        assert {secret["source"] for secret in one.get("secrets", [])} <= made
    holders = [name for name, one in deployed.items() if has_secret(one, "auth_signing_key")]
    assert holders == ["auth-service", "auth-service-init"]


def has_secret(one: Mapping[str, Any], source: str) -> bool:
    """Tell whether a container is given a secret."""
    return source in {secret["source"] for secret in one.get("secrets", [])}


def test_secrets_are_made_once_and_are_their_owners_alone(secrets_folder: Path) -> None:
    before = {file.name: file.read_text() for file in secrets_folder.iterdir()}
    assert make_secrets(secrets_folder) == before
    assert secrets_folder.stat().st_mode & 0o077 == 0
    words = [text for name, text in before.items() if name.endswith(("_secret", "_password", "_key"))]
    assert len(set(words)) == len(words)
    assert min(map(len, words)) >= 32


def test_only_the_gateway_is_reached_from_the_street_and_servers_by_roles_alone(deployed: Model) -> None:
    published = {
        (name, port.get("host_ip")) for name, one in deployed.items() for port in one.get("ports", [])
    }
    assert published == {("gateway", None), ("jaeger", "127.0.0.1")}
    networks = compose.read("compose.yaml")["networks"]
    assert networks["data"]["internal"] is True
    assert {name for name, one in deployed.items() if one["networks"].keys() == {"data"}} == SERVERS


def test_every_container_is_pinned_limited_and_without_rights(deployed: Model) -> None:
    """S-G10."""
    for name, one in deployed.items():
        limits = one["deploy"]["resources"]["limits"]
        assert limits["memory"], name
        assert limits["pids"], name
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert one.get("read_only") is True or name in WRITES_ANYWHERE, name
        if is_ours(one):
            assert one["cap_drop"] == ["ALL"]
        else:
            assert PINNED.fullmatch(one["image"]), name


def test_whoever_stays_has_a_health_check_and_whoever_needs_it_waits_for_it(deployed: Model) -> None:
    for name, one in deployed.items():
        stays = name in SERVERS or name == "gateway" or (is_ours(one) and one["command"][0] != "init")
        assert bool(one.get("healthcheck")) == stays, name
        for needed, need in one.get("depends_on", {}).items():
            ends = is_ours(deployed[needed]) and deployed[needed]["command"][0] == "init"
            assert need["condition"] == ("service_completed_successfully" if ends else "service_healthy")


@dataclass(frozen=True)
class OwnRedis:
    """The Redis of the file, by its own words, as a process here."""

    process: Program
    port: int
    password: str

    async def start(self) -> Redis:
        """Start it and wait until it takes connections; give a client that knows the password."""
        self.process.start()
        client = Redis(port=self.port, password=self.password)

        async def answers() -> bool:
            try:
                return bool(await client.ping())
            except (RedisConnectionError, BusyLoadingError):
                return False

        await until(answers, seconds=10, otherwise=self.process.said)
        return client


@pytest.fixture
async def own_redis(deployed: Model, secrets_folder: Path, tmp_path: Path) -> AsyncIterator[OwnRedis]:
    """A Redis that was not started yet."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip(f"{MISSING}Redis (not installed: ./run_tests.sh --install)")
    (port,) = free_ports(1)
    _, *words = deployed["payment-redis"]["command"]
    words = [word.replace("/run/secrets", str(secrets_folder)) for word in words]
    here = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    process = Program([program, *words, *here], {}, tmp_path / "redis.log")
    try:
        yield OwnRedis(process, port, (secrets_folder / "redis_password").read_text())
    finally:
        await process.stop()


async def test_redis_asks_for_its_password_and_is_healthy_with_it(
    own_redis: OwnRedis, deployed: Model, secrets_folder: Path
) -> None:
    async with await own_redis.start(), Redis(port=own_redis.port) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.ping()
        _, check = deployed["payment-redis"]["healthcheck"]["test"]
        here = check.replace("$$", "$").replace("/run/secrets", str(secrets_folder))
        here = here.replace("valkey-cli", f"redis-cli -p {own_redis.port}")
        await asyncio.to_thread(subprocess.run, ["sh", "-c", here], check=True, timeout=10)
    assert f":{own_redis.password}@payment-redis:6379" in (secrets_folder / "theatre_redis_url").read_text()


async def test_redis_keeps_what_it_was_told_when_it_is_killed(own_redis: OwnRedis) -> None:
    """RELIABILITY 0.11: with snapshots alone the last minutes would be gone."""
    async with await own_redis.start() as client:
        await client.set("attempt", "pending")
        own_redis.process.kill()
    async with await own_redis.start() as client:
        assert await client.get("attempt") == b"pending"
