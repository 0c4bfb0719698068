"""Style sheet, script and icon: read once, named by their content, so that browsers may keep them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to."""

    path: str
    content: bytes
    media_type: str


def load_assets() -> Mapping[str, Asset]:
    """Read the static files of the package, by name; each path carries a fingerprint of the content."""
    assets = {}
    for file in (files("theatre.web") / "static").iterdir():
        stem, _, suffix = file.name.rpartition(".")
        content = file.read_bytes()
        fingerprint = hashlib.sha256(content).hexdigest()[:12]
        assets[file.name] = Asset(f"/static/{stem}.{fingerprint}.{suffix}", content, MEDIA_TYPES[suffix])
    return assets
