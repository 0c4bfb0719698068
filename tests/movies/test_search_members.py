"""What every member of the search port does alike: learn, find, forget, build beside and switch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import pytest

from tests.movies.members import MEMBERS, choosing
from theatre.movies.app import open_index
from theatre.movies.search import Entry, Kind, Question, SearchAway, SearchIndex, embedded, opensearch
from theatre.movies.settings import MoviesSettings

STALKER = Entry(
    Kind.FILM, UUID(int=1), ("Сталкер", "Stalker"), ("Андрей Тарковский", "Andrei Tarkovsky"), 8.1
)
MATRIX = Entry(Kind.FILM, UUID(int=2), ("Матрица", "The Matrix"), ("Киану Ривз", "Keanu Reeves"), 8.7)
GODFATHER = Entry(Kind.FILM, UUID(int=3), ("Крёстный отец", "The Godfather"), rating=9.2)
MIRROR = Entry(Kind.FILM, UUID(int=4), ("Зеркало", "Mirror"), ("Андрей Тарковский", "Andrei Tarkovsky"), 8.0)
FILMS = [STALKER, MATRIX, GODFATHER, MIRROR]


class Opener(Protocol):
    """Opens the member once more, as another process would."""

    async def __call__(self) -> SearchIndex: ...


@pytest.fixture(params=MEMBERS)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        chosen = choosing(request.param, tmp_path / "index", MoviesSettings())
        settings = await stack.enter_async_context(chosen)

        async def opener() -> SearchIndex:
            return await stack.enter_async_context(open_index(settings))

        yield opener


@pytest.fixture
async def index(opened: Opener) -> SearchIndex:
    """An index that knows the films."""
    index = await opened()
    await build(index, FILMS)
    return index


async def build(index: SearchIndex, entries: list[Entry]) -> None:
    async with index.building() as build:
        await build.add(entries)
        await build.switch()


async def found(index: SearchIndex, text: str, kind: Kind = Kind.FILM) -> list[UUID]:
    return list((await index.find(Question(kind, text, limit=10))).ids)


async def known(index: SearchIndex) -> dict[tuple[Kind, UUID], str]:
    return {(kind, id): digest async for kind, id, digest in index.digests()}


async def test_before_it_is_built_it_is_away_to_all(opened: Opener) -> None:
    index = await opened()
    assert not await index.is_built()
    with pytest.raises(SearchAway):
        await found(index, "stalker")
    with pytest.raises(SearchAway):
        await index.put([STALKER], [])
    with pytest.raises(SearchAway):
        await known(index)
    assert not await index.is_built()


async def test_an_empty_index_is_built_and_finds_nothing(opened: Opener) -> None:
    index = await opened()
    await build(index, [])
    assert await index.is_built()
    assert await found(index, "stalker") == []
    assert await found(index, "") == []
    assert await known(index) == {}


async def test_what_was_put_is_found_at_once_by_others_too(opened: Opener, index: SearchIndex) -> None:
    new = Entry(Kind.FILM, uuid4(), ("Солярис", "Solaris"))
    await index.put([new], [])
    assert await found(index, "solaris") == [new.id]
    assert await found(await opened(), "solaris") == [new.id]


async def test_what_is_put_twice_is_there_once_as_it_was_put_last(index: SearchIndex) -> None:
    changed = Entry(Kind.FILM, STALKER.id, ("Пикник на обочине",))
    for entry in (STALKER, changed, changed):
        await index.put([entry], [])
    assert await found(index, "stalker") == []
    answer = await index.find(Question(Kind.FILM, "пикник", limit=10))
    assert (list(answer.ids), answer.total) == ([STALKER.id], 1)
    assert (await known(index))[Kind.FILM, STALKER.id] == changed.digest()


async def test_what_is_gone_is_not_found_and_may_go_twice(index: SearchIndex) -> None:
    for _ in range(2):
        await index.put([], [(Kind.FILM, STALKER.id), (Kind.FILM, uuid4())])
    assert await found(index, "stalker") == []
    assert len(await known(index)) == len(FILMS) - 1


async def test_nothing_to_learn_is_no_fault(index: SearchIndex) -> None:
    await index.put([], [])
    assert len(await known(index)) == len(FILMS)


async def test_a_person_and_a_film_of_one_id_are_two(index: SearchIndex) -> None:
    person = Entry(Kind.PERSON, STALKER.id, ("Сталкер Иванов",))
    await index.put([person], [])
    assert await found(index, "сталкер") == await found(index, "сталкер", Kind.PERSON) == [STALKER.id]
    await index.put([], [(Kind.FILM, STALKER.id)])
    assert await found(index, "сталкер") == []
    assert await found(index, "сталкер", Kind.PERSON) == [person.id]


@pytest.mark.parametrize(
    ("text", "first", "corrected"),
    [
        ("Сталкер", STALKER, None),
        ("СТАЛКЕР!", STALKER, None),
        ("крёстный отец", GODFATHER, None),
        ("крестный отец", GODFATHER, None),
        ("krestnyy otec", GODFATHER, None),
        ("godf", GODFATHER, None),
        ("тарк", STALKER, None),
        ("cnfkrth", STALKER, "сталкер"),
        ("ьфекшч", MATRIX, "matrix"),
        ("сталкир", STALKER, "сталкер"),
        ("stlaker", STALKER, "stalker"),
        ("godfahter", GODFATHER, "godfather"),
        ("матриуа", MATRIX, "матрица"),
        ("зеркло", MIRROR, "зеркало"),
        ("зиркал", MIRROR, "зеркало"),
        ("тврков", STALKER, "тарковский"),
        ("зеркало тарковский", MIRROR, None),
        ("зеркало тарковзкий", MIRROR, "зеркало тарковский"),
        ("stalker blechtrommel", STALKER, "stalker"),
        ("крест", GODFATHER, None),
    ],
)
async def test_a_text_is_read_in_many_ways(
    index: SearchIndex, text: str, first: Entry, corrected: str | None
) -> None:
    answer = await index.find(Question(Kind.FILM, text, limit=10))
    assert (answer.ids[0], answer.corrected) == (first.id, corrected)


async def test_what_is_not_there_is_not_found(index: SearchIndex) -> None:
    answer = await index.find(Question(Kind.FILM, "Xyzzyq Wwwkkkk", limit=10, with_facets=True))
    assert (list(answer.ids), answer.total, answer.corrected) == ([], 0, None)
    assert list(answer.words) == ["xyzzyq", "wwwkkkk"]


SIGNS = (
    "*",
    "?",
    "~2",
    "a*",
    "/.*/",
    "'\"()[]{}\\",
    "\u0301",
    "🎬",
    "\0",
    "\u2028",
    "stalker^100",
    "<script>",
)
WORDS = ("AND OR NOT", "name:stalker", "я" * 200, "a b " * 50, '{"match_all": {}}', "../../_all")


@pytest.mark.parametrize("text", [*SIGNS, *WORDS])
async def test_any_text_is_a_question_and_none_an_operator(index: SearchIndex, text: str) -> None:
    answer = await index.find(Question(Kind.FILM, text, limit=10))
    assert answer.total <= len(FILMS)


@pytest.mark.parametrize(
    "names",
    [("!!!",), ("",), ("я" * 300, "a " * 150), ("🎬",), ("x" * 2_000,)],
    ids=["signs", "none", "long", "picture", "huge"],
)
async def test_any_name_is_learnt(index: SearchIndex, names: tuple[str, ...]) -> None:
    entry = Entry(Kind.FILM, uuid4(), names, tuple(f"Person {number} Jr." for number in range(500)))
    await index.put([entry, entry], [])
    assert (await known(index))[Kind.FILM, entry.id] == entry.digest()
    assert entry.id in await found(index, "")


async def test_of_two_that_match_alike_the_better_one_comes_first(opened: Opener) -> None:
    index = await opened()
    ratings = (5.0, 9.0, 0.0, 10.0, 7.0)
    films = [Entry(Kind.FILM, uuid4(), (f"Faust {rating}",), rating=rating) for rating in ratings]
    await build(index, films)
    ranked = [film.id for film in sorted(films, key=lambda film: -film.rating)]
    assert await found(index, "faust") == ranked
    assert await found(index, "") == ranked


@pytest.mark.parametrize("text", ["", "faust", "fuast", "afecn", "aфауст faust"])
async def test_pages_follow_each_other_however_the_text_was_read(opened: Opener, text: str) -> None:
    index = await opened()
    films = [Entry(Kind.FILM, uuid4(), (f"Faust {number}", f"Фауст {number}")) for number in range(90)]
    await build(index, films)
    whole = await index.find(Question(Kind.FILM, text, limit=100))
    seen: list[UUID] = []
    for offset in range(0, 105, 15):
        page = await index.find(Question(Kind.FILM, text, limit=15, offset=offset))
        assert (page.total, page.corrected) == (90, whole.corrected)
        seen += page.ids
    assert seen == list(whole.ids)
    assert set(seen) == {film.id for film in films}


async def test_a_build_is_not_seen_until_the_switch_and_then_alone(
    opened: Opener, index: SearchIndex
) -> None:
    reader = await opened()
    async with index.building() as build:
        await build.add([MATRIX, MIRROR])
        await build.put(
            [Entry(Kind.FILM, MATRIX.id, ("Матрица: Воскрешение",)), GODFATHER], [(Kind.FILM, MIRROR.id)]
        )
        assert await found(reader, "stalker") == [STALKER.id]
        await build.switch()
    assert set((await known(await opened())).keys()) == {(Kind.FILM, MATRIX.id), (Kind.FILM, GODFATHER.id)}
    assert await found(index, "воскрешение") == [MATRIX.id]
    assert await found(index, "stalker") == []
    await index.put([STALKER], [])
    assert await found(index, "stalker") == [STALKER.id]


async def test_a_build_that_is_broken_off_leaves_what_was_in_use(index: SearchIndex) -> None:
    async def break_off() -> None:
        async with index.building() as build:
            await build.add([Entry(Kind.FILM, uuid4(), ("Другое",))])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    assert await found(index, "другое") == []
    assert await found(index, "stalker") == [STALKER.id]


async def test_no_search_fails_while_builds_are_switched(opened: Opener, index: SearchIndex) -> None:
    reader, is_done = await opened(), asyncio.Event()

    async def search() -> int:
        count = 0
        while not is_done.is_set() or not count:
            assert await found(reader, "stalker") == [STALKER.id]
            count += 1
        return count

    async with asyncio.TaskGroup() as group:
        searches = [group.create_task(search()) for _ in range(2)]
        for _ in range(4):
            await build(index, FILMS)
        is_done.set()
    assert all(task.result() for task in searches)


async def test_all_that_is_known_is_told_once_with_its_digest(opened: Opener) -> None:
    index = await opened()
    entries = [Entry(kind, UUID(int=number), (f"Name {number}",)) for kind in Kind for number in range(2_500)]
    await build(index, entries)
    told = [item async for item in index.digests()]
    assert len(told) == len(entries)
    assert {(kind, id): digest for kind, id, digest in told} == {(e.kind, e.id): e.digest() for e in entries}


async def test_of_two_who_write_at_once_each_is_learnt_or_told_to_come_again(
    opened: Opener, index: SearchIndex
) -> None:
    films = [Entry(Kind.FILM, uuid4(), (f"Faust {number}",)) for number in range(2)]
    outcomes = await asyncio.gather(
        *(writer.put([film], []) for writer, film in zip((index, await opened()), films, strict=True)),
        return_exceptions=True,
    )
    learnt = {film.id for film, outcome in zip(films, outcomes, strict=True) if outcome is None}
    assert learnt
    assert all(outcome is None or isinstance(outcome, SearchAway) for outcome in outcomes)
    assert set(await found(index, "faust")) == learnt


async def test_an_index_of_another_schema_counts_as_none_and_goes_with_the_next_build(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(embedded, "CURRENT", "current-0")
        older.setattr(opensearch, "SCHEMA", 0)
        old = await opened()
        await build(old, FILMS)
        assert await old.is_built()
    index = await opened()
    assert not await index.is_built()
    with pytest.raises(SearchAway):
        await found(index, "stalker")
    await build(index, [MATRIX])
    assert await found(index, "matrix") == [MATRIX.id]
    assert await found(index, "stalker") == []
