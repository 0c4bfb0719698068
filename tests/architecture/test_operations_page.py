"""The operations page is complete and current: every setting, every alert."""

import re

import pytest
import yaml

from scripts.settings_page import PAGE, renew
from tests.architecture.sources import ROOT
from theatre.embedded.settings import HouseSettings
from theatre.registry import SERVICES

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
CLASSES = [HouseSettings, *(service.settings for service in SERVICES)]


def test_the_settings_on_the_page_are_those_of_the_code() -> None:
    text = PAGE.read_text()
    assert renew(text) == text, "run: python -m scripts.settings_page"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.service)
def test_every_setting_is_described_and_on_the_page(cls: type[HouseSettings]) -> None:
    text = PAGE.read_text()
    for name, field in cls.model_fields.items():
        assert field.description, f"{cls.__name__}.{name} has no description"
        variables = {f"`{cls.variable(name)}`", f"`THEATRE_{name.upper()}`"}
        assert any(variable in text for variable in variables), f"{cls.__name__}.{name} is not on the page"


def test_every_link_of_the_page_leads_somewhere() -> None:
    text = PAGE.read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        assert (PAGE.parent / path).exists() if path else anchor in anchors(text), link


@pytest.mark.skipif(not ALERTS.exists(), reason="there are no alert rules yet")
def test_every_alert_has_a_section_that_says_what_to_do() -> None:
    found = anchors(PAGE.read_text())
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    names = [kebab(rule["alert"]) for rule in rules if "alert" in rule]
    assert names
    assert [name for name in names if name not in found] == []


@pytest.mark.parametrize(("name", "anchor"), [("RoleDown", "role-down"), ("OutboxDead", "outbox-dead")])
def test_an_alert_is_found_by_its_name(name: str, anchor: str) -> None:
    assert kebab(name) == anchor
    assert anchor in anchors(PAGE.read_text())


def kebab(name: str) -> str:
    """Write the name of an alert as the anchor of its section."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def anchors(text: str) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
