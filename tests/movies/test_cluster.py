"""What becomes of a search when its cluster is slow, busy, half there, or changed under our hands."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from tests.factories.auth_door import AuthDoor
from tests.rabbitmq import free_ports
from theatre.movies.app import create_app, open_index
from theatre.movies.search import Entry, Kind, Question, SearchAway, opensearch
from theatre.movies.search.embedded import EmbeddedIndex
from theatre.movies.search.opensearch import ClusterIndex
from theatre.movies.search.wire import Misunderstood, Wire
from theatre.movies.search.writing import SCHEMA
from theatre.movies.settings import MoviesSettings

STALKER = Entry(Kind.FILM, UUID(int=1), ("Сталкер", "Stalker"), rating=8.1)
ALIAS = f"films-{SCHEMA}"
GENERATION = f"{ALIAS}-{'a' * 32}"
HIT = {"_id": f"film:{STALKER.id}", "_source": {"shown": "8.1\n\nсталкер\nstalker"}}
FOUND = {"timed_out": False, "hits": {"total": {"value": 1, "relation": "eq"}, "hits": [HIT]}}
QUESTION = Question(Kind.FILM, "stalker", limit=5)

Answer = httpx.Response | Exception


class Cluster:
    """A cluster that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[httpx.Request] = []

    def will(self, asked: str, *answers: Answer) -> None:
        """Answer `METHOD /path` so, one after the other; the last one again and again."""
        self.answers[asked] = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path.replace(GENERATION, "GENERATION").replace(ALIAS, "ALIAS")
        answers = self.answers[f"{request.method} {path}"]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def lines(self) -> list[Any]:
        """Read what was written last."""
        return [orjson.loads(line) for line in self.asked[-1].content.splitlines()]


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.will("GET /_alias/ALIAS", httpx.Response(200, json={GENERATION: {"aliases": {ALIAS: {}}}}))
    cluster.will("POST /ALIAS/_search", httpx.Response(200, json=FOUND))
    cluster.will("POST /_bulk", httpx.Response(200, json={"errors": False, "items": []}))
    return cluster


@pytest.fixture
async def index(cluster: Cluster) -> AsyncIterator[ClusterIndex]:
    index = ClusterIndex(Wire("https://search.test", transport=httpx.MockTransport(cluster)), "films")
    yield index
    await index.close()


def failure(status: int, kind: str = "some_exception") -> httpx.Response:
    return httpx.Response(status, json={"error": {"type": kind, "reason": "stalker"}, "status": status})


AWAY: list[Answer] = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("cut"),
    *(failure(status) for status in (401, 403, 408, 429, 500, 502, 503, 504)),
    httpx.Response(302, headers={"Location": "https://elsewhere.test"}),
    httpx.Response(502, text="<html>gateway</html>"),
    httpx.Response(200, text="<html>not me</html>"),
    httpx.Response(200, json=[]),
    httpx.Response(200, json={**FOUND, "timed_out": True}),
    failure(404, "index_not_found_exception"),
]


@pytest.mark.parametrize(
    "answer", AWAY, ids=lambda answer: getattr(answer, "status_code", type(answer).__name__)
)
async def test_a_cluster_that_cannot_answer_is_away(
    cluster: Cluster, index: ClusterIndex, answer: Answer
) -> None:
    cluster.will("POST /ALIAS/_search", answer)
    with pytest.raises(SearchAway) as refusal:
        await index.find(QUESTION)
    assert refusal.value.detail == SearchAway.title
    cluster.will("POST /ALIAS/_search", answer, httpx.Response(200, json=FOUND))


async def test_an_answer_that_trickles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    monkeypatch.setattr(opensearch, "FIND_SECONDS", 0.05)
    index = ClusterIndex(Wire("https://search.test", transport=httpx.MockTransport(hang)), "films")
    with pytest.raises(SearchAway):
        await index.find(QUESTION)
    await index.close()


async def test_what_the_cluster_does_not_understand_is_our_fault_and_said_without_what_was_asked(
    cluster: Cluster, index: ClusterIndex
) -> None:
    cluster.will("POST /ALIAS/_search", failure(400, "parsing_exception"))
    with pytest.raises(Misunderstood) as fault:
        await index.find(QUESTION)
    assert str(fault.value) == "400 parsing_exception"


