"""A production start is refused by name for whatever is weak, default, missing or for tries only: RELIABILITY S-G6.

The secrets are found in the settings classes themselves: one that is added is tried here without being named.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.architecture.sources import read_sources
from tests.factories.production import secret, settings_classes, sound
from theatre.kit.settings import InsecureSettings, ServiceSettings
from theatre.kit.strength import Secret
from theatre.movies.app import open_index
from theatre.movies.settings import MoviesSettings
from theatre.registry import BY_NAME

CLASSES = settings_classes()
SECRETS = [
    (service, name) for service, cls in CLASSES.items() for name in cls.secrets() if name not in cls.unused
]
# a relay or a search that knows us by our address, a superuser made by hand
MAY_BE_EMPTY = {("notification", "smtp_url"), ("movies", "search_url"), ("auth", "superuser_password")}
WEAK = {
    "empty": "",
    "changeme": "changeme",
    "123456": "123456",
    "guest": "guest",
    "one character": "x" * 64,
    "example": f"change-me-{secret('any')}",
    "development": "development-only-token-secret-0001",
}
# names that speak of secrets and hold none
PUBLIC = {"token_issuer", "further_public_keys"}
SPEAKS_OF_SECRETS = re.compile(r"secret|password|token|key|credential|_url$")

OTHERS: list[tuple[str, dict[str, Any], str]] = [
    *((service, {"public_url": "http://theatre.test"}, "public_url") for service in CLASSES),
    *((service, {"log_level": "debug"}, "log_level") for service in CLASSES),
    ("auth", {"demo_users": True}, "demo_users"),
    ("billing", {"price_list": None}, "price_list"),
    ("billing", {"database_url": f"sqlite://theatre:{secret('lite')}@/theatre"}, "database_url"),
    ("billing", {"broker_url": "embedded"}, "broker_url"),
    ("billing", {"database_url": f"postgresql://theatre:[{secret('x')}@postgres/"}, "database_url"),
    ("billing", {"database_url": "postgresql:///theatre?host=10.0.0.1"}, "database_url"),
    ("payment", {"yookassa_secret_key": f"test_{secret('test shop')}"}, "yookassa_secret_key"),
    ("payment", {"stripe_secret_key": f"sk_test_{secret('test account')}"}, "stripe_secret_key"),
    ("payment", {"yookassa_api_url": "https://theatre.test/sandbox/v3"}, "yookassa_api_url"),
    ("payment", {"stripe_api_url": "http://api.stripe.com/v1"}, "stripe_api_url"),
    ("payment", {"callback_networks": "0.0.0.0/0"}, "callback_networks"),
    ("notification", {"smtp_url": ""}, "smtp_url"),
    ("movies", {"demo_films": True}, "demo_films"),
    ("short_link", {"allowed_hosts": "http://pay.test"}, "allowed_hosts"),
]


def refused(service: str, **changes: Any) -> list[str]:
    """Give the variables that a production start is refused for, after a look that no value is shown."""
    settings = CLASSES[service](**sound(service, **changes))
    try:
        settings.check_production()
    except InsecureSettings as error:
        refusal = str(error)
    else:
        return []
    assert not [value for value in changes.values() if isinstance(value, str) and value and value in refusal]
    assert refusal.startswith(service)
    return refusal.rpartition(": ")[2].split(", ")


def holding(service: str, name: str, weak: str) -> Any:
    """Put a secret where a setting has it: in an address, in a list after a good one, or by a client's name."""
    good = sound(service)[name]
    if name.endswith("_url"):
        scheme, _, rest = good.partition("://")
        return f"{scheme}://theatre:{quote(weak, safe='')}@{rest.rpartition('@')[2]}"
    if isinstance(good, dict):
        return {**good, "payment": weak}
    if CLASSES[service].secrets()[name].is_list:
        return f"{good.partition(',')[0]},{weak}"
    return weak


@pytest.mark.parametrize("service", CLASSES)
def test_a_service_with_all_it_needs_starts_in_production(service: str) -> None:
    assert refused(service) == []


@pytest.mark.parametrize("weakness", WEAK)
@pytest.mark.parametrize(("service", "name"), SECRETS)
def test_no_weak_secret_starts_in_production(service: str, name: str, weakness: str) -> None:
    """S-G6: every secret of every service."""
    weak = holding(service, name, WEAK[weakness])
    accepted = weakness == "empty" and (service, name) in MAY_BE_EMPTY
    changes = {"superuser_login": "", "superuser_email": ""} if accepted and service == "auth" else {}
    variable = CLASSES[service].variable(name)
    assert refused(service, **{name: weak}, **changes) == ([] if accepted else [variable])


@pytest.mark.parametrize(("service", "name"), SECRETS)
def test_a_secret_one_character_too_short_does_not_start_in_production(service: str, name: str) -> None:
    """S-G6"""
    cls, length = CLASSES[service], CLASSES[service].secrets()[name].min_characters
    prefixes = [one for one in ("live_", "sk_live_", "whsec_") if str(sound(service)[name]).startswith(one)]
    exact = "".join([*prefixes, secret("exact")])[:length]
    assert refused(service, **{name: holding(service, name, exact)}) == []
    assert refused(service, **{name: holding(service, name, exact[:-1])}) == [cls.variable(name)]


