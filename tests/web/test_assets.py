"""What pages refer to: kept by browsers for ever, sent packed, and the libraries are those that their list names."""

import gzip
import hashlib
import json
from importlib.resources import files

from tests.web.visitor import Visitor
from theatre.web.assets import load_assets

LIBRARIES = files("theatre.web") / "static" / "libraries"


async def test_a_file_is_sent_packed_to_whoever_can_unpack_it(visitor: Visitor) -> None:
    asset = load_assets()["bootstrap.min.css"]
    packed = await visitor.http.get(asset.path, headers={"Accept-Encoding": "gzip"})
    plain = await visitor.http.get(asset.path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == asset.content
    assert {answer.headers["vary"] for answer in (packed, plain)} == {"Accept-Encoding"}
    assert "immutable" in packed.headers["cache-control"]


def test_what_is_sent_packed_is_the_file() -> None:
    for asset in load_assets().values():
        assert gzip.decompress(asset.packed) == asset.content
        assert len(asset.packed) < 125_000


def test_every_library_is_the_one_that_the_list_names_and_comes_with_its_licence() -> None:
    listed = json.loads((LIBRARIES / "libraries.json").read_text("utf-8"))
    code = {file.name for file in LIBRARIES.iterdir() if file.name.endswith((".js", ".css"))}
    assert {library["file"] for library in listed} == code
    for library in listed:
        content = (LIBRARIES / library["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == library["sha256"], library["file"]
        assert (LIBRARIES / f"LICENSE-{library['package']}.txt").is_file()