async def test_an_alias_that_moves_while_we_ask_is_followed_once(
    cluster: Cluster, index: ClusterIndex
) -> None:
    cluster.will("POST /ALIAS/_search", failure(404), httpx.Response(200, json=FOUND))
    assert (await index.find(QUESTION)).ids == [STALKER.id]
    assert len(cluster.asked) == 2


async def test_nothing_of_a_part_of_the_index_is_taken_for_all_of_it(
    cluster: Cluster, index: ClusterIndex
) -> None:
    await index.find(QUESTION)
    assert cluster.asked[0].url.params["allow_partial_search_results"] == "false"
    assert orjson.loads(cluster.asked[0].content)["track_total_hits"] is True


async def test_all_pages_of_a_question_come_from_one_copy(cluster: Cluster, index: ClusterIndex) -> None:
    for text, offset in (("stalker", 0), ("stalker", 15), ("solaris", 0)):
        await index.find(Question(Kind.FILM, text, limit=15, offset=offset))
    first, second, other = (request.url.params["preference"] for request in cluster.asked)
    assert first == second != other


async def test_user_and_password_and_a_path_are_taken_from_the_address() -> None:
    cluster = Cluster()
    cluster.will("HEAD /behind/_alias/ALIAS", httpx.Response(200))
    wire = Wire("https://theatre:p%40ss@search.test/behind", transport=httpx.MockTransport(cluster))
    index = ClusterIndex(wire, "films")
    assert await index.is_built()
    (request,) = cluster.asked
    assert str(request.url) == f"https://search.test/behind/_alias/{ALIAS}"
    assert request.headers["Authorization"] == httpx.BasicAuth("theatre", "p@ss")._auth_header
    await index.close()


@pytest.mark.parametrize(("status", "is_built"), [(200, True), (404, False)])
async def test_it_is_built_if_the_alias_is_there(
    cluster: Cluster, index: ClusterIndex, status: int, is_built: bool
) -> None:
    cluster.will("HEAD /_alias/ALIAS", httpx.Response(status))
    assert await index.is_built() is is_built


async def test_an_index_that_nobody_can_ask_for_is_not_taken_for_none(
    cluster: Cluster, index: ClusterIndex
) -> None:
    """Else each time-out would begin a rebuild."""
    cluster.will("HEAD /_alias/ALIAS", httpx.Response(503))
    with pytest.raises(SearchAway):
        await index.is_built()


async def test_what_is_written_goes_to_the_index_itself_and_is_seen_at_once(
    cluster: Cluster, index: ClusterIndex
) -> None:
    """To an alias that is gone the cluster would make an index of that name."""
    await index.put([STALKER], [(Kind.PERSON, STALKER.id)])
    assert cluster.asked[-1].url.params["refresh"] == "true"
    gone, new, entry = cluster.lines()
    assert gone == {"delete": {"_index": GENERATION, "_id": f"person:{STALKER.id}"}}
    assert new == {"index": {"_index": GENERATION, "_id": f"film:{STALKER.id}"}}
    assert entry["digest"] == STALKER.digest()


def outcome(status: int, step: str = "index") -> dict[str, Any]:
    return {step: {"status": status, "error": {"type": "some_exception", "reason": "secret"}}}


DONE = {"index": {"status": 201, "result": "created"}}
ABSENT = {"delete": {"status": 404, "result": "not_found"}}


async def test_what_was_not_there_to_be_taken_away_is_no_fault(cluster: Cluster, index: ClusterIndex) -> None:
    cluster.will("POST /_bulk", httpx.Response(200, json={"errors": True, "items": [DONE, ABSENT]}))
    await index.put([STALKER], [(Kind.FILM, UUID(int=9))])


@pytest.mark.parametrize(
    ("items", "fault"),
    [
        ([DONE, outcome(429)], SearchAway),
        ([outcome(503), DONE], SearchAway),
        ([outcome(404, "delete")], SearchAway),
        ([DONE, outcome(400)], Misunderstood),
    ],
)
async def test_each_entry_that_was_not_written_is_seen(
    cluster: Cluster, index: ClusterIndex, items: list[dict[str, Any]], fault: type[Exception]
) -> None:
    cluster.will("POST /_bulk", httpx.Response(200, json={"errors": True, "items": items}))
    with pytest.raises(fault) as refusal:
        await index.put([STALKER], [])
    assert "secret" not in str(refusal.value)


