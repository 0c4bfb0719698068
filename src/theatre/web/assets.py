"""What pages refer to: our own style sheets and scripts and the libraries of others, read once and named by their
content, so that browsers may keep them."""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to; `packed` is its content as gzip."""

    path: str
    content: bytes
    packed: bytes
    media_type: str


def load_assets() -> Mapping[str, Asset]:
    """Read the static files of the package, by name; each path carries a fingerprint of the content."""
    return dict(map(_load, _list_files(files("theatre.web") / "static")))


def _list_files(folder: Traversable) -> Iterator[Traversable]:
    for file in folder.iterdir():
        if file.is_dir():
            yield from _list_files(file)
        elif file.name.rpartition(".")[2] in MEDIA_TYPES:
            yield file


def _load(file: Traversable) -> tuple[str, Asset]:
    stem, _, suffix = file.name.rpartition(".")
    content = file.read_bytes()
    fingerprint = hashlib.sha256(content).hexdigest()[:12]
    path = f"/static/{stem}.{fingerprint}.{suffix}"
    return file.name, Asset(path, content, gzip.compress(content, mtime=0), MEDIA_TYPES[suffix])