@pytest.mark.parametrize(("service", "name"), [one for one in SECRETS if one[0] != "web"])  # it has one alone
def test_no_secret_serves_two_purposes_in_production(service: str, name: str) -> None:
    """S-G6: equal to another secret of the same service."""
    cls = CLASSES[service]
    other = next(one for one in reversed(cls.secrets()) if one not in {name, *cls.unused})
    for taken in cls.secrets()[other].secrets_in(getattr(cls(**sound(service)), other)):
        named = refused(service, **{name: holding(service, name, taken)})
        assert {cls.variable(name), cls.variable(other)} <= {*named}


def test_two_clients_have_two_secrets() -> None:
    same = dict.fromkeys(["billing", "payment"], secret("shared"))
    assert refused("auth", service_clients=same) == ["AUTH_SERVICE_CLIENTS"]


@pytest.mark.parametrize(("service", "name"), SECRETS)
def test_no_default_of_a_secret_starts_in_production(service: str, name: str) -> None:
    """S-G6: what the code holds is known to everybody."""
    default = CLASSES[service].model_fields[name].default
    if (service, name) not in MAY_BE_EMPTY:
        assert refused(service, **{name: default}) == [CLASSES[service].variable(name)]


def addresses() -> Iterator[tuple[str, str]]:
    """Name the addresses of each service that have a default."""
    for service, cls in CLASSES.items():
        for name, field in cls.model_fields.items():
            if (
                name.endswith("_url")
                and field.default
                and field.is_required() is False
                and name not in cls.unused
            ):
                yield service, name


@pytest.mark.parametrize(("service", "name"), [one for one in addresses() if one not in MAY_BE_EMPTY])
def test_no_default_address_starts_in_production(service: str, name: str) -> None:
    default = CLASSES[service].model_fields[name].default
    assert refused(service, **{name: default}) == [CLASSES[service].variable(name)]


@pytest.mark.parametrize(("service", "changes", "name"), OTHERS)
def test_nothing_for_tries_only_starts_in_production(
    service: str, changes: dict[str, Any], name: str
) -> None:
    """S-G6: sandbox, demo data, debug switch, embedded broker, another database, plain http."""
    assert refused(service, **changes) == [CLASSES[service].variable(name)]


@pytest.mark.parametrize(
    "url",
    ["postgresql:///theatre?host=/run/postgresql", "postgresql://theatre@/theatre", "unix:///run/redis.sock"],
)
def test_a_socket_of_this_machine_needs_no_password(url: str) -> None:
    assert Secret().accepts(url)


@pytest.mark.parametrize("service", CLASSES)
def test_whatever_sounds_like_a_secret_is_known_to_be_one_or_to_be_none(service: str) -> None:
    cls = CLASSES[service]
    texts = [name for name, field in cls.model_fields.items() if field.annotation in (str, list[str])]
    assert [name for name in texts if SPEAKS_OF_SECRETS.search(name)]
    suspects = {name for name in texts if SPEAKS_OF_SECRETS.search(name)} - PUBLIC - cls.secrets().keys()
    assert not {name for name in suspects if not name.endswith("_url")}
    assert all("password" not in str(cls.model_fields[name].description) for name in suspects)


@pytest.mark.parametrize("service", CLASSES)
def test_what_a_service_does_not_use_is_not_asked_of_it(service: str) -> None:
    cls = CLASSES[service]
    assert cls.unused <= ServiceSettings.model_fields.keys()
    told = {name: value for name, value in sound(service).items() if name not in cls.unused}
    cls(**told).check_production()


@pytest.mark.parametrize("name", [name for name, cls in CLASSES.items() if cls.unused])
async def test_a_service_is_ready_without_what_it_does_not_use(
    name: str, postgres_url: str, tmp_path: Path
) -> None:
    service = BY_NAME[name]
    told: dict[str, Any] = {"database_url": postgres_url, "index_folder": tmp_path}
    settings = service.settings(**told)
    await service.migrate(settings)
    if isinstance(settings, MoviesSettings):
        async with open_index(settings) as index, index.building() as build:
            await build.switch()
    for unused in settings.unused:
        del vars(settings)[unused]
    app = service.create_app(settings, transport=httpx.MockTransport(neighbour))
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.public_url)
    async with app.router.lifespan_context(app), http:
        assert (await http.get(f"/{name}/api/_ready")).status_code == 200


def neighbour(request: httpx.Request) -> httpx.Response:
    """Be another service that lives, and knows nothing."""
    return httpx.Response(200 if request.url.path.endswith("/_health") else 503, json={})


def test_what_belongs_to_a_payment_system_that_is_off_is_not_asked_for() -> None:
    alone = {
        "providers": "yoomoney",
        "default_provider": "yoomoney",
        "yookassa_secret_key": "",
        "stripe_secret_key": "",
    }
    assert refused("payment", **alone, callback_networks="") == []
    both = {"yookassa_secret_key": secret("wallet"), "yookassa_api_url": "http://nowhere"}
    assert refused("payment", **{**alone, **both}) == []


def test_outside_production_everything_starts() -> None:
    for cls in CLASSES.values():
        cls(env="development").check_production()


def test_no_setting_moves_the_clock() -> None:
    """S-G6: the clock of tests is handed over by tests; nothing of the product makes one."""
    users = [source.path.as_posix() for source in read_sources() if "MovableClock" in source.text]
    assert users == ["kit/clock.py"]