async def test_many_entries_are_written_in_portions_none_of_them_parted(
    cluster: Cluster, index: ClusterIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opensearch, "WRITTEN_AT_ONCE", 2)
    entries = [Entry(Kind.FILM, UUID(int=number), ("Name",)) for number in range(5)]
    await index.put(entries, [])
    portions = [request.content.splitlines() for request in cluster.asked if request.url.path == "/_bulk"]
    assert [len(lines) for lines in portions] == [4, 4, 2]


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the next build."""
    id = UUID(int=0xB)
    monkeypatch.setattr(opensearch, "new_id", lambda: id)
    return f"{ALIAS}-{id.hex}"


def make(cluster: Cluster, name: str, meta: dict[str, Any] | None) -> None:
    """Let the cluster make an index, with this said of its mapping when it is asked for later."""
    path = name.replace(ALIAS, "ALIAS")
    for asked in (f"PUT /{path}", f"DELETE /{path}", f"POST /{path}/_refresh"):
        cluster.will(asked, httpx.Response(200, json={}))
    mappings = {"_meta": meta} if meta else {}
    cluster.will(f"GET /{path}/_mapping", httpx.Response(200, json={name: {"mappings": mappings}}))


async def test_a_build_whose_index_was_taken_away_does_not_come_into_use(
    cluster: Cluster, index: ClusterIndex, name: str
) -> None:
    """What it wrote since went to an index that the cluster made up."""
    make(cluster, name, None)
    with pytest.raises(SearchAway, match="faster"):
        async with index.building() as build:
            await build.switch()
    assert cluster.asked[-1].method == "DELETE"
    assert not [request for request in cluster.asked if request.url.path == "/_aliases"]


async def test_a_switch_moves_the_alias_in_one_step_and_then_takes_away_only_what_is_ours(
    cluster: Cluster, index: ClusterIndex, name: str
) -> None:
    make(cluster, name, {"schema": SCHEMA})
    others = {
        name: {"aliases": {}},
        GENERATION: {"aliases": {ALIAS: {}}},
        f"films-0-{'c' * 32}": {"aliases": {"films-0": {}}},
        "films-of-others": {"aliases": {}},
        f"films-b-1-{'d' * 32}": {"aliases": {}},
    }
    cluster.will("GET /films-*/_alias", httpx.Response(200, json=others))
    cluster.will("POST /_aliases", httpx.Response(200, json={"acknowledged": True}))
    cluster.will("DELETE /GENERATION", httpx.Response(503))
    cluster.will(f"DELETE /films-0-{'c' * 32}", httpx.Response(200, json={}))
    async with index.building() as build:
        await build.switch()
    (moved,) = [request for request in cluster.asked if request.url.path == "/_aliases"]
    assert orjson.loads(moved.content)["actions"] == [
        {"remove": {"index": GENERATION, "alias": ALIAS}},
        {"add": {"index": name, "alias": ALIAS}},
    ]
    deleted = [request.url.path for request in cluster.asked if request.method == "DELETE"]
    assert deleted == [f"/{GENERATION}", f"/films-0-{'c' * 32}"]


@pytest.mark.parametrize(("url", "member"), [("", EmbeddedIndex), ("http://search.test:9200", ClusterIndex)])
async def test_a_cluster_is_chosen_where_one_is_named(tmp_path: Path, url: str, member: type) -> None:
    async with open_index(MoviesSettings(index_folder=tmp_path, search_url=url)) as index:
        assert type(index) is member


async def test_a_cluster_that_is_away_makes_nobody_wait(settings: MoviesSettings, auth: AuthDoor) -> None:
    """Nobody listens there: searches say so, the house is not ready, and all else goes on."""
    (port,) = free_ports(1)
    away = settings.model_copy(update={"search_url": f"http://127.0.0.1:{port}"})
    app = create_app(away, transport=auth.transport)
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://theatre.example")
    async with app.router.lifespan_context(app), http:
        found = await http.get("/movies/api/v1/films/search", params={"query": "stalker"})
        assert (found.status_code, found.json()["code"]) == (503, "movies.search_away")
        ready = await http.get("/movies/api/_ready")
        assert (ready.status_code, ready.json()["missing"]) == (503, ["search"])
        assert (await http.get("/movies/api/v1/films")).status_code == 200
