"""The example for Kubernetes: sound by Kubernetes' own schemas, complete by our roles, closed where it must be."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.architecture.sources import ROOT
from tests.factories.production import settings_classes, sound
from theatre.kit.settings import InsecureSettings
from theatre.registry import BY_NAME, SERVICES, Service

FOLDER = ROOT / "deploy" / "kubernetes"
PRODUCTION = [service for service in SERVICES if service.in_production]
# the oldest that is still looked after, and the newest that we have a schema of
VERSIONS = ("1.34", "1.37")

Object = dict[str, Any]


def objects(name: str) -> list[Object]:
    """Read what a file holds, its anchors resolved."""
    found: list[Object] = yaml.safe_load((FOLDER / name).read_text())["items"]
    return found


OBJECTS = [*objects("theatre.yaml"), *objects("secrets.example.yaml")]


def of_kind(kind: str) -> dict[str, Object]:
    """Give the objects of a kind by their names."""
    return {one["metadata"]["name"]: one for one in OBJECTS if one["kind"] == kind}


def pods() -> dict[str, Object]:
    """Give what each role's pods are made from."""
    return {name: one["spec"]["template"]["spec"] for name, one in of_kind("Deployment").items()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_kubernetes_takes_every_object(one: Object, version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_noticed() -> None:
    deployment = of_kind("Deployment")["web"]
    broken = {**deployment, "spec": {**deployment["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_every_role_of_production_is_deployed_and_every_schema_made_before() -> None:
    run = sorted(" ".join(pod["containers"][0]["args"]) for pod in pods().values())
    served = [f"serve {service.name}" for service in PRODUCTION]
    assert run == sorted([*served, *(f"work {service.name}" for service in PRODUCTION if service.has_worker)])
    for pod in pods().values():
        service = BY_NAME[pod["containers"][0]["args"][1]]
        inits = [container["args"] for container in pod["initContainers"]]
        assert inits == ([["init", service.name]] if service.has_schema else [])


def test_every_role_is_asked_at_doors_of_its_own_and_reads_its_own_secrets_alone() -> None:
    for name, deployment in of_kind("Deployment").items():
        template, selector = deployment["spec"]["template"], deployment["spec"]["selector"]["matchLabels"]
        assert template["metadata"]["labels"] == selector
        assert selector["app.kubernetes.io/name"] == name
        [role] = template["spec"]["containers"]
        verb, service = role["args"]
        for container in (role, *template["spec"]["initContainers"]):
            assert container["envFrom"][1]["secretRef"]["name"] == service.replace("_", "-")
        asked = {
            role[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe") if probe in role
        }
        doors = {f"/{service}/api/_ready", f"/{service}/api/_health"}
        assert asked == (doors if verb == "serve" else {"/metrics"})
        assert verb == "work" or of_kind("Service")[name]["spec"]["selector"] == selector


@pytest.mark.parametrize("service", settings_classes())
def test_the_example_lacks_nothing_but_secrets_and_none_of_its_secrets_starts(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-G6: values of the example file."""
    given = of_kind("Secret")[service.replace("_", "-")]["stringData"]
    for variable, value in (of_kind("ConfigMap")["theatre"]["data"] | given).items():
        monkeypatch.setenv(variable, value)
    settings = BY_NAME[service].read_settings()
    with pytest.raises(InsecureSettings) as refusal:
        settings.check_production()
    refused = set(str(refusal.value).rpartition(": ")[2].split(", "))
    assert refused == set(given) - {"AUTH_SUPERUSER_LOGIN", "AUTH_SUPERUSER_EMAIL"}
    assert refused <= {settings.variable(name) for name in settings.secrets()}


@pytest.mark.parametrize("service", PRODUCTION, ids=lambda service: service.name)
def test_the_way_in_leads_to_every_public_door_and_to_no_internal_one(service: Service) -> None:
    """S-G1: what is not named leads to the storefront, which knows nothing of it."""
    app = service.create_app(service.settings(**sound(service.name)))
    paths = [route.path for route in app.routes if hasattr(route, "path")]
    assert len(paths) == len(app.routes)
    [own] = [name for name, pod in pods().items() if pod["containers"][0]["args"] == ["serve", service.name]]
    for path in paths:
        first, *rest = path.removeprefix("/").split("/")
        is_public = first in service.prefixes and rest[:1] != ["internal"]
        assert backend_of(path) == (own if is_public else "web"), path


def backend_of(path: str) -> str:
    """Tell who is asked for a path: the longest prefix of whole segments wins."""
    [rule] = of_kind("Ingress")["theatre"]["spec"]["rules"]
    fitting = [way for way in rule["http"]["paths"] if f"{path}/".startswith(f"{way['path'].rstrip('/')}/")]
    return str(max(fitting, key=lambda way: len(way["path"]))["backend"]["service"]["name"])
