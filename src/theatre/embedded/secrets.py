"""Random secrets of an embedded house: made at the first start, kept in one file that only its owner may read."""

import base64
import json
import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


class Secrets:
    """Secrets by name; an unknown name gets a new one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        self._known = len(self._values)

    def get(self, name: str) -> str:
        """Give a secret, the same one at every start: 32 bytes in base64, which is also an Ed25519 key."""
        return self._values.setdefault(name, base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())

    def save(self) -> None:
        """Keep what is new; a kill leaves the old file or the new one."""
        if len(self._values) == self._known:
            return
        unfinished = self._file.with_suffix(".new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._file)
        self._known = len(self._values)
