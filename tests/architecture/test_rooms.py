"""Services have the same rooms; one who knows one of them finds the way in all."""

from pathlib import Path

import pytest

from tests.architecture.sources import list_services, read_sources

REQUIRED = {"__init__", "app", "settings"}
# folders beside the noun modules: faces of a door, tables and answers by noun, a port with its members, the schema's
# history, things to show, another face of the sandbox
FOLDERS = {
    "routes",
    "models",
    "schemas",
    "migrations",
    "providers",
    "channels",
    "search",
    "templates",
    "static",
    "texts",
    "stripe",
}
SERVICES = list_services()


@pytest.mark.parametrize("service", SERVICES, ids=lambda folder: folder.name)
def test_a_service_has_the_rooms_that_every_service_has(service: Path) -> None:
    modules = {path.stem for path in service.glob("*.py")}
    assert modules >= REQUIRED


@pytest.mark.parametrize("service", SERVICES, ids=lambda folder: folder.name)
def test_a_service_has_no_folder_of_another_kind(service: Path) -> None:
    folders = {path.name for path in service.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= FOLDERS


@pytest.mark.parametrize("service", SERVICES, ids=lambda folder: folder.name)
def test_a_service_with_tables_writes_their_history(service: Path) -> None:
    has_tables = (service / "models.py").exists() or (service / "models").exists()
    assert bool(list(service.glob("migrations/[0-9]*_*.py"))) == has_tables


def test_no_room_is_empty() -> None:
    empty = [
        source.path
        for source in read_sources()
        if len(source.tree.body) < 2 and source.path.stem != "__init__"
    ]
    assert not empty
